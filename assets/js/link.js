// The address of what the page shows: the same form that panels/links.py reads and checks.
"use strict";
(() => {
  const { page, studies, equal, accepts } = workbench;
  const LONG_KINDS = ["text", "upload", "picks", "chips", "board"]; // in a link only when not the default
  let tab = "overview";
  const shown = {}; // the study that each tab shows, by slug
  let timer;

  const query = (leftOut = []) => {
    const pairs = new URLSearchParams();
    if (tab === "overview") return pairs;
    pairs.set("v", page.link.version);
    pairs.set("tab", tab);
    if ((shown[tab] ?? tab) !== tab) pairs.set("study", shown[tab].slice(tab.length + 1));
    for (const { slug } of page.tabs[tab]?.studies ?? []) {
      const study = studies.get(slug);
      const prefix = slug === tab ? "" : `${slug.slice(tab.length + 1)}.`;
      const isShown = slug === (shown[tab] ?? tab);
      for (const param of study.spec.params.filter(({ kind }) => !leftOut.includes(kind))) {
        const value = study.values[param.name];
        const isKept = isShown && !LONG_KINDS.includes(param.kind);
        if (isKept || !equal(value, param.default)) pairs.set(prefix + param.name, String(value));
      }
    }
    return pairs;
  };
  // The values that the address asks for, before anything is drawn. The server checks the same link
  // and says what is wrong with it; then nothing of it is followed, here as there.
  const follow = (pairs) => {
    const opened = page.tabs[pairs.get("tab")];
    if (!opened) return;
    const owner = pairs.get("tab");
    const named = studies.get(`${owner}.${pairs.get("study")}`);
    // a name alone is the main study's, or if that has none, the shown one's
    const whose = (name) => (named && !studies.get(owner)?.params.has(name) ? named : studies.get(owner));
    const found = [];
    for (const [name, text] of pairs) {
      if (["v", "tab", "study"].includes(name) || name.startsWith("__")) continue;
      const dot = name.lastIndexOf(".");
      const study = dot < 0 ? whose(name) : studies.get(`${owner}.${name.slice(0, dot)}`);
      const param = study?.params.get(name.slice(dot + 1));
      const value = param && (param.kind === "range" ? (text.trim() ? Number(text) : NaN) : param.kind === "flag" ? text === "true" : text);
      if (!param || !accepts(param, value)) return;
      found.push([study, param.name, value]);
    }
    for (const [study, name, value] of found) study.values[name] = value;
    if (named) shown[owner] = named.slug;
  };
  // What is too long for an address is kept by the tab of the browser, beside the address without it:
  // when the page comes back after its server was away, a long text is still there.
  const LONG = "wb-long-link";
  const keptLong = () => {
    const [shownAddress, text] = JSON.parse(sessionStorage.getItem(LONG) ?? "[]");
    return shownAddress === location.href ? text : undefined;
  };
  follow(new URLSearchParams(keptLong() ?? location.search));

  // Gradio moves between tabs; which one is seen is told by its buttons
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".wb-questions > .tab-wrapper [role=tab]");
    const study = studies.get(button?.dataset.tabId);
    if (study) workbench.showStudy(study.slug);
  });

  const address = (leftOut) => {
    const kept = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("__"));
    const text = new URLSearchParams([...query(leftOut), ...kept]).toString();
    return location.origin + location.pathname + (text ? `?${text}` : "");
  };
  const keep = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const isShort = address().length <= page.link.maxCharacters;
      history.replaceState(history.state, "", isShort ? address() : address(LONG_KINDS));
      try {
        if (isShort) sessionStorage.removeItem(LONG);
        else sessionStorage.setItem(LONG, JSON.stringify([location.href, query().toString()]));
      } catch {
        // the browser keeps nothing for this page; then only what fits an address comes back
      }
    }, 250);
  };

  Object.assign(workbench, {
    address: () => address(),
    isTooLong: () => address().length > page.link.maxCharacters,
    changed: keep,
    tab: () => tab,
    showTab(name) {
      tab = name;
      document.body.dataset.tab = name;
      keep();
    },
    showStudy(slug) {
      shown[studies.get(slug).tab] = slug;
      keep();
    },
  });
})();

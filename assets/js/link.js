// The address of what the page shows: the same form that panels/links.py reads and checks.
"use strict";
(() => {
  const { page, studies, equal } = workbench;
  let tab = "overview";
  const shown = {}; // the study that each tab shows, by slug
  let timer;

  const query = () => {
    const pairs = new URLSearchParams();
    if (tab === "overview") return pairs;
    pairs.set("v", page.link.version);
    pairs.set("tab", tab);
    if ((shown[tab] ?? tab) !== tab) pairs.set("study", shown[tab].slice(tab.length + 1));
    for (const { slug } of page.tabs[tab]?.studies ?? []) {
      const study = studies.get(slug);
      const prefix = slug === tab ? "" : `${slug.slice(tab.length + 1)}.`;
      const isShown = slug === (shown[tab] ?? tab);
      for (const param of study.spec.params) {
        const value = study.values[param.name];
        const isKept = isShown && param.kind !== "text" && param.kind !== "upload";
        if (isKept || !equal(value, param.default)) pairs.set(prefix + param.name, String(value));
      }
    }
    return pairs;
  };
  const address = () => {
    const kept = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("__"));
    const text = new URLSearchParams([...query(), ...kept]).toString();
    return location.origin + location.pathname + (text ? `?${text}` : "");
  };
  const keep = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (address().length <= page.link.maxCharacters) history.replaceState(history.state, "", address());
    }, 250);
  };

  Object.assign(workbench, {
    address,
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

// What the page knows: its tabs, studies and parameters, their present values, and who listens.
// Values change in three ways: a slider is dragged (seen here at once, without Gradio), a control
// reports a change (`note`, called by Gradio), or a lesson, link or reset asks for it.
"use strict";
window.workbench = (() => {
  const page = window.workbenchPage;
  const builders = {};
  const studies = new Map();
  const byElement = new Map();

  class StudyState {
    constructor(tab, spec) {
      this.tab = tab;
      this.spec = spec;
      this.slug = spec.slug;
      this.params = new Map(spec.params.map((param) => [param.name, param]));
      this.values = Object.fromEntries(spec.params.map((param) => [param.name, param.default]));
      this.listeners = new Set();
    }
    update(changes, inputAt = performance.now()) {
      const changed = Object.keys(changes).filter(
        (name) => this.params.has(name) && changes[name] !== null && changes[name] !== this.values[name],
      );
      if (!changed.length) return;
      for (const name of changed) this.values[name] = changes[name];
      for (const listen of this.listeners) listen(changed, inputAt);
      workbench.changed(this);
    }
    // show this study and put its controls to these values, now or as soon as it is drawn
    open(values = null) {
      document.getElementById(`${this.spec.tab}-button`)?.click();
      if (!values) return;
      if (this.panel) this.panel.set(values);
      else this.wanted = values;
    }
    differs(params, which) {
      return this.spec.params.some(
        (param) => which(param) && !equal(params[param.name], this.values[param.name]),
      );
    }
  }

  const asked = new URLSearchParams(location.search);
  const ask = async () => {
    try {
      const answer = await fetch(`workbench-first${location.search}`, { cache: "no-store" });
      return answer.status === 200 ? await answer.json() : null;
    } catch {
      return null; // the study asks again by itself, and says what is wrong
    }
  };
  let first = page.tabs[asked.get("tab")] ? ask() : null;

  const equal = (a, b) =>
    a === b || (typeof a === "number" && typeof b === "number" && Math.abs(a - b) < 1e-9);

  for (const [tab, described] of Object.entries(page.tabs)) {
    for (const spec of described.studies) {
      const state = new StudyState(tab, spec);
      studies.set(spec.slug, state);
      for (const param of spec.params) byElement.set(param.element, [state, param]);
    }
  }

  document.addEventListener(
    "input",
    (event) => {
      const host = event.target.closest?.(".wb-control");
      const found = host && byElement.get(host.id);
      if (!found || !["range", "number"].includes(event.target.type)) return;
      const value = event.target.valueAsNumber;
      if (Number.isFinite(value)) found[0].update({ [found[1].name]: value }, event.timeStamp);
    },
    true,
  );

  const workbench = {
    page,
    builders,
    studies,
    equal,
    // ring of the last redraws, milliseconds from input to drawn; read by the benchmark
    redraws: [],
    // the answer that the address asks for, on its way while Gradio starts; given once, to the
    // study it belongs to
    async takeFirst(slug) {
      const answer = await first;
      if (answer?.study !== slug) return null;
      first = null;
      return answer;
    },
    changed: () => {},
    mount(kind, argument, api) {
      builders[kind](argument, api);
    },
    note(slug, names, values) {
      studies.get(slug).update(Object.fromEntries(names.map((name, i) => [name, values[i]])));
    },
    run: (slug) => studies.get(slug).panel?.run(),
    reset: (slug) => studies.get(slug).panel?.reset(),
    make(tag, attributes = {}, ...children) {
      const made = document.createElement(tag);
      for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (value === true) made.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
      }
      made.append(...children.filter((child) => child !== null && child !== undefined));
      return made;
    },
    number(value) {
      if (typeof value !== "number") return String(value);
      if (Number.isInteger(value)) return value.toLocaleString("en").replaceAll(",", "\u2009");
      const size = Math.abs(value);
      if (size >= 1e5 || size < 1e-3) return value.toExponential(3).replaceAll("-", "\u2212");
      return String(Number(value.toPrecision(4))).replace("-", "\u2212");
    },
  };
  return workbench;
})();

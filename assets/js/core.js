// What the page knows: its tabs, studies and parameters, their present values, and who listens.
// Values change in one way, `update`: a control does it, a click in a figure, a lesson, a reset.
"use strict";
window.workbench = (() => {
  const page = window.workbenchPage;
  const builders = {};
  const studies = new Map();

  class StudyState {
    constructor(tab, spec) {
      this.tab = tab;
      this.spec = spec;
      this.slug = spec.slug;
      this.params = new Map(spec.params.map((param) => [param.name, param]));
      this.values = Object.fromEntries(spec.params.map((param) => [param.name, param.default]));
      this.listeners = new Set();
      this.offers = {}; // what the last result offers for a control: [{text, role}]
      this.offered = new Set(); // who listens to that
    }
    offer(offers = {}) {
      this.offers = offers;
      for (const listen of this.offered) listen();
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
    // show this study, with these values
    open(values = {}) {
      document.getElementById(`${this.spec.tab}-button`)?.click();
      this.update(values);
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
    }
  }

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
    // whether the server would take this value of a parameter
    accepts(param, value) {
      if (param.kind === "range") {
        return Number.isFinite(value) && value >= param.minimum && value <= param.maximum && (!param.whole || Number.isInteger(value));
      }
      if (param.kind === "choice") return param.options.includes(value);
      if (param.kind === "flag") return typeof value === "boolean";
      if (typeof value !== "string") return false;
      if (param.kind !== "chips") return true;
      const chips = workbench.chipsOf(value);
      return chips.length <= param.maxItems && chips.every(({ text }) => [...text].length <= param.maxChars);
    },
    // the phrases of a text, each with whether it is locked
    chipsOf: (value) =>
      value
        .split(";")
        .map((part) => part.trim().replace(/\s+/g, " "))
        .filter((part) => part.replace(/^!/, "").trim())
        .map((part) => ({ text: part.replace(/^!/, "").trim(), isLocked: part.startsWith("!") })),
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

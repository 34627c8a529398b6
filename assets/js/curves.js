// The curves of a training while it runs: one small line for each number that it tells.
"use strict";
(() => {
  const { make } = workbench;
  const WIDTH = 240;
  const HEIGHT = 72;
  const PAD = 6;
  const element = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  class Curves {
    constructor(host) {
      this.host = host;
      this.seen = new Map(); // name -> Map of iteration -> value
    }
    add({ iteration, seen }) {
      for (const [name, value] of Object.entries(seen)) {
        if (!this.seen.has(name)) this.seen.set(name, new Map());
        this.seen.get(name).set(iteration, value);
      }
      this.host.replaceChildren(...[...this.seen].map(([name, values]) => curve(name, values)));
    }
  }

  const curve = (name, values) => {
    const points = [...values].sort(([a], [b]) => a - b);
    const [first, last] = [points[0][0], points.at(-1)[0]];
    const levels = points.map(([, value]) => value);
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const x = (at) => PAD + ((WIDTH - 2 * PAD) * (at - first)) / Math.max(1, last - first);
    const y = (value) => HEIGHT - PAD - ((HEIGHT - 2 * PAD) * (value - low)) / (high - low || 1);
    const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "wb-curve", role: "img", "aria-label": `${name}, ${points.length} points` });
    svg.append(
      element("polyline", { points: points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }),
      element("circle", { cx: x(last), cy: y(levels.at(-1)), r: 4 }),
    );
    const said = `${name.replaceAll("_", " ")} ${workbench.number(levels.at(-1))} at iteration ${last}`;
    return make("figure", { class: "wb-curve-of" }, svg, make("figcaption", {}, said));
  };

  Object.assign(workbench, { Curves });
})();

// A Plotly figure that follows live parameters: every position came once, as typed arrays; moving
// a slider picks the position. Zoom, legend and hover live through it (Plotly.react, uirevision).
"use strict";
(() => {
  const { page, redraws } = workbench;

  const decodeBytes = (base64) => {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  };
  const widen = (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
  };
  const decodeFloats = ({ base64, dtype }) => {
    const { buffer } = decodeBytes(base64);
    return dtype === "float16" ? Float32Array.from(new Uint16Array(buffer), widen) : new Float32Array(buffer);
  };
  const size = (shape) => shape.reduce((product, n) => product * n, 1);
  const cut = (flat, offset, shape) => {
    if (!shape.length) return Number.isFinite(flat[offset]) ? flat[offset] : null;
    if (shape.length === 1) return flat.subarray(offset, offset + shape[0]);
    const step = size(shape.slice(1));
    return Array.from({ length: shape[0] }, (_, i) => cut(flat, offset + i * step, shape.slice(1)));
  };
  const decode = (part) => {
    if (part === null || typeof part !== "object") return part;
    if (typeof part.base64 === "string") return cut(decodeFloats(part), 0, part.shape);
    if (Array.isArray(part)) return part.map(decode);
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, decode(value)]));
  };

  const nearest = (positions, value) => {
    if (typeof value !== "number") return Math.max(0, positions.indexOf(value));
    let best = 0;
    for (let i = 1; i < positions.length; i++) {
      if (Math.abs(positions[i] - value) < Math.abs(positions[best] - value)) best = i;
    }
    return best;
  };

  class Slot {
    constructor(spec, axes) {
      this.keys = (spec.path ?? "").match(/[^.[\]]+/g)?.map((key) => (/^\d+$/.test(key) ? +key : key));
      this.axes = spec.axes;
      this.lengths = spec.axes.map((name) => axes[name].length);
      this.texts = spec.texts;
      this.tail = spec.shape?.slice(spec.axes.length);
      this.floats = spec.base64 === undefined ? null : decodeFloats(spec);
    }
    at(positions) {
      let index = 0;
      this.axes.forEach((name, i) => (index = index * this.lengths[i] + positions[name]));
      return this.floats ? cut(this.floats, index * size(this.tail), this.tail) : this.texts[index];
    }
    // what is shared with other draws is copied on the way down: Plotly compares by identity
    assign(spec, positions, owned) {
      let part = spec;
      for (const key of this.keys.slice(0, -1)) {
        const child = part[key] ?? {};
        part = owned.has(child) ? child : (part[key] = copyOf(child));
        owned.add(part);
      }
      part[this.keys.at(-1)] = this.at(positions);
    }
  }
  const copyOf = (part) =>
    ArrayBuffer.isView(part) ? part.slice() : Array.isArray(part) ? [...part] : { ...part };

  // what is shown for every position of its live parameters, with its words
  class Live {
    constructor(payload) {
      this.axes = payload.axes;
      this.words = typeof payload.words === "string" ? null : new Slot(payload.words, payload.axes);
      this.fixedWords = typeof payload.words === "string" ? payload.words : "";
      this.depends = new Set(this.words?.axes);
    }
    positions(values) {
      return Object.fromEntries(
        Object.entries(this.axes).map(([name, list]) => [name, nearest(list, values[name])]),
      );
    }
    wordsAt(values) {
      return this.words ? this.words.at(this.positions(values)) : this.fixedWords;
    }
  }

  // a figure's data for every position of its live parameters
  class Sweep extends Live {
    constructor(payload) {
      super(payload);
      this.figure = decode(payload.figure);
      this.slots = payload.slots.map((slot) => new Slot(slot, payload.axes));
      for (const name of this.slots.flatMap((slot) => slot.axes)) this.depends.add(name);
    }
    // traces are copied one level deep, the layout wholly: Plotly writes into what it is given
    at(values) {
      const positions = this.positions(values);
      const spec = {
        data: this.figure.data.map((trace) => ({ ...trace })),
        layout: structuredClone(this.figure.layout ?? {}),
      };
      const owned = new Set([spec.data, spec.layout, ...spec.data]);
      for (const slot of this.slots) slot.assign(spec, positions, owned);
      return spec;
    }
    // the parts that differ between two positions
    changes(before, after) {
      return this.slots.filter((slot) => slot.axes.some((name) => before[name] !== after[name]));
    }
  }

  const isLines = (data) => data.every((trace) => (trace.type ?? "scatter").startsWith("scatter"));

  // the traces of a pinned figure behind the present one
  const ghosts = (data) =>
    data.map((trace) => ({
      ...trace,
      name: `A · ${trace.name ?? ""}`,
      opacity: 0.38 * (trace.opacity ?? 1),
      showlegend: false,
      legendgroup: undefined,
      line: { ...trace.line, dash: "dot" },
    }));

  const CONFIG = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
    showTips: false,
  };
  // where clicks pick points, two quick ones are two picks and not a double click
  const PICK_CONFIG = { ...CONFIG, doubleClickDelay: 1 };
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  // Most figures need only the cartesian part of Plotly, which runs in a third of the time of the
  // whole; a figure with another type of trace fetches the whole. The part runs as soon as it is
  // here, while Gradio's own scripts are on their way.
  const CARTESIAN = new Set(
    "bar box contour heatmap histogram histogram2d histogram2dcontour image pie scatter scatterternary violin".split(" "),
  );
  const isCartesian = (data) => data.every((trace) => CARTESIAN.has(trace.type ?? "scatter"));
  const plotlyAddress = (data) =>
    new URL(isCartesian(data) ? page.plotly.cartesian : page.plotly.whole, location).href;
  const runScript = (src) =>
    new Promise((resolve, reject) => {
      document.head.append(workbench.make("script", { src, onload: () => resolve(window.Plotly), onerror: reject }));
    });
  let part;
  let whole;
  const plotly = (data = []) => {
    if (whole || !isCartesian(data)) return (whole ??= runScript(plotlyAddress(data)));
    return (part ??= runScript(plotlyAddress(data)));
  };

  // colours chosen for paper, as they are on slate
  const recolour = (part) => {
    if (typeof part === "string") return page.onSlate[part] ?? part;
    if (part === null || typeof part !== "object" || ArrayBuffer.isView(part)) return part;
    if (Array.isArray(part)) return typeof part[0] === "number" ? part : part.map(recolour);
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, recolour(value)]));
  };

  const theme = () => (document.body.classList.contains("dark") ? "dark" : "light");

  // Plotly.react draws the axes anew each time: about 35 ms here, whatever the number of points.
  // Points of lines that move between fixed axes need only their traces: Plotly.animate, 12 ms.
  const isMovedPoint = (slot) => slot.keys[0] === "data" && ["x", "y", "text"].includes(slot.keys[2]);
  const hasFixedAxes = ({ _subplots: plots, ...layout }) =>
    [...(plots.xaxis ?? []), ...(plots.yaxis ?? [])].every(
      (id) => !layout[id.replace(/^([xy])(\d*)$/, "$1axis$2")]?.autorange,
    );
  const AT_ONCE = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } };
  const FIRST_FIGURE = "workbench-first-figure"; // a mark for the browser's own tools and our bench
  const SETTLED_AFTER_MS = 160;

  // one place on the page where figures are drawn
  class Canvas {
    constructor(host, onClick = () => {}) {
      this.host = host;
      this.onClick = onClick;
      this.picks = false;
      this.next = null;
      this.busy = null;
      this.last = null;
    }
    // draw a sweep at some values, with traces of another behind it; a newer call replaces one
    // that has not begun
    draw(sweep, values, behind = [], inputAt = undefined) {
      this.next = { sweep, values: { ...values }, behind, inputAt };
      this.busy ??= this.work().finally(() => (this.busy = null));
      return this.busy;
    }
    async work() {
      while (this.next) {
        const Plotly = await plotly(this.next.sweep.figure.data);
        if (this.last) await frame(); // the first figure waits for nothing
        const { sweep, values, behind, inputAt } = this.next;
        this.next = null;
        const figure = sweep.at(values);
        const now = { sweep, values, behind, theme: theme(), positions: sweep.positions(values) };
        const moved = inputAt === undefined ? null : this.movedTraces(now, figure);
        if (moved) await this.move(Plotly, now, figure, moved);
        else await this.redraw(Plotly, now, figure);
        if (inputAt !== undefined) {
          redraws.push(performance.now() - inputAt);
          if (redraws.length > 500) redraws.shift();
        }
      }
    }
    movedTraces(now, figure) {
      const last = this.last;
      if (!last || last.sweep !== now.sweep || last.theme !== now.theme || last.behind !== now.behind) return null;
      if (!isLines(figure.data) || !hasFixedAxes(this.host._fullLayout)) return null;
      const changes = now.sweep.changes(last.positions, now.positions);
      return changes.every(isMovedPoint) ? [...new Set(changes.map((slot) => slot.keys[1]))] : null;
    }
    async move(Plotly, now, { data }, traces) {
      if (traces.length) {
        const parts = traces.map((i) => Object.fromEntries(["x", "y", "text"].filter((key) => key in data[i]).map((key) => [key, data[i][key]])));
        await Plotly.animate(this.host, { data: parts, traces: traces.map((i) => i + now.behind.length) }, AT_ONCE);
      }
      this.last = now;
      clearTimeout(this.settling);
      this.settling = setTimeout(() => {
        if (!this.busy && this.last === now) this.draw(now.sweep, now.values, now.behind);
      }, SETTLED_AFTER_MS);
    }
    async redraw(Plotly, now, { data, layout }) {
      clearTimeout(this.settling);
      delete layout.width;
      delete layout.height;
      Object.assign(layout, { autosize: true, uirevision: "kept", template: page.templates[now.theme] });
      const coloured = now.theme === "dark" ? recolour : (part) => part;
      await Plotly.react(this.host, coloured([...now.behind, ...data]), coloured(layout), this.picks ? PICK_CONFIG : CONFIG);
      if (!this.isWatched) this.host.on("plotly_click", ({ points: [point] }) => point && this.onClick(point));
      this.isWatched = true;
      if (!performance.getEntriesByName(FIRST_FIGURE).length) performance.mark(FIRST_FIGURE);
      this.last = now;
    }
    clear() {
      this.next = null;
      this.last = null;
      clearTimeout(this.settling);
      if (this.host.data) window.Plotly.purge(this.host);
      this.isWatched = false;
    }
  }

  Object.assign(workbench, { Live, Sweep, Canvas, ghosts, isLines, plotly, plotlyAddress, theme });
  plotly();
})();

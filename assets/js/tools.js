// What stands in the drawer below a figure: numbers, table, Python, receipt, export.
"use strict";
(() => {
  const { make, number, exporters } = workbench;
  const MAX_TABLE_ROWS = 200;

  const words = (name) => name.replaceAll("_", " ");
  const copy = async (text, button, done = "Copied") => {
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = done;
    setTimeout(() => (button.textContent = before), 1500);
  };
  const table = (caption, columns, rows) =>
    make(
      "table",
      {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, String(name))))),
      make(
        "tbody",
        {},
        ...rows.map(([head, ...cells]) =>
          make("tr", {}, make("th", { scope: "row" }, shown(head)), ...cells.map((cell) => make("td", {}, shown(cell)))),
        ),
      ),
    );
  const shown = (value) => (value === null || value === undefined || Number.isNaN(value) ? "–" : number(value));

  const settings = (panel, params) =>
    panel.study.spec.params
      .filter((param) => !["text", "chips", "board"].includes(param.kind) && param.name in params)
      .map((param) => `${param.label.toLowerCase().startsWith(param.name) ? param.name : param.label} ${shown(params[param.name])}`)
      .slice(0, 4)
      .join(" · ");

  // a file of the study's own: the server writes it, which may take a moment
  const writtenFile = (download, panel) => {
    const write = async () => {
      button.disabled = true;
      try {
        await exporters.written(download, panel);
      } catch {
        panel.complain({ kind: "other", text: "The file did not arrive; try again." });
      }
      button.disabled = false;
    };
    const button = make("button", { type: "button", "data-export": download.name, onclick: write }, download.label);
    return button;
  };

  const drawers = {
    numbers(panel) {
      const { bundle, pinned } = panel;
      const box = make("div");
      if (panel.isOff()) {
        box.append(
          make(
            "p",
            { class: "wb-hint" },
            `These numbers are for ${settings(panel, bundle.params)}; the sliders have moved since. `,
            make("button", { type: "button", onclick: () => panel.refresh() }, "Bring them up to date"),
          ),
        );
      }
      const names = Object.keys(bundle.summary);
      if (!pinned) {
        box.append(table("Named numbers", ["name", "value"], names.map((n) => [words(n), bundle.summary[n]])));
        return box;
      }
      const rows = names.map((name) => {
        const [a, b] = [pinned.bundle.summary[name], bundle.summary[name]];
        const difference = typeof a === "number" && typeof b === "number" ? b - a : a === b ? "same" : "differs";
        return [words(name), a, b, difference];
      });
      box.append(
        make("p", { class: "wb-hint" }, `A: ${settings(panel, pinned.values)}`, make("br"), `B: ${settings(panel, bundle.params)}`),
        table("Named numbers of A and B", ["name", "A", "B", "B − A"], rows),
      );
      return box;
    },
    table(panel) {
      const box = make("div");
      for (const { title, columns, rows } of panel.frame.tables()) {
        const more = rows.length > MAX_TABLE_ROWS ? ` (first ${MAX_TABLE_ROWS} of ${rows.length} rows; the CSV has all)` : "";
        box.append(table(title + more, columns, rows.slice(0, MAX_TABLE_ROWS)));
      }
      return box;
    },
    python(panel) {
      const code = panel.bundle.python;
      const button = make("button", { type: "button", onclick: () => copy(code, button) }, "Copy");
      return make(
        "div",
        {},
        panel.isOff() &&
          make(
            "p",
            { class: "wb-hint" },
            "The sliders have moved since these lines were written. ",
            make("button", { type: "button", onclick: () => panel.refresh() }, "Bring them up to date"),
          ),
        make("pre", { tabindex: "0" }, make("code", {}, code)),
        button,
      );
    },
    receipt(panel) {
      const { receipt } = panel.bundle;
      const flat = (part, name = "") =>
        part !== null && typeof part === "object"
          ? Object.entries(part).flatMap(([key, value]) => flat(value, name ? `${name} · ${key}` : key))
          : [[name, part]];
      return make(
        "div",
        {},
        make("p", { class: "wb-check", role: "status" }, panel.checked ?? "Run it again with the same settings and compare every number."),
        make("button", { type: "button", onclick: () => panel.check() }, "Re-run and check"),
        table(
          "Where these numbers come from",
          ["what", "value"],
          flat(receipt).map(([name, value]) => [words(name), typeof value === "string" && value.length > 160 ? `${value.slice(0, 160)}…` : value]),
        ),
      );
    },
    export(panel) {
      const pictures = panel.frame.hasTexts ? {} : { png: "PNG picture", svg: "SVG drawing" };
      const kinds = { ...pictures, csv: "CSV table", json: "JSON", html: "HTML page" };
      const open = make("input", { type: "file", accept: ".json,application/json", class: "wb-visually-hidden", onchange: () => panel.openSettings(open.files[0]) });
      return make(
        "div",
        { class: "wb-exports" },
        make("p", { class: "wb-hint" }, `Every file ${panel.study.spec.downloads.length ? "in the page's own formats " : ""}carries the receipt.`),
        ...Object.entries(kinds).map(([kind, label]) =>
          make("button", { type: "button", "data-export": kind, onclick: () => exporters[kind](panel.forExport()) }, label),
        ),
        ...panel.study.spec.downloads.map((download) => writtenFile(download, panel)),
        make("button", { type: "button", onclick: () => exporters.settings(panel.study.slug, panel.study.values) }, "Settings"),
        make("label", { class: "wb-file" }, "Open settings…", open),
      );
    },
  };
  Object.assign(workbench, { drawers, copy, settings });
})();

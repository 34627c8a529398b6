// Texts beside each other that follow live parameters: every text came once; moving a control
// chooses which of them stand on the page.
"use strict";
(() => {
  const { make, Live } = workbench;

  class Texts extends Live {
    constructor(payload) {
      super(payload);
      this.passages = payload.passages;
      this.shown = payload.shown;
      for (const name of Object.keys(this.axes)) this.depends.add(name);
    }
    at(values) {
      const positions = this.positions(values);
      const index = Object.entries(this.axes).reduce((at, [name, list]) => at * list.length + positions[name], 0);
      return this.shown[index].map((number) => this.passages[number]);
    }
  }

  const drawSpan = ([text, role, note, pick], onPick) => {
    const attributes = { class: `wb-span${role ? ` wb-role-${role}` : ""}`, title: note || null };
    if (pick === undefined) return role || note ? make("span", attributes, text) : text;
    return make("button", { type: "button", ...attributes, onclick: () => onPick({ pick }) }, text);
  };
  const drawCard = ({ title, spans, note, wide }, onPick) =>
    make(
      "section",
      { class: `wb-passage${wide ? " wb-wide" : ""}` },
      make("h4", {}, title),
      make("p", { class: "wb-passage-text" }, ...spans.map((span) => drawSpan(span, onPick))),
      note ? make("p", { class: "wb-passage-note" }, note) : null,
    );

  // one place on the page where texts stand
  class Cards {
    constructor(host, onPick = () => {}) {
      this.host = host;
      this.onPick = onPick;
      this.shown = [];
    }
    // what stays is left standing, so that reading and selecting are not disturbed
    draw(texts, values) {
      const passages = texts.at(values);
      passages.forEach((passage, i) => {
        if (this.shown[i] === passage) return;
        const card = drawCard(passage, this.onPick);
        if (this.host.children[i]) this.host.children[i].replaceWith(card);
        else this.host.append(card);
      });
      while (this.host.children.length > passages.length) this.host.lastChild.remove();
      this.shown = passages;
    }
    clear() {
      this.host.replaceChildren();
      this.shown = [];
    }
    tables() {
      const rows = this.shown.map(({ title, spans, note }) => [title, spans.map(([text]) => text).join(""), note]);
      return [{ title: "Texts", columns: ["title", "text", "note"], rows }];
    }
  }

  Object.assign(workbench, { Texts, Cards });
})();

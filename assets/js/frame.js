// One side of a study's stage: a figure, or texts, whichever the view shows.
"use strict";
(() => {
  const { make, Canvas, Cards, Texts, tables } = workbench;

  class Frame {
    constructor(onPick) {
      this.canvas = new Canvas(make("div", { class: "wb-figure" }), onPick);
      this.cards = new Cards(make("div", { class: "wb-texts", tabindex: "0", hidden: true }), onPick);
      this.hosts = [this.canvas.host, this.cards.host];
      this.hasTexts = false;
    }
    // draw what a view shows at some values; resolves when it stands there
    async draw(live, values, behind, inputAt) {
      this.hasTexts = live instanceof Texts;
      this.canvas.host.hidden = this.hasTexts;
      this.cards.host.hidden = !this.hasTexts;
      if (this.hasTexts) this.cards.draw(live, values);
      else await this.canvas.draw(live, values, behind, inputAt);
    }
    clear() {
      this.canvas.clear();
      this.cards.clear();
    }
    describe(text) {
      const [host, role] = this.hasTexts ? [this.cards.host, "region"] : [this.canvas.host, "img"];
      host.setAttribute("role", role);
      host.setAttribute("aria-label", text);
    }
    tables() {
      return this.hasTexts ? this.cards.tables() : tables(this.canvas.host.data ?? []);
    }
  }

  Object.assign(workbench, { Frame });
})();

// A lesson: a question, a guess, controls set for you, and only then what is true.
"use strict";
(() => {
  const { make, page, studies } = workbench;

  const lessons = new Map(); // one for each tab, shown beside each of its studies

  // shows a tab's lesson, if it has one, also in this place
  workbench.showLesson = (tab, root) => {
    if (!page.tabs[tab].lesson) return;
    if (!lessons.has(tab)) lessons.set(tab, new Lesson(page.tabs[tab].lesson));
    lessons.get(tab).show(root);
  };

  class Lesson {
    constructor({ steps }) {
      this.steps = steps;
      this.answers = steps.map(() => null);
      this.at = -1;
      this.roots = new Set();
    }
    show(root) {
      this.roots.add(root);
      root.replaceChildren(this.draw());
      if (this.at < 0) return;
      requestAnimationFrame(() => {
        const { activeElement } = document;
        if (activeElement === document.body || !activeElement.checkVisibility()) this.focus("[data-focus]");
      });
    }
    // the keyboard's place goes along, on the study that is seen
    render(focus) {
      for (const root of this.roots) root.replaceChildren(this.draw());
      this.focus(focus);
    }
    focus(part) {
      const seen = [...this.roots].find((root) => root.checkVisibility());
      seen?.querySelector(part)?.focus({ preventScroll: true });
    }
    go(index) {
      this.at = index;
      const set = Object.entries(this.steps[index]?.set ?? {});
      set.forEach(([slug, values], i) => (i ? studies.get(slug).update(values) : studies.get(slug).open(values)));
      this.render("[data-focus]");
    }
    guess(index) {
      this.answers[this.at] = index;
      this.render(".wb-reveal");
    }
    dots() {
      return make(
        "ol",
        { class: "wb-dots", "aria-label": `Step ${this.at + 1} of ${this.steps.length}` },
        ...this.steps.map((step, i) =>
          make("li", {}, make("button", { type: "button", "aria-label": `Step ${i + 1}: ${step.title}`, "aria-current": i === this.at ? "step" : null, class: this.answers[i] === null ? "" : "wb-answered", onclick: () => this.go(i) })),
        ),
      );
    }
    choice(step, text, i) {
      const answer = this.answers[this.at];
      const chosen = answer === i;
      const open = answer === null;
      const mark = open ? "" : i === step.answer ? " wb-right" : chosen ? " wb-wrong" : "";
      const said = open ? "" : i === step.answer ? " (this is so)" : chosen ? " (your guess)" : "";
      return make("button", { type: "button", class: `wb-choice${mark}`, disabled: !open, "aria-pressed": String(chosen), onclick: () => this.guess(i) }, text, make("span", { class: "wb-visually-hidden" }, said));
    }
    draw() {
      const { at, steps } = this;
      if (at < 0) {
        return make("button", { type: "button", class: "wb-lesson-start", "data-focus": true, onclick: () => this.go(0) }, make("strong", {}, "Take the lesson"), make("span", {}, `${steps.length} questions: guess first, then see`));
      }
      const step = steps[at];
      const done = this.answers[at] !== null;
      const isLast = at + 1 === steps.length;
      return make(
        "section",
        { class: "wb-lesson", "aria-label": "Lesson" },
        make("header", {}, this.dots(), make("button", { type: "button", class: "wb-close", "aria-label": "Close the lesson", onclick: () => this.go(-1) }, "×")),
        make("h4", { tabindex: "-1", "data-focus": true }, step.title),
        make("p", {}, step.text),
        make("p", { class: "wb-question" }, step.question),
        make("div", { class: "wb-choices", role: "group", "aria-label": step.question }, ...step.choices.map((text, i) => this.choice(step, text, i))),
        done ? make("p", { class: "wb-reveal", tabindex: "-1", role: "status" }, step.reveal) : null,
        make(
          "footer",
          {},
          at > 0 ? make("button", { type: "button", onclick: () => this.go(at - 1) }, "Back") : make("span"),
          done ? make("button", { type: "button", class: "wb-primary", onclick: () => this.go(isLast ? -1 : at + 1) }, isLast ? "Finish" : "Next") : null,
        ),
      );
    }
  }
})();

// A lesson: a question, a guess, controls set for you, and only then what is true.
"use strict";
(() => {
  const { make, page, studies, builders } = workbench;

  builders.lesson = (tab, { element }) => {
    const { lesson } = page.tabs[tab];
    const root = element.querySelector(".wb-mount");
    const answers = lesson.steps.map(() => null);
    let at = -1;

    const setControls = (set) => {
      for (const [slug, values] of Object.entries(set)) studies.get(slug).panel?.set(values);
    };
    const go = (index) => {
      at = index;
      if (at >= 0) setControls(lesson.steps[at].set);
      render();
      root.querySelector("[data-focus]")?.focus({ preventScroll: true });
    };
    const guess = (index) => {
      answers[at] = index;
      render();
      root.querySelector(".wb-reveal")?.focus({ preventScroll: true });
    };
    const dots = () =>
      make(
        "ol",
        { class: "wb-dots", "aria-label": `Step ${at + 1} of ${lesson.steps.length}` },
        ...lesson.steps.map((step, i) =>
          make("li", {}, make("button", { type: "button", "aria-label": `Step ${i + 1}: ${step.title}`, "aria-current": i === at ? "step" : null, class: answers[i] === null ? "" : "wb-answered", onclick: () => go(i) })),
        ),
      );
    const choice = (step, text, i) => {
      const chosen = answers[at] === i;
      const open = answers[at] === null;
      const mark = open ? "" : i === step.answer ? " wb-right" : chosen ? " wb-wrong" : "";
      const said = open ? "" : i === step.answer ? " (this is so)" : chosen ? " (your guess)" : "";
      return make("button", { type: "button", class: `wb-choice${mark}`, disabled: !open, "aria-pressed": String(chosen), onclick: () => guess(i) }, text, make("span", { class: "wb-visually-hidden" }, said));
    };
    const render = () => {
      if (at < 0) {
        root.replaceChildren(
          make("button", { type: "button", class: "wb-lesson-start", "data-focus": true, onclick: () => go(0) }, make("strong", {}, "Take the lesson"), make("span", {}, `${lesson.steps.length} questions: guess first, then see`)),
        );
        return;
      }
      const step = lesson.steps[at];
      const done = answers[at] !== null;
      root.replaceChildren(
        make(
          "section",
          { class: "wb-lesson", "aria-label": "Lesson" },
          make("header", {}, dots(), make("button", { type: "button", class: "wb-close", "aria-label": "Close the lesson", onclick: () => go(-1) }, "×")),
          make("h4", { tabindex: "-1", "data-focus": true }, step.title),
          make("p", {}, step.text),
          make("p", { class: "wb-question" }, step.question),
          make("div", { class: "wb-choices", role: "group", "aria-label": step.question }, ...step.choices.map((text, i) => choice(step, text, i))),
          done ? make("p", { class: "wb-reveal", tabindex: "-1", role: "status" }, step.reveal) : null,
          make(
            "footer",
            {},
            at > 0 ? make("button", { type: "button", onclick: () => go(at - 1) }, "Back") : make("span"),
            done ? make("button", { type: "button", class: "wb-primary", onclick: () => go(at + 1 < lesson.steps.length ? at + 1 : -1) }, at + 1 < lesson.steps.length ? "Next" : "Finish") : null,
          ),
        ),
      );
    };
    render();
  };
})();

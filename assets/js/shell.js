// The page's frame: its name, light and dark, banners, and whether the model server answers.
"use strict";
(() => {
  const { make, page, builders } = workbench;
  const WATCH_MS = 15_000;
  const RETRY_MS = 2_000;
  const THEME = "workbench-theme";
  let down = false;
  let dragging = false;
  let banner;

  addEventListener("pointerdown", () => (dragging = true), true);
  addEventListener("pointerup", () => (dragging = false), true);
  addEventListener("pointercancel", () => (dragging = false), true);

  // ---------- light and dark ----------
  const system = matchMedia("(prefers-color-scheme: dark)");
  const wanted = () => localStorage.getItem(THEME) ?? (system.matches ? "dark" : "light");
  const dress = () => {
    const dark = wanted() === "dark";
    if (document.body.classList.contains("dark") !== dark) {
      document.body.classList.toggle("dark", dark);
      document.dispatchEvent(new Event("workbench-theme"));
    }
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    document.querySelector(".wb-theme")?.setAttribute("aria-label", dark ? "Change to light" : "Change to dark");
  };
  addEventListener("DOMContentLoaded", () => {
    dress();
    // Gradio sets its own class when it starts; the page's choice stands
    new MutationObserver(dress).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });
  system.addEventListener("change", dress);
  const toggle = () => {
    localStorage.setItem(THEME, wanted() === "dark" ? "light" : "dark");
    dress();
  };

  // ---------- whether the model server answers ----------
  const say = (kind, text, ...more) => {
    banner.className = `wb-banner wb-banner-${kind}`;
    banner.replaceChildren(make("span", {}, text), ...more);
    banner.hidden = !text;
  };
  const ask = async () => {
    try {
      const answer = await fetch("healthz", { cache: "no-store" });
      return answer.ok ? await answer.json() : { server: "unreachable", message: "The workbench does not answer." };
    } catch {
      return { server: "unreachable", message: "The workbench does not answer." };
    }
  };
  const look = async () => {
    const health = await ask();
    if (health.server === "ok") {
      if (down) {
        down = false;
        say("none", "");
        document.dispatchEvent(new Event("workbench-server-back"));
      }
    } else {
      down = true;
      say("down", `${health.message} Trying again…`);
    }
    schedule();
  };
  let timer;
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (document.hidden || dragging ? schedule() : look()), down ? RETRY_MS : WATCH_MS);
  };
  workbench.suspectServer = (text) => {
    down = true;
    say("down", `${text} Trying again…`);
    schedule();
  };

  // ---------- tabs ----------
  const openTab = (tab, trigger) => {
    const button = document.getElementById(`tab-${tab}-button`);
    if (button) button.click();
    else trigger("open", { tab });
    scrollTo({ top: 0 });
  };

  builders.frame = (_argument, { element, props, watch, trigger }) => {
    banner = make("div", { class: "wb-banner", role: "alert", hidden: true });
    element.querySelector(".wb-mount").replaceChildren(
      make(
        "header",
        { class: "wb-bar" },
        make("span", { class: "wb-mark", "aria-hidden": "true" }),
        make("span", { class: "wb-name" }, "Foundation Model Workbench"),
        make("span", { class: "wb-version" }, page.version),
        make("button", { type: "button", class: "wb-theme", "aria-label": "Change to dark", onclick: toggle }, make("span", { "aria-hidden": "true" })),
      ),
      banner,
    );
    dress();
    watch("value", () => {
      const { complaint } = JSON.parse(props.value);
      if (complaint) say("link", complaint, make("button", { type: "button", "aria-label": "Close", onclick: () => say("none", "") }, "×"));
    });
    document.addEventListener("click", (event) => {
      const opener = event.target.closest?.("[data-open-tab]");
      if (opener) openTab(opener.dataset.openTab, trigger);
    });
    schedule();
  };
})();

// One study on the page: its figures, the words below them, its tools, and how far a run is.
"use strict";
(() => {
  const { make, studies, builders, Bundle, Frame, Texts, Curves, ghosts, isLines, drawers, copy, settings, drawControls, accepts } = workbench;
  const TOOLS = { numbers: "Numbers", table: "Table", python: "As Python", receipt: "Receipt", export: "Export" };
  const SPOKEN_AFTER_MS = 500;
  const AUTO_AFTER_MS = 60;
  const AUTO_AFTER_TYPING_MS = 700;
  const BUSY_AFTER_MS = 350;
  const PLAY_STEP_MS = 450;
  const NOTHING = [];
  const TYPED_KINDS = ["text", "chips"];

  // a run's name in the logs, from here to the device that computes it
  const runName = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  class Panel {
    constructor(study, api) {
      this.study = study;
      this.api = api;
      this.bundle = null;
      this.pinned = null;
      this.shown = 0;
      this.waiting = [];
      study.panel = this;
      this.build(api.element.querySelector(".wb-mount"));
      study.listeners.add((names, inputAt) => this.moved(names, inputAt));
      document.addEventListener("workbench-theme", () => this.draw());
      document.addEventListener("workbench-server-back", () => this.serverIsBack());
      api.watch("value", () => this.receive(JSON.parse(api.props.value)));
      this.fill();
    }
    // the first figure: what the address asked for, or what the controls say
    async fill() {
      this.isBusy = true;
      const first = await workbench.takeFirst(this.study.slug);
      if (!first) {
        this.start("fill");
        return;
      }
      this.isBusy = false;
      this.take(new Bundle(first));
    }

    // ---------- what it looks like ----------
    build(root) {
      const views = this.study.spec.views;
      const id = `wb-${this.study.slug.replaceAll(".", "-")}`;
      this.tabs = views.map((view, i) =>
        make(
          "button",
          { type: "button", role: "tab", id: `${id}-${view.name}`, "aria-selected": String(i === 0), "aria-controls": `${id}-stage`, tabindex: i ? "-1" : "0", onclick: () => this.show(i), onpointerenter: () => this.bundle?.load(i).catch(() => {}) },
          view.title,
        ),
      );
      const viewsBar = make("div", { class: "wb-views", role: "tablist", "aria-label": "Figures" }, ...this.tabs);
      viewsBar.addEventListener("keydown", (event) => this.stepTabs(event));
      viewsBar.hidden = views.length < 2;
      this.play = make("button", { type: "button", class: "wb-play", "aria-pressed": "false", onclick: () => this.togglePlay() });
      this.frame = new Frame((point) => this.pick(point));
      this.frameA = new Frame();
      this.figureA = make("div", { class: "wb-side-a", hidden: true }, make("span", { class: "wb-badge" }, "A"), ...this.frameA.hosts);
      this.badgeB = make("span", { class: "wb-badge", hidden: true }, "B");
      this.figureB = make("div", { class: "wb-side-b" }, this.badgeB, ...this.frame.hosts);
      this.cover = make("div", { class: "wb-cover", role: "status" }, "Drawing the first figure…");
      this.line = make("div", { class: "wb-line", "aria-hidden": "true" });
      this.stage = make("div", { class: "wb-stage", role: "tabpanel", id: `${id}-stage`, "aria-label": this.study.spec.title }, this.line, this.figureA, this.figureB, this.cover);
      this.words = make("p", { class: "wb-words", "aria-hidden": "true" });
      this.spoken = make("p", { class: "wb-visually-hidden", "aria-live": "polite" });
      this.message = make("div", { class: "wb-message" });
      this.writing = make("div", { class: "wb-texts wb-writing", "aria-live": "off" });
      this.receipt = make("p", { class: "wb-receipt" });
      this.pin = make("button", { type: "button", "aria-pressed": "false", onclick: () => this.togglePin() }, "Pin A");
      this.linkButton = make("button", { type: "button", onclick: () => this.copyLink() }, "Copy link");
      this.toolButtons = Object.fromEntries(
        Object.entries(TOOLS).map(([name, label]) => [
          name,
          make("button", { type: "button", "aria-expanded": "false", "aria-controls": `${id}-drawer`, "data-tool": name, onclick: () => this.openDrawer(this.open === name ? null : name) }, label),
        ]),
      );
      this.tools = make("div", { class: "wb-tools", role: "toolbar", "aria-label": "What to do with this figure" }, this.pin, ...Object.values(this.toolButtons), this.linkButton);
      this.drawer = make("div", { class: "wb-drawer", id: `${id}-drawer`, hidden: true });
      const head = make("div", { class: "wb-study-head" }, viewsBar, this.play);
      const isButton = this.study.spec.run === "button";
      const go = make("button", { type: "button", class: isButton ? "wb-primary" : "", onclick: () => this.run() }, isButton ? "Run" : "Measure again");
      const reset = make("button", { type: "button", onclick: () => this.reset() }, "Reset");
      const lesson = make("div", { class: "wb-lesson-host" });
      root.replaceChildren(
        make("div", { class: "wb-main" }, head, this.stage, this.words, this.spoken, this.receipt, this.message, this.writing, this.tools, this.drawer),
        make("div", { class: "wb-side" }, ...drawControls(this.study), make("div", { class: "wb-buttons" }, go, reset), lesson),
      );
      workbench.showLesson(this.study.tab, lesson);
      this.offer();
    }
    stepTabs(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.show((this.shown + step + this.tabs.length) % this.tabs.length);
      this.tabs[this.shown].focus();
    }
    show(index) {
      this.shown = index;
      this.tabs.forEach((tab, i) => {
        tab.setAttribute("aria-selected", String(i === index));
        tab.tabIndex = i === index ? 0 : -1;
      });
      this.frame.clear();
      this.frameA.clear();
      this.offer();
      this.draw();
    }
    get view() {
      return this.study.spec.views[this.shown];
    }

    // ---------- what a figure itself offers ----------
    offer() {
      this.stopPlay();
      this.play.hidden = !this.view.plays;
      this.frame.canvas.picks = Boolean(this.view.picks);
      this.stage.classList.toggle("wb-picks", this.frame.canvas.picks);
    }
    // a click on a point, or on a part of a text, sets the parameters that the view names
    pick(point) {
      const { picks } = this.view;
      if (!picks) return;
      const traces = this.frame.canvas.host.data ?? [];
      if (point.data && traces.some((trace) => trace.meta === "pick") && point.data.meta !== "pick") return;
      const values = Object.fromEntries(
        Object.entries(picks)
          .map(([part, name]) => [name, this.picked(name, point[part])])
          .filter(([, value]) => value !== undefined && value !== null),
      );
      this.study.update(values);
    }
    picked(name, value) {
      const param = this.study.params.get(name);
      if (param.kind !== "picks" || value === undefined || value === null) return value;
      return workbench.togglePick(this.study.values[name], value, param.maxItems);
    }
    // steps a slider through its positions, as if it were dragged
    togglePlay() {
      if (this.playing) {
        this.stopPlay();
        return;
      }
      const name = this.view.plays;
      const positions = this.bundle?.live(this.shown)?.axes[name];
      if (!positions) return;
      let at = positions.findIndex((position) => position >= this.study.values[name] - 1e-9);
      if (at < 0 || at === positions.length - 1) at = -1;
      const step = () => {
        at += 1;
        this.study.update({ [name]: positions[at] });
        if (at === positions.length - 1) this.stopPlay();
      };
      this.playing = setInterval(step, PLAY_STEP_MS);
      this.play.textContent = "Pause";
      this.play.setAttribute("aria-pressed", "true");
      step();
    }
    stopPlay() {
      clearInterval(this.playing);
      this.playing = null;
      this.play.textContent = "Play";
      this.play.setAttribute("aria-pressed", "false");
    }

    // ---------- drawing ----------
    get values() {
      return { ...this.bundle?.params, ...this.live() };
    }
    live() {
      return Object.fromEntries(this.study.spec.params.filter((p) => p.live).map((p) => [p.name, this.study.values[p.name]]));
    }
    draw(inputAt) {
      if (!this.bundle) return;
      const { bundle, pinned, shown } = this;
      const now = bundle.live(shown);
      const before = pinned?.bundle.live(shown);
      if (!now || (pinned && !before)) {
        Promise.all([bundle.load(shown), pinned?.bundle.load(shown)]).then(
          () => this.draw(),
          (error) => this.complain({ kind: "other", text: error.message }),
        );
        return;
      }
      const hasTexts = now instanceof Texts;
      const beside = Boolean(before) && (hasTexts || !isLines(now.figure.data));
      this.figureA.hidden = this.badgeB.hidden = !beside;
      this.stage.classList.toggle("wb-beside", beside);
      this.stage.classList.toggle("wb-reads", hasTexts);
      const behind = before && !beside ? this.ghostsOf(before) : NOTHING;
      this.frame.draw(now, this.values, behind, inputAt).then(() => this.open === "table" && this.openDrawer("table"));
      if (beside) this.frameA.draw(before, this.pinned.values);
      this.say(now.wordsAt(this.values));
    }
    // made once for each pinned figure, so that the canvas sees that it is the same
    ghostsOf(sweep) {
      return (this.pinned.ghosts[this.shown] ??= ghosts(sweep.at(this.pinned.values).data));
    }
    say(text) {
      if (this.words.textContent === text) return;
      this.words.textContent = text;
      this.frame.describe(text || this.study.spec.title);
      clearTimeout(this.speaking);
      this.speaking = setTimeout(() => (this.spoken.textContent = text), SPOKEN_AFTER_MS);
    }

    // ---------- values that change ----------
    moved(names, inputAt) {
      const kinds = names.map((name) => this.study.params.get(name));
      const drawn = this.bundle?.live(this.shown)?.depends;
      if (drawn && names.some((name) => drawn.has(name))) this.draw(inputAt);
      const asks = kinds.filter((param) => !param.live);
      if (asks.length && this.study.spec.run === "auto") {
        clearTimeout(this.asking);
        const wait = asks.some((param) => TYPED_KINDS.includes(param.kind)) ? AUTO_AFTER_TYPING_MS : AUTO_AFTER_MS;
        this.asking = setTimeout(() => this.start("auto"), wait);
      } else if (asks.length && this.bundle && !this.isBusy) {
        this.tell(this.isStale() ? "note" : "", this.isStale() ? "The settings have changed since this was measured. Press Run to measure again." : "");
      }
      if (this.open && this.open !== "table") this.openDrawer(this.open);
    }
    isStale() {
      return Boolean(this.bundle) && this.study.differs(this.bundle.params, (param) => !param.live);
    }
    isOff() {
      return this.study.differs(this.bundle.params, () => true);
    }
    reset() {
      this.study.update(Object.fromEntries(this.study.spec.params.map((param) => [param.name, param.default])));
    }
    async openSettings(file) {
      if (!file) return;
      let read;
      try {
        read = JSON.parse(await file.text());
      } catch {
        this.tell("alert", `${file.name} is not JSON; open a settings file that this page saved.`);
        return;
      }
      const given = Object.entries(read?.params ?? {});
      const wrong = given.find(([name, value]) => !this.study.params.has(name) || !accepts(this.study.params.get(name), value));
      if (wrong) {
        const [name, value] = wrong;
        const { allowed = `No parameter is called ${name}` } = this.study.params.get(name) ?? {};
        this.tell("alert", `${file.name} sets ${name} to ${JSON.stringify(value)}. ${allowed}. Nothing was changed.`);
        return;
      }
      this.study.update(Object.fromEntries(given));
    }

    // ---------- runs ----------
    start(mode, more = {}) {
      this.isBusy = true;
      clearTimeout(this.slow);
      this.slow = setTimeout(() => this.stage.classList.add("wb-busy"), BUSY_AFTER_MS);
      if (mode !== "fill") this.tell("", "");
      this.api.trigger("run", { mode, trace: runName(), params: this.study.values, ...more });
    }
    run() {
      if (this.isBusy && this.study.spec.run === "button") return;
      this.start("run", { fresh: Boolean(this.bundle) && !this.isOff() });
    }
    check() {
      this.before = this.bundle;
      this.checked = "Measuring again…";
      this.openDrawer("receipt");
      this.start("check", { params: this.bundle.params });
    }
    // measure at the present position of every control; resolves when that is shown
    refresh() {
      const done = new Promise((resolve) => this.waiting.push(resolve));
      this.start("auto");
      return done;
    }
    cancel() {
      this.api.trigger("cancel");
    }
    serverIsBack() {
      if (this.failedForServer) this.start(this.failedForServer);
      this.failedForServer = null;
    }
    async receive(message) {
      if (message.phase === "working") {
        this.progress(message);
        return;
      }
      if (message.phase === "done") await this.arrive(message);
      this.isBusy = false;
      clearTimeout(this.slow);
      this.stage.classList.remove("wb-busy");
      this.writing.replaceChildren();
      if (message.phase !== "done") this.study.offer(this.bundle?.offers); // not what was begun
      if (message.phase === "empty") this.invite();
      if (message.phase === "complaint") this.complain(message);
      for (const resolve of this.waiting.splice(0)) resolve();
    }
    async arrive({ address, mode }) {
      let bundle;
      try {
        bundle = await Bundle.at(address);
      } catch (error) {
        this.complain({ kind: "other", text: error.message });
        return;
      }
      if (mode === "check") this.checked = compare(this.before, bundle);
      this.take(bundle);
    }
    take(bundle) {
      this.bundle = bundle;
      this.cover.hidden = true;
      this.message.replaceChildren();
      this.receipt.textContent = inShort(bundle.receipt);
      this.study.offer(bundle.offers);
      this.draw();
      if (this.isStale() && this.study.spec.run === "button") this.moved([this.study.spec.params.find((p) => !p.live).name]);
      if (this.open) this.openDrawer(this.open);
    }
    progress({ kind, place, fraction, seconds_left: left, text, label, written, note, offers, point }) {
      if (written !== undefined) this.write(label, written, note);
      if (offers) this.study.offer({ ...this.study.offers, ...offers });
      if (point) this.plot(label, point);
      if (kind === "partial") return;
      const parts = [];
      if (kind === "queued") parts.push(place ? `Waiting: place ${place} in the queue` : "Waiting");
      else if (kind === "loading") parts.push(text || "Loading the model");
      else parts.push(text || "Measuring");
      if (fraction !== null && fraction !== undefined) parts.push(`${Math.round(100 * fraction)} %`);
      if (left) parts.push(`about ${left < 90 ? `${Math.ceil(left)} s` : `${Math.round(left / 60)} min`} left`);
      const bar = make("progress", { max: "1", "aria-label": "How far the run is" });
      if (fraction !== null && fraction !== undefined) bar.value = fraction;
      const cancel = this.message.querySelector(".wb-cancel") ?? make("button", { type: "button", class: "wb-cancel", onclick: () => this.cancel() }, "Cancel");
      this.message.className = "wb-message wb-working";
      this.message.setAttribute("role", "status");
      const kept = this.message.contains(cancel);
      const now = make("span", { class: "wb-progress" }, bar, make("span", {}, parts.join(" · ")));
      if (kept) this.message.firstChild.replaceWith(now);
      else this.message.replaceChildren(now, cancel);
    }
    // what a model has written so far, under the name of the request
    write(label, text, note = "") {
      const card = this.card(label, "The model writes", () => [make("p", { class: "wb-passage-text" }), make("p", { class: "wb-passage-note" })]);
      card.children[1].textContent = text;
      card.children[2].textContent = note;
    }
    // how far a training has come, as curves that grow
    plot(label, point) {
      const card = this.card(label, "Training", () => [make("div", { class: "wb-curves" })]);
      if (!card.curves) {
        card.curves = new Curves(card.lastChild);
        card.classList.add("wb-wide");
        this.writing.prepend(card); // in sight, however many texts are written meanwhile
      }
      card.curves.add(point);
    }
    card(label, title, fill) {
      let card = [...this.writing.children].find((each) => each.dataset.label === label);
      if (!card) {
        card = make("section", { class: "wb-passage", "data-label": label }, make("h4", {}, label || title), ...fill());
        this.writing.append(card);
      }
      return card;
    }
    invite() {
      this.message.replaceChildren();
      if (this.bundle) return;
      this.cover.hidden = false;
      this.cover.replaceChildren(
        make("p", {}, "Nothing is measured yet for these settings."),
        make("button", { type: "button", class: "wb-primary", onclick: () => this.run() }, "Run to measure"),
      );
    }
    complain({ kind, text }) {
      this.tell(kind === "cancelled" ? "note" : "alert", text);
      if (!this.bundle) this.cover.replaceChildren(make("p", {}, kind === "cancelled" ? "Cancelled. Press Run to measure." : "No figure yet."));
      if (kind === "unreachable") {
        this.failedForServer = this.bundle ? null : "fill";
        workbench.suspectServer(text);
      }
      if (this.checked === "Measuring again…") this.checked = null;
    }
    tell(kind, text) {
      this.message.className = `wb-message${kind ? ` wb-${kind}` : ""}`;
      this.message.setAttribute("role", kind === "alert" ? "alert" : "status");
      this.message.replaceChildren(...(text ? [make("span", {}, text)] : []));
    }

    // ---------- tools ----------
    async togglePin() {
      if (!this.bundle) return;
      if (this.pinned) this.pinned = null;
      else {
        const values = { ...this.values };
        if (this.isOff() && !this.isStale()) await this.refresh();
        this.pinned = { bundle: this.bundle, values, ghosts: {} };
      }
      this.pin.setAttribute("aria-pressed", String(Boolean(this.pinned)));
      this.pin.textContent = this.pinned ? "Unpin A" : "Pin A";
      this.pin.title = this.pinned ? `A: ${settings(this, this.pinned.values)}` : "";
      this.draw();
      this.openDrawer(this.pinned ? "numbers" : this.open);
    }
    openDrawer(name) {
      if (name && !this.bundle) return;
      this.open = name;
      for (const [each, button] of Object.entries(this.toolButtons)) button.setAttribute("aria-expanded", String(each === name));
      this.drawer.hidden = !name;
      this.drawer.replaceChildren(...(name ? [drawers[name](this)] : []));
    }
    async copyLink() {
      if (workbench.isTooLong()) {
        this.tell("alert", "The text is too long for a link (6,000 characters at most). Save the settings under Export and send the file; Open settings reads it.");
        this.openDrawer("export");
        return;
      }
      await copy(workbench.address(), this.linkButton, "Copied");
    }
    forExport() {
      const { params, summary, receipt } = this.bundle;
      return { host: this.frame.canvas.host, hasTexts: this.frame.hasTexts, tables: this.frame.tables(), file: `${this.study.slug}-${this.view.name}`, title: `${this.study.spec.title}: ${this.view.title}`, study: this.study.slug, words: this.words.textContent, values: this.values, params, summary, receipt };
    }
  }

  const compare = (before, after) => {
    const steady = (summary) => Object.keys(summary).filter((name) => !name.endsWith("_seconds"));
    const names = steady(before.summary);
    const differing = names.filter((name) => before.summary[name] !== after.summary[name]);
    if (before.receipt.summary_sha256 === after.receipt.summary_sha256) return `Checked: all ${names.length} numbers came out the same (times are not compared).`;
    return `Not the same: ${differing.map((n) => `${n.replaceAll("_", " ")} was ${workbench.number(before.summary[n])}, is ${workbench.number(after.summary[n])}`).join("; ")}.`;
  };

  // the receipt in one line: what was asked of which model, where, when; of several requests the
  // freshest speaks, so that a measurement is not called shipped because its data are
  const SOURCES = { computed: "measured now", memory: "from memory", disk: "from the cache", shipped: "shipped with the workbench" };
  const inShort = ({ requests, created, seconds, workbench: version }) => {
    const order = Object.keys(SOURCES);
    const [first] = [...requests].sort((a, b) => order.indexOf(a.source) - order.indexOf(b.source));
    const when = created.slice(0, 16).replace("T", " ");
    if (!first) return `Computed here in ${workbench.number(seconds)} s, ${when} UTC, workbench ${version}.`;
    const more = requests.length > 1 ? ` and ${requests.length - 1} more` : "";
    const others = Math.max(...requests.map((request) => request.shared_with));
    const shared = others ? `, shared with ${others} other${others === 1 ? "" : "s"}` : "";
    return `${first.operation}${more}${first.model ? ` on ${first.model}` : ""}, ${first.dtype ?? ""} ${first.device}, ${SOURCES[first.source]}${shared}, ${first.created.slice(0, 16).replace("T", " ")} UTC.`;
  };

  builders.study = (slug, api) => new Panel(studies.get(slug), api);
})();

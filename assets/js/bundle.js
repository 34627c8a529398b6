// One result as the server sends it: numbers and receipt at once, each view when it is shown.
"use strict";
(() => {
  const { Sweep, Texts } = workbench;

  class Bundle {
    constructor(body) {
      Object.assign(this, body);
      this.lives = [];
      this.loading = [];
    }
    static async at(address) {
      return new Bundle(await fetchJson(address));
    }
    // the figure or the texts of a view, if they are here
    live(index) {
      const payload = this.figures[index];
      if (!payload.address) this.lives[index] ??= payload.passages ? new Texts(payload) : new Sweep(payload);
      return this.lives[index];
    }
    async load(index) {
      if (this.live(index)) return;
      this.loading[index] ??= fetchJson(this.figures[index].address);
      try {
        this.figures[index] = await this.loading[index];
      } finally {
        this.loading[index] = undefined;
      }
    }
  }

  const fetchJson = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error("The result is no longer kept here; run it again.");
    return answer.json();
  };

  Object.assign(workbench, { Bundle });
})();

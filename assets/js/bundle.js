// One result as the server sends it: numbers and receipt at once, each figure when it is shown.
"use strict";
(() => {
  const { Sweep } = workbench;

  class Bundle {
    constructor(body) {
      Object.assign(this, body);
      this.sweeps = [];
      this.loading = [];
    }
    static async at(address) {
      return new Bundle(await fetchJson(address));
    }
    // the figure, if it is here
    sweep(index) {
      if (!this.sweeps[index] && this.figures[index].figure) this.sweeps[index] = new Sweep(this.figures[index]);
      return this.sweeps[index];
    }
    async load(index) {
      if (this.sweep(index)) return;
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

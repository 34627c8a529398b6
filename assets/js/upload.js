// The control of a file: sends it, and holds the reference that comes back.
"use strict";
(() => {
  const { make } = workbench;

  workbench.uploadControl = (param, change, study) => {
    const status = make("span", { class: "wb-upload-name", role: "status" });
    const choose = make("input", {
      type: "file",
      accept: param.suffixes.join(","),
      "aria-label": param.label,
      onchange: () => choose.files.length && send(choose.files[0]),
    });
    const clear = make("button", { type: "button", "aria-label": `Remove the file of ${param.label}`, onclick: () => change("") }, "×");
    const show = (reference) => {
      const name = reference.split("/").slice(1).join("/");
      status.className = "wb-upload-name";
      status.textContent = name;
      clear.hidden = !name;
    };
    const complain = (text) => {
      status.textContent = text;
      status.classList.add("wb-upload-complaint");
    };
    const send = async (file) => {
      status.className = "wb-upload-name";
      status.textContent = `Sending ${file.name}…`;
      choose.value = "";
      const where = new URLSearchParams({ study: study.slug, param: param.name, name: file.name });
      try {
        const answer = await fetch(`workbench-upload?${where}`, { method: "POST", body: file, headers: { "X-Workbench": "1" } });
        const { reference, complaint } = await answer.json();
        if (!reference) complain(complaint);
        else if (reference === study.values[param.name]) show(reference);
        else change(reference);
      } catch {
        complain("The file did not arrive; try again.");
      }
    };
    const row = make("div", { class: "wb-upload-row" }, make("label", { class: "wb-upload-button" }, choose, "Choose a file"), status, clear);
    row.addEventListener("dragover", (event) => event.preventDefault());
    row.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
    });
    return {
      parts: [make("span", { class: "wb-label" }, param.label), param.help ? make("p", { class: "wb-help" }, param.help) : null, row],
      show,
    };
  };
})();

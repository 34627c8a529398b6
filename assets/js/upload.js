// The control of a file: sends it, and holds the reference that comes back.
"use strict";
(() => {
  const { make, studies, builders } = workbench;

  builders.upload = (argument, { element, props, watch }) => {
    const dot = argument.lastIndexOf(".");
    const study = studies.get(argument.slice(0, dot));
    const param = study.params.get(argument.slice(dot + 1));
    const status = make("span", { class: "wb-upload-name", role: "status" });
    const choose = make("input", {
      type: "file",
      accept: param.suffixes.join(","),
      "aria-label": param.label,
      onchange: () => choose.files.length && send(choose.files[0]),
    });
    const clear = make("button", { type: "button", "aria-label": `Remove the file of ${param.label}`, onclick: () => hold("") }, "×");
    const hold = (reference) => study.panel.set({ [param.name]: reference });
    const show = () => {
      const name = (props.value ?? "").split("/").slice(1).join("/");
      status.className = "wb-upload-name";
      status.textContent = name;
      clear.hidden = !name;
    };
    const say = (text) => {
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
        if (reference) hold(reference);
        else say(complaint);
      } catch {
        say("The file did not arrive; try again.");
      }
    };
    const label = make("label", { class: "wb-upload-button" }, choose, "Choose a file");
    const root = element.querySelector(".wb-mount");
    root.replaceChildren(
      make("span", { class: "wb-upload-label" }, param.label),
      make("span", { class: "wb-upload-help" }, param.help),
      make("div", { class: "wb-upload-row" }, label, status, clear),
    );
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
    });
    watch("value", show);
    show();
  };
})();

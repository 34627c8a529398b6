// The control of a file: sends it, and holds the reference that comes back. A file that is a picture
// may also be drawn here.
"use strict";
(() => {
  const { make } = workbench;
  const { title, help } = workbench.labels;

  const SHEET_PX = 256;
  const INKS = ["#22262c", "#cf3a3a", "#e0862a", "#e2c230", "#2f9e57", "#2f6fb5", "#7a4fa3", "#8a5a33", "#ffffff"];

  // a sheet to draw on; gives a PNG file
  const drawingSheet = (label, take) => {
    let ink = INKS[0];
    const canvas = make("canvas", { width: String(SHEET_PX), height: String(SHEET_PX), class: "wb-sheet", role: "img", "aria-label": `${label}: draw here with the mouse or a finger` });
    const pen = canvas.getContext("2d");
    const wipe = () => {
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, SHEET_PX, SHEET_PX);
    };
    wipe();
    const width = make("input", { type: "range", min: "2", max: "40", value: "10", "aria-label": "Width of the pen" });
    const place = ({ offsetX, offsetY }) => [(offsetX / canvas.clientWidth) * SHEET_PX, (offsetY / canvas.clientHeight) * SHEET_PX];
    const stroke = (event) => {
      pen.lineTo(...place(event));
      pen.stroke();
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      Object.assign(pen, { strokeStyle: ink, lineWidth: width.valueAsNumber, lineCap: "round", lineJoin: "round" });
      pen.beginPath();
      pen.moveTo(...place(event));
      stroke(event);
      canvas.onpointermove = stroke;
    });
    canvas.addEventListener("pointerup", () => (canvas.onpointermove = null));
    const inks = INKS.map((colour) =>
      make("button", { type: "button", class: "wb-ink", style: `background: ${colour}`, "aria-label": colour === "#ffffff" ? "Rubber" : `Ink ${colour}`, "aria-pressed": String(colour === ink), onclick: (event) => choose(colour, event.currentTarget) }),
    );
    const choose = (colour, button) => {
      ink = colour;
      for (const each of inks) each.setAttribute("aria-pressed", String(each === button));
    };
    const use = () => canvas.toBlob((blob) => take(new File([blob], "drawing.png", { type: "image/png" })), "image/png");
    return make(
      "div",
      { class: "wb-drawing", hidden: true },
      canvas,
      make("div", { class: "wb-inks" }, ...inks, width),
      make("div", { class: "wb-upload-row" }, make("button", { type: "button", class: "wb-upload-button", onclick: use }, "Use this drawing"), make("button", { type: "button", class: "wb-upload-button", onclick: wipe }, "New sheet")),
    );
  };

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
    const sheet = param.canDraw ? drawingSheet(param.label, send) : null;
    const unfold = (event) => {
      sheet.hidden = !sheet.hidden;
      event.currentTarget.setAttribute("aria-expanded", String(!sheet.hidden));
    };
    const draw = sheet && make("button", { type: "button", class: "wb-upload-button", "aria-expanded": "false", onclick: unfold }, "Draw");
    const row = make("div", { class: "wb-upload-row" }, make("label", { class: "wb-upload-button" }, choose, "Choose a file"), draw, status, clear);
    row.addEventListener("dragover", (event) => event.preventDefault());
    row.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
    });
    return {
      parts: [title(param), help(param), row, sheet],
      show,
    };
  };
})();

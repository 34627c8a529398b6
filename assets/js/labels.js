// What stands above and below every control: its label, its sentence of help.
"use strict";
(() => {
  const { make } = workbench;

  // the label of one native input
  const labelFor = (param, id) => make("label", { class: "wb-label", for: id }, param.label);
  // the label of a group of parts, which name it with aria-labelledby
  const labelId = (param) => `${param.element}-label`;
  const title = (param) => make("span", { class: "wb-label", id: labelId(param) }, param.label);
  const help = (param) => (param.help ? make("p", { class: "wb-help" }, param.help) : null);

  workbench.labels = { labelFor, labelId, title, help };
})();

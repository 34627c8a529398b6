// Controls of parameters that are made of many parts, each written as one short text
// (workbench/composed.py): numbers picked one by one, phrases in an order, pieces on a board.
"use strict";
(() => {
  const { make, chipsOf } = workbench;
  const { labelFor, labelId, title, help } = workbench.labels;
  const LOCK = "!";

  // what the last result offers and the control does not hold yet, each added with one click
  const offersRow = (param, study, holds, take) => {
    const row = make("div", { class: "wb-offers", role: "group", "aria-label": `Offered for ${param.label}` });
    const show = () => {
      const offers = (study.offers[param.name] ?? []).filter(({ text }) => !holds(text));
      row.replaceChildren(
        ...offers.map(({ text, role }) =>
          make("button", { type: "button", class: `wb-offer${role ? ` wb-role-${role}` : ""}`, onclick: (event) => take(text, event.timeStamp) }, text),
        ),
      );
    };
    study.offered.add(show);
    return { row, show };
  };

  // ---------- numbers picked one by one ----------
  const numbersOf = (value) => [...new Set((value.match(/\d+/g) ?? []).map(Number))].sort((a, b) => a - b);
  const togglePick = (value, number, maxItems) => {
    const chosen = numbersOf(value);
    const rest = chosen.filter((each) => each !== Number(number));
    if (rest.length < chosen.length) return rest.join(" ");
    return chosen.length < maxItems ? numbersOf(`${value} ${number}`).join(" ") : value;
  };
  const picksControl = (param, change) => {
    const id = `${param.element}-picks`;
    const box = make("input", { type: "text", id, inputmode: "numeric", autocomplete: "off", onchange: (event) => change(numbersOf(box.value).join(" "), event.timeStamp) });
    const count = make("span", { class: "wb-count" });
    const clear = make("button", { type: "button", class: "wb-plain", onclick: () => change("") }, "Clear");
    return {
      parts: [
        make("div", { class: "wb-control-head" }, labelFor(param, id), count),
        help(param),
        make("div", { class: "wb-picks-row" }, box, clear),
      ],
      show: (value) => {
        box.value = value;
        count.textContent = `${numbersOf(value).length} of ${param.maxItems}`;
        clear.hidden = !value;
      },
    };
  };

  // ---------- phrases in an order ----------
  const written = (chips) => chips.map(({ text, isLocked }) => (isLocked ? LOCK : "") + text).join("; ");

  const chipsControl = (param, change, study) => {
    let chips = [];
    let dragged = null;
    let editing = null;
    const list = make("ul", { class: "wb-chips", "aria-labelledby": labelId(param) });
    const box = make("input", { type: "text", placeholder: "Add a phrase", "aria-label": `Add a phrase to ${param.label}`, maxlength: "20000" });
    const set = (next, at) => change(written(next.slice(0, param.maxItems)), at);
    const full = make("p", { class: "wb-help wb-refused", role: "status", hidden: true });
    const add = (text, at) => {
      if (!text.trim()) return;
      const wanted = [...chips, ...chipsOf(text)];
      set(wanted, at);
      const over = wanted.length - param.maxItems;
      full.hidden = over <= 0;
      full.textContent = `${param.maxItems} phrases at most: ${over} left out.`;
    };
    const move = (from, to, at) => {
      if (to < 0 || to >= chips.length || from === to) return;
      const next = [...chips];
      next.splice(to, 0, ...next.splice(from, 1));
      set(next, at);
      list.children[to]?.querySelector(".wb-chip-text").focus();
    };
    const rename = (i, label) => {
      const { text, isLocked } = chips[i];
      const field = make("input", { type: "text", class: "wb-chip-edit", value: text, "aria-label": `Rename ${text}` });
      const mine = (editing = {});
      const end = (wanted, at) => {
        if (editing !== mine) return; // ended already, or the chips were drawn anew
        editing = null;
        const renamed = chipsOf(wanted).map((chip) => ({ text: chip.text, isLocked: isLocked || chip.isLocked }));
        if (!renamed.length || wanted.trim() === text) show(study.values[param.name]);
        else set([...chips.slice(0, i), ...renamed, ...chips.slice(i + 1)], at);
        list.children[i]?.querySelector(".wb-chip-text").focus();
      };
      field.addEventListener("keydown", (event) => {
        if (!["Enter", "Escape"].includes(event.key)) return;
        event.preventDefault();
        end(event.key === "Enter" ? field.value : text, event.timeStamp);
      });
      field.addEventListener("blur", (event) => end(field.value, event.timeStamp));
      label.parentElement.draggable = false;
      label.replaceWith(field);
      field.select();
      field.focus();
    };
    const offers = offersRow(param, study, (text) => chips.some((chip) => chip.text === text), add);
    const roleOf = (text) => (study.offers[param.name] ?? []).find((offer) => offer.text === text)?.role;
    const drawChip = ({ text, isLocked }, i) => {
      const role = roleOf(text);
      const onkeydown = (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step) move(i, i + step, event.timeStamp);
        else if (["Delete", "Backspace"].includes(event.key)) set(chips.filter((_, other) => other !== i), event.timeStamp);
        else if (["Enter", "F2"].includes(event.key)) rename(i, event.currentTarget);
        else return;
        event.preventDefault();
      };
      return make(
        "li",
        {
          class: `wb-chip${role ? ` wb-role-${role}` : ""}${isLocked ? " wb-locked" : ""}`,
          draggable: "true",
          ondragstart: () => (dragged = i),
          ondragover: (event) => event.preventDefault(),
          ondrop: (event) => {
            event.preventDefault();
            if (dragged !== null) move(dragged, i, event.timeStamp);
            dragged = null;
          },
        },
        make("span", { class: "wb-chip-text", tabindex: "0", title: "Drag it, or move it with the arrow keys; a double click or Enter renames it", onkeydown, ondblclick: (event) => rename(i, event.currentTarget) }, text),
        ...(param.canLock ? [make("button", { type: "button", "aria-pressed": String(isLocked), "aria-label": `Lock ${text}`, title: "Lock", onclick: (event) => set(chips.map((chip, other) => (other === i ? { text, isLocked: !isLocked } : chip)), event.timeStamp) }, isLocked ? "●" : "○")] : []),
        make("button", { type: "button", "aria-label": `Remove ${text}`, title: "Remove", onclick: (event) => set(chips.filter((_, other) => other !== i), event.timeStamp) }, "×"),
      );
    };
    const show = (value) => {
      editing = null;
      chips = chipsOf(value);
      list.replaceChildren(...chips.map(drawChip));
      full.hidden = true;
      offers.show();
    };
    study.offered.add(() => editing || show(study.values[param.name])); // not while somebody types
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      add(box.value, event.timeStamp);
      box.value = "";
    });
    return { parts: [title(param), help(param), list, box, full, offers.row], show };
  };

  // ---------- pieces on a board ----------
  const piecesOf = (value) =>
    [...value.matchAll(/([^;@]+)@([\d.]+),([\d.]+)/g)].map(([, name, x, y]) => ({ name: name.trim(), x: Number(x), y: Number(y) }));
  const places = (pieces) => pieces.map(({ name, x, y }) => `${name}@${x.toFixed(2)},${y.toFixed(2)}`).join("; ");
  const within = (share) => Math.min(1, Math.max(0, share));
  const STEP = 0.02;

  const boardControl = (param, change) => {
    let pieces = [];
    const kinds = new Map(param.pieces.map((piece) => [piece.name, piece]));
    const square = make("div", { class: "wb-board", role: "group", "aria-label": param.label });
    const set = (next, at) => change(places(next), at);
    const without = (i) => pieces.filter((_, other) => other !== i);
    const place = (host, { x, y }) => {
      host.style.left = `${100 * x}%`;
      host.style.bottom = `${100 * y}%`;
    };
    // a dragged piece comes to the top, and off the board it is taken away
    const drag = (event, i) => {
      const host = event.currentTarget;
      const box = square.getBoundingClientRect();
      let at = pieces[i];
      let isOff = false;
      host.setPointerCapture(event.pointerId);
      host.onpointermove = (moved) => {
        const [x, y] = [(moved.clientX - box.left) / box.width, 1 - (moved.clientY - box.top) / box.height];
        isOff = x < -0.08 || x > 1.08 || y < -0.08 || y > 1.08;
        host.classList.toggle("wb-off", isOff);
        at = { ...pieces[i], x: within(x), y: within(y) };
        place(host, at);
      };
      host.onpointerup = (up) => {
        host.onpointermove = host.onpointerup = null;
        if (isOff) set(without(i), up.timeStamp);
        else if (at !== pieces[i]) set([...without(i), at], up.timeStamp);
      };
    };
    const press = (event, i) => {
      const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
      if (!step && !["Delete", "Backspace"].includes(event.key)) return;
      event.preventDefault();
      const { name, x, y } = pieces[i];
      if (!step) set(without(i), event.timeStamp);
      else set(pieces.map((each, other) => (other === i ? { name, x: within(x + step[0]), y: within(y + step[1]) } : each)), event.timeStamp);
      square.children[Math.min(i, square.children.length - 1)]?.focus();
    };
    const drawPiece = (each, i) => {
      const { colour, shape, glyph } = kinds.get(each.name) ?? {};
      const host = make(
        "button",
        { type: "button", class: `wb-piece wb-piece-${shape}`, title: each.name, "aria-label": `${each.name}; drag it, move it with the arrow keys, Delete takes it away`, style: `--wb-piece: ${colour}`, onpointerdown: (event) => drag(event, i), onkeydown: (event) => press(event, i) },
        glyph ?? "",
      );
      place(host, each);
      return host;
    };
    const palette = make(
      "div",
      { class: "wb-offers", role: "group", "aria-label": `Pieces for ${param.label}` },
      ...param.pieces.map(({ name, colour }) =>
        make("button", { type: "button", class: "wb-offer", onclick: (event) => pieces.length < param.maxItems && set([...pieces, { name, x: 0.5, y: 0.5 }], event.timeStamp) }, make("i", { style: `background: ${colour}` }), name),
      ),
    );
    const show = (value) => {
      pieces = piecesOf(value);
      square.replaceChildren(...pieces.map(drawPiece));
    };
    return { parts: [title(param), help(param), square, palette], show };
  };

  Object.assign(workbench, { picksControl, chipsControl, boardControl, offersRow, togglePick });
})();

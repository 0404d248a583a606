// The channel browser's three pictures: the ranked list, the two token maps, the strip over depth x steps.

import { openSheet, drawValues } from "./canvas.js";
import { gradient } from "./colour.js";
import { el, setAttr, setText, uid } from "./dom.js";
import { figures, number } from "./format.js";
import { phrase } from "./phrases.js";

// Native radio buttons, largest first: one tab stop, arrow keys walk down the ranking.
export function rankedList(rows, topText, hasMaps, onpick, topWord = phrase("top.channel")) {
  const name = uid("fc-rank");
  const caption = el("span.fc-caption");
  const list = el("ol.fc-rows");
  const legend = el(
    "p.fc-legend",
    {},
    el("span", {}, el("i.fc-swatch"), topText),
    el("span", {}, el("i.fc-tick"), phrase("median.channel")),
    hasMaps ? el("span", {}, el("b", {}, "12"), phrase("has.map")) : null,
  );
  const node = el("fieldset.fc-ranks", {}, el("legend.fc-title", {}, phrase("largest.channels")), caption, list, legend);
  const items = Array.from({ length: rows }, () => {
    const item = {
      channel: -1,
      input: el("input.fc-sr", { type: "radio", name, onchange: () => onpick(item.channel) }),
      number: el("span.fc-number"),
      fill: el("span.fc-fill"),
      value: el("span.fc-value"),
    };
    item.median = el("span.fc-median");
    item.track = el("span.fc-track", {}, item.fill, item.median);
    item.row = el("label.fc-row", {}, item.input, item.number, item.track, item.value);
    list.append(el("li", {}, item.row));
    return item;
  });
  return {
    node,
    show(view, text) {
      setText(caption, text);
      const median = `calc(${(100 * view.medianLength).toFixed(1)}% - 1px)`;
      items.forEach((item, i) => {
        const given = view.list[i];
        item.row.parentNode.hidden = !given;
        if (!given) return;
        item.channel = given.channel;
        setText(item.number, String(given.channel));
        setText(item.value, figures(given.value));
        item.median.style.left = median;
        item.fill.style.transform = `scaleX(${given.length.toFixed(4)})`;
        item.row.classList.toggle("fc-top", given.top);
        item.row.classList.toggle("fc-mapped", given.map);
        if (item.input.checked !== given.chosen) item.input.checked = given.chosen;
        const told = [phrase("channel.value", { channel: given.channel, value: number(given.value) }), given.top ? topWord : "", given.map ? "" : phrase("no.map")];
        setAttr(item.input, "aria-label", told.filter(Boolean).join(", "));
      });
    },
  };
}

// The map alone and over the picture; pointing at a token marks it in both and tells its value.
export function tokenMaps(data, { onnearest }) {
  const alone = el("canvas.fc-pixels", { role: "img" });
  const over = el("canvas.fc-pixels.fc-over", { "aria-hidden": "true" });
  const picture = el("canvas", { role: "img" });
  const marks = [el("span.fc-token"), el("span.fc-token")];
  const message = el("p");
  const offer = el("button.fc-button", { type: "button", onclick: () => onnearest() });
  const missing = el("div.fc-missing", {}, message, offer);
  const frames = [el("div.fc-frame", {}, alone, missing, marks[0]), el("div.fc-frame", {}, picture, over, marks[1])];
  const mapTitle = el("figcaption");
  const overTitle = el("figcaption");
  const low = el("span");
  const middle = el("span");
  const high = el("span");
  const ramp = el("div.fc-ramp", { "aria-hidden": "true" });
  const pointed = el("p.fc-pointed");
  const bar = el("div.fc-colours", {}, ramp, el("div.fc-ends", {}, low, middle, high));
  const sheet = data.images ? openSheet(data.images) : null;
  const node = el(
    "div.fc-maps",
    {},
    el("figure", {}, frames[0], mapTitle),
    el("figure", {}, frames[1], overTitle),
    bar,
    pointed,
  );
  const [gridHeight, gridWidth] = data.grid;
  let map = null;
  let note = "";
  let place = null;

  function tell() {
    const on = place !== null && map !== null;
    for (const mark of marks) {
      mark.hidden = !on;
      if (!on) continue;
      mark.style.left = `${(100 * place.column) / gridWidth}%`;
      mark.style.top = `${(100 * place.row) / gridHeight}%`;
      mark.style.width = `${100 / gridWidth}%`;
      mark.style.height = `${100 / gridHeight}%`;
    }
    const value = on ? map.values[place.row * gridWidth + place.column] : 0;
    setText(pointed, on ? phrase("token.value", { row: place.row + 1, column: place.column + 1, value: number(value) }) : note);
  }
  for (const frame of frames) {
    frame.style.aspectRatio = `${gridWidth} / ${gridHeight}`;
    const move = (event) => {
      const box = frame.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * gridWidth);
      const row = Math.floor(((event.clientY - box.top) / box.height) * gridHeight);
      place = row >= 0 && row < gridHeight && column >= 0 && column < gridWidth ? { row, column } : null;
      tell();
    };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerdown", move);
    frame.addEventListener("pointerleave", () => {
      place = null;
      tell();
    });
  }
  let drawn = -1;
  return {
    node,
    show(view, state) {
      map = view.map;
      missing.hidden = Boolean(map);
      alone.hidden = bar.hidden = !map;
      over.hidden = !map || !state.over;
      over.style.opacity = state.opacity / 100;
      if (map) {
        drawValues(alone, map.values, map.width, map.height, map.scale);
        drawValues(over, map.values, map.width, map.height, map.scale);
        ramp.style.background = gradient(map.scale.palette);
        setText(low, number(map.scale.low));
        setText(middle, map.scale.palette === "diverging" ? "0" : number((map.scale.low + map.scale.high) / 2));
        setText(high, number(map.scale.high));
        const palette = map.scale.palette === "diverging" ? "diverging" : "sequential";
        note = phrase(`colours.${palette}.${state.scale === "channel" ? "all" : "own"}`);
        alone.setAttribute(
          "aria-label",
          phrase("map.label", { channel: state.channel, height: map.height, width: map.width, low: number(map.scale.low), high: number(map.scale.high) }),
        );
      } else {
        note = "";
        setText(message, phrase("map.unkept", { channel: state.channel }));
        offer.hidden = view.nearest === null;
        if (view.nearest !== null) setText(offer, phrase("show.nearest", { channel: view.nearest }));
      }
      setText(mapTitle, phrase("channel.place", { channel: state.channel, block: state.layer, step: data.steps[state.step] }));
      setText(overTitle, map && state.over ? phrase("over.final") : phrase("final"));
      picture.setAttribute("aria-label", phrase("final.of", { prompt: data.prompts[state.prompt] }));
      tell();
      if (sheet && drawn !== state.prompt) {
        sheet.ready.then(() => sheet.draw(picture, state.prompt), () => setText(overTitle, phrase("picture.unread")));
        drawn = state.prompt;
      }
    },
  };
}

// Score of one channel over depth (down) x steps (across). A button: click or drag to a cell, arrow keys move.
export function depthStrip(data, onmove) {
  const { layers, steps } = data.counts;
  const canvas = el("canvas.fc-pixels");
  const mark = el("span.fc-here");
  const button = el("button.fc-strip", { type: "button" }, canvas, mark);
  const title = el("p.fc-title");
  const high = el("span");
  const ends = el("span.fc-key", {}, "0", el("span.fc-ramp", { "aria-hidden": "true" }), high);
  ends.querySelector(".fc-ramp").style.background = gradient("sequential");
  const names = el("div.fc-depth", { "aria-hidden": "true" }, el("span", {}, "0"), el("span", {}, phrase("block")), el("span", {}, String(layers - 1)));
  const axis = el(
    "div.fc-steps",
    { "aria-hidden": "true" },
    el("span", {}, String(data.steps[0])),
    el("span", {}, phrase("step")),
    el("span", {}, String(data.steps[steps - 1])),
  );
  button.style.height = `${Math.max(72, Math.min(240, 19 * layers))}px`;
  const node = el("div.fc-overview", {}, el("div.fc-headline", {}, title, ends), el("div.fc-grid", {}, names, button, axis));
  let here = { layer: 0, step: 0 };

  const toPointer = (event) => {
    const box = canvas.getBoundingClientRect();
    const step = Math.floor(((event.clientX - box.left) / box.width) * steps);
    const layer = Math.floor(((event.clientY - box.top) / box.height) * layers);
    onmove({ layer: Math.max(0, Math.min(layers - 1, layer)), step: Math.max(0, Math.min(steps - 1, step)) });
  };
  button.addEventListener("click", (event) => event.detail > 0 && toPointer(event));
  button.addEventListener("pointermove", (event) => event.pointerType === "mouse" && event.buttons === 1 && toPointer(event));
  button.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [];
    if (down === undefined) return;
    event.preventDefault();
    onmove({
      layer: Math.max(0, Math.min(layers - 1, here.layer + down)),
      step: Math.max(0, Math.min(steps - 1, here.step + right)),
    });
  });
  return {
    node,
    show(view, state) {
      here = state;
      drawValues(canvas, view.strip.values, steps, layers, { palette: "sequential", low: 0, high: view.strip.high || 1 });
      setText(title, phrase("strip.title", { channel: state.channel }));
      setText(high, number(view.strip.high));
      mark.style.left = `${(100 * state.step) / steps}%`;
      mark.style.top = `${(100 * state.layer) / layers}%`;
      mark.style.width = `${100 / steps}%`;
      mark.style.height = `${100 / layers}%`;
      button.setAttribute(
        "aria-label",
        phrase("strip.label", { channel: state.channel, high: number(view.strip.high), block: state.layer, step: data.steps[state.step] }),
      );
    },
  };
}

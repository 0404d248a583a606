// What channels look like on the token grid: the chosen one alone and over the picture, the marked ones as small maps,
// and the subject that the marked ones tell apart.

import { drawValues } from "./canvas.js";
import { gradient, scaleFor } from "./colour.js";
import { el, setText } from "./dom.js";
import { number, percent } from "./format.js";
import { latest } from "./explorer_source.js";
import { nearestKept } from "./explorer_state.js";
import { subjectMask } from "./masks.js";
import { phrase } from "./phrases.js";

function extremes(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

// Subject clear, all else dimmed (over a picture), or white on black (alone).
function drawMask(canvas, mask, height, width, over) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  mask.forEach((inside, i) => {
    const light = over ? 0 : inside ? 255 : 24;
    image.data.set([light, light, light, over ? (inside ? 0 : 190) : 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

export function channelMaps({ onpick, onsame, onscale, onfail }) {
  const alone = el("canvas.fc-pixels", { role: "img" });
  const missingText = el("p");
  const offer = el("button.fc-button", { type: "button" });
  const missing = el("div.fc-missing", { hidden: true }, missingText, offer);
  const picture = el("canvas", { role: "img" });
  const over = el("canvas.fc-pixels.fc-over", { "aria-hidden": "true" });
  const noPicture = el("div.fc-missing", { hidden: true }, el("p", {}, phrase("maps.nopicture")));
  const marks = [el("span.fc-token", { hidden: true }), el("span.fc-token", { hidden: true })];
  const frames = [el("div.fc-frame", {}, alone, missing, marks[0]), el("div.fc-frame", {}, picture, over, noPicture, marks[1])];
  const mapTitle = el("figcaption");
  const overTitle = el("figcaption");
  const ramp = el("div.fc-ramp", { "aria-hidden": "true" });
  const ends = [el("span"), el("span")];
  const pointed = el("p.fc-pointed");
  const smallTitle = el("p.fc-title");
  const small = el("div.fc-small");
  const maskCanvas = el("canvas.fc-pixels", { role: "img" });
  const maskText = el("p.fc-caption");
  const maskBox = el("figure.fc-mask", {}, el("div.fc-frame", {}, maskCanvas), maskText);
  const node = el(
    "div.fc-looks",
    {},
    el("figure", {}, frames[0], mapTitle),
    el("figure", {}, frames[1], overTitle),
    el("div.fc-colours", {}, ramp, el("div.fc-ends", {}, ...ends)),
    pointed,
    el("div.fc-sets", {}, smallTitle, el("div.fc-setrow", {}, small, maskBox)),
  );
  const tiles = [];
  let now = null; // what is asked for
  let found = null; // { map, maps, mask }
  let place = null;
  let offered = -1;
  let common = null;
  offer.addEventListener("click", () => offered >= 0 && onpick(offered));

  function tile(i) {
    if (tiles[i]) return tiles[i];
    const canvas = el("canvas.fc-pixels");
    const label = el("span");
    const button = el("button.fc-tile", { type: "button", onclick: () => (tiles[i].channel === now.pane.channel ? onsame(tiles[i].channel) : onpick(tiles[i].channel)) }, canvas, label);
    tiles[i] = { button, canvas, label, channel: -1 };
    small.append(button);
    return tiles[i];
  }
  function point() {
    const [height, width] = now.grid;
    const on = place !== null && found?.map;
    for (const mark of marks) {
      mark.hidden = !on;
      if (!on) continue;
      mark.style.left = `${(100 * place.column) / width}%`;
      mark.style.top = `${(100 * place.row) / height}%`;
      mark.style.width = `${100 / width}%`;
      mark.style.height = `${100 / height}%`;
    }
    setText(pointed, on ? phrase("token.value", { row: place.row + 1, column: place.column + 1, value: number(found.map.values[place.row * width + place.column]) }) : note());
  }
  function note() {
    if (!found?.map) return "";
    return now.kept === now.pane.step ? phrase("maps.point") : phrase("maps.nearest", { step: now.run.steps[now.kept] + 1 });
  }
  for (const frame of frames) {
    const move = (event) => {
      if (!now) return;
      const [height, width] = now.grid;
      const box = frame.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * width);
      const row = Math.floor(((event.clientY - box.top) / box.height) * height);
      place = row >= 0 && row < height && column >= 0 && column < width ? { row, column } : null;
      point();
    };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerdown", move);
    frame.addEventListener("pointerleave", () => {
      place = null;
      if (now) point();
    });
  }

  function paintMap() {
    const { map } = found;
    const own = map ? extremes(map.values) : null;
    alone.hidden = !map;
    ramp.parentNode.style.visibility = map ? "visible" : "hidden";
    missing.hidden = Boolean(map);
    if (map) {
      const scale = scaleFor(common ? common.low : own.low, common ? common.high : own.high);
      drawValues(alone, map.values, map.width, map.height, scale);
      if (now.state.over === "map") drawValues(over, map.values, map.width, map.height, scale);
      ramp.style.background = gradient(scale.palette);
      setText(ends[0], number(scale.low));
      setText(ends[1], number(scale.high));
      alone.setAttribute("aria-label", phrase("map.label", { channel: now.pane.channel, height: map.height, width: map.width, low: number(own.low), high: number(own.high) }));
    } else {
      const { run, pane } = now;
      const kept = run.mapChannels(pane.layer);
      offered = kept.includes(now.marked[0]) ? now.marked[0] : kept.length ? kept[0] : -1;
      const why = pane.prompt < 0 ? phrase("maps.oneprompt") : !run.mapPrompts.includes(pane.prompt) ? phrase("maps.noprompt") : phrase("map.unkept", { channel: pane.channel });
      setText(missingText, why);
      offer.hidden = pane.prompt < 0 || !run.mapPrompts.includes(pane.prompt) || offered < 0;
      setText(offer, phrase("show.channel", { channel: offered }));
    }
    setText(mapTitle, phrase("channel.place", { channel: now.pane.channel, block: now.pane.layer, step: now.run.steps[now.kept ?? now.pane.step] + 1 }));
    point();
    return own;
  }

  function paintMask() {
    const [height, width] = now.grid;
    const { mask } = found;
    const showMask = Boolean(mask);
    maskBox.classList.toggle("fc-none", !showMask);
    if (showMask) {
      drawMask(maskCanvas, mask.mask, height, width, false);
      maskCanvas.setAttribute("aria-label", phrase("mask.label", { count: found.maps.length, share: percent(mask.share) }));
    }
    setText(maskText, showMask ? phrase(found.few ? "mask.some" : "mask.all", { count: found.maps.length, share: percent(mask.share) }) : phrase("mask.none"));
    if (now.state.over === "mask" && showMask) drawMask(over, mask.mask, height, width, true);
    over.hidden = now.state.over === "none" || (now.state.over === "mask" ? !showMask : !found.map);
    over.style.opacity = now.state.opacity / 100;
    const what = { map: found.map ? phrase("over.title.map") : phrase("over.title.none"), mask: showMask ? phrase("over.title.mask") : phrase("over.title.none"), none: phrase("over.title.none") };
    setText(overTitle, `${what[now.state.over]}${now.pane.cond ? ` (${now.pane.cond})` : ""}`);
  }

  const drawMaps = latest(([map, ...some]) => {
    const maps = some.filter(Boolean);
    const { pane, kept, marked } = now;
    const mask = maps.length ? now.source.derived(`mask ${pane.prompt} ${pane.layer} ${kept} ${marked}`, () => subjectMask(maps.map((m) => m.values), maps[0].height, maps[0].width), maps[0].values.length) : null;
    found = { map, maps, few: maps.length < some.length, mask };
    let shown = 0;
    some.forEach((given, i) => {
      if (!given) return;
      const one = tile(shown++);
      one.channel = now.marked[i];
      if (one.drawn !== given) drawValues(one.canvas, given.values, given.width, given.height, { palette: "sequential", ...extremes(given.values) });
      one.drawn = given;
      one.canvas.style.aspectRatio = `${given.width} / ${given.height}`;
      setText(one.label, String(one.channel));
      one.button.setAttribute("aria-label", phrase("show.channel", { channel: one.channel }));
      one.button.classList.toggle("fc-is-chosen", one.channel === now.pane.channel);
    });
    tiles.forEach((one, i) => (one.button.hidden = i >= shown));
    setText(smallTitle, found.few ? phrase("maps.few", { set: now.label, count: maps.length, all: some.length }) : now.label);
    const own = paintMap();
    paintMask();
    onscale(own);
  }, onfail);

  const drawPicture = latest((image) => {
    noPicture.hidden = Boolean(image);
    picture.hidden = !image;
    if (!image || picture.drawn === image) return;
    picture.width = image.naturalWidth;
    picture.height = image.naturalHeight;
    picture.classList.toggle("fc-pixels", image.naturalWidth <= 128);
    picture.getContext("2d").drawImage(image, 0, 0);
    picture.drawn = image;
  }, onfail);

  return {
    node,
    // For the export: the two large frames as they are.
    layers: () => ({ alone: alone.hidden ? null : alone, picture: picture.hidden ? null : picture, over: over.hidden ? null : over, opacity: now.state.opacity / 100, mask: maskBox.classList.contains("fc-none") ? null : maskCanvas, grid: now.grid, titles: [mapTitle.textContent, overTitle.textContent, maskText.textContent] }),
    show(source, view, state, label) {
      const { run, pane, marked } = view;
      const kept = run.mapPrompts.includes(pane.prompt) ? nearestKept(run.mapSteps, pane.step) : null;
      now = { source, run, pane, marked, state, label, kept, grid: run.grid || [1, 1] };
      for (const frame of [...frames, maskCanvas.parentNode]) frame.style.aspectRatio = `${now.grid[1]} / ${now.grid[0]}`;
      drawMaps(kept === null ? [null, ...marked.map(() => null)] : source.maps(pane.prompt, pane.layer, kept, [pane.channel, ...marked]));
      picture.setAttribute("aria-label", phrase("picture.of", { prompt: run.prompts[Math.max(0, pane.prompt)] ?? phrase("none") }));
      drawPicture(pane.prompt < 0 ? null : source.picture(pane.prompt, pane.cond));
    },
    rescale(range) {
      common = range;
      if (found) paintMap();
    },
  };
}

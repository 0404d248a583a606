// The heat map of channels (across) and depth (down). One canvas, painted when the scores change; what is chosen,
// marked or pointed at lies above it as elements, so that moving costs no painting.

import { gradient, paint } from "./colour.js";
import { el, setAttr, setText } from "./dom.js";
import { number, ordinal } from "./format.js";
import { rankOf } from "./rank.js";
import { pooled } from "./explorer_state.js";
import { phrase } from "./phrases.js";

const FLOOR = 1e-2; // of the largest: where the logarithmic colours begin

export function heatHeight(blocks) {
  return Math.max(168, Math.min(320, 28 * blocks));
}

// Kept as long as the scores are: { columns, values, from, image, key }, the image as painted for a scale and range.
const pools = new WeakMap();
const largestOf = new WeakMap();

// Scores to the 0..1 that colours show.
function levels(values, rows, columns, scale, high) {
  const out = new Float32Array(values.length);
  const span = -Math.log(FLOOR);
  for (let row = 0; row < rows; row++) {
    let top = high;
    if (scale === "block") {
      top = 0;
      for (let i = row * columns; i < (row + 1) * columns; i++) top = Math.max(top, values[i]);
    }
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      const share = values[i] / (top || 1);
      out[i] = scale === "log" ? 1 + Math.log(Math.max(share, FLOOR)) / span : share;
    }
  }
  return out;
}

export function heatMap({ onmove }) {
  const canvas = el("canvas.fc-pixels");
  const rowMark = el("span.fc-rowmark");
  const columnMark = el("span.fc-columnmark");
  const ghost = el("span.fc-ghost", { hidden: true });
  const rug = el("span.fc-rug", { "aria-hidden": "true" });
  const button = el("button.fc-heat", { type: "button" }, canvas, rowMark, columnMark, ghost);
  const title = el("p.fc-title");
  const low = el("span");
  const high = el("span");
  const ramp = el("span.fc-ramp", { "aria-hidden": "true" });
  ramp.style.background = gradient("sequential");
  const first = el("span", {}, "0");
  const last = el("span");
  const left = el("span", {}, "0");
  const right = el("span");
  const pointed = el("p.fc-pointed");
  const node = el(
    "div.fc-hero",
    {},
    el("div.fc-headline", {}, title, el("span.fc-key", {}, low, ramp, high)),
    el(
      "div.fc-grid",
      {},
      el("div.fc-depth", { "aria-hidden": "true" }, first, el("span", {}, phrase("block")), last),
      button,
      el("div.fc-under", {}, rug, el("div.fc-steps", { "aria-hidden": "true" }, left, el("span", {}, phrase("channel.axis")), right)),
    ),
    pointed,
  );
  let view = null; // { run, scores, pane, marked }
  let pool = null;
  let hover = null;
  let range = 1;
  let drawn = "";
  let room = 0; // px across; asked for in a frame, it would cost a layout
  let again = null;
  new ResizeObserver(([entry]) => {
    room = Math.round(entry.contentRect.width * Math.min(2, globalThis.devicePixelRatio || 1));
    again?.();
  }).observe(button);

  const at = (event) => {
    const box = button.getBoundingClientRect();
    const { width, layers } = view.run;
    const layer = Math.max(0, Math.min(layers.length - 1, Math.floor(((event.clientY - box.top) / box.height) * layers.length)));
    const across = Math.max(0, Math.min(0.999999, (event.clientX - box.left) / box.width));
    // a pixel of a wide model stands for several channels: the one that its colour shows
    const channel = pool ? pool.from[layer * pool.columns + Math.floor(across * pool.columns)] : Math.floor(across * width);
    return { layer, channel };
  };
  button.addEventListener("click", (event) => event.detail > 0 && view && onmove(at(event)));
  button.addEventListener("pointermove", (event) => {
    if (!view) return;
    const place = at(event);
    if (event.buttons === 1) onmove(place);
    hover = event.pointerType === "mouse" ? place : null;
    point();
  });
  button.addEventListener("pointerleave", () => {
    hover = null;
    point();
  });
  button.addEventListener("keydown", (event) => {
    const by = event.shiftKey ? 10 : 1;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -by], ArrowRight: [0, by], PageUp: [0, -50], PageDown: [0, 50], Home: [0, -1e9], End: [0, 1e9] };
    const move = steps[event.key];
    if (!move || !view) return;
    event.preventDefault();
    onmove({
      layer: Math.max(0, Math.min(view.run.layers.length - 1, view.pane.layer + move[0])),
      channel: Math.max(0, Math.min(view.run.width - 1, view.pane.channel + move[1])),
    });
  });

  function tellOf({ layer, channel }) {
    const { run, scores, pane } = view;
    const start = layer * run.width;
    const rank = rankOf(scores, start, run.width, channel);
    return phrase("heat.cell", { channel, block: layer, score: phrase(`score.${pane.score}`), value: number(scores[start + channel]), rank: ordinal(rank), count: run.width });
  }
  function point() {
    ghost.hidden = !hover;
    if (!view) return;
    if (hover) {
      ghost.style.left = `${(100 * (hover.channel + 0.5)) / view.run.width}%`;
      ghost.style.top = `${(100 * (hover.layer + 0.5)) / view.run.layers.length}%`;
    }
    setText(pointed, tellOf(hover || view.pane));
    pointed.classList.toggle("fc-hovering", Boolean(hover));
  }
  function repaint(scale) {
    const { run, scores } = view;
    const rows = run.layers.length;
    const columns = Math.min(run.width, room || run.width);
    pool = pools.get(scores);
    if (pool?.columns !== columns) {
      pool = { scores, columns, ...pooled(scores, rows, run.width, columns) };
      pools.set(scores, pool);
    }
    const key = `${scale} ${range}`;
    if (pool.key !== key) {
      pool.image ||= new ImageData(columns, rows);
      paint(levels(pool.values, rows, columns, scale, range), { palette: "sequential", low: 0, high: 1 }, pool.image.data);
      pool.key = key;
    }
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns;
      canvas.height = rows;
    }
    canvas.getContext("2d").putImageData(pool.image, 0, 0);
    setText(low, scale === "log" ? `≤ ${number(range * FLOOR)}` : "0");
    setText(high, scale === "block" ? "block’s largest" : number(range));
  }
  return {
    node,
    canvas,
    // The colours' upper end: both panes may share one.
    largest: () => (view ? largestOf.get(view.scores) : 0),
    text: () => title.textContent,
    show(given, state, common) {
      if (!largestOf.has(given.scores)) {
        let most = 0;
        for (const value of given.scores) if (value > most) most = value;
        largestOf.set(given.scores, most);
      }
      if (view?.run !== given.run) hover = null;
      view = given;
      const { run, pane, marked } = view;
      const rows = run.layers.length;
      button.style.height = `${heatHeight(rows)}px`;
      range = common || largestOf.get(view.scores) || 1;
      again = () => {
        const key = `${state.scale} ${range} ${room}`;
        if (key !== drawn || !pool || pool.scores !== view.scores) repaint(state.scale);
        drawn = key;
      };
      again();
      rowMark.style.top = `${(100 * pane.layer) / rows}%`;
      rowMark.style.height = `${100 / rows}%`;
      columnMark.style.left = `${(100 * (pane.channel + 0.5)) / run.width}%`;
      marks(rug, marked, run.width, pane.channel);
      setText(title, phrase("heat.title", { score: phrase(`score.${pane.score}`), step: run.steps[pane.step] + 1 }));
      setText(last, String(rows - 1));
      setText(right, String(run.width - 1));
      setAttr(button, "aria-label", phrase("heat.label", { channels: run.width, blocks: rows, cell: tellOf(pane) }));
      point();
    },
  };
}

// One tick for each marked channel, reused from one view to the next.
function marks(rug, channels, width, chosen) {
  while (rug.childElementCount < channels.length) rug.append(el("i"));
  while (rug.childElementCount > channels.length) rug.lastChild.remove();
  channels.forEach((channel, i) => {
    rug.children[i].style.left = `${(100 * (channel + 0.5)) / width}%`;
    rug.children[i].classList.toggle("fc-is-chosen", channel === chosen);
  });
}

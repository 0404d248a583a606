// The pictures, the skyline between them, the channel that is looked at, the steps, and what changed in numbers and words.

import { channelFinder } from "../controls.js";
import { choices, el, setText, svgNode } from "../dom.js";
import { number, ordinal, percent } from "../format.js";
import { phrase } from "../phrases.js";
import { drawMap, drawMask, paintGrid, pictureView } from "./picture_view.js";
import { changeOf, energyMoved, painted } from "./request.js";
import { placeOf, setWords } from "./sets.js";
import { sky } from "./sky.js";
import { edits, numbersOf, paintMask, paintText } from "./state.js";
import { sentenceOf, wordsChanged } from "./words.js";

const PLAY = 140; // ms a step, when the forming is played again

export const rowsOf = (levels, { blocks, width }) => Array.from({ length: blocks }, (_, b) => levels.subarray(b * width, (b + 1) * width));

// What is seen, what is asked: short sentences.
const seenText = (reading) => (reading ? phrase("stage.seen", { what: sentenceOf(reading) }) : "");

function courseChart() {
  const svg = svgNode("svg", { viewBox: "0 0 170 64", class: "fc-course", role: "img" });
  const middle = svg.appendChild(svgNode("path", { class: "fc-course-median" }));
  const line = svg.appendChild(svgNode("path", { class: "fc-course-line" }));
  const dot = svg.appendChild(svgNode("circle", { r: 3, class: "fc-course-dot" }));
  const label = (text, x, anchor) => {
    const node = svg.appendChild(svgNode("text", { x, y: 63, "text-anchor": anchor }));
    node.textContent = text;
  };
  label(phrase("noise"), 4, "start");
  label(phrase("stage.picture"), 166, "end");
  return {
    node: svg,
    show(values, medians, step, steps, name) {
      const most = 1.1 * Math.max(...values.filter(Number.isFinite), 1e-9);
      const point = (value, i) => `${(4 + (162 * i) / Math.max(1, steps - 1)).toFixed(1)},${(50 - (46 * value) / most).toFixed(1)}`;
      const path = (list) => list.map((value, i) => (Number.isFinite(value) ? `${i ? "L" : "M"}${point(value, i)}` : "")).join("");
      line.setAttribute("d", path(values));
      middle.setAttribute("d", path(medians));
      const here = Number.isFinite(values[step]) ? point(values[step], step).split(",") : null;
      dot.toggleAttribute("hidden", !here);
      if (here) {
        dot.setAttribute("cx", here[0]);
        dot.setAttribute("cy", here[1]);
      }
      svg.setAttribute("aria-label", phrase("stage.course", { name, first: number(values[0]), last: number(values[values.length - 1]), median: number(medians[medians.length - 1]) }));
    },
  };
}

export function stage({ data, change, take, onstrength }) {
  const { shape, known, side } = data;
  const grid = Math.round(Math.sqrt(shape.tokens));
  const views = {
    untouched: pictureView({ title: phrase("stage.untouched"), side, grid }),
    edited: pictureView({ title: phrase("stage.edited"), side, grid, tone: "edited-figure" }),
    source: pictureView({ title: phrase("lab.source"), side, grid, tone: "small-figure" }),
    control: pictureView({ title: phrase("stage.control"), side, grid, tone: "small-figure" }),
  };
  const paint = paintGrid({ grid, onpaint: (mask) => change({ paint: paintText(mask) }) });
  views.untouched.frame.append(paint.node);
  const skyline = sky({ shape, known, onlook: (place) => change(place, { look: true }), ontake: take, onstrength });
  const shown = choices({ label: phrase("stage.shown"), kind: "fc-seg.fc-small-seg", options: [{ value: "untouched", content: phrase("untouched") }, { value: "edited", content: phrase("stage.shown.edited") }], onpick: (value) => change({ shown: value }, { look: true }) });
  const over = choices({ label: phrase("stage.over"), kind: "fc-seg.fc-small-seg", options: [{ value: "none", content: phrase("over.none") }, { value: "map", content: phrase("stage.over.map") }, { value: "mask", content: phrase("stage.over.mask") }], onpick: (value) => change({ over: value }, { look: true }) });
  const mapCanvas = el("canvas.fc-thumb", { role: "img" });
  const maskCanvas = el("canvas.fc-thumb", { role: "img" });
  const mapFigure = el("figure", {}, mapCanvas, el("figcaption", {}, phrase("stage.map")));
  const maskFigure = el("figure", {}, maskCanvas, el("figcaption", {}, phrase("stage.mask")));
  const cardText = el("p.fc-channel-text");
  const cardMore = el("p.fc-channel-more");
  let now = null;
  const finder = channelFinder({ current: () => ({ channel: now?.channel ?? 0, width: shape.width }), onpick: (channel) => change({ channel }, { look: true }) });
  const taking = el("button.fc-button", { type: "button", "aria-pressed": "false", onclick: () => take(now.channel, now.block, "all") }, phrase("stage.take"));
  const here = el("button.fc-button", { type: "button", onclick: () => take(now.channel, now.block, "block") }, phrase("stage.here"));
  const only = el("button.fc-button", { type: "button", onclick: () => take(now.channel, now.block, "only") }, phrase("stage.only"));
  const course = courseChart();
  const card = el("div.fc-channel-card", {}, el("div.fc-thumbs", {}, mapFigure, maskFigure), el("div.fc-channel-words", {}, cardText, cardMore, el("div.fc-channel-take", {}, finder.node, taking, here, only)), course.node);

  const step = el("input", { type: "range", min: 0, step: 1, "aria-label": phrase("stage.step") });
  step.addEventListener("input", () => change({ step: Number(step.value) === Number(step.max) ? -1 : Number(step.value) }, { look: true }));
  const dots = el("div.fc-dots", { "aria-hidden": "true" });
  const timeText = el("span.fc-time-text");
  const play = el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase("stage.play") }, "▶");
  let playing = null;
  play.addEventListener("click", () => {
    if (playing) {
      stopPlay();
      return;
    }
    let at = -1;
    setText(play, "■");
    play.setAttribute("aria-label", phrase("stage.play.stop"));
    playing = setInterval(() => {
      at++;
      const last = at >= Number(step.max);
      change({ step: last ? -1 : at }, { look: true });
      if (last) stopPlay();
    }, PLAY);
  });
  function stopPlay() {
    clearInterval(playing);
    playing = null;
    setText(play, "▶");
    play.setAttribute("aria-label", phrase("stage.play"));
  }
  const time = el("div.fc-time", {}, play, el("div.fc-time-line", {}, dots, step, el("div.fc-time-ends", {}, el("span", {}, phrase("noise")), timeText, el("span", {}, phrase("stage.picture")))));

  const facts = ["change", "energy", "control", "words"].map((name) => ({ name: el("dt", {}, phrase(`fact.${name}`)), value: el("dd") }));
  const found = el("dl.fc-found", {}, ...facts.map(({ name, value }) => el("div", {}, name, value)));

  const node = el(
    "section.fc-part.fc-look-part",
    { "aria-label": phrase("lab.part.look") },
    el(
      "div.fc-stage",
      {},
      el("div.fc-side", {}, views.untouched.node, views.source.node),
      el("div.fc-middle", {}, el("div.fc-over-row", {}, shown.node, over.node), skyline.node),
      el("div.fc-side", {}, views.edited.node, views.control.node),
      card,
    ),
    time,
  );
  const numbers = el("section.fc-part.fc-numbers-part", { "aria-label": phrase("lab.part.numbers") }, found);

  // The levels that are shown of a lane, at its step.
  const levelsAt = (lane, at) => (lane?.levels[at] ? rowsOf(lane.levels[at], shape) : null);

  // session: or null before the start; estimate(name, step) -> pixels, or null and then again once they have come;
  // example: what stands there before the start, { levels, untouched_text, ..., images }, or null where it is of another
  // state: then the bars are those of the ranking, and nothing is drawn
  return {
    node,
    numbers,
    views,
    stop: () => {
      stopPlay();
      paint.stop();
    },
    show(state, session, { lists, set, estimate, example }) {
      const lanes = session ? session.lanes : {};
      const name = state.shown === "edited" && lanes.edited ? "edited" : "untouched";
      const lane = lanes[name]?.levels.length ? lanes[name] : lanes[name]?.before || lanes[name];
      const stepOf = (one) => (!one ? -1 : one.done ? (state.step < 0 ? one.steps - 1 : Math.min(one.steps - 1, Math.round((state.step * (one.steps - 1)) / Math.max(1, state.steps - 1)))) : one.step);
      const at = stepOf(lane);
      const block = state.block;
      const channel = session ? session.focus(state) : largestOf(known.score[block]);
      now = { block, channel };
      const levels = levelsAt(lane, at) || example?.levels || (session ? null : known.score);
      const ranking = !session && !example ? ".ranking" : ""; // sizes over calibration prompts
      const plain = name === "edited" ? levelsAt(lanes.untouched, Math.min(stepOf(lanes.untouched), at)) : null;
      const chosen = edits(state) ? lists : lists.map(() => []);
      const place = levels ? placeOf(levels[block], known.energy, block, channel) : null;
      const taken = lists[block].includes(channel);
      const spot = phrase("stage.spot", { channel, block });
      const text = place ? [phrase(`stage.spot.size${ranking}`, { spot, value: number(place.value), rank: ordinal(place.rank), count: shape.width }), taken && phrase("stage.taken")].filter(Boolean).join(", ") : spot;
      skyline.show({ levels, untouched: plain, taken: chosen, block, channel, text });
      shown.set(state.shown);
      over.set(state.over);

      const standing = !place ? "none" : place.value === 0 ? "zero" : `${place.rank === 1 ? "first" : "other"}${ranking}`;
      setText(cardText, phrase(`stage.standing.${standing}`, { channel, block, rank: place && ordinal(place.rank), ratio: place && number(place.ratio) }));
      setText(cardMore, [phrase("stage.energy", { share: percent(place?.share ?? 0) }), at >= 0 && lane && phrase(`stage.at.${name}`, { step: at + 1, steps: lane.steps })].filter(Boolean).join(" "));
      finder.show();
      const everywhere = lists.every((list) => list.includes(channel));
      setText(taking, everywhere ? phrase("stage.leave") : phrase("stage.take"));
      taking.setAttribute("aria-pressed", String(everywhere));
      setText(here, taken ? phrase("stage.nothere") : phrase("stage.here"));
      const map = lane ? session.map(name, at, block, channel) : null;
      if (map) drawMap(mapCanvas, map, grid);
      mapCanvas.setAttribute("aria-label", map ? phrase("stage.map.label", { channel, low: number(Math.min(...map)), high: number(Math.max(...map)) }) : phrase("stage.map.later"));
      const maskChannels = session ? session.maskChannels() : [];
      const mask = lane ? session.mask(name, at, maskChannels) : null;
      if (mask) drawMask(maskCanvas, mask, grid);
      maskCanvas.setAttribute("aria-label", mask ? phrase("stage.mask.label", { count: maskChannels.length, block: session.maskBlock, share: percent(mask.reduce((sum, one) => sum + one, 0) / mask.length) }) : phrase("stage.mask.later"));
      mapFigure.hidden = !map;
      maskFigure.hidden = !mask;
      course.node.toggleAttribute("hidden", !lane);
      if (lane) {
        const series = Array.from({ length: lane.steps }, (_, i) => lane.levels[i]?.[block * shape.width + channel] ?? NaN);
        const medians = Array.from({ length: lane.steps }, (_, i) => (lane.levels[i] ? middleOf(lane.levels[i].subarray(block * shape.width, (block + 1) * shape.width)) : NaN));
        if (series.some(Number.isFinite)) course.show(series, medians, at, lane.steps, spot);
      }

      const asked = { untouched: state.prompt, edited: "", source: state.source, control: "" };
      for (const [lane_, view] of Object.entries(views)) {
        const own = lanes[lane_];
        view.node.hidden = (lane_ === "source" && !own) || (lane_ === "control" && !own?.done);
        if (!session) {
          if (!(lane_ in UNDRAWN)) continue;
          const words = example ? example[`${lane_}_text`] : UNDRAWN[lane_](state, set, lists);
          view.still(example?.images[lane_] ?? null);
          view.show({ pixels: null, caption: words, label: phrase(example ? "stage.stored" : "stage.undrawn", { lane: phrase(`lane.${lane_}`), words }), share: 1 });
          continue;
        }
        const step_ = stepOf(own);
        const pixels = !own ? null : own.done && state.step >= 0 && step_ < own.steps - 1 ? estimate(lane_, step_) : own.picture || own.before?.picture || null;
        const early = own?.done && step_ < own.steps - 1;
        const reading = own?.done ? own.reading : null;
        const words = lane_ === "untouched" ? askedText(own, early, step_, reading)
          : lane_ === "edited" ? (own ? `${editedText(state, set, lists)} ${early ? phrase("stage.estimate", { step: step_ + 1 }) : seenText(reading)}`.trim() : phrase("stage.unedited"))
          : lane_ === "source" ? `${asked.source}.`
          : phrase("stage.control.what");
        view.show({ pixels: own ? pixels : lanes.untouched?.picture ?? null, caption: words, label: phrase("stage.view", { lane: phrase(`lane.${lane_}`), words: asked[lane_] || words }), share: own ? (own.done ? 1 : (own.step + 1) / own.steps) : 1 });
        if (lane_ === "untouched" || lane_ === "edited") {
          const values = own && state.over === "map" ? session.map(lane_, step_, block, channel) : null;
          const inside = own && state.over === "mask" ? session.mask(lane_, step_, maskChannels) : null;
          view.cover(values, inside);
        }
      }
      paint.node.hidden = !painted(state) || !session;
      paint.set(paintMask(state.paint, shape.tokens));

      const steps = state.steps;
      step.max = steps - 1;
      const shownStep = lane && !lane.done ? Math.max(0, lane.step) : state.step < 0 ? steps - 1 : state.step;
      if (Number(step.value) !== shownStep) step.value = shownStep;
      step.setAttribute("aria-valuetext", phrase("stage.stepof", { step: shownStep + 1, steps }));
      const inWindow = edits(state) ? numbersOf(state.window, steps) || Array.from({ length: steps }, (_, i) => i) : [];
      if (dots.childElementCount !== steps) dots.replaceChildren(...Array.from({ length: steps }, () => el("i")));
      [...dots.children].forEach((dot, i) => {
        dot.className = `${inWindow.includes(i) ? "fc-dot-edited" : ""} ${i === shownStep ? "fc-dot-here" : ""}`;
      });
      setText(timeText, edits(state) ? (inWindow.length === steps ? phrase("stage.everystep") : phrase("stage.somesteps", { count: inWindow.length, steps })) : phrase("stage.stepof", { step: shownStep + 1, steps }));

      const [u, e, c] = [lanes.untouched, lanes.edited, lanes.control];
      const whole = u?.done && e?.done && !e.moving && e.steps === u.steps;
      const changed = whole && u.reading && e.reading ? wordsChanged(u.reading, e.reading) : null;
      const texts = [
        whole && changeOf(u.final, e.final).toFixed(4),
        whole && percent(energyMoved(e.change)),
        whole && c?.done && changeOf(u.final, c.final).toFixed(4),
        changed && (changed.map((word) => phrase(`word.${word}`)).join(", ") || phrase("none")),
      ];
      const stored = session || !example ? [] : [example.change, example.energy, example.control, example.words];
      facts.forEach(({ value }, i) => setText(value, texts[i] || stored[i] || "–"));
    },
  };
}

// Of a picture that the model is still to be started for.
const UNDRAWN = {
  untouched: ({ prompt }) => phrase("stage.asked.later", { prompt }),
  edited: (state, set, lists) => (edits(state) ? phrase("stage.edited.later", { edit: editedText(state, set, lists) }) : phrase("stage.unedited")),
};

function askedText(lane, early, step, reading) {
  if (!lane) return "";
  return early ? phrase("stage.estimate", { step: step + 1 }) : `${phrase("stage.asasked")} ${seenText(reading)}`.trim();
}

export function editedText(state, set, lists) {
  const which = setWords(state, lists);
  if (state.mode !== "edit") return phrase("edited.carried", { which });
  const done = phrase(`edited.${state.how}`, { factor: String(state.factor).replace("-", "−") });
  return phrase(state.through === "stream" ? "edited.stream" : "edited.reads", { which, done });
}

const largestOf = (row) => row.reduce((best, value, c) => (value > row[best] ? c : best), 0);

function middleOf(row) {
  const sorted = Float32Array.from(row).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

// The pictures, the skyline between them, the channel that is looked at, the steps, and what changed in numbers and words.

import { channelFinder } from "../controls.js";
import { choices, el, setText, svgNode } from "../dom.js";
import { number, ordinal, percent } from "../format.js";
import { drawMap, drawMask, paintGrid, pictureView } from "./picture_view.js";
import { changeOf, energyMoved, painted } from "./request.js";
import { placeOf, setWords } from "./sets.js";
import { sky } from "./sky.js";
import { edits, numbersOf, paintMask, paintText } from "./state.js";
import { sentenceOf, wordsChanged } from "./words.js";

const PLAY = 140; // ms a step, when the forming is played again

export const rowsOf = (levels, { blocks, width }) => Array.from({ length: blocks }, (_, b) => levels.subarray(b * width, (b + 1) * width));

// What is seen, what is asked: short sentences.
const seenText = (reading) => (reading ? ` Seen: ${sentenceOf(reading)}.` : "");

function courseChart() {
  const svg = svgNode("svg", { viewBox: "0 0 170 64", class: "fc-course", role: "img" });
  const middle = svg.appendChild(svgNode("path", { class: "fc-course-median" }));
  const line = svg.appendChild(svgNode("path", { class: "fc-course-line" }));
  const dot = svg.appendChild(svgNode("circle", { r: 3, class: "fc-course-dot" }));
  const label = (text, x, anchor) => {
    const node = svg.appendChild(svgNode("text", { x, y: 63, "text-anchor": anchor }));
    node.textContent = text;
  };
  label("noise", 4, "start");
  label("picture", 166, "end");
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
      svg.setAttribute("aria-label", `The size of ${name} over the steps: from ${number(values[0])} to ${number(values[values.length - 1])}; the median channel: ${number(medians[medians.length - 1])}`);
    },
  };
}

export function stage({ data, change, take, onstrength }) {
  const { shape, known, side } = data;
  const grid = Math.round(Math.sqrt(shape.tokens));
  const views = {
    untouched: pictureView({ title: "Untouched", side, grid }),
    edited: pictureView({ title: "Edited", side, grid, tone: "edited-figure" }),
    source: pictureView({ title: "Source", side, grid, tone: "small-figure" }),
    control: pictureView({ title: "Random channels", side, grid, tone: "small-figure" }),
  };
  const paint = paintGrid({ grid, onpaint: (mask) => change({ paint: paintText(mask) }) });
  views.untouched.frame.append(paint.node);
  const skyline = sky({ shape, known, onlook: (place) => change(place, { look: true }), ontake: take, onstrength });
  const shown = choices({ label: "Bars and map of", kind: "fc-seg.fc-small-seg", options: [{ value: "untouched", content: "untouched" }, { value: "edited", content: "edited" }], onpick: (value) => change({ shown: value }, { look: true }) });
  const over = choices({ label: "Over the pictures", kind: "fc-seg.fc-small-seg", options: [{ value: "none", content: "nothing" }, { value: "map", content: "the channel" }, { value: "mask", content: "the mask" }], onpick: (value) => change({ over: value }, { look: true }) });
  const mapCanvas = el("canvas.fc-thumb", { role: "img" });
  const maskCanvas = el("canvas.fc-thumb", { role: "img" });
  const mapFigure = el("figure", {}, mapCanvas, el("figcaption", {}, "its map"));
  const maskFigure = el("figure", {}, maskCanvas, el("figcaption", {}, "mask"));
  const cardText = el("p.fc-channel-text");
  const cardMore = el("p.fc-channel-more");
  let now = null;
  const finder = channelFinder({ current: () => ({ channel: now?.channel ?? 0, width: shape.width }), onpick: (channel) => change({ channel }, { look: true }) });
  const taking = el("button.fc-button", { type: "button", "aria-pressed": "false", onclick: () => take(now.channel, now.block, "all") }, "Take it");
  const here = el("button.fc-button", { type: "button", onclick: () => take(now.channel, now.block, "block") }, "in this block");
  const only = el("button.fc-button", { type: "button", onclick: () => take(now.channel, now.block, "only") }, "Only this one");
  const course = courseChart();
  const card = el("div.fc-channel-card", {}, el("div.fc-thumbs", {}, mapFigure, maskFigure), el("div.fc-channel-words", {}, cardText, cardMore, el("div.fc-channel-take", {}, finder.node, taking, here, only)), course.node);

  const step = el("input", { type: "range", min: 0, step: 1, "aria-label": "Step that is shown, from noise to picture" });
  step.addEventListener("input", () => change({ step: Number(step.value) === Number(step.max) ? -1 : Number(step.value) }, { look: true }));
  const dots = el("div.fc-dots", { "aria-hidden": "true" });
  const timeText = el("span.fc-time-text");
  const play = el("button.fc-button.fc-icon", { type: "button", "aria-label": "Play how the picture forms" }, "▶");
  let playing = null;
  play.addEventListener("click", () => {
    if (playing) {
      stopPlay();
      return;
    }
    let at = -1;
    setText(play, "■");
    play.setAttribute("aria-label", "Stop playing");
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
    play.setAttribute("aria-label", "Play how the picture forms");
  }
  const time = el("div.fc-time", {}, play, el("div.fc-time-line", {}, dots, step, el("div.fc-time-ends", {}, el("span", {}, "noise"), timeText, el("span", {}, "picture"))));

  const facts = ["change of the picture", "energy that was moved", "the same, random channels", "words that changed"].map((name) => ({ name: el("dt", {}, name), value: el("dd") }));
  const found = el("dl.fc-found", {}, ...facts.map(({ name, value }) => el("div", {}, name, value)));

  const node = el(
    "section.fc-part.fc-look-part",
    { "aria-label": "Look" },
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
  const numbers = el("section.fc-part.fc-numbers-part", { "aria-label": "What changed" }, found);

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
      const ranking = !session && !example ? " over calibration prompts" : "";
      const plain = name === "edited" ? levelsAt(lanes.untouched, Math.min(stepOf(lanes.untouched), at)) : null;
      const chosen = edits(state) ? lists : lists.map(() => []);
      const place = levels ? placeOf(levels[block], known.energy, block, channel) : null;
      const taken = lists[block].includes(channel);
      const text = place ? `channel ${channel} in block ${block}: ${number(place.value)}${ranking}, the ${ordinal(place.rank)} of ${shape.width}${taken ? ", taken" : ""}` : `channel ${channel} in block ${block}`;
      skyline.show({ levels, untouched: plain, taken: chosen, block, channel, text });
      shown.set(state.shown);
      over.set(state.over);

      const standing = !place ? "" : place.value === 0 ? ` is at zero in block ${block}.` : ` is the ${place.rank === 1 ? "largest" : `${ordinal(place.rank)} largest`} in block ${block}, ${number(place.ratio)} times the median${ranking}.`;
      setText(cardText, `Channel ${channel}${standing}`);
      setText(cardMore, `Over calibration prompts it holds ${percent(place?.share ?? 0)} of the block's energy.${at >= 0 && lane ? ` ${name === "edited" ? "Edited" : "Untouched"}, step ${at + 1} of ${lane.steps}.` : ""}`);
      finder.show();
      const everywhere = lists.every((list) => list.includes(channel));
      setText(taking, everywhere ? "Leave it" : "Take it");
      taking.setAttribute("aria-pressed", String(everywhere));
      setText(here, taken ? "not in this block" : "in this block");
      const map = lane ? session.map(name, at, block, channel) : null;
      if (map) drawMap(mapCanvas, map, grid);
      mapCanvas.setAttribute("aria-label", map ? `Channel ${channel} over the picture, from ${number(Math.min(...map))} to ${number(Math.max(...map))}` : "The channel's map comes with the picture");
      const maskChannels = session ? session.maskChannels() : [];
      const mask = lane ? session.mask(name, at, maskChannels) : null;
      if (mask) drawMask(maskCanvas, mask, grid);
      maskCanvas.setAttribute("aria-label", mask ? `The subject's mask from ${maskChannels.length} channels of block ${session.maskBlock}: ${percent(mask.reduce((sum, one) => sum + one, 0) / mask.length)} of the picture` : "The mask comes with the picture");
      mapFigure.hidden = !map;
      maskFigure.hidden = !mask;
      course.node.toggleAttribute("hidden", !lane);
      if (lane) {
        const series = Array.from({ length: lane.steps }, (_, i) => lane.levels[i]?.[block * shape.width + channel] ?? NaN);
        const medians = Array.from({ length: lane.steps }, (_, i) => (lane.levels[i] ? middleOf(lane.levels[i].subarray(block * shape.width, (block + 1) * shape.width)) : NaN));
        if (series.some(Number.isFinite)) course.show(series, medians, at, lane.steps, `channel ${channel} in block ${block}`);
      }

      const asked = { untouched: state.prompt, edited: "", source: state.source, control: "" };
      for (const [lane_, view] of Object.entries(views)) {
        const own = lanes[lane_];
        view.node.hidden = (lane_ === "source" && !own) || (lane_ === "control" && !own?.done);
        if (!session) {
          if (!(lane_ in UNDRAWN)) continue;
          const words = example ? example[`${lane_}_text`] : UNDRAWN[lane_](state, set, lists);
          view.still(example?.images[lane_] ?? null);
          view.show({ pixels: null, caption: words, label: `${example ? "Stored example" : "Not drawn yet"}, ${lane_}: ${words}`, share: 1 });
          continue;
        }
        const step_ = stepOf(own);
        const pixels = !own ? null : own.done && state.step >= 0 && step_ < own.steps - 1 ? estimate(lane_, step_) : own.picture || own.before?.picture || null;
        const early = own?.done && step_ < own.steps - 1;
        const reading = own?.done ? own.reading : null;
        const words = lane_ === "untouched" ? askedText(own, early, step_, reading)
          : lane_ === "edited" ? (own ? `${editedText(state, set, lists)}${early ? ` The model's own estimate after step ${step_ + 1}.` : seenText(reading)}` : "Nothing is edited.")
          : lane_ === "source" ? `${asked.source}.`
          : `as many as were edited, drawn at random outside them.`;
        view.show({ pixels: own ? pixels : lanes.untouched?.picture ?? null, caption: words, label: `${lane_}: ${asked[lane_] || words}`, share: own ? (own.done ? 1 : (own.step + 1) / own.steps) : 1 });
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
      step.setAttribute("aria-valuetext", `step ${shownStep + 1} of ${steps}`);
      const inWindow = edits(state) ? numbersOf(state.window, steps) || Array.from({ length: steps }, (_, i) => i) : [];
      if (dots.childElementCount !== steps) dots.replaceChildren(...Array.from({ length: steps }, () => el("i")));
      [...dots.children].forEach((dot, i) => {
        dot.className = `${inWindow.includes(i) ? "fc-dot-edited" : ""} ${i === shownStep ? "fc-dot-here" : ""}`;
      });
      setText(timeText, edits(state) ? (inWindow.length === steps ? "edited at every step" : `edited at ${inWindow.length} of ${steps} steps`) : `step ${shownStep + 1} of ${steps}`);

      const [u, e, c] = [lanes.untouched, lanes.edited, lanes.control];
      const whole = u?.done && e?.done && !e.moving && e.steps === u.steps;
      const changed = whole && u.reading && e.reading ? wordsChanged(u.reading, e.reading) : null;
      const texts = [
        whole && changeOf(u.final, e.final).toFixed(4),
        whole && percent(energyMoved(e.change)),
        whole && c?.done && changeOf(u.final, c.final).toFixed(4),
        changed && (changed.join(", ") || "none"),
      ];
      const stored = session || !example ? [] : [example.change, example.energy, example.control, example.words];
      facts.forEach(({ value }, i) => setText(value, texts[i] || stored[i] || "–"));
    },
  };
}

// Of a picture that the model is still to be started for.
const UNDRAWN = {
  untouched: ({ prompt }) => `Asked for: ${prompt}. It is drawn when you start the model.`,
  edited: (state, set, lists) => (edits(state) ? `${editedText(state, set, lists)} It is drawn when you start the model.` : "Nothing is edited."),
};

function askedText(lane, early, step, reading) {
  if (!lane) return "";
  return early ? `The model's own estimate after step ${step + 1}.` : `As asked.${seenText(reading)}`;
}

export function editedText(state, set, lists) {
  const words = setWords(state, lists);
  const which = /^all|^channels|chosen/.test(words) ? words : `the ${words}`;
  if (state.mode !== "edit") return `The same prompt and noise, with ${which} carried over.`;
  const done = { zero: "at zero", scale: `times ${String(state.factor).replace("-", "−")}`, own_mean: "flat at their own mean", no_level: "without their level", shuffle: "shuffled over the picture", none: "left alone" }[state.how];
  return `The same prompt and noise, ${which} ${done}${state.through === "stream" ? "" : " at the reads"}.`;
}

const largestOf = (row) => row.reduce((best, value, c) => (value > row[best] ? c : best), 0);

function middleOf(row) {
  const sorted = Float32Array.from(row).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

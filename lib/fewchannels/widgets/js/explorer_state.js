// The explorer without a page: what a state may hold, what each of the two panes shows of it, which channels are marked.
// The state is flat, so that it fits into an address; the second pane's own values carry a "2" (prompt2, step2, ...).

import { language, phraseIn } from "./phrases.js";
import { largest } from "./rank.js";

export const MAX_PINS = 6;
export const MAX_MARKED = 64;
const PANE_FIELDS = ["run", "prompt", "layer", "step", "score", "set", "k", "draw", "cond", "channel"];

// What the panes may differ in, with the fields that the second pane then has for itself.
export const COMPARISONS = {
  prompt: { fields: ["prompt"] },
  step: { fields: ["step"] },
  layer: { fields: ["layer"] },
  set: { fields: ["set", "draw", "channel"] },
  cond: { fields: ["cond"] },
  run: { fields: ["run", "channel"] },
  all: { fields: PANE_FIELDS },
};

function within(value, low, high, otherwise) {
  const n = Math.round(Number(value));
  return Number.isFinite(n) && value !== null && value !== "" ? Math.max(low, Math.min(high, n)) : otherwise;
}

function oneOf(value, allowed, otherwise = allowed[0]) {
  return allowed.includes(value) ? value : otherwise;
}

export function setNames(run) {
  return ["top", "bottom", "random", "pins", ...Object.keys(run.channels || {}).map((name) => `set:${name}`)];
}

function fitted(data, given) {
  const run = data.runs[within(given.run, 0, data.runs.length - 1, 0)];
  const mean = run.perPrompt && run.prompts.length > 1 ? -1 : 0;
  return {
    run: data.runs.indexOf(run),
    prompt: within(given.prompt, mean, Math.max(0, run.prompts.length - 1), 0),
    layer: within(given.layer, 0, run.layers.length - 1, run.layers.length >> 1),
    step: within(given.step, 0, run.steps.length - 1, run.steps.length >> 1),
    score: oneOf(given.score, run.scoreNames, oneOf(run.score, run.scoreNames)),
    set: oneOf(given.set, setNames(run)),
    k: within(given.k, 1, Math.min(MAX_MARKED, run.width - 1), Math.min(run.k || 8, MAX_MARKED, run.width - 1)),
    draw: within(given.draw, 1, 99, 1),
    cond: oneOf(given.cond, run.conditions.length ? run.conditions : [""]),
    channel: within(given.channel, -1, run.width - 1, -1), // -1: the first that is marked, until one is chosen
  };
}

export function pinsOf(state) {
  return state.pins === "" ? [] : state.pins.split("-").map(Number);
}

function fittedPins(given, width) {
  const named = String(given ?? "").split("-").filter((text) => /^\d+$/.test(text)).map(Number);
  return [...new Set(named)].filter((channel) => channel < width).slice(0, MAX_PINS).join("-");
}

const suffixed = (pane) => Object.fromEntries(Object.entries(pane).map(([name, value]) => [`${name}2`, value]));

// Any object -> a state that fits the runs at hand; what is missing or wrong takes its default.
export function explorerState(data, given = {}) {
  const first = fitted(data, given);
  const by = oneOf(given.by, Object.keys(COMPARISONS));
  const differs = by !== "all" && COMPARISONS[by].fields.some((name) => given[`${name}2`] !== undefined);
  const second = { ...first, ...(differs ? {} : others(data, first)[by]) };
  const own = Object.fromEntries(PANE_FIELDS.map((name) => [name, given[`${name}2`] ?? second[name]]));
  return {
    ...first,
    two: ["1", 1, true, "true"].includes(given.two) ? 1 : 0,
    by,
    ...suffixed(fitted(data, own)),
    scale: oneOf(given.scale, ["log", "linear", "block"]),
    over: oneOf(given.over, ["map", "mask", "none"]),
    opacity: within(given.opacity, 0, 100, 55),
    pins: fittedPins(given.pins, Math.max(...data.runs.map((run) => run.width))),
  };
}

// What the second view has for itself. Channels of one model are the same in both runs, those of two have nothing in common.
function ownFields(data, state) {
  const { fields } = COMPARISONS[state.by];
  return state.by === "run" && sameModel(data, state) ? ["run"] : fields;
}

export function sameModel(data, state) {
  const [a, b] = [data.runs[state.run], data.runs[state.run2]];
  return a.width === b.width && a.layers.length === b.layers.length && a.model === b.model;
}

// What pane 0 or 1 shows, under the plain names. Linked panes of two models stand at the same depth and time.
export function paneState(data, state, pane) {
  const own = pane === 1 ? ownFields(data, state) : [];
  const values = Object.fromEntries(PANE_FIELDS.map((name) => [name, state[own.includes(name) ? `${name}2` : name]]));
  if (pane === 1 && state.by === "run") {
    const [from, to] = [data.runs[state.run], data.runs[values.run]];
    const along = (index, have, want) => (have > 1 ? Math.round((index / (have - 1)) * (want - 1)) : 0);
    values.layer = along(state.layer, from.layers.length, to.layers.length);
    values.step = along(state.step, from.steps.length, to.steps.length);
  }
  return fitted(data, values);
}

// A change made in a pane: linked fields go to both, the second pane's own to itself.
export function paneChange(data, state, pane, part) {
  const own = pane === 1 ? ownFields(data, state) : [];
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [own.includes(name) ? `${name}2` : name, value]));
}

// What the second view shows where it has to differ from the first and nothing was chosen for it.
function others(data, first) {
  const run = data.runs[first.run];
  const last = (axis) => (first[axis] < run[`${axis}s`].length - 1 ? run[`${axis}s`].length - 1 : 0);
  const next = (first.run + 1) % data.runs.length;
  return {
    prompt: { prompt: run.prompts.length ? (first.prompt + 1) % run.prompts.length : 0 },
    step: { step: last("step") },
    layer: { layer: last("layer") },
    set: { set: first.set === "random" ? "top" : "random", channel: -1 },
    cond: { cond: run.conditions.find((name) => name !== first.cond) ?? first.cond },
    run: { run: next, channel: -1 },
    all: {},
  };
}

// Another comparison: the second view keeps what it shows, and differs in what is now compared.
export function compareBy(data, state, by) {
  const first = paneState(data, state, 0);
  const second = state.two ? paneState(data, state, 1) : first;
  const same = COMPARISONS[by].fields.every((name) => name === "channel" || second[name] === first[name]);
  return explorerState(data, { ...state, two: 1, by, ...suffixed({ ...second, ...(same ? others(data, first)[by] : {}) }) });
}

// mulberry32: the same draw for the same numbers, everywhere.
function randomFrom(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function drawn(width, k, outside, seed) {
  const taken = new Set(outside);
  const free = Array.from({ length: width }, (_, c) => c).filter((c) => !taken.has(c));
  const random = randomFrom(seed);
  const count = Math.min(k, free.length);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (free.length - i));
    [free[i], free[j]] = [free[j], free[i]];
  }
  return free.slice(0, count);
}

// The channels that are marked in one block, in the order of their choice. scores: [L, D] of this prompt and step.
export function markedChannels(run, scores, pane, pins, layer = pane.layer) {
  const { width } = run;
  const start = layer * width;
  if (pane.set === "pins") return pins.filter((c) => c < width);
  if (pane.set === "bottom") {
    const negative = scores.slice(start, start + width).map((value) => -value);
    return largest(negative, 0, width, pane.k);
  }
  if (pane.set === "random") {
    return drawn(width, pane.k, largest(scores, start, width, pane.k), 7919 * pane.draw + layer);
  }
  if (pane.set.startsWith("set:")) return [...(run.channels[pane.set.slice(4)].indices[layer] || [])];
  return largest(scores, start, width, pane.k);
}

// tongue: of the words; the page's where it is not given.
export function markedText(run, pane, tongue = language()) {
  if (pane.set.startsWith("set:")) return run.channels[pane.set.slice(4)].label || pane.set.slice(4);
  return phraseIn(tongue, `marked.${pane.set}`, { k: pane.k, draw: pane.draw });
}

// The marked channels of every block in the form of the library's ChannelSet.to_json.
export function channelSet(run, scores, pane, pins) {
  const ranked = !pane.set.startsWith("set:") && pane.set !== "pins";
  const label = markedText(run, pane, "en");
  return {
    indices: run.layers.map((_, layer) => markedChannels(run, scores, pane, pins, layer)),
    width: run.width,
    label: ranked ? phraseIn("en", "marked.label", { set: label, score: pane.score, prompt: phraseIn("en", ...promptPhrase(run, pane.prompt)), step: run.steps[pane.step] + 1 }) : label,
  };
}

// The arguments of `phrase`; a saved set is labelled in English, as the library's own are.
export function promptPhrase(run, prompt) {
  return prompt < 0 ? ["prompt.all.mean"] : run.perPrompt ? ["prompt.number", { number: prompt + 1 }] : ["prompt.together"];
}

// The kept step nearest to the one that is shown, as an index into steps; null where no map is kept.
export function nearestKept(kept, step) {
  let best = null;
  for (const other of kept) if (best === null || Math.abs(other - step) < Math.abs(best - step)) best = other;
  return best;
}

// Largest of each run of columns: values [rows, width] -> { values, from } of [rows, columns]; from: the channel it is.
export function pooled(values, rows, width, columns) {
  const out = new Float32Array(rows * columns);
  const from = new Int32Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const first = Math.floor((column * width) / columns);
    const last = Math.max(first + 1, Math.floor(((column + 1) * width) / columns));
    for (let row = 0; row < rows; row++) {
      let best = first;
      for (let c = first + 1; c < last; c++) if (values[row * width + c] > values[row * width + best]) best = c;
      out[row * columns + column] = values[row * width + best];
      from[row * columns + column] = best;
    }
  }
  return { values: out, from };
}

// Counts of a block's scores in bins of equal ratio (or equal width, where a score is zero or all are equal).
export function histogram(values, start, width, bins = 36) {
  let low = Infinity;
  let high = 0;
  for (let i = start; i < start + width; i++) {
    if (values[i] > high) high = values[i];
    if (values[i] > 0 && values[i] < low) low = values[i];
  }
  const logarithmic = high > low;
  low = logarithmic ? Math.max(low, high * 1e-6) : 0;
  high = high || 1;
  const place = (value) => {
    const along = logarithmic ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : value / high;
    return Math.max(0, Math.min(1, along));
  };
  const counts = new Int32Array(bins);
  for (let i = start; i < start + width; i++) counts[Math.min(bins - 1, Math.floor(place(values[i]) * bins))]++;
  return { counts, low, high, place, logarithmic };
}

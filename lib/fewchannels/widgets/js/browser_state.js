// The channel browser without a page: data and state in, what is to be shown out. Pure functions only.

import { scaleFor } from "./colour.js";
import { arrayOf, inflate, logValues, mapReader } from "./arrays.js";
import { SCORES } from "./names.js";
import { largest, median, rankOf, total } from "./rank.js";
import { clampInt } from "./store.js";

// The header (JSON) and the block (DataView) -> data with its arrays ready.
export async function openBrowser(header, blob) {
  const buffer = await inflate(blob);
  const scores = {};
  for (const name of SCORES) scores[name] = logValues(buffer, header.scores[name]);
  const [prompts, layers, steps, width] = header.scores.abs_mean.shape;
  return {
    ...header,
    counts: { prompts, layers, steps, width },
    scores,
    energy: header.energy ? logValues(buffer, header.energy) : null,
    maps: header.maps ? mapReader(buffer, header.maps) : null,
    mapChannels: header.map_channels ? rows(arrayOf(buffer, header.map_channels), layers) : [],
    cache: new Map(),
  };
}

function rows(flat, count) {
  const width = flat.length / count;
  return Array.from({ length: count }, (_, i) => Array.from(flat.subarray(i * width, (i + 1) * width)));
}

// Any object -> a state that fits the data; what is missing or wrong takes its default.
export function browserState(data, given = {}) {
  const { prompts, layers, steps, width } = data.counts;
  const state = {
    prompt: clampInt(given.prompt, prompts),
    layer: clampInt(given.layer, layers, layers - 1),
    step: clampInt(given.step, steps, steps >> 1),
    score: SCORES.includes(given.score) ? given.score : "abs_mean",
    channel: 0,
    over: !["false", "0", false, 0].includes(given.over),
    opacity: clampInt(given.opacity, 101, 60),
    scale: given.scale === "channel" ? "channel" : "map",
  };
  state.channel = clampInt(given.channel, width, largest(data.scores[state.score], rowStart(data, state), width, 1)[0]);
  return state;
}

export function rowStart(data, { prompt, layer, step }) {
  const { layers, steps, width } = data.counts;
  return ((prompt * layers + layer) * steps + step) * width;
}

// The channels marked as top: those given, or the k largest of the block over all prompts and steps.
export function topSet(data, score, layer) {
  if (data.top) return new Set(data.top[layer]);
  const name = `top ${score} ${layer}`;
  if (!data.cache.has(name)) {
    const { prompts, steps, width } = data.counts;
    const sum = new Float64Array(width);
    for (let prompt = 0; prompt < prompts; prompt++) {
      for (let step = 0; step < steps; step++) {
        const start = rowStart(data, { prompt, layer, step });
        for (let i = 0; i < width; i++) sum[i] += data.scores[score][start + i];
      }
    }
    data.cache.set(name, new Set(largest(sum, 0, width, data.k)));
  }
  return data.cache.get(name);
}

// Actions: state in, state out.
export function largestHere(data, state) {
  const channel = largest(data.scores[state.score], rowStart(data, state), data.counts.width, 1)[0];
  return { ...state, channel };
}

export function toPeak(data, state) {
  const { layers, steps } = data.counts;
  const values = stripOf(data, state).values;
  const best = largest(values, 0, layers * steps, 1)[0];
  return { ...state, layer: Math.floor(best / steps), step: best % steps };
}

// Score of the chosen channel over depth x steps, row after row.
export function stripOf(data, state) {
  const { layers, steps } = data.counts;
  const values = new Float32Array(layers * steps);
  let high = 0;
  for (let layer = 0; layer < layers; layer++) {
    for (let step = 0; step < steps; step++) {
      const value = data.scores[state.score][rowStart(data, { ...state, layer, step }) + state.channel];
      values[layer * steps + step] = value;
      if (value > high) high = value;
    }
  }
  return { values, high };
}

function mapIndex(data, state, layer, step) {
  const place = data.maps ? data.mapChannels[layer].indexOf(state.channel) : -1;
  const { layers, steps } = data.counts;
  return place < 0 ? -1 : ((state.prompt * layers + layer) * steps + step) * data.mapChannels[layer].length + place;
}

function mapOf(data, state) {
  const index = mapIndex(data, state, state.layer, state.step);
  if (index < 0) return null;
  let low = data.maps.low(index);
  let high = data.maps.high(index);
  if (state.scale === "channel") {
    for (let layer = 0; layer < data.counts.layers; layer++) {
      for (let step = 0; step < data.counts.steps; step++) {
        const other = mapIndex(data, state, layer, step);
        if (other < 0) continue;
        low = Math.min(low, data.maps.low(other));
        high = Math.max(high, data.maps.high(other));
      }
    }
  }
  const { height, width } = data.maps;
  return { values: data.maps.read(index), height, width, scale: scaleFor(low, high) };
}

// Of the channels whose map is at hand in this block, the one nearest in rank (null where there is none).
export function nearestMap(data, state) {
  const start = rowStart(data, state);
  const values = data.scores[state.score];
  const rank = rankOf(values, start, data.counts.width, state.channel);
  let best = null;
  for (const channel of data.mapChannels[state.layer] || []) {
    const gap = Math.abs(rankOf(values, start, data.counts.width, channel) - rank);
    if (!best || gap < best.gap) best = { channel, gap };
  }
  return best && best.channel;
}

// Everything that the page shows of a state.
export function browserView(data, state) {
  const { width } = data.counts;
  const values = data.scores[state.score];
  const start = rowStart(data, state);
  const top = topSet(data, state.score, state.layer);
  const shipped = new Set(data.mapChannels[state.layer]);
  const order = largest(values, start, width, Math.min(data.rows, width));
  const most = values[start + order[0]] || 1;
  const middle = median(values, start, width);
  const value = values[start + state.channel];
  const weights = data.energy || values;
  const map = mapOf(data, state);
  const strip = stripOf(data, state);
  return {
    list: order.map((channel) => ({
      channel,
      value: values[start + channel],
      length: Math.max(0, values[start + channel] / most),
      top: top.has(channel),
      map: shipped.has(channel),
      chosen: channel === state.channel,
    })),
    median: middle,
    medianLength: Math.min(1, middle / most),
    topSize: top.size,
    value,
    rank: rankOf(values, start, width, state.channel),
    timesMedian: middle > 0 ? value / middle : null,
    share: weights[start + state.channel] / (total(weights, start, width) || 1),
    inTop: top.has(state.channel),
    map,
    nearest: map ? null : nearestMap(data, state),
    strip,
  };
}

// The channels that an edit takes, block by block: the library's sets from the same scores, and what a hand has chosen.
// known: { score, energy }: a row of numbers a block, from calibration prompts that nothing is tried on.

import { counted, phrase } from "../phrases.js";
import { Draws } from "./draws.js";
import { handLists } from "./state.js";

// Words of a set, k filled in; "energy" matches the energy of "next".
export function setWords(state, lists) {
  const { set, k } = state;
  if (set !== "hand") return counted(`set.${set}`, k);
  const sizes = lists.map((list) => list.length);
  const [few, many] = [Math.min(...sizes), Math.max(...sizes)];
  return few === many ? phrase("set.hand", { count: few }) : phrase("set.hand.range", { few, many });
}

// Channels from the largest (sign 1) or the smallest (-1) on. Rows do not change, and this is asked for at each frame.
const rankings = { [1]: new WeakMap(), [-1]: new WeakMap() };

function ranked(row, sign = 1) {
  const known = rankings[sign];
  if (!known.has(row)) known.set(row, row.map((_, c) => c).sort((a, b) => sign * (row[b] - row[a]) || a - b));
  return known.get(row);
}

function outsideOf(width, ...lists) {
  const inside = new Set(lists.flat());
  return Array.from({ length: width }, (_, c) => c).filter((c) => !inside.has(c));
}

// -> { lists: a list of numbers a block, label: as the library names the set, missing: blocks without a match }
export function channelsOf({ score, energy }, state) {
  const { set, k, draw } = state;
  const width = score[0].length;
  const top = score.map((row) => ranked(row).slice(0, k));
  if (set === "hand") return { lists: handLists(state.hand, score.length, width), label: "by hand", missing: [] };
  if (set === "next") return { lists: top.map((list) => list.slice(1)), label: `top ${k} without the first`, missing: [] };
  if (set === "rest") return { lists: top.map((list) => outsideOf(width, list)), label: `all but top ${k}`, missing: [] };
  if (set === "bottom") return { lists: score.map((row) => ranked(row, -1).slice(0, k)), label: `bottom ${k}`, missing: [] };
  if (set === "random") {
    const draws = new Draws(0, draw - 1);
    return { lists: top.map((list) => draws.choice(outsideOf(width, list), k)), label: `random ${k}, draw ${draw}`, missing: [] };
  }
  if (set === "energy") return energyMatched(energy, top, draw - 1);
  return { lists: top, label: `top ${k}`, missing: [] };
}

// fc.energy_matched_channels(stats, without_first, seed=draw, outside=top)
function energyMatched(energy, top, seed) {
  const draws = new Draws(seed);
  const missing = [];
  const lists = energy.map((row, block) => {
    const others = draws.permutation(outsideOf(row.length, top[block]));
    const target = top[block].slice(1).reduce((sum, c) => sum + row[c], 0);
    let [sum, size] = [0, 0];
    while (size < others.length && sum < target) sum += row[others[size++]];
    if (top[block].length > 1 && sum >= target) return others.slice(0, size);
    missing.push(block);
    return [];
  });
  return { lists, label: `energy-matched to top ${top[0].length} without the first`, missing };
}

// As many others in each block, drawn at random outside the set: what the same edit does to those.
export function controlOf(lists, width, draw = 0) {
  const draws = new Draws(0, draw);
  return lists.map((list) => {
    const pool = outsideOf(width, list);
    return pool.length < list.length ? [] : draws.choice(pool, list.length);
  });
}

// The form of the library's ChannelSet.to_json.
export function channelSetJson({ lists, label }, width) {
  return { indices: lists, width, label };
}

// Where a channel stands in a block: { value, rank, median, ratio, share of the energy }.
export function placeOf(levels, energy, block, channel) {
  const sorted = Float64Array.from(levels).sort();
  const half = sorted.length >> 1;
  const middle = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const value = levels[channel];
  let rank = 1;
  for (let c = 0; c < levels.length; c++) if (levels[c] > value || (levels[c] === value && c < channel)) rank++;
  const total = energy[block].reduce((sum, one) => sum + one, 0);
  return { value, rank, median: middle, ratio: value / middle, share: energy[block][channel] / total };
}

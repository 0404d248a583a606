// What a checked header means: axes with their names, which statistics, maps and pictures there are to show.

import { SCORES } from "./names.js";
import { phrase } from "./phrases.js";
import { quoted, refuse } from "./run_error.js";
import { isCount, isObject } from "./run_header.js";

const AXES = ["sample", "layer", "step", "row", "column", "channel"];
const STATS = ["mean", "mean_abs", "max_abs", "var"];
// Beyond these no screen shows a run and no view answers in time.
const MOST = { prompts: 100_000, layers: 4096, steps: 10_000, channels: 200_000, cells: 16_000_000, tokens: 4_194_304, side: 8192 };
const LETTERS = 2000;

// { record, tensors } -> all that an explorer has to know of the run, values apart.
export function readIndex({ record, tensors }) {
  const { index, provenance } = record;
  const stats = readStats(tensors);
  const [samples, layers, steps, width] = stats.shape;
  const prompts = (record.prompts.length ? record.prompts : Array.from({ length: samples }, (_, i) => phrase("reader.sample", { number: i }))).map(cut);
  if (prompts.length > MOST.prompts) refuse(phrase("reader.prompts.many", { count: prompts.length, most: MOST.prompts }));
  if (samples !== 1 && samples !== prompts.length) {
    refuse(phrase("reader.samples", { samples, prompts: prompts.length }));
  }
  const grid = readGrid(index.grid ?? null);
  const names = named(index, "layers", layers, (value) => typeof value === "string") || Array.from({ length: layers }, (_, i) => phrase("block.number", { block: i }));
  const numbers = named(index, "steps", steps, isCount) || Array.from({ length: steps }, (_, i) => i);
  const channels = readChannels(index.channels ?? {}, layers, width);
  const text = (value) => (value === null || value === undefined ? null : cut(typeof value === "string" ? value : JSON.stringify(value)));
  const edit = isObject(provenance.edit) ? provenance.edit.label ?? provenance.edit.how : provenance.edit;
  const top = channels.top ? Math.max(...channels.top.indices.map((row) => row.length)) : Math.min(8, width);
  return {
    about: {
      label: text(index.label) || text(provenance.model) || phrase("reader.unnamed"),
      model: text(provenance.model),
      revision: text(provenance.revision),
      seed: Number.isFinite(provenance.seed) ? provenance.seed : null,
      edit: text(edit) || "",
      provenance,
      prompts,
      layers: names.map(cut),
      steps: numbers,
      sigmas: named(index, "sigmas", steps, Number.isFinite),
      grid,
      width,
      k: top || 1,
      score: SCORES.includes(index.score) ? index.score : "abs_mean",
      channels,
      perPrompt: samples === prompts.length,
    },
    stats,
    maps: readMaps(record, tensors, { prompts, layers, numbers, channels, grid }),
    images: readImages(record.images, tensors),
  };
}

function cut(text) {
  return text.length > LETTERS ? `${text.slice(0, LETTERS)}…` : text;
}

function readStats(tensors) {
  const found = STATS.filter((name) => tensors.has(`stats/${name}`));
  if (!found.includes("mean") && !found.includes("mean_abs")) {
    const held = [...new Set([...tensors.keys()].map((name) => name.split("/").slice(0, 2).join("/")))].slice(0, 6).map(quoted);
    refuse(phrase("reader.nostats", { held: held.join(", ") || phrase("over.none") }));
  }
  const shape = tensors.get(`stats/${found[0]}`).shape;
  for (const name of found) {
    const tensor = tensors.get(`stats/${name}`);
    if (tensor.dtype !== "F32") refuse(phrase("reader.stats.type", { name, type: tensor.dtype }));
    if (tensor.shape.length !== 4 || tensor.shape.includes(0) || String(tensor.shape) !== String(shape)) {
      refuse(phrase("reader.stats.shape", { name, shape: quoted(tensor.shape), wanted: quoted(shape) }));
    }
  }
  const [, layers, steps, width] = shape;
  if (layers > MOST.layers || steps > MOST.steps || width > MOST.channels || layers * width > MOST.cells || layers * steps > MOST.cells) {
    refuse(phrase("reader.toolarge", { layers, steps, width, mostLayers: MOST.layers, mostSteps: MOST.steps, mostChannels: MOST.channels }));
  }
  const scores = { abs_mean: ["mean"], mean_abs: ["mean_abs"], max_abs: ["max_abs"], energy: ["mean", "var"] };
  const names = Object.keys(scores).filter((name) => scores[name].every((part) => found.includes(part)));
  return { shape, scores: names, tensors: Object.fromEntries(found.map((name) => [name, tensors.get(`stats/${name}`)])) };
}

function named(index, axis, count, fits) {
  const given = index[axis];
  if (given === undefined || given === null) return null;
  if (!Array.isArray(given) || !given.every(fits)) refuse(phrase("reader.index.nolist", { axis }));
  if (given.length !== count) refuse(phrase("reader.index.count", { given: given.length, axis, count }));
  return given;
}

function readGrid(grid) {
  if (grid === null) return null;
  if (!Array.isArray(grid) || grid.length !== 2 || !grid.every((n) => isCount(n) && n > 0) || grid[0] * grid[1] > MOST.tokens) {
    refuse(phrase("reader.index.grid", { grid: quoted(grid) }));
  }
  return grid;
}

function readChannels(given, layers, width) {
  if (!isObject(given)) refuse(phrase("reader.index.channels"));
  const sets = Object.create(null);
  for (const [name, set] of Object.entries(given).slice(0, 100)) {
    const rows = isObject(set) && Array.isArray(set.indices) ? set.indices : [];
    const fits = (row) => Array.isArray(row) && row.every((channel) => isCount(channel) && channel < width);
    if (rows.length !== layers || !rows.every(fits)) {
      refuse(phrase("reader.channels", { name: quoted(name), layers, last: width - 1 }));
    }
    sets[name] = { indices: rows, width, label: cut(typeof set.label === "string" && set.label ? set.label : name) };
  }
  return sets;
}

// Maps on axes that the index names can be shown; others are left alone, since the format lets them be.
function readMaps(record, tensors, { prompts, layers, numbers, channels, grid }) {
  const entries = isObject(record.index.maps) ? record.index.maps : {};
  const groups = [];
  for (const [name, entry] of Object.entries(entries).slice(0, 100)) {
    const tensor = tensors.get(`maps/${name}`);
    if (!tensor || !isObject(entry) || String(entry.axes) !== String(AXES)) continue;
    const set = typeof entry.channels === "string" && Object.hasOwn(channels, entry.channels) ? channels[entry.channels] : null;
    const lists = [entry.samples, entry.steps].every((list) => Array.isArray(list) && list.every(isCount));
    if (!set || !lists || !entry.samples.every((i) => i < prompts.length) || !entry.steps.every((step) => numbers.includes(step))) {
      refuse(phrase("reader.maps.unnamed", { name: quoted(name) }));
    }
    const [height, width, count] = tensor.shape.slice(3);
    const wanted = [entry.samples.length, layers, entry.steps.length];
    const fits = tensor.shape.length === 6 && String(tensor.shape.slice(0, 3)) === String(wanted) && set.indices.every((row) => row.length === count);
    if (!fits || (grid && (height !== grid[0] || width !== grid[1])) || height * width > MOST.tokens) {
      refuse(phrase("reader.maps.shape", { name: quoted(name), shape: quoted(tensor.shape), wanted: wanted.join(" x "), grid: grid ? grid.join(" x ") : "? x ?" }));
    }
    groups.push({ name, tensor, height, width, channels: set.indices, prompts: entry.samples, steps: entry.steps.map((step) => numbers.indexOf(step)) });
  }
  return groups;
}

function readImages(listed, tensors) {
  const conditions = [];
  for (const [condition, entry] of Object.entries(listed).slice(0, 1000)) {
    const fits = isObject(entry) && isCount(entry.count) && [entry.height, entry.width].every((side) => isCount(side) && side > 0 && side <= MOST.side);
    if (!fits) refuse(phrase("reader.pictures.entry", { name: quoted(condition), entry: quoted(entry), most: MOST.side }));
    const prefix = condition ? `images/${condition}` : "images";
    const pictures = [];
    for (let i = 0; i < Math.min(entry.count, tensors.size + 1); i++) pictures.push(tensors.get(`${prefix}/${String(i).padStart(5, "0")}`));
    const missing = pictures.indexOf(undefined);
    if (missing >= 0) refuse(phrase("reader.pictures.missing", { count: entry.count, name: quoted(condition), missing }));
    conditions.push({ condition, height: entry.height, width: entry.width, pictures });
  }
  return conditions;
}

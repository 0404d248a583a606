// What a reader changes on the way: plain functions on the hidden states between two blocks, named and defined as those of
// fc.ablate and fc.inject (edits/ablation.py, edits/patching.py), so that both give the same pictures.
//
//     { how: "zero", channels: [124, 72], layers: [2, 3], steps: [0, 1], tokens: mask, strength: 1, through: "stream" }
//
// how: "zero"; "scale" (by factor); "own_mean" (over the tokens: the level stays, the pattern goes); "no_level" (the other
// way round); "shuffle" (tokens change places, by seed); "replace" (by values: a number, or [D], [L, D] or [L, T, D]);
// "mean", "mean_level" (a whole channel, or its level alone, from reference, given as values are); "transport" (the
// channels of another run, source: { prompt, seed, sample, clean }; of part "both", "level" or "pattern").
// channels: numbers for every block, or a list for each. layers, steps, tokens: null for all; tokens: a truth value each.
// through: "stream" changes what a block puts out. "both", "content" and "gain" leave that and change what the norms up
// to the next block's output read of it, into: "attention", "mlp" and "last" (null for all): with x given to a norm and
// y the edited x, (y - mean(y)) / sd(y), (y - mean(x)) / sd(x) and (x - mean(y)) / sd(y).

import { r } from "./float32.js";
import { permutation } from "./random.js";

const NEEDS = { scale: "factor", replace: "values", mean: "reference", mean_level: "reference", transport: "source" };
const THROUGH = ["stream", "both", "content", "gain"];
const READS = ["attention", "mlp", "last"];
const PARTS = ["both", "level", "pattern"];
const RECORDED = ["mean", "mean_level", "transport"]; // of other runs, at a block's output

// New values [n, k] for old ones, column by column of a channel; each is told the edit and its place.
const WAYS = {
  zero: (old) => old.fill(0),
  scale: (old, { edit }) => old.map((value) => value * r(edit.factor)),
  own_mean: (old, place) => replaced(old, place, (level) => level),
  no_level: (old, place) => patterned(old, place, () => 0),
  shuffle(old, { edit, layer, step, count, k }) {
    const order = permutation([edit.seed ?? 0, edit.sample ?? 0, layer, step], count);
    const made = new Float32Array(old.length);
    for (let row = 0; row < count; row++) for (let i = 0; i < k; i++) made[row * k + i] = old[order[row] * k + i];
    return made;
  },
  replace: (old, place) => replaced(old, place, (_, channel) => given(place.edit.values, channel, place)),
  mean: (old, place) => replaced(old, place, (_, channel) => given(place.edit.reference, channel, place)),
  mean_level: (old, place) => patterned(old, place, (channel) => given(place.edit.reference, channel, place)),
  transport(old, place) {
    const taken = place.taken();
    const { part = "both" } = place.edit;
    if (part === "both") return taken;
    const levels = part === "level" ? taken : old;
    return patterned(part === "level" ? old : taken, place, (_, i) => mean(levels, i, place));
  },
};

function mean(values, column, { count, k }) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i * k + column];
  return r(sum / count);
}

function replaced(old, place, level) {
  const levels = place.channels.map((channel, i) => level(mean(old, i, place), channel));
  return old.map((_, i) => levels[i % place.k]);
}

function patterned(old, place, level) {
  const own = place.channels.map((_, i) => mean(old, i, place));
  const levels = place.channels.map((channel, i) => level(channel, i));
  return old.map((value, i) => r(value - own[i % place.k]) + levels[i % place.k]);
}

function given(values, channel, { layer, step, shape }) {
  const { blocks, width, steps } = shape;
  if (typeof values === "number") return values;
  if (values.length === width) return values[channel];
  if (values.length === blocks * width) return values[layer * width + channel];
  return values[(layer * steps + step) * width + channel];
}

// The edits of one run, in the order in which they are made.
export class Edits {
  // edits: as above; shape: { blocks, width, tokens, steps } of the run. Throws an Error that names what does not fit.
  constructor(edits, shape) {
    this.shape = shape;
    this.edits = edits.map((edit) => checked(edit, shape));
    this.sums = new Float64Array(2 * shape.steps * shape.blocks).fill(NaN);
    // The first step that an edit changes; where there is none, the number of steps.
    this.first = Math.min(shape.steps, ...this.edits.flatMap(({ steps }) => [...steps]));
  }

  // Those that take from another run, which has to be set as their `from`.
  moved() {
    return this.edits.filter(({ how }) => how === "transport");
  }

  // What a block puts out [tokens, width], changed in place.
  after(layer, step, values) {
    for (const edit of this._at(layer, step)) {
      if (edit.through === "stream") this._make(edit, layer, step, values, values);
    }
    if (!this.reads(layer, step)) return;
    this.block ??= new Float32Array(values.length);
    this.block.set(values);
  }

  reads(layer, step) {
    return this._at(layer, step).some(({ through }) => through !== "stream");
  }

  // What a norm reads of it: the one copy that the norm divides by the size of, and the one that it hands on.
  read(layer, step, norm, sized, values) {
    for (const edit of this._at(layer, step)) {
      if (edit.through === "stream" || (edit.into && !edit.into.includes(norm))) continue;
      for (const [through, copy] of [["content", sized], ["gain", values]]) {
        if (edit.through !== through) this._make(edit, layer, step, copy, norm === "mlp" ? this.block : copy);
      }
    }
  }

  // [steps, blocks]: the norm of the changes over that of what was changed, all tokens and channels; NaN where none was.
  change() {
    const { steps, blocks } = this.shape;
    return Float32Array.from({ length: steps * blocks }, (_, i) => Math.sqrt(this.sums[2 * i + 1] / this.sums[2 * i]));
  }

  _at(layer, step) {
    return this.edits.filter(({ layers, steps, channels }) => layers.has(layer) && steps.has(step) && channels[layer].length);
  }

  // block: the tokens as the block put them out, which a norm behind attention reads with more added to them.
  _make(edit, layer, step, values, block) {
    const { width } = this.shape;
    const channels = edit.channels[layer];
    const { where } = edit;
    const [k, count] = [channels.length, where.length];
    const taking = (from) => {
      const taken = new Float32Array(count * k);
      for (let i = 0; i < taken.length; i++) taken[i] = from[where[Math.floor(i / k)] * width + channels[i % k]];
      return taken;
    };
    const taken = () => taking(edit.from.states[step].subarray(layer * values.length, (layer + 1) * values.length));
    const now = taking(values);
    const later = values !== block && RECORDED.includes(edit.how);
    const old = later ? taking(block) : now;
    const place = { edit, layer, step, channels, count, k, taken, shape: this.shape };
    let made = WAYS[edit.how](old.slice(), place);
    const share = r(edit.strength);
    if (share !== 1) made = made.map((value, i) => old[i] + r(share * r(value - old[i])));
    // what attention has added since is added to what was recorded before it
    if (later) made = made.map((value, i) => (now[i] === old[i] ? value : now[i] + r(value - old[i])));
    const at = 2 * (step * this.shape.blocks + layer);
    if (Number.isNaN(this.sums[at])) this.sums.fill(0, at, at + 2);
    let [all, moved] = this.sums.subarray(at, at + 2);
    for (let i = 0; i < values.length; i++) all += values[i] * values[i]; // `for of` would leave an object a value
    for (let i = 0; i < made.length; i++) {
      moved += (made[i] - now[i]) ** 2;
      values[where[Math.floor(i / k)] * width + channels[i % k]] = made[i];
    }
    this.sums.set([all, moved], at);
  }
}

function checked(edit, { blocks, width, tokens, steps }) {
  const { how, through = "stream", into = null, part = "both", strength = 1 } = edit;
  const refuse = (name, expected) => {
    throw new Error(`${name}=${shown(edit[name])}: expected ${expected}`);
  };
  if (!Object.hasOwn(WAYS, how)) refuse("how", `one of ${Object.keys(WAYS).join(", ")}`);
  if (how in NEEDS && (edit[NEEDS[how]] ?? null) === null) throw new Error(`how="${how}" needs ${NEEDS[how]}`);
  if (!THROUGH.includes(through)) refuse("through", `one of ${THROUGH.join(", ")}`);
  if (into && (through === "stream" || !into.length || !into.every((name) => READS.includes(name)))) {
    refuse("into", `some of ${READS.join(", ")}, or null, and null for what is edited in the stream`);
  }
  if (!PARTS.includes(part)) refuse("part", `one of ${PARTS.join(", ")}`);
  if (!Number.isFinite(strength)) refuse("strength", "a number");
  if (how === "scale" && !Number.isFinite(edit.factor)) refuse("factor", "a number");
  for (const name of ["values", "reference"]) {
    const sizes = [width, blocks * width, blocks * steps * width];
    if ((edit[name] ?? null) !== null && typeof edit[name] !== "number" && !sizes.includes(edit[name].length)) {
      refuse(name, `a number, or ${sizes.join(", ")} of them`);
    }
  }
  const each = Array.isArray(edit.channels) && edit.channels.some((one) => typeof one !== "number");
  const channels = each ? edit.channels : Array.from({ length: blocks }, () => edit.channels);
  const fits = (list, size) => isList(list) && Array.from(list).every((i) => Number.isInteger(i) && i >= 0 && i < size);
  if (channels.length !== blocks || !channels.every((list) => fits(list, width))) {
    refuse("channels", `numbers from 0 to ${width - 1}, or a list of them for each of ${blocks} blocks`);
  }
  if (!channels.some((list) => list.length)) refuse("channels", "at least one");
  const chosen = (name, size) => {
    const asked = edit[name] ?? Array.from({ length: size }, (_, i) => i);
    if (!fits(asked, size) || !asked.length) refuse(name, `numbers from 0 to ${size - 1}, at least one, or null for all`);
    return new Set(asked);
  };
  const mask = edit.tokens ?? new Uint8Array(tokens).fill(1);
  const where = Array.from({ length: tokens }, (_, i) => i).filter((i) => mask[i]);
  if (mask.length !== tokens || !where.length) refuse("tokens", `${tokens} truth values, at least one of them true`);
  return {
    ...edit,
    through,
    strength,
    channels: channels.map((list) => Array.from(list)),
    layers: chosen("layers", blocks),
    steps: chosen("steps", steps),
    where,
  };
}

function isList(value) {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function shown(value) {
  const text = JSON.stringify(ArrayBuffer.isView(value) ? Array.from(value) : value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

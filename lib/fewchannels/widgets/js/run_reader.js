// Reads a run file by slices: opened once, then asked for one view at a time. Runs in a worker, or where there is none.

import { createCache } from "./lru.js";
import { phrase } from "./phrases.js";
import { RunFileError, quoted, refuse } from "./run_error.js";
import { readHeader } from "./run_header.js";
import { readIndex } from "./run_index.js";
import { ITEM, firstBad, floats, webpSize } from "./run_numbers.js";

const BUDGET = 160_000_000; // bytes of values kept: one prompt of FLUX.1 under two scores
const WHOLE = 4_000_000; // a block's rows over all steps are read at once up to this, else step by step

// blob: a File or Blob -> { about, maps, conditions, scores, alongTime, map, picture }. Rejects with RunFileError only.
export async function openReader(blob) {
  const read = async (begin, end) => {
    let buffer;
    try {
      buffer = await blob.slice(begin, end).arrayBuffer();
    } catch {
      refuse(phrase("reader.gone"));
    }
    if (buffer.byteLength !== end - begin) refuse(phrase("reader.shrank"));
    return new Uint8Array(buffer);
  };
  const { about, stats, maps, images } = readIndex(await readHeader(read, blob.size));
  const [samples, layers, steps, width] = stats.shape;
  const cache = createCache(BUDGET);
  const fits = 4 * steps * width <= WHOLE;
  let warming = 0;

  const place = (sample, layer, step) => ((sample * layers + layer) * steps + step) * width;
  const keyOf = (name, from, count) => `${name} ${from} ${count}`;

  // Rows of one statistic in one block: `count` steps from `first` on.
  function rows(name, sample, layer, first, count) {
    const from = place(sample, layer, first);
    const bytes = 4 * count * width;
    return cache.get(keyOf(name, from, count), bytes, async () => {
      const begin = stats.tensors[name].begin + 4 * from;
      const values = floats(await read(begin, begin + bytes), "F32");
      const bad = firstBad(values);
      if (bad >= 0) {
        const where = phrase("reader.where", { prompt: sample, block: quoted(about.layers[layer]), step: about.steps[first + Math.floor(bad / width)], channel: bad % width });
        refuse(phrase("reader.stats.finite", { name, value: values[bad], where }));
      }
      return values;
    });
  }

  // The row of one step: out of those of all steps where they are at hand, or wanted anyway; else alone, which is quick.
  async function rowOf(name, sample, layer, step, all) {
    if (!fits || !(all || cache.has(keyOf(name, place(sample, layer, 0), steps)))) return rows(name, sample, layer, step, 1);
    return (await rows(name, sample, layer, 0, steps)).subarray(step * width, (step + 1) * width);
  }

  const partsOf = (score) => (score === "energy" ? ["mean", "var"] : [score === "abs_mean" ? "mean" : score]);

  // -> a function of a channel, for one prompt, block and step
  async function row(score, sample, layer, step, all) {
    const [values, spread] = await Promise.all(partsOf(score).map((name) => rowOf(name, sample, layer, step, all)));
    return spread ? (i) => spread[i] + values[i] ** 2 : (i) => Math.abs(values[i]);
  }

  const rowsOfStep = (score, sample, step, all) => Promise.all(Array.from({ length: layers }, (_, layer) => row(score, sample, layer, step, all)));

  // What the reader may move to next is read behind the view: all steps, or where those are too many the ones beside.
  async function warm(score, sample, step) {
    const now = ++warming;
    try {
      if (!fits) {
        for (const next of [step + 1, step - 1]) if (next >= 0 && next < steps) await rowsOfStep(score, sample, next, false);
        return;
      }
      for (let layer = 0; layer < layers && now === warming; layer++) {
        for (const name of partsOf(score)) await rows(name, sample, layer, 0, steps);
      }
    } catch {
      // told where the damaged rows are looked at
    }
  }

  function chosen(score, prompt) {
    if (!stats.scores.includes(score)) refuse(phrase("reader.noscore", { score: quoted(score), scores: stats.scores.join(", ") }));
    if (samples === 1) return [0];
    return prompt < 0 ? Array.from({ length: samples }, (_, i) => i) : [inside("prompt", prompt, samples)];
  }

  function inside(what, value, count) {
    if (!Number.isInteger(value) || value < 0 || value >= count) refuse(phrase("reader.range", { what, value, last: count - 1 }));
    return value;
  }

  async function mapValues(group, at) {
    const { tensor, height, width: columns } = group;
    const count = tensor.shape[5];
    const size = height * columns * count;
    const place = ((at.prompt * layers + at.layer) * group.steps.length + at.step) * size;
    const bytes = ITEM[tensor.dtype];
    const all = await cache.get(`${group.name} ${place}`, 4 * size, async () =>
      floats(await read(tensor.begin + bytes * place, tensor.begin + bytes * (place + size)), tensor.dtype),
    );
    const values = new Float32Array(height * columns);
    for (let i = 0; i < values.length; i++) values[i] = all[i * count + at.channel];
    if (firstBad(values) >= 0) refuse(phrase("reader.map.finite"));
    return { values, height, width: columns };
  }

  return {
    about: { ...about, scoreNames: stats.scores, conditions: images.map(({ condition }) => condition) },
    maps: maps.map(({ channels, prompts, steps: places }) => ({ channels, prompts, steps: places })),
    async scores({ score, prompt, step }) {
      const places = chosen(score, prompt);
      inside("step", step, steps);
      const out = new Float32Array(layers * width);
      for (const sample of places) {
        const found = await rowsOfStep(score, sample, step, places.length > 1);
        for (let layer = 0; layer < layers; layer++) {
          for (let i = 0; i < width; i++) out[layer * width + i] += found[layer](i) / places.length;
        }
      }
      if (places.length === 1) warm(score, places[0], step);
      return out;
    },
    async alongTime({ score, prompt, channel }) {
      const places = chosen(score, prompt);
      inside("channel", channel, width);
      const out = new Float32Array(layers * steps);
      for (const sample of places) {
        for (let layer = 0; layer < layers; layer++) {
          const found = await Promise.all(Array.from({ length: steps }, (_, step) => row(score, sample, layer, step, true)));
          for (let step = 0; step < steps; step++) out[layer * steps + step] += found[step](channel) / places.length;
        }
      }
      return out;
    },
    map: ({ at }) => mapValues(maps[inside("group", at.group, maps.length)], at),
    async picture({ prompt, condition }) {
      const shown = images.find((entry) => entry.condition === condition);
      if (!shown || prompt >= shown.pictures.length) return null;
      const tensor = shown.pictures[inside("prompt", prompt, shown.pictures.length)];
      if (tensor.end - tensor.begin > 64_000_000) refuse(phrase("reader.picture.large", { prompt, bytes: tensor.end - tensor.begin }));
      const bytes = await read(tensor.begin, tensor.end);
      const size = webpSize(bytes);
      if (!size || size[0] !== shown.width || size[1] !== shown.height) {
        refuse(phrase("reader.picture.webp", { prompt, width: shown.width, height: shown.height }));
      }
      return { bytes, width: shown.width, height: shown.height };
    },
  };
}

// Whatever goes wrong while a bad file is read is the file's fault, and said in the reader's words.
export function readersError(error) {
  if (error instanceof RunFileError) return error;
  return new RunFileError(phrase("reader.failed", { why: quoted(error && error.message) }));
}

// Runs as explorer.py packs them into a page. What an explorer asks of a run, whatever it was read from:
//
//   key, label            short name for links; what to call the run
//   model, revision, provenance (object), seed, edit ("" where the model was left alone)
//   prompts [text], layers [name], steps [int], sigmas [number] or null, grid [h, w] or null, width (D), k, score
//   scoreNames            of "abs_mean", "mean_abs", "max_abs", "energy" those that the data allow
//   perPrompt             false: statistics are merged over prompts, and `prompt` is ignored
//   conditions            of pictures: "" is the run's own, others are the same prompts after an edit
//   channels              { name: { indices: [[...] a layer], width, label } }, as ChannelSet.to_json gives
//   scores(score, prompt, step)        -> Promise of Float32Array L * D; prompt -1: mean over prompts
//   alongTime(score, prompt, channel)  -> Promise of Float32Array L * T
//   mapChannels(layer), mapPrompts, mapSteps (indices into steps)
//   map(prompt, layer, step, channel)  -> Promise of { values: Float32Array h * w, height, width }, or of null
//   picture(prompt, condition)         -> Promise of { url, width, height }, or of null
//   precision             text
//   ask                   null, or in a live kernel ask({ prompt, seed, steps, ablate }, { onProgress, signal }) -> Promise of a run
//   close()               gives back what the run holds
//
// `step` and `prompt` are places on their axes, not step numbers. Arrays belong to the run: read them, do not change them.

import { arrayOf, inflate, logValues, mapReader } from "./arrays.js";
import { phrase } from "./phrases.js";
import { mapTable } from "./run_maps.js";

// The header (JSON) and the block (DataView) -> [run], the first one being the one to show first.
export async function openPacked(data, blob) {
  const buffer = await inflate(blob);
  return data.runs.map((header) => packedRun(header, buffer));
}

function packedRun(header, buffer) {
  const [prompts, layers, steps, width] = header.shape;
  const unpacked = new Map();
  const pictures = new Map();
  const groups = header.maps.map((group) => ({ ...group, reader: mapReader(buffer, group.values) }));
  const table = mapTable(groups);

  function values(score) {
    if (!header.scores[score]) throw new Error(phrase("run.noscore", { score }));
    if (!unpacked.has(score)) unpacked.set(score, logValues(buffer, header.scores[score]));
    return unpacked.get(score);
  }
  // The prompts that are averaged over, as places on the first axis.
  const places = (prompt) => (prompts === 1 ? [0] : prompt < 0 ? Array.from({ length: prompts }, (_, i) => i) : [prompt]);

  return {
    ...header.about,
    width,
    perPrompt: header.per_prompt,
    scoreNames: Object.keys(header.scores),
    conditions: Object.keys(header.images),
    async scores(score, prompt, step) {
      const all = values(score);
      const chosen = places(prompt);
      const out = new Float32Array(layers * width);
      for (const place of chosen) {
        for (let layer = 0; layer < layers; layer++) {
          const start = ((place * layers + layer) * steps + step) * width;
          for (let i = 0; i < width; i++) out[layer * width + i] += all[start + i] / chosen.length;
        }
      }
      return out;
    },
    async alongTime(score, prompt, channel) {
      const all = values(score);
      const chosen = places(prompt);
      const out = new Float32Array(layers * steps);
      for (const place of chosen) {
        for (let i = 0; i < layers * steps; i++) out[i] += all[(place * layers * steps + i) * width + channel] / chosen.length;
      }
      return out;
    },
    mapChannels: table.channels,
    mapPrompts: table.prompts,
    mapSteps: table.steps,
    async map(prompt, layer, step, channel) {
      const at = table.find(prompt, layer, step, channel);
      if (!at) return null;
      const { reader, channels, steps: kept } = groups[at.group];
      const index = ((at.prompt * layers + layer) * kept.length + at.step) * channels[layer].length + at.channel;
      return { values: reader.read(index), height: reader.height, width: reader.width };
    },
    async picture(prompt, condition = "") {
      const shown = header.images[condition];
      const bytes = shown && shown.bytes[prompt];
      if (!bytes) return null;
      const name = `${condition}/${prompt}`;
      if (!pictures.has(name)) {
        pictures.set(name, URL.createObjectURL(new Blob([arrayOf(buffer, bytes)], { type: "image/webp" })));
      }
      return { url: pictures.get(name), width: shown.width, height: shown.height };
    },
    ask: null,
    close() {
      for (const url of pictures.values()) URL.revokeObjectURL(url);
      pictures.clear();
      unpacked.clear();
    },
  };
}

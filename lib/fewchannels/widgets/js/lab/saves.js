// What leaves the lab: the run file, and the pictures on one sheet.

import { channelSetJson } from "./sets.js";
import { told } from "./state.js";
import { webpOf } from "./webp.js";

const encoded = (text) => new TextEncoder().encode(text);

// Arrays by name, { dtype, shape, bytes }, and the record of a run -> the bytes of a safetensors file (runfile.py).
export function runFile(record, arrays) {
  const header = { __metadata__: { fewchannels: JSON.stringify({ format: "fewchannels.run", version: 1, ...record }) } };
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(arrays)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.byteLength] };
    at += bytes.byteLength;
  }
  const text = encoded(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + padded + at).fill(32);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(text, 8);
  let place = 8 + padded;
  for (const { bytes } of Object.values(arrays)) {
    out.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), place);
    place += bytes.byteLength;
  }
  return out;
}

// The run of the lab: statistics untouched and edited, the chosen channels, and both pictures.
// stats, edited: as lab_worker.js gives them; pictures: RGBA bytes by condition, "" for the untouched one.
export function labRun({ state, set, shape, digest, version, date, stats, edited, pictures, side, sigmas }) {
  const { blocks, width } = shape;
  const grid = Math.round(Math.sqrt(shape.tokens));
  const arrays = {};
  const size = [1, blocks, state.steps, width];
  for (const [name, bytes] of Object.entries(stats)) arrays[`stats/${name}`] = { dtype: "F32", shape: size, bytes };
  for (const [name, bytes] of Object.entries(edited || {})) arrays[`stats/edited_${name}`] = { dtype: "F32", shape: size, bytes };
  const images = {};
  for (const [condition, rgba] of Object.entries(pictures)) {
    const bytes = webpOf(rgba, side, side);
    images[condition] = { count: 1, height: side, width: side, lossless: true };
    arrays[condition ? `images/${condition}/00000` : "images/00000"] = { dtype: "U8", shape: [bytes.byteLength], bytes };
  }
  const chosen = channelSetJson(set, width);
  return runFile(
    {
      provenance: {
        model: "toyworld",
        revision: digest,
        seed: state.seed,
        steps: state.steps,
        dtype: "float32",
        versions: { "live lab": version },
        date,
        edit: edited ? { how: state.mode === "edit" ? state.how : "transport", channels: chosen, label: "edited" } : null,
      },
      prompts: [state.prompt],
      index: {
        layers: Array.from({ length: blocks }, (_, i) => `transformer_blocks.${i}`),
        steps: Array.from({ length: state.steps }, (_, i) => i),
        grid: [grid, grid],
        score: "abs_mean",
        channels: chosen.indices.every((row) => row.length) ? { chosen } : {},
        sigmas,
        label: "live lab",
        lab: told(state),
      },
      images,
    },
    arrays,
  );
}

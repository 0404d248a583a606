// What the tests of the live engine share: the committed weights as the engine takes them.

import { readFileSync } from "node:fs";

const PIPELINE = new URL("../../lib/fewchannels/toyworld/weights/pipeline/", import.meta.url);
const PARTS = ["text_encoder", "transformer", "vae"];

// about: what live_weights.py says beside the weights, as JSON text
export function toy(about) {
  const files = Object.fromEntries(
    PARTS.map((part) => [part, new Uint8Array(readFileSync(new URL(`${part}/diffusion_pytorch_model.safetensors`, PIPELINE)))])
  );
  return [files, about];
}

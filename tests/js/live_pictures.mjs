// Not a test by itself: tests/widgets/test_live.py asks for pictures, this draws them with the live engine.
// In: the folder with the engine's scripts, a JSON file with a list of what Sampler.draw takes, and kernels as in arena.js.
// Out: as JSON, for each { latents, picture, change, levels }, where `keep` is given also { states } of that step.

import { readFileSync } from "node:fs";

import { Sampler } from "../../lib/fewchannels/widgets/js/live/sampler.js";
import { toy } from "./live_files.mjs";

const [folder, wishes, kernels = "fused"] = process.argv.slice(2);
const { files, about } = toy(folder);
const sampler = new Sampler(files, about, { kernels });
const drawn = [];
for (const given of JSON.parse(readFileSync(wishes, "utf8"))) {
  for (const own of [given, ...(given.edits || []).map(({ source }) => source || {})]) {
    if (own.picture) own.clean = sampler.autoencoder.encode(Uint8Array.from(Buffer.from(own.picture, "base64")));
  }
  const run = await sampler.draw(given);
  const { steps } = run;
  drawn.push({
    latents: Array.from(run.latents[steps]),
    picture: Buffer.from(sampler.autoencoder.decode(run.latents[steps])).toString("base64"),
    change: run.change && Array.from(run.change, (value) => (Number.isNaN(value) ? null : value)),
    levels: run.levels.map((values) => Array.from(values)),
    states: given.keep === undefined ? null : Array.from(run.states[given.keep]),
  });
}
process.stdout.write(JSON.stringify({ kernels: sampler.arena.kind, drawn }));

// node read_run.mjs FILE: what the explorer's own code reads from a run file (.safetensors) or a widget (.json), as JSON.

import { openAsBlob, readFileSync } from "node:fs";

import { openPacked } from "../../lib/fewchannels/widgets/js/packed_run.js";
import { besides, openRun } from "../../lib/fewchannels/widgets/js/run_file.js";
import { serveRuns } from "../../lib/fewchannels/widgets/js/run_worker.js";

async function runsOf(path) {
  if (path.endsWith(".safetensors")) return [await openRun(await openAsBlob(path), { connect: async () => besides(serveRuns) })];
  const given = JSON.parse(readFileSync(path, "utf8"));
  const blob = Buffer.from(given.blob, "base64");
  return openPacked(given.data, new DataView(blob.buffer, blob.byteOffset, blob.byteLength));
}

async function read(run) {
  const { prompts, layers, steps } = run;
  const out = { ...run, scores: {}, along: {}, maps: [], pictures: [] };
  const places = run.perPrompt ? prompts.map((_, i) => i) : [-1];
  for (const name of run.scoreNames) {
    out.scores[name] = [];
    for (const prompt of places) out.scores[name].push(await Promise.all(steps.map(async (_, step) => Array.from(await run.scores(name, prompt, step)))));
    out.along[name] = Array.from(await run.alongTime(name, -1, 1));
  }
  for (const prompt of run.mapPrompts) {
    for (const step of run.mapSteps) {
      for (let layer = 0; layer < layers.length; layer++) {
        for (const channel of run.mapChannels(layer)) {
          const map = await run.map(prompt, layer, step, channel);
          if (map) out.maps.push({ prompt, step, layer, channel, values: Array.from(map.values), shape: [map.height, map.width] });
        }
      }
    }
  }
  for (const condition of run.conditions) {
    for (let prompt = 0; prompt < prompts.length; prompt++) {
      const picture = await run.picture(prompt, condition);
      const bytes = Buffer.from(await (await fetch(picture.url)).arrayBuffer());
      out.pictures.push({ condition, prompt, shape: [picture.height, picture.width], webp: bytes.toString("base64") });
    }
  }
  run.close();
  return out;
}

const found = [];
for (const run of await runsOf(process.argv[2])) found.push(await read(run));
process.stdout.write(JSON.stringify(found));

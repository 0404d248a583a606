// Not a test by itself: tests/widgets/test_live_lab.py gives states, this does what the lab does for them, without a page.
// In: the folder with the engine's scripts, a JSON file { known, states, picture: RGBA in base64 }, a folder for run files.
// Out: as JSON, for each state { lines, lists, untouched, edited, source, words, change, run }.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";

import { startLab } from "../../lib/fewchannels/widgets/js/lab/engine.js";
import { serveLab } from "../../lib/fewchannels/widgets/js/lab/lab_worker.js";
import { pythonLines } from "../../lib/fewchannels/widgets/js/lab/python.js";
import { changeOf } from "../../lib/fewchannels/widgets/js/lab/request.js";
import { labRun } from "../../lib/fewchannels/widgets/js/lab/saves.js";
import { Session } from "../../lib/fewchannels/widgets/js/lab/session.js";
import { channelsOf } from "../../lib/fewchannels/widgets/js/lab/sets.js";
import { labState } from "../../lib/fewchannels/widgets/js/lab/state.js";
import { sentenceOf } from "../../lib/fewchannels/widgets/js/lab/words.js";

const [folder, wishes, out] = process.argv.slice(2);
const { known, states, picture } = JSON.parse(readFileSync(wishes, "utf8"));

// The worker's program in this thread, behind the same messages.
async function connect() {
  const far = { postMessage: (data) => setTimeout(() => near.onmessage({ data }), 0), close() {} };
  const near = { postMessage: (data) => setTimeout(() => far.onmessage({ data }), 0) };
  serveLab(near);
  return far;
}
const load = async (name) => {
  vm.runInThisContext(readFileSync(name, "utf8"));
};
const engine = await startLab(`${folder}/`, { load, connect });
const shape = { blocks: engine.about.blocks, width: engine.about.width, tokens: engine.about.tokens };
const data = { shape, known };
const session = new Session({ engine, data, onchange: () => {}, onfail: (error) => { throw error; } });
if (picture) session.clean = (await engine.encode(new Uint8ClampedArray(Buffer.from(picture, "base64")))).latents;
const bytesOf = (lane) => (lane?.done ? Buffer.from(lane.final).toString("base64") : null);
const found = [];
for (const [i, given] of states.entries()) {
  const state = labState(data, given);
  if (!(await session.wish(state))) throw new Error("the wish was dropped");
  const { untouched, edited, source } = session.lanes;
  const set = channelsOf(known, state);
  const run = join(out, `run${i}.safetensors`);
  const stats = await engine.ask("stats", { tag: "untouched" });
  const pictures = { "": untouched.final, ...(edited ? { edited: edited.final } : {}) };
  writeFileSync(run, labRun({ state, set, shape, digest: engine.about.digest, version: "0", date: "2026-01-01T00:00:00", stats, edited: edited ? await engine.ask("stats", { tag: "edited" }) : null, pictures, side: 48, sigmas: Array.from({ length: state.steps }, (_, s) => 1 - s / state.steps) }));
  found.push({
    lines: pythonLines(state, set, { shape, calibration: { prompts: 16, seed: 1, steps: 16 } }),
    lists: set.lists,
    untouched: bytesOf(untouched),
    edited: bytesOf(edited),
    source: bytesOf(source),
    words: sentenceOf(untouched.reading),
    change: edited ? changeOf(untouched.final, edited.final) : null,
    run,
  });
}
process.stdout.write(JSON.stringify(found), () => process.exit(0));

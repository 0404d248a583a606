// The live engine's worker, and what the lab asks of it besides: { type: "lab", id, what, given } in, { type: "lab", id,
// value } or { type: "lab", id, error } out. The last run of each tag (given.tag of a draw) is remembered for that.
//
//   read { pixels }          what the second reader sees
//   estimate { tag, step }   RGBA bytes of the model's own estimate of the picture
//   maps { tag, channels }   [channels, steps, blocks, tokens]
//   stats { tag }            mean, mean_abs, max_abs, var [blocks, steps, width], as ChannelStats has them

import { Sampler } from "../live/sampler.js";
import { serveLive } from "../live/worker.js";
import { readByEye } from "./by_eye.js";

export function serveLab(port) {
  let sampler = null;
  const runs = new Map();

  class Remembering extends Sampler {
    async draw(given, callbacks) {
      const run = await super.draw(given, callbacks);
      if (!run || !given.tag) return run;
      if (given.tag === "control") {
        run.hold().leave(); // nobody looks into it
        return run;
      }
      run.hold();
      runs.get(given.tag)?.leave();
      runs.set(given.tag, run);
      return run;
    }
  }

  function runOf({ tag }) {
    if (!runs.has(tag)) throw new Error(`nothing was drawn yet that is called ${tag}`);
    return runs.get(tag);
  }

  const answers = {
    read: ({ pixels }) => readByEye(pixels),
    estimate: (given) => sampler.autoencoder.decode(runOf(given).estimates[given.step]),
    maps: (given) => mapsOf(runOf(given), given.channels),
    stats: (given) => statsOf(runOf(given)),
  };

  const inner = { postMessage: (...message) => port.postMessage(...message) };
  serveLive(inner, { build: (...given) => (sampler = new Remembering(...given)), kept: 0 });
  port.onmessage = (event) => {
    const { type, id, what, given } = event.data;
    if (type !== "lab") {
      inner.onmessage(event);
      return;
    }
    try {
      port.postMessage({ type: "lab", id, value: answers[what](given) });
    } catch (error) {
      port.postMessage({ type: "lab", id, error: error.message });
    }
  };
}

function mapsOf(run, channels) {
  const { steps, blocks, tokens } = run;
  const values = new Float32Array(channels.length * steps * blocks * tokens);
  let at = 0;
  for (const channel of channels) {
    for (let step = 0; step < steps; step++) {
      for (let block = 0; block < blocks; block++, at += tokens) values.set(run.map(step, block, channel), at);
    }
  }
  return values;
}

function statsOf({ steps, blocks, tokens, width, states }) {
  const names = ["mean", "mean_abs", "max_abs", "var"];
  const out = Object.fromEntries(names.map((name) => [name, new Float32Array(blocks * steps * width)]));
  for (let block = 0; block < blocks; block++) {
    for (let step = 0; step < steps; step++) {
      const values = states[step].subarray(block * tokens * width, (block + 1) * tokens * width);
      for (let c = 0; c < width; c++) {
        let [sum, size, most, squares] = [0, 0, 0, 0];
        for (let i = c; i < values.length; i += width) {
          sum += values[i];
          size += Math.abs(values[i]);
          most = Math.max(most, Math.abs(values[i]));
        }
        for (let i = c; i < values.length; i += width) squares += (values[i] - sum / tokens) ** 2;
        const at = (block * steps + step) * width + c;
        [out.mean[at], out.mean_abs[at], out.max_abs[at], out.var[at]] = [sum / tokens, size / tokens, most, squares / tokens];
      }
    }
  }
  return out;
}

// The live engine's worker, and what the lab asks of it besides: { type: "lab", id, what, given } in, { type: "lab", id,
// value } or { type: "lab", id, error } out. The last run of each tag (given.tag of a draw) is remembered for that.
//
//   read { pixels }          what the second reader sees
//   estimate { tag, step }   RGBA bytes of the model's own estimate of the picture
//   maps { tag, maps }       [maps, steps, tokens]; maps: pairs [block, channel]
//   forget { tag }           nothing: the run is no longer looked at
//   stats { tag }            mean, mean_abs, max_abs, var [blocks, steps, width], as ChannelStats has them

import { Sampler } from "../live/sampler.js";
import { serveLive } from "../live/worker.js";
import { phrase } from "../phrases.js";
import { readByEye } from "./by_eye.js";

export function serveLab(port) {
  let sampler = null;
  const runs = new Map();

  // The last run of a tag is held until there is another; the edited one, of which there are many, until another is begun.
  // The control has no hidden states, since nobody looks into it.
  const held = new Map();
  const leave = (tag) => {
    held.get(tag)?.leave();
    held.delete(tag);
  };
  class Remembering extends Sampler {
    async draw(given, callbacks) {
      const { tag } = given;
      if (tag === "edited") leave(tag);
      const run = await super.draw(given, { ...callbacks, bare: tag === "control" });
      if (!run || !tag) return run;
      runs.set(tag, run.hold());
      leave(tag);
      held.set(tag, run);
      return run;
    }
  }

  function runOf({ tag }) {
    if (!runs.has(tag)) throw new Error(phrase("lab.undrawn", { tag }));
    return runs.get(tag);
  }

  const answers = {
    read: ({ pixels }) => readByEye(pixels),
    estimate: (given) => sampler.autoencoder.decode(runOf(given).estimates[given.step]),
    maps: (given) => mapsOf(runOf(given), given.maps),
    stats: (given) => statsOf(runOf(given)),
    forget({ tag }) {
      leave(tag);
      runs.delete(tag);
    },
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

function mapsOf(run, asked) {
  const { steps, tokens } = run;
  const values = new Float32Array(asked.length * steps * tokens);
  asked.forEach(([block, channel], i) => {
    for (let step = 0; step < steps; step++) run.map(step, block, channel, values, (i * steps + step) * tokens);
  });
  return values;
}

function statsOf(run) {
  const { steps, blocks, tokens, width } = run;
  const states = run.kept();
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

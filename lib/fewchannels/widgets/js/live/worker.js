// The engine behind messages, in a worker of its own: weights in, pictures out, the latest wish first.
//
// In:   { type: "open", about, kernels }       then { type: "part", text } for each part in their order: base64, as bytes
//       { type: "draw", id, lane, given, watch }   given: as Sampler.draw takes it; watch: { maps, pictures }: which each
//                                              step brings, maps as pairs [block, channel]
//       { type: "stop", lane }                 what is drawn or waits in a lane; without a lane all
//       { type: "map", id, run, step, block, channel }
//       { type: "encode", id, pixels }         RGBA bytes of one's own picture
// Out:  { type: "opened", share }, and at the end { type: "ready", about: { kernels, blocks, width, tokens, side, ... } }
//       { type: "step", id, lane, step, steps, levels, maps, picture }    levels [blocks, width]; maps [k, tokens]
//       { type: "done", id, lane, picture, latents, levels, change, ms }  of all steps; picture: RGBA bytes
//       { type: "dropped", id, lane }          since another was asked for in its lane, or it was stopped
//       { type: "map", id, values }, { type: "encoded", id, latents, picture }
//       { type: "failed", id, lane, text }     for the reader of the page; without an id it is the engine that failed
//
// A lane is a picture of the page, such as "untouched" or "edited": what is asked for last replaces what is drawn or
// waits there, and lanes take turns in the order of their wishes. Between two steps messages are heard.

import { free } from "./free.js";
import { Sampler } from "./sampler.js";

const PREVIEW = 100; // ms from one picture of a run that still forms to the next
const LOOKED_AT = 4; // runs that maps can be asked of
const DIGITS = new Uint8Array(256).fill(255);
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].forEach((one, i) => (DIGITS[one.charCodeAt(0)] = i));

// kept: of how many runs maps can be asked.
export function serveLive(port, { now = () => performance.now(), build = (...given) => new Sampler(...given), kept = LOOKED_AT } = {}) {
  let sampler = null;
  let opening = null;
  let queue = [];
  let drawn = null; // what is being drawn
  let seen = -Infinity; // when a picture was last sent
  const runs = new Map();

  // Lets messages in that wait: a task of a MessageChannel comes at once, where a timer would wait for 4 ms.
  const channel = new MessageChannel();
  let goOn = () => {};
  channel.port1.onmessage = () => goOn();
  const pause = () => new Promise((resolve) => {
    goOn = resolve;
    channel.port2.postMessage(null);
  });

  const send = (message, ...moved) => port.postMessage(message, moved.filter(Boolean).map(({ buffer }) => buffer));
  const fail = (error, { id, lane } = {}) => send({ type: "failed", id, lane, text: error.message });

  function open({ about, kernels }) {
    const bytes = about.files.reduce((sum, [, size]) => sum + size, 0);
    opening = { about, kernels, bytes, data: new Uint8Array(bytes), read: 0 };
  }

  function part({ text }) {
    const { data, read } = opening;
    const bytes = unpacked(text, data.subarray(read));
    opening.read += bytes;
    free(text.buffer);
    send({ type: "opened", share: opening.read / opening.bytes });
    if (opening.read < opening.bytes) return;
    const { about, kernels } = opening;
    opening = null;
    let from = 0;
    const files = Object.fromEntries(about.files.map(([name, size]) => [name, data.subarray(from, (from += size))]));
    sampler = build(files, about, { kernels });
    free(data.buffer);
    const own = { kernels: sampler.arena.kind, side: sampler.autoencoder.side, digest: about.digest };
    send({ type: "ready", about: { ...sampler.shape, ...own } });
  }

  function drop(lane) {
    const leave = (one) => lane === undefined || one.lane === lane;
    for (const one of queue.filter(leave)) send({ type: "dropped", id: one.id, lane: one.lane });
    queue = queue.filter((one) => !leave(one));
    if (drawn && leave(drawn)) drawn.wanted = false;
  }

  async function work() {
    while (queue.length && !drawn) {
      drawn = { ...queue.shift(), wanted: true };
      const own = drawn;
      try {
        const began = now();
        const run = await sampler.draw(own.given, {
          pause,
          wanted: () => own.wanted,
          watch: (step) => watch(own, step),
        });
        if (run) finish(own, run, now() - began);
        else send({ type: "dropped", id: own.id, lane: own.lane });
      } catch (error) {
        fail(error, own);
      }
      drawn = null;
    }
  }

  function watch({ id, lane, watch: { maps: asked = [], pictures = true } = {} }, { step, steps, run, estimate }) {
    const picture = pictures && step < steps - 1 && now() - seen >= PREVIEW ? sampler.autoencoder.decode(estimate) : null;
    if (picture) seen = now();
    const maps = new Float32Array(asked.length * run.tokens);
    asked.forEach(([block, channel], i) => run.map(step, block, channel, maps, i * run.tokens));
    const levels = run.levels[step].slice();
    send({ type: "step", id, lane, step, steps, levels, maps, picture }, levels, maps, picture);
  }

  function finish({ id, lane }, run, ms) {
    if (kept) runs.set(id, run.hold());
    while (runs.size > kept) {
      const [old, one] = runs.entries().next().value;
      runs.delete(old);
      one.leave();
    }
    const latents = run.latents[run.steps].slice();
    const levels = new Float32Array(run.steps * run.levels[0].length);
    run.levels.forEach((values, step) => levels.set(values, step * values.length));
    const picture = sampler.autoencoder.decode(latents);
    const change = run.change;
    send({ type: "done", id, lane, picture, latents, levels, change, ms }, picture, latents, levels);
  }

  function map({ id, run, step, block, channel }) {
    const found = runs.get(run);
    if (!found) throw new Error(`run ${run} is no longer kept: draw it again`);
    const values = found.map(step, block, channel);
    send({ type: "map", id, values }, values);
  }

  function encode({ id, pixels }) {
    const latents = sampler.autoencoder.encode(pixels);
    const picture = sampler.autoencoder.decode(latents);
    send({ type: "encoded", id, latents, picture }, latents, picture);
  }

  const heard = {
    open,
    part,
    map,
    encode,
    stop: ({ lane }) => drop(lane),
    draw(message) {
      drop(message.lane);
      queue.push(message);
      work();
    },
  };

  port.onmessage = ({ data }) => {
    try {
      if (!heard[data.type]) throw new Error(`message ${data.type}: expected one of ${Object.keys(heard).join(", ")}`);
      if (!sampler && !["open", "part", "stop"].includes(data.type)) throw new Error("the model has not been loaded yet");
      heard[data.type](data);
    } catch (error) {
      fail(error, data);
    }
  };
}

// Base64 (Uint8Array) to bytes, into `out`. -> how many. As a text it would lie in memory twice as long.
function unpacked(text, out) {
  let [at, bits, waiting] = [0, 0, 0];
  let count = text.length;
  while (count && text[count - 1] === 61) count--; // "="
  if (Math.floor((6 * count) / 8) > out.length) throw new Error("there are more weights than their list names");
  for (let i = 0; i < count; i++) {
    const value = DIGITS[text[i]];
    if (value === 255) throw new Error("a part of the model is no base64: load the page again");
    bits = ((bits & 0xffff) << 6) | value;
    waiting += 6;
    if (waiting < 8) continue;
    waiting -= 8;
    out[at++] = bits >> waiting;
  }
  return at;
}

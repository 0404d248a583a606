// The live engine in the form in which a page has it: its scripts, the client, and the worker's own text in a thread. The
// folder comes from tests/widgets/test_live.py, which runs this file; by itself it has nothing to load, and skips.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";
import vm from "node:vm";
import { Worker } from "node:worker_threads";

import { Arena } from "../../lib/fewchannels/widgets/js/live/arena.js";
import { startEngine } from "../../lib/fewchannels/widgets/js/live/client.js";
import { Sampler } from "../../lib/fewchannels/widgets/js/live/sampler.js";
import { toy } from "./live_files.mjs";

const FOLDER = process.env.LIVE_ENGINE;
const PROMPT = "a large red star at the left on a striped blue and white background";
const OTHER = "a small yellow ring at the right on a plain green background";
const zero = (more = {}) => ({ how: "zero", channels: [124, 72], ...more });
const given = (more = {}) => ({ prompt: PROMPT, seed: 3, steps: 8, ...more });
const live = (name, body) => test(name, { skip: FOLDER ? false : "the engine's folder is not given" }, body);

// As loadScript does in a page: from the disk the scripts call the registry that the client set up, and from the web they
// come as bytes.
const load = async (address) => {
  vm.runInThisContext(readFileSync(join(FOLDER, basename(address)), "utf8"));
};
const fetched = async (address) => new Uint8Array(readFileSync(join(FOLDER, basename(address))));

// A worker's script in a thread of node, which has no `self` of its own, and which hears a thousand messages of one
// channel before it looks at another: here the engine's own turn comes behind those of the page, as it does in browsers.
async function connect(program) {
  const shim = `
    const { parentPort } = require("node:worker_threads");
    const self = { postMessage: (message, moved) => parentPort.postMessage(message, moved) };
    parentPort.on("message", (data) => self.onmessage({ data }));
    globalThis.MessageChannel = class {
      port1 = {};
      port2 = { postMessage: (data) => setImmediate(() => this.port1.onmessage({ data })) };
    };
  `;
  const worker = new Worker(shim + program, { eval: true });
  const port = { postMessage: (message, moved) => worker.postMessage(message, moved), close: () => worker.terminate() };
  worker.on("message", (data) => port.onmessage({ data }));
  worker.on("error", () => port.onfail());
  return port;
}

const start = (more = {}) => startEngine("live/", { load, connect, ...more });

// A sampler in this thread, and how many times its network ran.
function counted() {
  const { about, files } = toy(FOLDER);
  const sampler = new Sampler(files, about);
  const { transformer } = sampler;
  const velocity = transformer.velocity.bind(transformer);
  let passes = 0;
  transformer.velocity = (...all) => {
    passes++;
    return velocity(...all);
  };
  return { sampler, passes: () => passes };
}

test("an arena takes the fastest kernels that it may and that the browser runs", (t) => {
  const kinds = (...args) => new Arena(100_000, ...args).kind;
  assert.deepEqual([kinds(), kinds("simd"), kinds("plain")], ["fused", "simd", "plain"]);
  assert.throws(() => kinds("fast"), /kernels of the kind fast: expected fused, simd, plain/);
  const validate = t.mock.method(WebAssembly, "validate", () => false);
  assert.equal(kinds(), "plain");
  validate.mock.mockImplementationOnce(() => false, validate.mock.callCount());
  validate.mock.mockImplementation(() => true);
  assert.equal(kinds(), "simd");
});

live("a page gets pictures, levels and maps from its worker", async () => {
  const shares = [];
  const engine = await start({ onProgress: (share) => shares.push(share) });
  assert.deepEqual(shares.toSorted(), shares);
  assert.equal(shares.at(-1), 1);
  const { kernels, blocks, width, tokens, side } = engine.about;
  assert.deepEqual([kernels, blocks, width, tokens, side], ["fused", 6, 192, 144, 48]);
  assert.ok(engine.grammar.shapes.includes("star"));

  const steps = [];
  const done = await engine.draw("untouched", given(), { maps: [[0, 124], [2, 5]], onStep: (step) => steps.push(step) });
  assert.deepEqual(steps.map(({ step }) => step), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(done.picture.length, 48 * 48 * 4);
  assert.equal(done.levels.length, 8 * 6 * 192);
  assert.deepEqual(done.levels.slice(7 * 6 * 192), steps[7].levels);
  const map = await engine.map(done.id, 7, 2, 5);
  assert.deepEqual(map, steps[7].maps.slice(144));
  const mean = Math.abs(map.reduce((sum, value) => sum + value) / 144);
  assert.ok(Math.abs(mean - steps[7].levels[2 * 192 + 5]) < 1e-5);

  const edited = await engine.draw("edited", given({ edits: [zero({ layers: [2] })] }), { maps: [[0, 124]] });
  assert.notDeepEqual(edited.picture, done.picture);
  assert.deepEqual(await engine.map(edited.id, 3, 2, 124), new Float32Array(144));
  assert.equal(edited.change.length, 8 * 6);
  assert.ok(edited.change[2] > 0.1 && Number.isNaN(edited.change[3]));

  const encoded = await engine.encode(done.picture.slice());
  assert.equal(encoded.latents.length, 8 * 144);
  const apart = encoded.picture.reduce((sum, value, i) => sum + Math.abs(value - done.picture[i]), 0) / (48 * 48 * 3);
  assert.ok(apart < 12, `a drawn picture comes back ${apart} of 255 apart`);
  engine.close();
  await assert.rejects(engine.draw("untouched", given()), /closed/);
});

live("scripts that come as bytes give the same model as scripts that are run", async () => {
  const drawn = [];
  for (const own of [load, fetched]) {
    const engine = await start({ load: own });
    drawn.push(await engine.draw("untouched", given({ steps: 2 })));
    engine.close();
  }
  assert.deepEqual(drawn[0].latents, drawn[1].latents);
  assert.deepEqual(drawn[0].picture, drawn[1].picture);
  const page = new TextEncoder().encode("<!doctype html><title>Not found</title>");
  await assert.rejects(start({ load: async () => page }), /not the live engine's/);
  const other = (address) => (address.endsWith("-05.js") ? page : fetched(address));
  await assert.rejects(start({ load: async (address) => other(address) }), /Only 5 of 12 parts of the model came/);
});

live("the last wish of a lane wins, and lanes do not disturb each other", async () => {
  const engine = await start();
  const order = [];
  let steps = 0;
  const wish = (lane, factor) =>
    engine.draw(lane, given({ steps: 16, edits: [{ how: "scale", channels: [124], factor }] }), { onStep: () => steps++ });
  const wishes = [0, 0.25, 0.5, 0.75].map((factor) => wish("edited", factor));
  const beside = wish("random", 2).then((done) => order.push("random") && done);
  const last = wish("edited", 1.5).then((done) => order.push("edited") && done);
  assert.ok((await Promise.all(wishes)).every((done) => done === null));
  assert.ok(await beside);
  const picture = (await last).picture;
  assert.deepEqual(order, ["random", "edited"]);
  assert.ok(steps < 16 * 4, `${steps} steps for two pictures and four that nobody waited for`);
  assert.deepEqual((await wish("edited", 1.5)).picture, picture); // what was dropped in between left no trace
  engine.close();
});

live("a run that is under way can be stopped, and is dropped for a later wish", async () => {
  const engine = await start();
  let seen = 0;
  const stopped = engine.draw("edited", given({ steps: 64 }), { onStep: () => ++seen === 2 && engine.stop("edited") });
  assert.ok((await stopped) === null);
  assert.ok(seen < 12, `${seen} steps after a stop at the second`);
  let asked = null;
  const ask = () => (asked = asked || engine.draw("edited", given({ steps: 2 })));
  assert.ok((await engine.draw("edited", given({ steps: 64 }), { onStep: ask })) === null);
  assert.ok(await asked);
  const all = [engine.draw("a", given({ steps: 64 })), engine.draw("b", given({ steps: 64 }))];
  engine.stop();
  assert.ok((await Promise.all(all)).every((done) => done === null));
  engine.close();
});

live("a picture that forms is shown at most ten times a second", async () => {
  const engine = await start();
  const times = [];
  const onStep = ({ picture }) => picture && times.push(performance.now());
  const begin = performance.now();
  await engine.draw("untouched", given({ steps: 48 }), { onStep });
  const most = Math.ceil((performance.now() - begin) / 100) + 1;
  assert.ok(times.length >= 2 && times.length <= most, `${times.length} pictures, at most ${most}`);
  await engine.draw("quiet", given({ steps: 20, seed: 4 }), { pictures: false, onStep: ({ picture }) => assert.equal(picture, null) });
  engine.close();
});

live("what cannot be drawn is said in words, and the next wish is served", async () => {
  const engine = await start();
  const refused = (more, words) => assert.rejects(engine.draw("edited", given(more)), words);
  await refused({ prompt: "a large red sdar" }, /unknown word 'sdar'.*nearest word the toy world knows is 'star'/);
  await refused({ prompt: "a ".repeat(25) }, /25 words; the toy world reads at most 24/);
  await refused({ steps: 0 }, /steps=0: expected a whole number from 1/);
  await refused({ seed: -1 }, /seed -1: expected a whole number from 0/);
  await refused({ latents: [1, 2] }, /latents of 2 numbers: expected 1152/);
  await refused({ edits: [zero({ how: "nothing" })] }, /how="nothing": expected one of zero, scale/);
  await refused({ edits: [zero({ how: "scale" })] }, /how="scale" needs factor/);
  await refused({ edits: [zero({ how: "transport" })] }, /needs source/);
  await refused({ edits: [zero({ channels: [192] })] }, /channels=\[192\]: expected numbers from 0 to 191/);
  await refused({ edits: [zero({ channels: [] })] }, /channels=\[\]: expected at least one/);
  await refused({ edits: [zero({ channels: [[1], [2]] })] }, /a list of them for each of 6 blocks/);
  await refused({ edits: [zero({ layers: [6] })] }, /layers=\[6\]: expected numbers from 0 to 5/);
  await refused({ edits: [zero({ steps: [8] })] }, /steps=\[8\]: expected numbers from 0 to 7/);
  await refused({ edits: [zero({ tokens: [1] })] }, /tokens=\[1\]: expected 144 truth values/);
  await refused({ edits: [zero({ tokens: new Uint8Array(144) })] }, /at least one of them true/);
  await refused({ edits: [zero({ strength: "much" })] }, /strength="much": expected a number/);
  await refused({ edits: [zero({ through: "norm" })] }, /through="norm": expected one of stream, both/);
  await refused({ edits: [zero({ into: ["mlp"] })] }, /into=\["mlp"\]: .* null for what is edited in the stream/);
  await refused({ edits: [zero({ how: "replace", values: [1, 2] })] }, /values=\[1,2\]: expected a number, or 192, 1152, 9216/);
  await refused({ edits: [zero({ how: "transport", source: { prompt: "qqq" } })] }, /unknown word 'qqq'/);
  await assert.rejects(engine.map(999, 0, 0, 0), /no longer kept/);
  await assert.rejects(engine.encode(new Uint8ClampedArray(4)), /a picture of 4 bytes: expected 48 x 48 x 4/);
  assert.ok(await engine.draw("edited", given({ steps: 1 })));
  engine.close();
});

live("a download that failed, and weights that are damaged, are said", async () => {
  const missing = async (address) => {
    if (address.endsWith("-03.js")) throw new Error("weights-03.js could not be loaded");
    await load(address);
  };
  await assert.rejects(start({ load: missing }), /could not be loaded/);
  const empty = async (address) => (address.endsWith("-03.js") ? undefined : load(address));
  await assert.rejects(start({ load: empty }), /Only 3 of 12 parts of the model came/);
  await assert.rejects(start({ load: async () => {} }), /not the live engine's/);
  const zeros = async (program) => {
    const port = await connect(program);
    const post = port.postMessage;
    port.postMessage = (message) => post(message.text ? { ...message, text: message.text.fill(letter) } : message);
    return port;
  };
  let letter = "A".charCodeAt(0);
  await assert.rejects(start({ connect: zeros }), /JSON/);
  letter = "!".charCodeAt(0);
  await assert.rejects(start({ connect: zeros }), /no base64/);
  const { about, files } = toy(FOLDER);
  assert.throws(() => new Sampler({ ...files, vae: files.vae.subarray(0, 5000) }, about), /vae is no safetensors file|cut short/);
  const bad = { ...about, configs: { ...about.configs, transformer: { ...about.configs.transformer, patch_size: 2 } } };
  assert.throws(() => new Sampler(files, bad), /not of the toy world's kind/);
});

live("steps before the first edited one are not computed again", async () => {
  const { sampler, passes } = counted();
  const untouched = await sampler.draw(given());
  assert.equal(passes(), 8);
  assert.ok((await sampler.draw(given())) === untouched);
  assert.equal(passes(), 8);
  const late = await sampler.draw(given({ edits: [zero({ steps: [5, 6, 7] })] }));
  assert.equal(passes(), 8 + 3);
  assert.deepEqual(late.latents[5], untouched.latents[5]);
  assert.deepEqual(late.levels[4], untouched.levels[4]);
  assert.notDeepEqual(late.latents[6], untouched.latents[6]);
  const fresh = counted();
  const alone = await fresh.sampler.draw(given({ edits: [zero({ steps: [5, 6, 7] })] }));
  assert.equal(fresh.passes(), 8);
  assert.deepEqual(alone.latents, late.latents); // to the bit, whichever way it came about
  assert.deepEqual(alone.levels, late.levels);
  const source = { how: "transport", channels: [124], source: { prompt: OTHER } };
  await sampler.draw(given({ edits: [source] }));
  assert.equal(passes(), 11 + 16);
  await sampler.draw(given({ edits: [{ ...source, strength: 0.5 }] }));
  assert.equal(passes(), 27 + 8);
});

live("memory does not grow from picture to picture", async () => {
  const { sampler } = counted();
  const once = async (seed) => {
    const run = await sampler.draw(given({ seed, steps: 2, edits: seed % 2 ? [zero()] : [] }));
    sampler.autoencoder.encode(sampler.autoencoder.decode(run.latents[2]));
  };
  await once(0);
  const { used } = sampler.arena;
  for (let seed = 1; seed < 12; seed++) await once(seed);
  assert.equal(sampler.arena.used, used);
  const steps = () => [...sampler.runs.values()].reduce((sum, run) => sum + run.steps, 0);
  for (const count of [24, 16, 12, 4]) await sampler.draw(given({ steps: count }));
  assert.ok(steps() <= 32, `${steps()} steps are kept`);
});

live("a run that somebody holds keeps its hidden states, and one that all have left says so", async () => {
  const { sampler } = counted();
  const first = (await sampler.draw(given({ steps: 32 }))).hold();
  const map = first.map(31, 5, 124);
  const late = await sampler.draw(given({ steps: 32, edits: [zero({ steps: [31] })] }));
  const forgotten = await sampler.draw(given({ steps: 32, seed: 4 }));
  const { buffer } = forgotten.states[0];
  for (const seed of [5, 6]) await sampler.draw(given({ steps: 32, seed }));
  assert.deepEqual(first.map(31, 5, 124), map);
  assert.throws(() => forgotten.map(31, 5, 124), /no longer kept: draw it again/);
  if (buffer.transfer) assert.equal(buffer.byteLength, 0); // its memory is given back, where the browser can (free.js)
  first.leave();
  assert.throws(() => first.map(31, 5, 124), /no longer kept: draw it again/);
  assert.ok(late.map(30, 5, 124).some(Boolean)); // what it took over from the first is its own
});

live("runs that take turns give the same bits as alone", async () => {
  const { sampler } = counted();
  const pause = () => new Promise((resolve) => setTimeout(resolve, 0));
  const wishes = [given({ steps: 4 }), given({ steps: 6, prompt: OTHER, edits: [zero({ through: "gain" })] })];
  const together = await Promise.all(wishes.map((wish) => sampler.draw(wish, { pause })));
  const { sampler: other } = counted();
  for (const [i, wish] of wishes.entries()) {
    const alone = await other.draw(wish);
    assert.deepEqual(together[i].latents, alone.latents);
  }
});

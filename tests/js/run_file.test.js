// The reader of run files: what it reads, what it refuses and with which words, and that chance damage never gets past it.

import assert from "node:assert/strict";
import test from "node:test";

import { RunFileError } from "../../lib/fewchannels/widgets/js/run_error.js";
import { besides, openRun } from "../../lib/fewchannels/widgets/js/run_file.js";
import { serveRuns } from "../../lib/fewchannels/widgets/js/run_worker.js";
import { COUNTS, changed, good, packed, valueAt, webp } from "./run_files.mjs";

const connect = async () => besides(serveRuns);
const open = (bytes) => openRun(bytes instanceof Uint8Array ? new Blob([bytes]) : bytes, { connect });
const { prompts, layers, steps, width } = COUNTS;

test("every value of the file comes out where it belongs", async () => {
  const run = await open(packed(good()));
  assert.deepEqual(run.scoreNames, ["abs_mean", "mean_abs", "max_abs", "energy"]);
  assert.deepEqual([run.perPrompt, run.width, run.k, run.seed, run.model, run.grid], [true, width, 2, 7, "toy", [2, 3]]);
  assert.equal(run.prompts[1], "<img src=x onerror=alert(1)></script>");
  const score = {
    abs_mean: (...at) => Math.abs(valueAt("mean", ...at)),
    mean_abs: (...at) => valueAt("mean_abs", ...at),
    max_abs: (...at) => valueAt("max_abs", ...at),
    energy: (...at) => valueAt("var", ...at) + valueAt("mean", ...at) ** 2,
  };
  for (const name of run.scoreNames) {
    for (let p = 0; p < prompts; p++) {
      for (let t = 0; t < steps; t++) {
        const found = await run.scores(name, p, t);
        const wanted = Array.from({ length: layers * width }, (_, i) => score[name](p, Math.floor(i / width), t, i % width));
        assert.deepEqual([...found], wanted.map(Math.fround));
      }
    }
    const mean = await run.scores(name, -1, 2);
    const along = await run.alongTime(name, -1, 3);
    for (let l = 0; l < layers; l++) {
      const halfway = (score[name](0, l, 2, 3) + score[name](1, l, 2, 3)) / 2;
      assert.ok(Math.abs(mean[l * width + 3] / halfway - 1) < 1e-6);
      assert.ok(Math.abs(along[l * steps + 2] / halfway - 1) < 1e-6);
    }
  }
  run.close();
  await assert.rejects(run.scores("abs_mean", 0, 0), /closed/);
});

test("maps and pictures are those of the prompt, step and channel, and null where they were not kept", async () => {
  const run = await open(packed(good()));
  assert.deepEqual([run.mapPrompts, run.mapSteps, run.mapChannels(1)], [[1], [1, 3], [4, 2]]);
  const map = await run.map(1, 1, 3, 2);
  const first = (1 * 2 + 1) * 6 * 2 + 1; // block 1, second kept step, second channel
  assert.deepEqual([...map.values], [0, 1, 2, 3, 4, 5].map((token) => first + 2 * token));
  assert.deepEqual([map.height, map.width], [2, 3]);
  assert.equal(await run.map(0, 1, 3, 2), null);
  assert.equal(await run.map(1, 1, 2, 2), null);
  assert.equal(await run.map(1, 1, 3, 1), null);
  assert.deepEqual(run.conditions, ["", "zero"]);
  const picture = await run.picture(1, "zero");
  assert.deepEqual([picture.width, picture.height], [2, 1]);
  assert.equal((await (await fetch(picture.url)).arrayBuffer()).byteLength, 40);
  assert.equal(await run.picture(2, ""), null);
  assert.equal(await run.picture(0, "other"), null);
  run.close();
});

test("a merged run has one answer for all prompts", async () => {
  const { layers: l, steps: t } = COUNTS;
  const bytes = changed(({ tensors }) => {
    for (const name of ["mean", "mean_abs", "max_abs", "var"]) {
      const tensor = tensors[`stats/${name}`];
      tensor.shape = [1, l, t, width];
      tensor.bytes = tensor.bytes.slice(0, tensor.bytes.length / 2);
    }
  });
  const run = await open(bytes);
  assert.equal(run.perPrompt, false);
  assert.deepEqual(await run.scores("mean_abs", -1, 1), await run.scores("mean_abs", 1, 1));
  run.close();
});

const REFUSED = {
  empty: [new Uint8Array(0), /^The file is empty\. Expected a run file/],
  "a few bytes": [new Uint8Array(5), /5 bytes, too few/],
  "a zip archive": [Uint8Array.of(0x50, 0x4b, 3, 4, ...new Uint8Array(60)), /zip archive/],
  "a Git LFS pointer": [new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid"), /git lfs pull/],
  "a text": [new TextEncoder().encode("Dear reader, this is no run file at all."), /no safetensors file|header has \d+ bytes/],
  "a picture": [webp(), /a picture/],
  "header too long": [headerOf(100_000_001n), /header has 100000001 bytes; at most 100000000/],
  "header of 16 exabytes": [headerOf(2n ** 64n - 1n), /header has 18446744073709552000 bytes/],
  "header that is cut": [packed(good()).slice(0, 200), /ends inside its header/],
  "data that are cut": [packed(good()).slice(0, -7), /cut short/],
  "data too long": [Uint8Array.of(...packed(good()), 0), /longer than its header says/],
  "no JSON": [packed({ ...good(), text: (json) => json.replace(":", ";") }), /not the JSON text/],
  "no UTF-8": [broken("a red star", 0xff), /not the JSON text/],
  "another program's": [packed({ ...good(), metadata: { format: "pt" } }), /another program/],
  "no metadata": [packed({ ...good(), change: ({ __metadata__, ...rest }) => rest }), /another program/],
  "another format": [changed(({ record }) => (record.format = "gguf")), /names the format "gguf"/],
  "newer version": [changed(({ record }) => (record.version = 2)), /version 2 .* reads version 1/],
  "no version": [changed(({ record }) => (record.version = "1")), /no version number/],
  "record no JSON": [packed({ ...good(), record: "{" }), /record is not the JSON text/],
  "record too deep": [changed(({ record }) => (record.index.more = nested(200))), /64 levels/],
  "prompts no texts": [changed(({ record }) => (record.prompts = [1, 2])), /no list of texts/],
  "provenance lacks the seed": [changed(({ record }) => delete record.provenance.seed), /lacks seed/],
  "offsets out of range": [packed({ ...good(), change: moved("stats/var", 1e9, 1e9 + 480) }), /ends at byte 10000\d+ of a file/],
  "offsets overlap": [packed({ ...good(), change: moved("stats/mean_abs", 0, 480) }), /overlaps the array before it/],
  "offsets leave a gap": [packed({ ...good(), change: dropped("masks/subject") }), /leaves a gap/],
  "offsets reversed": [packed({ ...good(), change: moved("stats/var", 480, 0) }), /cannot be/],
  "offsets no numbers": [packed({ ...good(), change: moved("stats/var", "0", null) }), /cannot be/],
  "shape against bytes": [packed({ ...good(), change: shaped("stats/mean", [2, 3, 4, 6]) }), /does not take/],
  "shape that overflows": [packed({ ...good(), change: shaped("stats/mean", [2 ** 40, 2 ** 40, 1, 1]) }), /does not take/],
  "unknown dtype": [packed({ ...good(), change: typed("stats/mean", "BF16") }), /type "BF16"/],
  "dtype of a mask": [packed({ ...good(), change: typed("masks/subject", "U8") }), /expected BOOL/],
  "dtype of statistics": [packed({ ...good(), change: typed("stats/mean", "I32") }), /type I32; a run file has F32/],
  "unknown group": [changed(({ tensors }) => (tensors["weights/a"] = tensors["stats/var"])), /none of the groups/],
  "no statistics": [changed(({ tensors }) => Object.keys(tensors).forEach((name) => name.startsWith("stats/") && delete tensors[name])), /no statistics of channels/],
  "layers against the index": [changed(({ record }) => record.index.layers.pop()), /names 2 layers, but the statistics have 3/],
  "steps against the index": [changed(({ record }) => record.index.steps.push(4)), /names 5 steps/],
  "prompts against samples": [changed(({ record }) => record.prompts.push("three")), /2 samples but the record names 3/],
  "channels out of range": [changed(({ record }) => (record.index.channels.top.indices[1][0] = 5)), /numbers from 0 to 4/],
  "maps against the index": [changed(({ record }) => (record.index.maps.top.steps = [1])), /maps "top" have the shape/],
  "maps of no channels": [changed(({ record }) => (record.index.maps.top.channels = "__proto__")), /contradicts itself/],
  "a grid of words": [changed(({ record }) => (record.index.grid = ["a", {}])), /grid is/],
  "a picture missing": [changed(({ tensors }) => delete tensors["images/zero/00001"]), /number 1 is missing/],
  "a billion pictures": [changed(({ record }) => (record.images[""].count = 1e9)), /number 2 is missing/],
  "a picture of gigapixels": [changed(({ record }) => (record.images[""].width = 60000)), /sides up to 8192/],
  "nan in the statistics": [valued(NaN), /holds NaN \(prompt 0, "double.1", step 2, channel 3\)/],
  "inf in the statistics": [valued(-Infinity), /holds -Infinity/],
  "more than can be shown": [packed(huge()), /more than this page can show/],
};

for (const [name, [bytes, words]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(open(bytes), (error) => {
      assert.equal(error.name, "RunFileError");
      assert.match(error.message, words);
      assert.doesNotMatch(error.message, /could not be read \("/); // that would be an error of the reader's own
      assert.ok(error.message.length < 500);
      return true;
    });
  });
}

test("a picture that is not what the record says is refused when it is asked for", async () => {
  const run = await open(changed(({ tensors }) => (tensors["images/00001"].bytes = webp(16383, 16383))));
  assert.equal((await run.picture(0)).width, 2);
  await assert.rejects(run.picture(1), /no WebP file of 2 x 1 px/);
  const script = await open(changed(({ tensors }) => tensors["images/00000"].bytes.set([..."<svg onload=1"].map((c) => c.charCodeAt(0)))));
  await assert.rejects(script.picture(0), /no WebP file/);
});

test("a map that overflowed is refused when it is asked for", async () => {
  const run = await open(changed(({ tensors }) => new Uint16Array(tensors["maps/top"].bytes.buffer).fill(0x7c00)));
  await assert.rejects(run.map(1, 0, 1, 4), /nan or inf/);
});

test("a gigabyte of nothing, and one behind a good start, are refused without being read", async () => {
  for (const start of [new Uint8Array(8), headerOf(90_000_000n)]) {
    const { blob, bytesRead } = sparse(start, 2 ** 30);
    await assert.rejects(open(blob), RunFileError);
    assert.ok(bytesRead() < 100, `${bytesRead()} bytes`);
  }
  const whole = packed(good());
  const { blob, bytesRead } = sparse(whole, 2 ** 30);
  await assert.rejects(open(blob), /longer than its header says/);
  assert.ok(bytesRead() < whole.length);
});

test("only the slices of a view are read, then the other steps of the same statistic", async () => {
  const file = packed(good());
  const { blob, bytesRead } = sparse(file, file.length);
  const header = 16 + Number(new DataView(file.buffer).getBigUint64(0, true)); // looked at first: 16 bytes
  const [step, statistic] = [layers * width * 4, layers * steps * width * 4];
  const run = await open(blob);
  assert.ok(bytesRead() >= header + step && bytesRead() <= header + step + statistic);
  await settled();
  assert.equal(bytesRead(), header + step + statistic);
  await run.scores("abs_mean", 0, 3);
  await run.alongTime("abs_mean", 0, 1);
  assert.equal(bytesRead(), header + step + statistic);
  await run.scores("energy", 1, 3);
  await settled();
  assert.equal(bytesRead(), header + step + statistic + 2 * (step + statistic));
  run.close();
});

test("a file that vanishes says so", async () => {
  const file = packed(good());
  let gone = false;
  const blob = { size: file.length, slice: (a, b) => ({ arrayBuffer: async () => (gone ? Promise.reject(new Error("NotReadableError")) : file.slice(a, b).buffer) }) };
  const run = await open(blob);
  gone = true;
  await assert.rejects(run.scores("max_abs", 1, 0), /moved, changed or deleted/);
});

test("chance damage never hangs and never throws anything but the reader's error", async () => {
  const file = packed(good());
  const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  const random = generator(20261125);
  let opened = 0;
  let own = 0;
  for (let round = 0; round < 600; round++) {
    const bytes = file.slice();
    for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(round % 3 ? headerEnd : bytes.length)] ^= 1 << random(8);
    const cut = random(20) ? bytes : bytes.slice(0, random(bytes.length));
    try {
      const run = await open(cut);
      opened++;
      await Promise.all([run.scores("energy", -1, 0), run.alongTime("max_abs", 0, 1), run.map(1, 1, 3, 2), run.picture(0)]);
      run.close();
    } catch (error) {
      assert.equal(error.name, "RunFileError", error.stack);
      if (/could not be read \("/.test(error.message)) own++;
    }
  }
  assert.ok(opened > 40, `${opened} of 600 could be opened`);
  assert.equal(own, 0);
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

function headerOf(length) {
  const bytes = new Uint8Array(4096);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}

function broken(text, byte) {
  const bytes = packed(good());
  const at = Buffer.from(bytes.buffer).indexOf(text);
  bytes[at] = byte;
  return bytes;
}

function nested(depth) {
  let value = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

function moved(name, begin, end) {
  return (header) => ({ ...header, [name]: { ...header[name], data_offsets: [begin, end] } });
}

function shaped(name, shape) {
  return (header) => ({ ...header, [name]: { ...header[name], shape } });
}

function typed(name, dtype) {
  return (header) => ({ ...header, [name]: { ...header[name], dtype } });
}

function dropped(name) {
  return ({ [name]: _, ...rest }) => rest;
}

function valued(value) {
  return changed(({ tensors }) => {
    const values = new Float32Array(tensors["stats/mean"].bytes.buffer);
    values[(1 * steps + 2) * width + 3] = value;
  });
}

function huge() {
  const bytes = new Uint8Array(4 * 5000);
  const { record } = good();
  return { record: { ...record, index: {}, images: {} }, tensors: { "stats/mean": { dtype: "F32", shape: [1, 5000, 1, 1], bytes } } };
}

// A Blob of `size` bytes that starts with `start` and is zero after it, and counts what is read of it.
function sparse(start, size) {
  let total = 0;
  const slice = (begin, end) => ({
    arrayBuffer: async () => {
      total += end - begin;
      const part = new Uint8Array(end - begin);
      part.set(start.subarray(begin, Math.min(end, start.length)));
      return part.buffer;
    },
  });
  return { blob: { size, slice }, bytesRead: () => total };
}

// A small generator of whole numbers below n (mulberry32), so that a failure can be run again.
function generator(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

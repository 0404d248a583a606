// The explorer's pure part: states, comparisons, marked channels, pooling, histogram, mask, and the run with a memory.

import assert from "node:assert/strict";
import test from "node:test";

import { isComing, latest, memory, sourceOf } from "../../lib/fewchannels/widgets/js/explorer_source.js";
import {
  COMPARISONS,
  channelSet,
  compareBy,
  explorerState,
  histogram,
  markedChannels,
  markedText,
  nearestKept,
  paneChange,
  paneState,
  pinsOf,
  pooled,
} from "../../lib/fewchannels/widgets/js/explorer_state.js";
import { fromHash, toHash } from "../../lib/fewchannels/widgets/js/link.js";
import { subjectMask } from "../../lib/fewchannels/widgets/js/masks.js";

function run(extra = {}) {
  return {
    label: "toy", edit: "", prompts: ["a", "b", "c"], layers: ["l0", "l1", "l2"], steps: [0, 2, 4, 6], width: 10, k: 2,
    score: "abs_mean", scoreNames: ["abs_mean", "energy"], perPrompt: true, conditions: ["", "zero top 2"],
    channels: { top: { indices: [[1, 2], [3, 4], [5, 6]], width: 10, label: "top 2" } }, mapSteps: [0, 3], ...extra,
  };
}

const deep = run({ label: "deep", layers: Array.from({ length: 5 }, (_, i) => `b${i}`), steps: [0, 1, 2, 3, 4, 5, 6], width: 40, prompts: ["x"], perPrompt: false, conditions: [], channels: {} });

test("a state takes what fits and defaults for the rest", () => {
  const data = { runs: [run()] };
  const state = explorerState(data, { prompt: "9", layer: "x", step: "-4", score: "__proto__", k: "1e9", channel: "3.4", two: "yes", by: "nothing", pins: "3-3-99--1-x", opacity: null });
  assert.deepEqual(
    [state.prompt, state.layer, state.step, state.score, state.k, state.channel, state.two, state.by, state.pins, state.opacity],
    [2, 1, 0, "abs_mean", 9, 3, 0, "prompt", "3-1", 55],
  );
  assert.equal(explorerState(data, { prompt: -1 }).prompt, -1);
  assert.equal(explorerState({ runs: [deep] }, { prompt: -1 }).prompt, 0);
  assert.deepEqual(pinsOf(explorerState(data, {})), []);
});

test("a state survives its own link", () => {
  const data = { runs: [run(), deep] };
  const state = explorerState(data, { two: 1, by: "all", run2: 1, layer2: 4, set: "set:top", cond: "zero top 2", pins: "1-7", channel: 5 });
  assert.equal(state.set, "set:top");
  assert.deepEqual(explorerState(data, fromHash("explorer", toHash("explorer", state))), state);
});

test("linked views share all but what is compared, unlinked ones nothing", () => {
  const data = { runs: [run()] };
  const state = explorerState(data, { two: 1, by: "step", step: 1, step2: 3, layer: 2, layer2: 0 });
  assert.deepEqual([paneState(data, state, 0).step, paneState(data, state, 1).step, paneState(data, state, 1).layer], [1, 3, 2]);
  assert.deepEqual(paneChange(data, state, 1, { step: 0, layer: 1 }), { step2: 0, layer: 1 });
  assert.deepEqual(paneChange(data, state, 0, { step: 0, layer: 1 }), { step: 0, layer: 1 });
  const free = compareBy(data, state, "all");
  assert.deepEqual([paneState(data, free, 1).step, paneState(data, free, 1).layer], [3, 2]); // unlinking changes no picture
  assert.deepEqual(paneChange(data, free, 1, { layer: 1 }), { layer2: 1 });
});

test("every comparison starts with two views that differ", () => {
  const data = { runs: [run(), deep] };
  for (const by of Object.keys(COMPARISONS).filter((name) => name !== "all")) {
    const [field] = COMPARISONS[by].fields;
    for (const state of [compareBy(data, explorerState(data, {}), by), explorerState(data, { two: "1", by })]) {
      assert.notEqual(paneState(data, state, 0)[field], paneState(data, state, 1)[field], by);
    }
  }
  assert.equal(compareBy({ runs: [run()] }, explorerState({ runs: [run()] }, {}), "run").run2, 0);
});

test("two models stand at the same depth and time", () => {
  const data = { runs: [run(), deep] };
  const state = explorerState(data, { two: 1, by: "run", run2: 1, layer: 2, step: 1 });
  const second = paneState(data, state, 1);
  assert.deepEqual([second.run, second.layer, second.step, second.prompt], [1, 4, 2, 0]);
});

const scores = Float32Array.from({ length: 30 }, (_, i) => (i % 10 === 4 ? 50 : (i * 7) % 10) + Math.floor(i / 10));

test("two runs of one model share the channel, two models do not", () => {
  const data = { runs: [run(), run({ label: "edited" }), deep] };
  const state = explorerState(data, { two: 1, by: "run", run2: 1, channel: 3, channel2: 9 });
  assert.equal(paneState(data, state, 1).channel, 3);
  assert.deepEqual(paneChange(data, state, 1, { channel: 4 }), { channel: 4 });
  const other = explorerState(data, { ...state, run2: 2 });
  assert.equal(paneState(data, other, 1).channel, 9);
  assert.deepEqual(paneChange(data, other, 1, { channel: 4 }), { channel2: 4 });
});

test("marked channels: top, bottom, random outside the top, pinned, frozen", () => {
  const one = run();
  const pane = { set: "top", k: 3, layer: 1, draw: 1 };
  const top = markedChannels(one, scores, pane, []);
  const order = Array.from({ length: 10 }, (_, c) => c).sort((a, b) => scores[10 + b] - scores[10 + a] || a - b);
  assert.deepEqual(top, order.slice(0, 3));
  assert.deepEqual(markedChannels(one, scores, { ...pane, set: "bottom" }, []), order.slice(-3).sort((a, b) => scores[10 + a] - scores[10 + b] || a - b));
  const draws = Array.from({ length: 20 }, (_, i) => markedChannels(one, scores, { ...pane, set: "random", draw: i + 1 }, []));
  for (const draw of draws) {
    assert.equal(new Set(draw).size, 3);
    assert.ok(draw.every((c) => !top.includes(c)));
  }
  assert.ok(new Set(draws.map(String)).size > 10);
  assert.deepEqual(markedChannels(one, scores, { ...pane, set: "random", draw: 1 }, []), draws[0]);
  assert.deepEqual(markedChannels(one, scores, { ...pane, set: "pins" }, [3, 12]), [3]);
  assert.deepEqual(markedChannels(one, scores, { ...pane, set: "set:top" }, []), [3, 4]);
});

test("the exported set has one row a block, the width, and a label that says how it was chosen", () => {
  const record = channelSet(run(), scores, { set: "top", k: 2, layer: 0, prompt: 1, step: 2, score: "abs_mean" }, []);
  assert.deepEqual(record.indices.map((row) => row.length), [2, 2, 2]);
  assert.ok(record.indices.every((row) => row[0] === 4));
  assert.equal(record.width, 10);
  assert.equal(record.label, "top 2 by abs_mean, prompt 2, step 5");
  assert.equal(markedText(run(), { set: "random", k: 4, draw: 2 }), "random 4, draw 2");
});

test("pooling keeps each pixel's largest value, and says whose it is", () => {
  const { values, from } = pooled(scores, 3, 10, 4);
  assert.equal(values.length, 12);
  assert.equal(values[1], 50);
  assert.equal(from[1], 4);
  for (let i = 0; i < 12; i++) assert.equal(scores[Math.floor(i / 4) * 10 + from[i]], values[i]);
  assert.deepEqual([...pooled(scores, 3, 10, 10).values], [...scores]);
});

test("the histogram counts every channel once", () => {
  const found = histogram(scores, 10, 10, 5);
  assert.equal(found.counts.reduce((a, b) => a + b), 10);
  assert.equal(found.counts[4], 1);
  assert.equal(found.place(50 + 1), 1);
  const flat = histogram(new Float32Array(10), 0, 10, 5);
  assert.equal(flat.counts[0], 10);
});

test("the kept step nearest to the one that is shown", () => {
  assert.deepEqual([nearestKept([0, 3], 1), nearestKept([0, 3], 2), nearestKept([], 1)], [0, 3, null]);
});

test("the subject is the cluster that keeps off the edge, whatever the sign of its channels", () => {
  const map = (inside, outside) => Float32Array.from({ length: 48 }, (_, i) => (i % 8 > 1 && i % 8 < 5 && i > 15 && i < 32 ? inside : outside) + (i % 3) / 50);
  const wanted = [...map(1, 0)].map((value) => (value > 0.5 ? 1 : 0));
  for (const maps of [[map(9, 1)], [map(-3, 2), map(4, 0)]]) {
    const found = subjectMask(maps, 6, 8);
    assert.deepEqual([...found.mask], wanted);
    assert.equal(found.share, 6 / 48);
  }
  assert.equal(subjectMask([new Float32Array(48).fill(3)], 6, 8), null);
});

test("what has been read is at hand at once; the oldest is forgotten; a failure may be tried again", async () => {
  const kept = memory(20);
  let made = 0;
  const get = (key, size = 8) => kept.get(key, async () => ++made, () => size);
  assert.ok(isComing(get("a")));
  assert.equal(await get("a"), 1);
  assert.equal(get("a"), 1);
  await get("b");
  get("a"); // used again, so b is the oldest
  await get("c");
  assert.equal(get("a"), 1);
  assert.ok(isComing(get("b")));
  let failures = 0;
  const bad = () => kept.get("bad", async () => { failures++; throw new Error("no"); }, () => 1);
  await assert.rejects(bad());
  await assert.rejects(bad());
  assert.equal(failures, 2);
});

test("an older answer never overtakes a newer question", async () => {
  const used = [];
  const use = latest((value) => used.push(value), () => used.push("failed"));
  let release;
  use(new Promise((resolve) => (release = resolve)));
  use(2);
  release(1);
  await Promise.resolve();
  assert.deepEqual(used, [2]);
  use(Promise.reject(new Error("no")));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(used, [2, "failed"]);
});

test("a source asks its run once for each thing", async () => {
  const asked = [];
  const source = sourceOf(run({
    scores: async (...given) => (asked.push(given), scores),
    map: async (prompt, layer, step, channel) => (asked.push(channel), channel === 3 ? null : { values: new Float32Array(4), height: 2, width: 2 }),
    close: () => asked.push("closed"),
  }));
  await source.scores("abs_mean", 0, 1);
  assert.equal(source.scores("abs_mean", 0, 1), scores);
  const maps = await source.maps(0, 1, 2, [3, 5]);
  assert.equal(maps[0], null);
  assert.equal(source.maps(0, 1, 2, [5, 3])[0], maps[1]);
  source.close();
  assert.deepEqual(asked, [["abs_mean", 0, 1], 3, 5, "closed"]);
});

// The channel browser's pure part: opening packed data, ranking, actions, what the view shows.

import assert from "node:assert/strict";
import test from "node:test";
import { deflateSync } from "node:zlib";

import { scaleFor } from "../../lib/fewchannels/widgets/js/colour.js";
import {
  browserState,
  browserView,
  largestHere,
  nearestMap,
  openBrowser,
  rowStart,
  stripOf,
  toPeak,
  topSet,
} from "../../lib/fewchannels/widgets/js/browser_state.js";

// Two prompts, two blocks, three steps, five channels; score of channel c is 10 * block + step + table[c].
const TABLE = [1, 40, 3, 7, 2];

function opened(extra = {}) {
  const counts = { prompts: 2, layers: 2, steps: 3, width: 5 };
  const abs_mean = new Float32Array(60);
  for (let prompt = 0; prompt < 2; prompt++) {
    for (let layer = 0; layer < 2; layer++) {
      for (let step = 0; step < 3; step++) {
        const start = rowStart({ counts }, { prompt, layer, step });
        for (let c = 0; c < 5; c++) abs_mean[start + c] = 10 * layer + step + TABLE[c] + (prompt === 1 && c === 3 ? 100 : 0);
      }
    }
  }
  const shipped = [[1, 3], [1, 4]];
  const maps = {
    height: 1,
    width: 2,
    low: (index) => -index,
    high: (index) => index + 1,
    read: (index) => Float32Array.of(-index, index + 1),
  };
  return {
    counts,
    scores: { abs_mean, mean_abs: abs_mean.map((value) => 100 / (1 + value)) },
    energy: null,
    k: 2,
    rows: 3,
    top: null,
    maps,
    mapChannels: shipped,
    cache: new Map(),
    ...extra,
  };
}

test("a state takes what fits and defaults for the rest", () => {
  const data = opened();
  assert.deepEqual(browserState(data, {}), {
    prompt: 0, layer: 1, step: 1, score: "abs_mean", channel: 1, over: true, opacity: 60, scale: "map",
  });
  const hostile = browserState(data, { prompt: "9", layer: "-3", step: "x", score: "__proto__", channel: 1e9, opacity: NaN });
  assert.deepEqual([hostile.prompt, hostile.layer, hostile.step, hostile.score, hostile.channel], [1, 0, 1, "abs_mean", 4]);
  assert.equal(browserState(data, { over: "false" }).over, false);
});

test("the list is the ranking of the chosen block, step and prompt", () => {
  const data = opened();
  const view = browserView(data, browserState(data, { layer: 0, step: 0 }));
  assert.deepEqual(view.list.map((row) => row.channel), [1, 3, 2]);
  assert.deepEqual(view.list.map((row) => row.map), [true, true, false]);
  assert.equal(view.list[0].length, 1);
  assert.equal(view.value, 40);
  assert.equal(view.median, 3);
  assert.equal(view.rank, 1);
  assert.ok(Math.abs(view.timesMedian - 40 / 3) < 1e-6);
  assert.ok(Math.abs(view.share - 40 / 53) < 1e-6);
  const other = browserView(data, browserState(data, { layer: 0, step: 0, prompt: 1 }));
  assert.deepEqual(other.list.map((row) => row.channel), [3, 1, 2]);
  const turned = browserView(data, browserState(data, { layer: 0, step: 0, score: "mean_abs" }));
  assert.deepEqual(turned.list.map((row) => row.channel), [0, 4, 2]);
});

test("shares are of the energy where the energy is known", () => {
  const data = opened();
  data.energy = new Float32Array(60).fill(1);
  assert.equal(browserView(data, browserState(data, { channel: 2 })).share, 1 / 5);
});

test("top channels are averaged over prompts and steps, unless they are given", () => {
  assert.deepEqual([...topSet(opened(), "abs_mean", 0)].sort(), [1, 3]);
  const given = opened({ top: [[0], [4, 2]] });
  assert.deepEqual([...topSet(given, "abs_mean", 1)], [4, 2]);
  const view = browserView(given, browserState(given, { layer: 1, channel: 4 }));
  assert.equal(view.inTop, true);
  assert.equal(view.topSize, 2);
});

test("largest here and its peak lead where they say", () => {
  const data = opened();
  const state = browserState(data, { prompt: 1, layer: 0, step: 0, channel: 0 });
  assert.equal(largestHere(data, state).channel, 3);
  const peak = toPeak(data, state);
  assert.deepEqual([peak.layer, peak.step, peak.channel], [1, 2, 0]);
  assert.equal(stripOf(data, state).high, 13);
  assert.equal(stripOf(data, state).values[4], 12);
});

test("a map that is not kept is said, and the kept one nearest in rank is offered", () => {
  const data = opened();
  const state = browserState(data, { layer: 1, step: 0, channel: 3 });
  const view = browserView(data, state);
  assert.equal(view.map, null);
  assert.equal(view.nearest, 1);
  assert.equal(nearestMap(data, { ...state, channel: 0 }), 4);
  const bare = opened({ maps: null, mapChannels: [] });
  assert.equal(browserView(bare, state).nearest, null);
});

test("a map has a scale of its own, or one for all blocks and steps", () => {
  const data = opened();
  const state = browserState(data, { layer: 0, step: 1, channel: 1 });
  assert.deepEqual([...browserView(data, state).map.values], [-2, 3]);
  assert.equal(browserView(data, state).map.scale.high, 3);
  assert.equal(browserView(data, { ...state, scale: "channel" }).map.scale.high, 11);
});

test("signed maps are centred at zero, others run from low to high", () => {
  assert.deepEqual(scaleFor(-2, 3), { palette: "diverging", low: -3, high: 3 });
  assert.deepEqual(scaleFor(-0.1, 30), { palette: "sequential", low: -0.1, high: 30 });
  assert.deepEqual(scaleFor(5, 9), { palette: "sequential", low: 5, high: 9 });
  assert.deepEqual(scaleFor(-9, -5), { palette: "sequential", low: -9, high: -5 });
});

test("data that ends too early is an error that says so", async () => {
  const blob = deflateSync(new Uint8Array(8));
  const codes = { offset: 0, dtype: "uint8", shape: [2, 1, 1, 1, 50] };
  const log = { codes, floor: 1, step: 0.01, axis: 2, shape: [1, 1, 1, 50] };
  await assert.rejects(
    openBrowser({ scores: { abs_mean: log, mean_abs: log } }, new DataView(blob.buffer, blob.byteOffset, blob.byteLength)),
    /ends after the data \(8 bytes\)/,
  );
});

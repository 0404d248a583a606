// The small parts: ranking, numbers as text, links, the store, the flipbook's state.

import assert from "node:assert/strict";
import test from "node:test";

import { flipbookState, flipbookView } from "../../lib/fewchannels/widgets/js/flipbook_state.js";
import { figures, number, ordinal, percent } from "../../lib/fewchannels/widgets/js/format.js";
import { fromHash, toHash } from "../../lib/fewchannels/widgets/js/link.js";
import { largest, median, rankOf } from "../../lib/fewchannels/widgets/js/rank.js";
import { clampInt, createStore } from "../../lib/fewchannels/widgets/js/store.js";

test("the largest of a row agree with a full sort, ties by the lower index", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) % 40;
  const values = Float32Array.from({ length: 300 }, random);
  for (const count of [1, 7, 100]) {
    const sorted = Array.from({ length: 100 }, (_, i) => i).sort((a, b) => values[150 + b] - values[150 + a] || a - b);
    const found = largest(values, 150, 100, count);
    assert.deepEqual(found, sorted.slice(0, count));
    found.forEach((index, place) => assert.equal(rankOf(values, 150, 100, index), place + 1));
  }
});

test("the median of even and odd rows, without touching them", () => {
  const values = Float32Array.of(99, 4, 1, 3, 2, 99);
  assert.equal(median(values, 1, 4), 2.5);
  assert.equal(median(values, 1, 3), 3);
  assert.deepEqual([...values], [99, 4, 1, 3, 2, 99]);
});

test("numbers as text", () => {
  assert.deepEqual([number(0), number(-1.2345), number(12345), number(1e-5), number(NaN)], ["0", "−1.23", "12,300", "1.0e−5", "–"]);
  assert.deepEqual([figures(0.7), figures(41), figures(0)], ["0.700", "41.0", "0"]);
  assert.deepEqual([percent(0.3), percent(0.017), percent(0.0004)], ["30 %", "1.7 %", "0.04 %"]);
  assert.deepEqual([1, 2, 3, 4, 11, 12, 21, 112, 123].map(ordinal).join(" "), "1st 2nd 3rd 4th 11th 12th 21st 112th 123rd");
});

test("a link leads back to the state, and only for its own widget", () => {
  const state = { prompt: 1, score: "abs_mean", over: false };
  const hash = toHash("two; parts#", state);
  assert.deepEqual(fromHash("two; parts#", hash), { prompt: "1", score: "abs_mean", over: "false" });
  assert.equal(fromHash("another", hash), null);
  for (const bad of ["", "#section", "#fc=%E0%A4;a.1", "#fc=channels"]) assert.equal(fromHash("channels", bad), null);
  assert.deepEqual(fromHash("channels", "#fc=channels;;x;.y;a.1"), { a: "1" });
});

test("the store tells its listeners once for many changes", () => {
  const waiting = [];
  const heard = [];
  const store = createStore(0, (f) => waiting.push(f));
  const leave = store.subscribe((state) => heard.push(state));
  store.set(1);
  store.set(2);
  store.set(2);
  assert.equal(waiting.length, 1);
  waiting.pop()();
  assert.deepEqual(heard, [2]);
  leave();
  store.set(3);
  waiting.pop()();
  assert.deepEqual(heard, [2]);
});

test("indices are clamped, nonsense takes the default", () => {
  assert.deepEqual([clampInt(5, 3), clampInt(-1, 3), clampInt("1", 3), clampInt("", 3, 2), clampInt(undefined, 3, 1), clampInt(null, 3, 1)], [2, 0, 1, 2, 1, 1]);
});

test("the flipbook finds its cell, its tiles and the line along the slider", () => {
  const data = {
    axes: [
      { name: "which", labels: ["top", "random"], control: "buttons" },
      { name: "k", labels: ["0", "4", "8"], control: "slider" },
    ],
    tiles: 2,
    captions: ["a", "b", "c", "d", "e", "f"],
    numbers: [
      { name: "share", value: Float32Array.of(1, 0.5, 0, 1, 0.9, 0.8), low: null, high: null },
      { name: "distance", value: Float32Array.of(0, 5, 10, 0, 20, NaN), low: new Float32Array(6), high: new Float32Array(6).fill(9) },
    ],
  };
  const view = flipbookView(data, flipbookState(data, { axis0: 1, axis1: "2" }));
  assert.equal(view.cell, 5);
  assert.deepEqual(view.tiles, [10, 11]);
  assert.equal(view.caption, "f");
  assert.equal(view.where, "which: random, k: 8");
  assert.equal(view.along, 1);
  assert.equal(view.numbers[0].at, 2);
  assert.deepEqual(view.numbers[0].line.map((y) => Number(y.toFixed(2))), [1, 0.9, 0.8]);
  assert.deepEqual(view.numbers[1].line.slice(0, 2), [0, 1]);
  assert.ok(Number.isNaN(view.numbers[1].line[2]));
  assert.deepEqual(view.numbers[1].interval, [0, 9]);
  assert.deepEqual(flipbookState(data, { axis0: 99, axis1: -4 }), { axis0: 1, axis1: 0 });
});

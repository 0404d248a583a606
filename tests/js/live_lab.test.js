// The live lab without a page: its state and address, sets, sentences, lines of Python, files, and the session's lanes.

import assert from "node:assert/strict";
import test from "node:test";

import { completions, judged, nextWords, randomScene } from "../../lib/fewchannels/widgets/js/lab/ask.js";
import { EXPERIMENTS, TRIES, guessesOf, keepGuess } from "../../lib/fewchannels/widgets/js/lab/experiments.js";
import { pythonLines } from "../../lib/fewchannels/widgets/js/lab/python.js";
import { changeOf, editsOf, energyMoved, tokensOf } from "../../lib/fewchannels/widgets/js/lab/request.js";
import { loaderFor } from "../../lib/fewchannels/widgets/js/lab/loading.js";
import { Session } from "../../lib/fewchannels/widgets/js/lab/session.js";
import { channelsOf, controlOf, placeOf, setWords } from "../../lib/fewchannels/widgets/js/lab/sets.js";
import { skyPaths } from "../../lib/fewchannels/widgets/js/lab/sky.js";
import { START, changedState, handLists, handText, labState, numbersOf, paintMask, paintText, scaledWindow, told } from "../../lib/fewchannels/widgets/js/lab/state.js";
import { sentenceOf, wordsChanged } from "../../lib/fewchannels/widgets/js/lab/words.js";
import { fromHash, toHash } from "../../lib/fewchannels/widgets/js/link.js";
import { parsePrompt } from "../../lib/fewchannels/widgets/js/live/prompt.js";

const shape = { blocks: 6, width: 192, tokens: 144 };
const data = { shape };
const grammar = {
  shapes: ["circle", "square", "triangle", "star", "heart", "ring", "cross", "moon"],
  colours: ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black"],
  sizes: ["small", "large", "huge"],
  positions: ["left", "right", "center", "top", "bottom"],
  textures: ["plain", "striped", "dotted", "checkered"],
  sentence: "the grammar",
};
grammar.vocabulary = ["a", "and", "at", "the", "on", "nothing", "background", ...grammar.sizes, ...grammar.colours, ...grammar.shapes, ...grammar.positions, ...grammar.textures];
// Channel c of block b has the score (7 c + b) mod 192, so that no two are alike.
const known = { score: Array.from({ length: 6 }, (_, b) => Array.from({ length: 192 }, (_, c) => (7 * c + b) % 192)), energy: Array.from({ length: 6 }, () => Array.from({ length: 192 }, (_, c) => 1 + (c % 5))) };
const state = (given = {}) => labState(data, given);

test("nothing and nonsense give the state in which the lab opens", () => {
  const nonsense = Object.fromEntries(Object.keys(START).map((name) => [name, {}]));
  for (const given of [{}, nonsense, { ...START }]) assert.deepEqual(state(given), START);
});

test("a whole state survives the address, as text", () => {
  const full = state({
    prompt: "nothing on a plain red background", seed: 7, steps: 24, mode: "transport", how: "scale", factor: -0.35, set: "hand", k: 12, draw: 3, hand: "1.2_3_4_5_6_7.191",
    through: "gain", blocks: "1-4", window: "2-9", where: "painted", paint: paintText(Uint8Array.from({ length: 144 }, (_, i) => (i % 3 ? 0 : 1))), source: "a small red star at the left on a plain blue background",
    part: "level", strength: 0.65, whose: "target", picture: "sample", block: 5, channel: 17, step: 4, shown: "edited", over: "mask", guide: "4",
  });
  for (const [name, value] of Object.entries(full)) assert.notEqual(value, START[name], `${name} is still the default: the test does not see it`);
  assert.deepEqual(state(fromHash("lab", toHash("lab", told(full)))), full);
});

test("an unchanged state gives an address without a word", () => {
  assert.equal(toHash("lab", told(state())), "#fc=lab;");
  assert.deepEqual(state(fromHash("lab", "#fc=lab;")), START);
});

test("numbers are kept within bounds, ranges within the run", () => {
  const odd = state({ steps: "999", seed: "-3", factor: "9", strength: "-1", k: "0", channel: "500", step: "99", blocks: "3-99", window: "70-80", block: "12" });
  assert.deepEqual([odd.steps, odd.seed, odd.factor, odd.strength, odd.k, odd.channel, odd.step, odd.blocks, odd.block], [64, 0, 2, 0, 1, 191, 63, "3-5", 5]);
  assert.equal(state({ window: "0-15" }).window, "all");
  assert.equal(state({ window: "9-3" }).window, "all");
  assert.deepEqual(numbersOf("2-4", 6), [2, 3, 4]);
  assert.equal(numbersOf("all", 6), null);
});

test("another number of steps keeps the window's place between noise and picture", () => {
  assert.equal(scaledWindow("0-7", 16, 8), "0-3");
  assert.equal(scaledWindow("8-15", 16, 8), "4-7");
  assert.equal(scaledWindow("15-15", 16, 4), "3-3");
  assert.equal(changedState(data, state({ window: "0-7" }), { steps: 8 }).window, "0-3");
  assert.equal(changedState(data, state({ step: 4 }), { prompt: "nothing on a plain red background" }).step, -1);
});

test("channels by hand and regions are texts and back", () => {
  assert.equal(handText(handLists("124.72", 6, 192)), "124.72");
  assert.equal(handText(handLists("1_2__4.4.999_5_6", 6, 192)), "1_2__4_5_6");
  const mask = Uint8Array.from({ length: 144 }, (_, i) => (i * i) % 7 === 1 ? 1 : 0);
  assert.deepEqual(paintMask(paintText(mask), 144), mask);
  assert.equal(paintText(new Uint8Array(144)), "");
  assert.deepEqual(paintMask("xyz", 144), new Uint8Array(144));
});

test("sets are the library's: by rank, without the first, the others", () => {
  const of = (given) => channelsOf(known, state(given));
  const top = of({ set: "top", k: 4 }).lists;
  assert.deepEqual(top[0].map((c) => known.score[0][c]), [191, 190, 189, 188]);
  assert.deepEqual(of({ set: "next", k: 4 }).lists[2], top[2].slice(1));
  assert.deepEqual(of({ set: "bottom", k: 2 }).lists[0].map((c) => known.score[0][c]), [0, 1]);
  assert.equal(of({ set: "rest", k: 4 }).lists[3].length, 188);
  const random = of({ set: "random", k: 8 });
  const first = of({ set: "top", k: 8 }).lists;
  random.lists.forEach((list, b) => assert.ok(new Set(list).size === 8 && !list.some((c) => first[b].includes(c))));
  assert.notDeepEqual(of({ set: "random", k: 8, draw: 2 }).lists, random.lists);
  const energy = of({ set: "energy", k: 8 });
  energy.lists.forEach((list, b) => {
    const sum = (some) => some.reduce((total, c) => total + known.energy[b][c], 0);
    const target = sum(first[b].slice(1));
    assert.ok(sum(list) >= target && sum(list.slice(0, -1)) < target);
  });
});

test("where no others hold as much energy, the block says so", () => {
  const steep = { ...known, energy: known.score.map((row) => row.map((value) => (value >= 184 ? 1000 : 0.001))) };
  const found = channelsOf(steep, state({ set: "energy", k: 8 }));
  assert.deepEqual(found.missing, [0, 1, 2, 3, 4, 5]);
  assert.ok(found.lists.every((list) => !list.length));
});

test("the control has as many channels in each block, none of them chosen", () => {
  const lists = [[1, 2, 3], [4], [], [5, 6], [7], [8]];
  controlOf(lists, 192).forEach((list, b) => assert.ok(list.length === lists[b].length && !list.some((c) => lists[b].includes(c))));
});

test("a channel's place in its block", () => {
  const place = placeOf([1, 5, 3, 9, 2], [[1, 1, 1, 5, 2]], 0, 3);
  assert.deepEqual([place.rank, place.median, place.ratio, place.share], [1, 3, 3, 0.5]);
});

test("every set has its words", () => {
  for (const set of ["top", "next", "bottom", "random", "energy", "rest", "hand"]) assert.match(setWords(state({ set, k: 8 }), [[1], [1, 2]]), /channel/);
});

test("completion only leads to sentences of the grammar", () => {
  assert.deepEqual(nextWords([], grammar), ["a", "nothing"]);
  assert.deepEqual(nextWords("a small red star at the left".split(" "), grammar), ["and", "on"]);
  assert.deepEqual(nextWords("a small red star at the left and a large blue ring at the right".split(" "), grammar), ["on"]);
  assert.deepEqual(nextWords("nothing on a plain red".split(" "), grammar), ["and", "background"]);
  assert.deepEqual(nextWords(["green"], grammar), []);
  assert.deepEqual(completions("a sm", grammar), ["a small"]);
  for (let i = 0; i < 200; i++) {
    const words = [];
    for (let n = 0; n < 40; n++) {
      const next = nextWords(words, grammar);
      if (!next.length) break;
      words.push(next[Math.floor(Math.random() * next.length)]);
    }
    assert.ok(parsePrompt(words.join(" "), grammar), words.join(" "));
  }
});

test("a typed line is judged with the grammar's own errors", () => {
  assert.deepEqual(judged("a large red star at the left on a plain blue background", grammar), {});
  assert.match(judged("a large red stat at the left", grammar).error, /unknown word 'stat'.*'star'/);
  assert.match(judged("red star", grammar).note, /no sentence/);
  assert.match(judged("  ", grammar).error, /the grammar/);
});

test("a surprise is a sentence, and no subject has the background's colour", () => {
  for (let i = 0; i < 200; i++) {
    const scene = randomScene(grammar);
    assert.deepEqual(parsePrompt(sentenceOf(scene), grammar), scene);
    assert.ok(scene.subjects.every(({ colour }) => colour !== scene.background));
  }
});

test("words that changed name what differs, and nothing else", () => {
  const before = parsePrompt("a large red star at the left on a striped blue background", grammar);
  assert.deepEqual(wordsChanged(before, before), []);
  assert.deepEqual(wordsChanged(before, parsePrompt("a small red ring at the left on a striped blue and white background", grammar)), ["size", "shape", "background"]);
  assert.deepEqual(wordsChanged(before, parsePrompt("nothing on a plain blue background", grammar)), ["number", "texture"]);
});

test("an edit is asked of the engine as the state says", () => {
  const lists = channelsOf(known, state()).lists;
  const [zero] = editsOf(state({ blocks: "1-2", window: "0-7", through: "gain" }), lists, null, shape, 16);
  assert.deepEqual([zero.how, zero.layers, zero.steps.length, zero.through, zero.tokens], ["zero", [1, 2], 8, "gain", null]);
  assert.equal(editsOf(state({ window: "0-7" }), lists, null, shape, 8)[0].steps.length, 4); // eight steps while a slider moves
  assert.deepEqual(editsOf(state({ how: "none" }), lists, null, shape, 16), []);
  const [moved] = editsOf(state({ mode: "transport", strength: 0.5, through: "gain" }), lists, null, shape, 16);
  assert.deepEqual([moved.how, moved.strength, moved.source.prompt, moved.through], ["transport", 0.5, START.source, "stream"]);
});

test("tokens follow the region, the subject and whose mask it is", () => {
  const [mine, theirs] = [new Uint8Array(144).fill(0, 0).map((_, i) => (i < 10 ? 1 : 0)), new Uint8Array(144).map((_, i) => (i >= 140 ? 1 : 0))];
  const masks = { untouched: mine, source: theirs };
  const count = (given) => tokensOf(state(given), masks, 144)?.reduce((sum, one) => sum + one, 0) ?? null;
  assert.deepEqual([count({}), count({ where: "subject" }), count({ where: "background" })], [null, 10, 134]);
  const transport = (whose) => count({ mode: "transport", whose });
  assert.deepEqual([transport("union"), transport("source"), transport("target"), transport("none")], [14, 4, 10, null]);
  assert.equal(count({ where: "painted", paint: "f".padEnd(36, "0") }), 4);
  assert.equal(count({ where: "painted" }), null);
});

test("change and energy are what the library calls so", () => {
  const [a, b] = [new Uint8ClampedArray(16).fill(0), new Uint8ClampedArray(16).fill(255)];
  assert.equal(changeOf(a, b), 1);
  assert.equal(changeOf(a, a), 0);
  assert.equal(energyMoved(Float32Array.of(NaN, 0.5, 1)), 0.625);
});

test("copied Python names what was set", () => {
  const lines = (given) => pythonLines(state(given), channelsOf(known, state(given)), { shape, calibration: { prompts: 16, seed: 1, steps: 16 } });
  assert.match(lines({}), /with fc\.ablate\(model, channels, how="zero"\):\n {4}edited = model\.generate\(\[prompt\], seed=2, steps=16\)/);
  assert.match(lines({ how: "scale", factor: 1.5, through: "gain", blocks: "1-4", window: "0-7" }), /how="scale", factor=1\.5, through="gain", layers=range\(1, 5\), steps=range\(0, 8\)/);
  assert.match(lines({ mode: "transport", whose: "none", strength: 0.5 }), /fc\.transport\(model, source, prompt, channels, mask=None, strength=0\.5, seed=2, steps=16\)/);
  assert.doesNotMatch(lines({ how: "none" }), /ablate|capture/);
});

test("the skyline has a bar for each channel, chosen ones apart, and ghosts where those stood", () => {
  const levels = Float32Array.of(1, 0, 4, 0);
  const paths = skyPaths(levels, Float32Array.of(1, 4, 4, 0), [1, 2], 4);
  assert.deepEqual([paths.others, paths.chosen, paths.ghost].map((path) => path.split("M").length - 1), [1, 1, 1]);
});

test("a guess is kept, and a browser that keeps nothing does no harm", () => {
  const shelf = new Map();
  const storage = () => ({ getItem: (name) => shelf.get(name) ?? null, setItem: (name, value) => shelf.set(name, value) });
  keepGuess(storage, "2", 1);
  assert.deepEqual(guessesOf(storage), { 2: 1 });
  const closed = () => {
    throw new Error("denied");
  };
  assert.deepEqual(guessesOf(closed), {});
  assert.deepEqual(keepGuess(closed, "3", 0), { 3: 0 });
});

test("there is an experiment for each of chapters 1 to 7 and 9, and each state is one that the lab can hold", () => {
  assert.deepEqual(EXPERIMENTS.map(({ chapter }) => chapter), [1, 2, 3, 4, 5, 6, 7, 9]);
  assert.deepEqual(TRIES.map(({ chapter }) => chapter), [1, 2, 3, 4, 5, 6, 7, 9]);
  for (const { state: given } of [...EXPERIMENTS, ...TRIES]) for (const [name, value] of Object.entries(given)) assert.equal(state(given)[name], value, name);
});

// An engine that draws nothing: it keeps what was asked and answers when it is told to.
function slowEngine() {
  const [asked, told] = [[], []];
  return {
    asked,
    told,
    stopped: [],
    stop(lane) {
      this.stopped.push(lane);
    },
    draw: (lane, given, watch) => new Promise((resolve) => asked.push({ lane, given, watch, resolve })),
    ask: async (what, given) => {
      told.push([what, given]);
      if (what === "maps") return new Float32Array(given.maps.length * 16 * 144);
      return what === "read" ? { subjects: [], texture: "plain", background: "red", second: null } : undefined;
    },
  };
}
const drawn = (one) => one.resolve({ picture: new Uint8ClampedArray(4 * 48 * 48), latents: null, change: Float32Array.of(0.5), ms: 1 });
const soon = () => new Promise((resolve) => setTimeout(resolve, 0));

test("the latest wish wins, and the untouched picture is drawn once", async () => {
  const engine = slowEngine();
  const session = new Session({ engine, data: { shape, known }, onchange: () => {} });
  const first = session.wish(state());
  await soon();
  assert.deepEqual(engine.asked.map(({ lane }) => lane), ["untouched"]);
  const second = session.wish(state({ how: "shuffle" }));
  await soon();
  drawn(engine.asked[0]);
  assert.equal(await first, false);
  await soon();
  await soon();
  assert.deepEqual(engine.asked.map(({ lane }) => lane), ["untouched", "edited"]);
  assert.equal(engine.asked[1].given.edits[0].how, "shuffle");
  drawn(engine.asked[1]);
  await soon();
  await soon();
  assert.equal(engine.asked[2].lane, "control");
  drawn(engine.asked[2]);
  assert.equal(await second, true);
  assert.equal(session.working, false);
});

test("while a slider moves eight steps are drawn and no control, at rest all", async () => {
  const engine = slowEngine();
  const session = new Session({ engine, data: { shape, known }, onchange: () => {} });
  session.wish(state({ how: "scale", factor: 1.2 }), { moving: true });
  await soon();
  assert.deepEqual(engine.asked.map(({ lane, given }) => [lane, given.steps]), [["edited", 8]]);
  // what the slider passes while the quick picture is drawn is left out
  session.wish(state({ how: "scale", factor: 1.3 }), { moving: true });
  session.wish(state({ how: "scale", factor: 1.4 }), { moving: true });
  await soon();
  assert.equal(engine.asked.length, 1);
  drawn(engine.asked[0]);
  await soon();
  await soon();
  assert.equal(engine.asked[1].given.edits[0].factor, 1.4);
  // at rest it is drawn at once, and nothing follows
  session.wish(state({ how: "scale", factor: 1.5 }));
  await soon();
  assert.deepEqual(engine.asked.slice(2).map(({ lane, given }) => [lane, given.steps]), [["untouched", 16]]);
  drawn(engine.asked[2]);
  await soon();
  await soon();
  assert.deepEqual([engine.asked[3].lane, engine.asked[3].given.steps, engine.asked[3].given.edits[0].factor], ["edited", 16, 1.5]);
});

test("a source that nothing is carried over from any more is forgotten, by the engine as well", async () => {
  const engine = slowEngine();
  const session = new Session({ engine, data: { shape, known }, onchange: () => {} });
  const done = session.wish(state({ mode: "transport", whose: "none" }));
  for (let i = 0; i < 4; i++) {
    for (let turn = 0; turn < 3; turn++) await soon();
    drawn(engine.asked[i]);
  }
  assert.equal(await done, true);
  assert.deepEqual(engine.asked.map(({ lane }) => lane), ["untouched", "source", "edited", "control"]);
  assert.ok(session.lanes.source.done);
  const forgotten = () => engine.told.filter(([what]) => what === "forget");
  assert.deepEqual(forgotten(), []);
  session.wish(state({ how: "none" }));
  for (let turn = 0; turn < 3; turn++) await soon();
  assert.equal(session.lanes.source, null);
  assert.deepEqual(forgotten(), [["forget", { tag: "source" }]]);
});

test("maps come with each step for the channel that is looked at, and for the masks of one block", async () => {
  const engine = slowEngine();
  const session = new Session({ engine, data: { shape, known }, onchange: () => {} });
  session.wish(state({ channel: 7, block: 2 }));
  await soon();
  const { maps } = engine.asked[0].watch;
  assert.deepEqual(maps.slice(0, 6), [0, 1, 2, 3, 4, 5].map((block) => [block, 7]));
  assert.ok(maps.length > 10 && maps.slice(6).every(([block, channel]) => block === session.maskBlock && channel !== 7));
  const sent = Float32Array.from({ length: maps.length * 144 }, (_, i) => Math.floor(i / 144));
  engine.asked[0].watch.onStep({ step: 0, levels: new Float32Array(6 * 192), maps: sent, picture: null });
  maps.forEach(([block, channel], i) => assert.equal(session.map("untouched", 0, block, channel)[143], i));
  assert.equal(session.map("untouched", 0, 0, 8), null);
  drawn(engine.asked[0]);
  await soon();
  await session.fetch("untouched", [[0, 8], [2, 7]]);
  assert.deepEqual(engine.told.filter(([what]) => what === "maps").at(-1)[1], { tag: "untouched", maps: [[0, 8], [2, 7]] });
  assert.equal(session.map("untouched", 15, 0, 8).length, 144);
});

test("stop forgets what is not finished", async () => {
  const engine = slowEngine();
  const session = new Session({ engine, data: { shape, known }, onchange: () => {} });
  session.wish(state());
  await soon();
  session.stop();
  assert.equal(session.lanes.untouched, null);
  assert.equal(session.working, false);
  assert.ok(engine.stopped.includes(undefined));
});

test("in a notebook the scripts come from the kernel, in pieces and one after the other", async () => {
  const files = { "live.js": "first script", "weights-0.js": "a longer second script" };
  const heard = new Set();
  const model = {
    on: (_, f) => heard.add(f),
    off: (_, f) => heard.delete(f),
    send({ name, piece }) {
      const bytes = new TextEncoder().encode(files[name] || "");
      const pieces = Math.ceil(bytes.length / 5);
      const message = files[name] ? { kind: "live", name, piece, pieces } : { kind: "live", name, text: "The kernel has no such script." };
      setTimeout(() => [...heard].forEach((f) => f(message, [bytes.slice(5 * piece, 5 * piece + 5)])), 0);
    },
  };
  const load = loaderFor({ files: "kernel" }, model);
  const came = await Promise.all([load("live.js"), load("weights-0.js")]);
  assert.deepEqual(came.map((bytes) => new TextDecoder().decode(bytes)), ["first script", "a longer second script"]);
  await assert.rejects(load("other.js"), /no such script/);
  assert.equal(heard.size, 0);
  assert.equal(loaderFor({ files: "" }, model), undefined);
});

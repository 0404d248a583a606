// The questions before and after: what is kept, when it is locked, what is saved.

import assert from "node:assert/strict";
import test from "node:test";

import { ANSWERS, answersFrom, chapterOf, countRight, fileName, noAnswers, openQuestions, savedFile, withCheck, withChoice, withGuess, withoutChapter } from "../../lib/fewchannels/widgets/js/questions/answers.js";
import { browserStore } from "../../lib/fewchannels/widgets/js/questions/page.js";

const questions = ["one", "two", "three"].map((id) => ({ id, options: [{ id: "a", right: true }, { id: "b", right: false }] }));

function answered(after = ["a", "a", "b"]) {
  let answers = withChoice(noAnswers("0123456789abcdef"), "3", "before", "one", "b");
  questions.forEach(({ id }, i) => (answers = withChoice(answers, "3", "after", id, after[i])));
  return answers;
}

test("a choice is kept, can be changed, and changes nothing else", () => {
  const none = noAnswers("x");
  const first = withChoice(none, "3", "before", "one", "b");
  const second = withChoice(first, "3", "before", "one", "a");
  assert.deepEqual(chapterOf(second, "3"), { guess: "", before: { one: "a" }, after: {}, checked: false });
  assert.deepEqual(chapterOf(first, "3").before, { one: "b" });
  assert.deepEqual(none.chapters, {});
  assert.deepEqual(chapterOf(second, "4"), { guess: "", before: {}, after: {}, checked: false });
});

test("nothing is checked while a question is open, and nothing changes once it is", () => {
  const half = withChoice(noAnswers("x"), "3", "after", "one", "a");
  assert.deepEqual(openQuestions(half, "3", questions), ["two", "three"]);
  assert.equal(withCheck(half, "3", questions), half);
  const gone = answered(["a", "z", "b"]);
  assert.deepEqual(openQuestions(gone, "3", questions), ["two"], "an option that is no longer there");

  const checked = withCheck(answered(), "3", questions);
  assert.ok(chapterOf(checked, "3").checked);
  assert.equal(withChoice(checked, "3", "before", "two", "a"), checked);
  assert.equal(withChoice(checked, "3", "after", "three", "a"), checked);
  assert.equal(withGuess(checked, "3", "now I know"), checked);
  assert.deepEqual(Object.keys(withoutChapter(checked, "3").chapters), []);
});

test("right ones are counted", () => {
  assert.equal(countRight({ one: "a", two: "b" }, questions), 1);
  assert.equal(countRight({}, questions), 0);
});

test("what cannot be read is no answers", () => {
  for (const text of [null, "", "{", "null", "[]", '"x"', '{"format":"other"}', JSON.stringify({ ...ANSWERS, version: 2, learner: "y", chapters: {} }), JSON.stringify({ ...ANSWERS, learner: "y", chapters: [] })]) {
    assert.deepEqual(answersFrom(text, "x"), noAnswers("x"), String(text));
  }
  const kept = answered();
  assert.deepEqual(answersFrom(JSON.stringify(kept), "x"), kept);
  const odd = { ...ANSWERS, learner: "y", chapters: { 3: { guess: 5, before: [], after: "x", checked: "yes" }, 4: null } };
  const empty = { guess: "", before: {}, after: {}, checked: false };
  assert.deepEqual(["3", "4"].map((number) => chapterOf(answersFrom(JSON.stringify(odd), "x"), number)), [empty, empty]);
});

test("a file has format, version and answers, a name only where one is given, and no empty chapter", () => {
  let answers = withGuess(answered(), "3", "a level");
  answers = withGuess(answers, "5", "");
  assert.deepEqual(savedFile(answers, "  "), {
    format: "fewchannels-answers",
    version: 1,
    learner: "0123456789abcdef",
    chapters: { 3: { guess: "a level", before: { one: "b" }, after: { one: "a", two: "a", three: "b" } } },
  });
  assert.equal(savedFile(answers, " Ada ").name, "Ada");
});

test("files of a class have names of their own", () => {
  assert.equal(fileName("0123456789abcdef", ""), "few-channels-answers-012345.json");
  assert.equal(fileName("0123456789abcdef", " Zoë / 7b "), "few-channels-answers-zoe-7b-012345.json");
});

test("a long guess is cut", () => assert.equal(chapterOf(withGuess(noAnswers("x"), "3", "y".repeat(900)), "3").guess.length, 500));

function storage(over = {}) {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key), ...over };
}

test("two chapters that stand open beside each other do not overwrite each other", () => {
  const shared = storage();
  const [first, second] = [browserStore(() => shared), browserStore(() => shared)];
  first.change((answers) => withGuess(answers, "1", "here"));
  second.change((answers) => withGuess(answers, "2", "there"));
  first.change((answers) => withChoice(answers, "1", "before", "one", "a"));
  assert.deepEqual(Object.keys(second.get().chapters), ["1", "2"]);
  assert.equal(chapterOf(second.get(), "2").guess, "there");
  first.erase();
  assert.deepEqual(second.get().chapters, {});
});

test("without a storage the page keeps them while it is open, and says so", () => {
  const broken = () => {
    throw new Error("denied");
  };
  for (const place of [broken, () => storage({ setItem: broken })]) {
    const store = browserStore(place);
    store.change((answers) => withGuess(answers, "1", "here"));
    assert.equal(chapterOf(store.get(), "1").guess, "here");
    assert.equal(store.works, false);
    store.erase();
    assert.deepEqual(store.get().chapters, {});
  }
});

test("one learner has one number", () => {
  const store = browserStore(() => storage());
  const { learner } = store.get();
  assert.match(learner, /^[0-9a-f]{16}$/);
  store.change((answers) => withGuess(answers, "1", "here"));
  assert.equal(store.get().learner, learner);
  assert.notEqual(browserStore(() => storage()).get().learner, learner);
});

// What a reader answered, as data: kept in the browser under one key, and saved as a file of the same form.
//
//   { format, version, learner, chapters: { "2": { guess, before: { "ch2.one": "first" }, after: {…}, checked } } }
//
// Every change gives a new value. A chapter that was checked takes no other guess or answers, until it is erased.

export const ANSWERS = { format: "fewchannels-answers", version: 1 };
export const LONGEST_GUESS = 500;

export function noAnswers(learner) {
  return { ...ANSWERS, learner, chapters: {} };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// What the browser kept; where that is nothing or cannot be read, no answers.
export function answersFrom(text, learner) {
  try {
    const kept = JSON.parse(text);
    if (kept.format === ANSWERS.format && kept.version === ANSWERS.version && typeof kept.learner === "string" && isObject(kept.chapters)) return kept;
  } catch {
    // no JSON
  }
  return noAnswers(learner);
}

export function chapterOf(answers, chapter) {
  const kept = isObject(answers.chapters[chapter]) ? answers.chapters[chapter] : {};
  const chosen = (block) => (isObject(kept[block]) ? kept[block] : {});
  return {
    guess: typeof kept.guess === "string" ? kept.guess : "",
    before: chosen("before"),
    after: chosen("after"),
    checked: kept.checked === true,
  };
}

function withChapter(answers, chapter, changed) {
  return { ...answers, chapters: { ...answers.chapters, [chapter]: { ...chapterOf(answers, chapter), ...changed } } };
}

// when: "before" or "after"
export function withChoice(answers, chapter, when, question, option) {
  const now = chapterOf(answers, chapter);
  return now.checked ? answers : withChapter(answers, chapter, { [when]: { ...now[when], [question]: option } });
}

export function withGuess(answers, chapter, text) {
  return chapterOf(answers, chapter).checked ? answers : withChapter(answers, chapter, { guess: text.slice(0, LONGEST_GUESS) });
}

// The ids of questions without an answer at the end, in their order.
export function openQuestions(answers, chapter, questions) {
  const { after } = chapterOf(answers, chapter);
  return questions.filter(({ id, options }) => !options.some((option) => option.id === after[id])).map(({ id }) => id);
}

// Nothing happens while a question is open.
export function withCheck(answers, chapter, questions) {
  return openQuestions(answers, chapter, questions).length ? answers : withChapter(answers, chapter, { checked: true });
}

export function withoutChapter(answers, chapter) {
  const { [chapter]: _, ...chapters } = answers.chapters;
  return { ...answers, chapters };
}

// How many of a block's answers are right.
export function countRight(chosen, questions) {
  return questions.filter(({ id, options }) => options.some((option) => option.right && option.id === chosen[id])).length;
}

// What is saved: a name only where one was given, and no chapter without an answer.
export function savedFile(answers, name) {
  const chapters = {};
  for (const number of Object.keys(answers.chapters)) {
    const { guess, before, after } = chapterOf(answers, number);
    if (guess || Object.keys(before).length || Object.keys(after).length) chapters[number] = { ...(guess ? { guess } : {}), before, after };
  }
  const given = name.trim();
  return { ...ANSWERS, learner: answers.learner, ...(given ? { name: given } : {}), chapters };
}

// A name of its own for each learner's file, so that a class's files fit into one folder.
export function fileName(learner, name) {
  const words = name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `few-channels-answers-${words ? `${words}-` : ""}${learner.slice(0, 6)}.json`;
}

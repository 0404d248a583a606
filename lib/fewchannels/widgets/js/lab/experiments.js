// Guess first: for each chapter the state that answers its question. Question, answers (how many are counted here) and
// what to look at stand in strings.js, as `experiment.ID.question` and so on. No result is told: what
// a reader sees is computed while they look. `tries`: states of a chapter's figures, which chapters link to.

export const EXPERIMENTS = [
  {
    id: "1",
    chapter: 1,
    answers: 3,
    state: { how: "none", over: "map" },
  },
  {
    id: "2",
    chapter: 2,
    answers: 4,
    state: { how: "zero", set: "top", k: 8 },
  },
  {
    id: "3",
    chapter: 3,
    answers: 3,
    state: { how: "none", set: "top", k: 8, over: "mask", step: 3 },
  },
  {
    id: "4",
    chapter: 4,
    answers: 4,
    state: { mode: "transport", set: "top", k: 8, whose: "none" },
  },
  {
    id: "5",
    chapter: 5,
    answers: 3,
    state: { mode: "picture", picture: "sample", source: "a large green heart at the right on a dotted yellow background", set: "top", k: 16, whose: "source" },
  },
  {
    id: "6",
    chapter: 6,
    answers: 3,
    state: { how: "shuffle", set: "top", k: 8 },
  },
  {
    id: "7",
    chapter: 7,
    answers: 3,
    state: { how: "zero", set: "energy", k: 8 },
  },
  {
    id: "9",
    chapter: 9,
    answers: 3,
    state: { how: "scale", factor: 1.5, set: "top", k: 8, through: "gain" },
  },
];

export const TRIES = [
  { chapter: 1, state: { how: "none", over: "map" } },
  { chapter: 2, state: { how: "zero", set: "top", k: 1 } },
  { chapter: 3, state: { how: "none", over: "mask", step: 2 } },
  { chapter: 4, state: { mode: "transport", k: 32, window: "0-7", whose: "none" } },
  { chapter: 5, state: { mode: "picture", picture: "sample", source: "a large green heart at the right on a dotted yellow background", k: 16, whose: "source" } },
  { chapter: 6, state: { how: "no_level", k: 8 } },
  { chapter: 7, state: { how: "zero", set: "random", k: 8 } },
  { chapter: 9, state: { how: "scale", factor: 1.5, k: 8, through: "gain" } },
];

const SHELF = "fewchannels.guesses";

// What was guessed, on this machine only; nothing where the browser keeps nothing.
export function guessesOf(storage) {
  try {
    const found = JSON.parse(storage().getItem(SHELF) || "{}");
    return typeof found === "object" && found ? found : {};
  } catch {
    return {};
  }
}

export function keepGuess(storage, id, answer) {
  const guesses = { ...guessesOf(storage), [id]: answer };
  try {
    storage().setItem(SHELF, JSON.stringify(guesses));
  } catch {
    // remembered until the page is closed, by who called
  }
  return guesses;
}

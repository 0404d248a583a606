// Guess first: a question for each chapter, the state that answers it, and what to look at there. No result is told: what
// a reader sees is computed while they look. `tries`: states of a chapter's figures, which chapters link to.

export const EXPERIMENTS = [
  {
    id: "1",
    chapter: 1,
    title: "Massive channels",
    question: "Each patch of the picture is 192 numbers, one a channel. How much larger than the middle one is the largest?",
    answers: ["Up to three times", "About ten times", "More than thirty times"],
    state: { how: "none", over: "map" },
    look: "Read under the bars how many times the median the chosen channel is; then choose other blocks, another prompt and another noise. Is it always the same channel?",
  },
  {
    id: "2",
    chapter: 2,
    title: "Critical",
    question: "Put the eight largest channels to zero, in every block. What will be lost: the subject, the background, or both?",
    answers: ["The subject", "The background", "Both", "Hardly anything"],
    state: { how: "zero", set: "top", k: 8 },
    look: "Compare the two pictures and the words under them, then the change with that of as many random channels. Now take one channel only, and then the eight but the first: which of them does it?",
  },
  {
    id: "3",
    chapter: 3,
    title: "Where the subject stands",
    question: "Sort the patches into two heaps by the eight largest channels alone, while the picture is still mostly noise. Where does the line run?",
    answers: ["Along the subject's outline", "Somewhere near the subject", "Anywhere"],
    state: { how: "none", set: "top", k: 8, over: "mask", step: 3 },
    look: "The picture is the model's own estimate at this step, and what is no subject is darkened. Move the step to the left until the line is lost. Try other noises, and a huge subject.",
  },
  {
    id: "4",
    chapter: 4,
    title: "Transport between prompts",
    question: "Carry the eight largest channels over from the drawing of another prompt. Whose colour wins, and whose place?",
    answers: ["The source's colour and place", "The source's place, my colour", "My colour and place", "Neither can be seen"],
    state: { mode: "transport", set: "top", k: 8, whose: "none" },
    look: "Read the words under the edited picture beside both prompts. Carry 16 and 32 channels, then random ones. Is there a number at which the picture changes sides?",
  },
  {
    id: "5",
    chapter: 5,
    title: "A subject from a picture",
    question: "Now the source is a picture that the model did not draw, noised anew at every step. Will its subject come along?",
    answers: ["Yes, with its colour", "Only its place", "No"],
    state: { mode: "picture", picture: "sample", source: "a large green heart at the right on a dotted yellow background", set: "top", k: 16, whose: "source" },
    look: "Compare with the transport from a prompt. Move the strength, and the words that describe the picture. Then drop a picture of your own: it stays on your machine.",
  },
  {
    id: "6",
    chapter: 6,
    title: "Level or pattern",
    question: "Keep the level of the eight largest channels and shuffle their pattern over the picture. Does the picture notice?",
    answers: ["Hardly", "The subject loses its form", "All is lost"],
    state: { how: "shuffle", set: "top", k: 8 },
    look: "Then the other way round: take their level away and leave the pattern. Which of the two costs the picture more, and is it the same for one channel as for eight?",
  },
  {
    id: "7",
    chapter: 7,
    title: "How to fool yourself",
    question: "Instead of the largest but the first, take as many others as hold the same energy. Are the largest still special?",
    answers: ["Yes, they do more", "No, energy is all", "The others do more"],
    state: { how: "zero", set: "energy", k: 8 },
    look: "Note the change, then choose the eight largest but the first, and compare. Draw the others anew a few times. How many channels does it take, and is one picture enough to tell?",
  },
  {
    id: "9",
    chapter: 9,
    title: "Content or gain",
    question: "A norm divides by the size of all channels. Turn the largest up by half, but only in what the norm divides by. What happens to the others, and to the picture?",
    answers: ["Nothing, nobody edited them", "They fade, and so does the picture", "They grow, and the picture is vivid"],
    state: { how: "scale", factor: 1.5, set: "top", k: 8, through: "gain" },
    look: "Compare with the same edit in what norms pass on, and with both. Then turn the channels down instead of up: does the same half do the work?",
  },
];

export const TRIES = [
  { chapter: 1, text: "the largest channels of one prompt", state: { how: "none", over: "map" } },
  { chapter: 2, text: "the largest channel alone at zero", state: { how: "zero", set: "top", k: 1 } },
  { chapter: 3, text: "the mask at an early step", state: { how: "none", over: "mask", step: 2 } },
  { chapter: 4, text: "thirty-two channels carried over in the first half of the steps", state: { mode: "transport", k: 32, window: "0-7", whose: "none" } },
  { chapter: 5, text: "a subject from a picture", state: { mode: "picture", picture: "sample", source: "a large green heart at the right on a dotted yellow background", k: 16, whose: "source" } },
  { chapter: 6, text: "the level taken away, the pattern left", state: { how: "no_level", k: 8 } },
  { chapter: 7, text: "eight random channels at zero", state: { how: "zero", set: "random", k: 8 } },
  { chapter: 9, text: "gain alone, turned up", state: { how: "scale", factor: 1.5, k: 8, through: "gain" } },
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

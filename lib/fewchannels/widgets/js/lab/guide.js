// Guess first: cards with a question, a guess, and what to look at once it was made.

import { el, setText } from "../dom.js";
import { EXPERIMENTS, guessesOf, keepGuess } from "./experiments.js";

// onpick(id): open one, or "" for none; ondo(experiment): its guess was made, or passed over
export function guide({ onpick, ondo, storage = () => localStorage, chapters = {} }) {
  let guesses = guessesOf(storage);
  const cards = EXPERIMENTS.map((experiment) => {
    const done = el("span.fc-card-done");
    const button = el("button.fc-card", { type: "button", "aria-expanded": "false", onclick: () => onpick(shown === experiment.id ? "" : experiment.id) }, el("span.fc-card-head", {}, `Chapter ${experiment.chapter} · ${experiment.title}`), el("span", {}, experiment.question), done);
    return { experiment, button, done };
  });
  const panel = el("div.fc-guess", { hidden: true, tabindex: -1, role: "group" });
  let shown = "";
  let passed = false;

  function open(experiment) {
    panel.replaceChildren();
    if (!experiment) return;
    const guess = guesses[experiment.id];
    panel.setAttribute("aria-label", `Chapter ${experiment.chapter}: ${experiment.title}`);
    panel.append(el("p.fc-guess-question", {}, experiment.question));
    const link = chapters[experiment.id] ? el("p.fc-guess-more", {}, "Counted over many prompts, with controls: ", el("a", { href: chapters[experiment.id] }, `chapter ${experiment.chapter}`), ".") : null;
    if (guess !== undefined || passed) {
      panel.append(
        el("p", {}, guess === undefined ? "You passed over the guess. " : `You guessed: ${experiment.answers[guess] ?? "something else"}. `),
        el("p", {}, el("strong", {}, "What to look at. "), experiment.look),
        el("div.fc-droprow", {}, el("button.fc-button", { type: "button", onclick: () => ondo(experiment) }, "Set it up again"), el("button.fc-button", { type: "button", onclick: () => again(experiment) }, "Guess again")),
      );
      if (link) panel.append(link);
      return;
    }
    const answer = (index) => {
      guesses = keepGuess(storage, experiment.id, index);
      passed = index === null;
      ondo(experiment);
      refresh(experiment);
    };
    panel.append(
      el("p", {}, "Your guess, kept on this machine only:"),
      el("div.fc-answers", {}, ...experiment.answers.map((text, index) => el("button.fc-button", { type: "button", onclick: () => answer(index) }, text)), el("button.fc-link", { type: "button", onclick: () => {
        passed = true;
        ondo(experiment);
        refresh(experiment);
      } }, "pass")),
    );
  }
  function again(experiment) {
    guesses = keepGuess(storage, experiment.id, undefined);
    passed = false;
    refresh(experiment);
  }
  function refresh(experiment) {
    open(experiment);
    panel.focus({ preventScroll: true });
    marks();
  }
  function marks() {
    for (const { experiment, button, done } of cards) {
      const own = experiment.id === shown;
      button.classList.toggle("fc-on", own);
      button.setAttribute("aria-expanded", String(own));
      setText(done, guesses[experiment.id] !== undefined && guesses[experiment.id] !== null ? "guessed" : "");
    }
  }
  return {
    node: el("section.fc-part.fc-guide-part", { "aria-label": "Guess first" }, el("p.fc-part-title", {}, "Guess first"), el("p.fc-part-lead", {}, "A question for each chapter. Guess, then see it done, and change it."), el("div.fc-cards", {}, ...cards.map(({ button }) => button)), panel),
    show(id) {
      if (id === shown && panel.hidden === !id) {
        marks();
        return;
      }
      shown = id;
      passed = false;
      panel.hidden = !id;
      const card = cards.find(({ experiment }) => experiment.id === id);
      open(card?.experiment);
      if (card) card.button.after(panel);
      else cards[cards.length - 1].button.after(panel);
      marks();
    },
  };
}

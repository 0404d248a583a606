// Guess first: cards with a question, a guess, and what to look at once it was made.

import { el, setText } from "../dom.js";
import { phrase } from "../phrases.js";
import { EXPERIMENTS, guessesOf, keepGuess } from "./experiments.js";

const title = ({ id }) => phrase(`experiment.${id}.title`);
const question = ({ id }) => phrase(`experiment.${id}.question`);
const look = ({ id }) => phrase(`experiment.${id}.look`);
const answers = ({ id, answers: count }) => Array.from({ length: count }, (_, i) => phrase(`experiment.${id}.answer.${i}`));

// onpick(id): open one, or "" for none; ondo(experiment): its guess was made, or passed over
export function guide({ onpick, ondo, storage = () => localStorage, chapters = {} }) {
  let guesses = guessesOf(storage);
  const cards = EXPERIMENTS.map((experiment) => {
    const done = el("span.fc-card-done");
    const button = el("button.fc-card", { type: "button", "aria-expanded": "false", onclick: () => onpick(shown === experiment.id ? "" : experiment.id) }, el("span.fc-card-head", {}, phrase("guide.head", { chapter: experiment.chapter, title: title(experiment) })), el("span", {}, question(experiment)), done);
    return { experiment, button, done };
  });
  const panel = el("div.fc-guess", { hidden: true, tabindex: -1, role: "group" });
  let shown = "";
  let passed = false;

  function open(experiment) {
    panel.replaceChildren();
    if (!experiment) return;
    const guess = guesses[experiment.id];
    panel.setAttribute("aria-label", phrase("guide.panel", { chapter: experiment.chapter, title: title(experiment) }));
    panel.append(el("p.fc-guess-question", {}, question(experiment)));
    const link = chapters[experiment.id] ? el("p.fc-guess-more", {}, ...filled("guide.more", { link: el("a", { href: chapters[experiment.id] }, phrase("guide.chapter", { chapter: experiment.chapter })) })) : null;
    if (guess !== undefined || passed) {
      panel.append(
        el("p", {}, guess === undefined ? phrase("guide.passed") : phrase("guide.guessed", { answer: answers(experiment)[guess] ?? phrase("guide.other") })),
        el("p", {}, el("strong", {}, phrase("guide.look"), " "), look(experiment)),
        el("div.fc-droprow", {}, el("button.fc-button", { type: "button", onclick: () => ondo(experiment) }, phrase("guide.setup")), el("button.fc-button", { type: "button", onclick: () => again(experiment) }, phrase("guide.again"))),
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
      el("p", {}, phrase("guide.yours")),
      el("div.fc-answers", {}, ...answers(experiment).map((text, index) => el("button.fc-button", { type: "button", onclick: () => answer(index) }, text)), el("button.fc-link", { type: "button", onclick: () => {
        passed = true;
        ondo(experiment);
        refresh(experiment);
      } }, phrase("guide.pass"))),
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
      setText(done, guesses[experiment.id] !== undefined && guesses[experiment.id] !== null ? phrase("guide.done") : "");
    }
  }
  return {
    node: el("section.fc-part.fc-guide-part", { "aria-label": phrase("guide.title") }, el("p.fc-part-title", {}, phrase("guide.title")), el("p.fc-part-lead", {}, phrase("guide.lead")), el("div.fc-cards", {}, ...cards.map(({ button }) => button)), panel),
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

// The questions of a chapter's page: before reading, a guess, the guess again at the verdict, after reading.
//
// book/_ext/questions.py puts the places and the texts in; without this script a place shows its questions to be
// answered on paper. Answers stay in this browser, and leave it only as a file that the reader saves.

import { el, setText } from "../dom.js";
import { download } from "../download.js";
import { counted, phrase } from "../phrases.js";
import { LONGEST_GUESS, answersFrom, chapterOf, countRight, fileName, openQuestions, savedFile, withCheck, withChoice, withGuess, withoutChapter } from "./answers.js";

const KEY = "fewchannels.answers";

function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What the browser keeps, read anew before each change, since another chapter may stand open beside this one. Where it
// keeps nothing, the page does while it is open.
export function browserStore(storage) {
  let memory = null;
  let works = true;
  const learner = randomId();
  const read = () => {
    try {
      const kept = storage().getItem(KEY);
      return answersFrom(works ? kept : memory, learner);
    } catch {
      works = false;
      return answersFrom(memory, learner);
    }
  };
  return {
    get: read,
    get works() {
      return works;
    },
    change(changed) {
      memory = JSON.stringify(changed(read()));
      try {
        storage().setItem(KEY, memory);
        works = true;
      } catch {
        works = false;
      }
    },
    erase() {
      memory = null;
      try {
        storage().removeItem(KEY);
      } catch {
        works = false;
      }
    },
  };
}

// One block of three questions; `chosen` and `locked` are what it shows.
function fieldsets({ questions, when, chosen, locked, onpick }) {
  return questions.map(({ id, ask, options }) => {
    const name = `fc-${when}-${id}`;
    const rows = options.map((option) =>
      el("label.fc-choice", {}, el("input", { type: "radio", name, value: option.id, checked: chosen[id] === option.id, onchange: () => onpick(id, option.id) }), el("span", {}, option.says)),
    );
    return el("fieldset.fc-ask", { disabled: locked, "data-fc-question": id }, el("legend", {}, ask), ...rows);
  });
}

// A question with both answers, what is right, and why each option is or is not.
function resultOf({ id, ask, options }, { before, after }) {
  const rows = options.map((option) => {
    const badge = (told, words, kind = "") => (told ? [" ", el(`span.fc-badge${kind}`, {}, words)] : []);
    const is = option.right ? ".fc-is-right" : "";
    const marks = [...badge(option.right, phrase("questions.right"), is), ...badge(before[id] === option.id, phrase("questions.you.before")), ...badge(after[id] === option.id, phrase("questions.you.after"))];
    return el(`li.fc-answer${is}`, {}, el("p.fc-says", {}, option.says, ...marks), el("p.fc-why", {}, option.why));
  });
  return el("div.fc-result", { "data-fc-result": id }, el("h3", {}, ask), el("ul", {}, ...rows));
}

export function startQuestions(page, store) {
  const data = JSON.parse(page.getElementById("fc-questions-data").textContent);
  const { chapter, questions } = data;
  const place = (name) => page.querySelector(`[data-fc-place="${name}"]`);
  const places = Object.fromEntries(["before", "guess", "guessed", "after"].map((name) => [name, place(name)]));
  const now = () => chapterOf(store.get(), chapter);
  const status = () => el("p.fc-status", { role: "status" });
  const keptWords = () => (store.works ? phrase("questions.kept") : phrase("questions.kept.none"));

  function showBefore() {
    const said = status();
    const { before, checked } = now();
    const parts = fieldsets({
      questions,
      when: "before",
      chosen: before,
      locked: checked,
      onpick(id, option) {
        store.change((answers) => withChoice(answers, chapter, "before", id, option));
        setText(said, keptWords());
      },
    });
    const lead = checked ? el("p", {}, phrase("questions.before.done"), " ", el("a", { href: "#after-you-read" }, phrase("questions.before.link"))) : el("p", {}, phrase("questions.before.lead"));
    places.before.replaceChildren(lead, ...parts, said);
  }

  function showGuess() {
    const said = status();
    const { guess, checked } = now();
    const area = el("textarea", { id: "fc-guess-text", rows: 2, maxlength: LONGEST_GUESS, readonly: checked, value: guess });
    area.addEventListener("input", () => {
      store.change((answers) => withGuess(answers, chapter, area.value));
      setText(said, keptWords());
      showGuessed();
    });
    places.guess.replaceChildren(el("label", { for: "fc-guess-text" }, phrase("questions.guess")), area, said);
  }

  function showGuessed() {
    const { guess } = now();
    const words = guess.trim() ? [phrase("questions.guessed"), " ", el("q", {}, guess.trim())] : [phrase("questions.guessed.none"), " ", el("a", { href: "#fc-guess-text" }, phrase("questions.guessed.link"))];
    places.guessed.replaceChildren(el("p", {}, ...words));
  }

  function showAfter(focus = false) {
    const kept = now();
    const said = status();
    let parts;
    let heading = null;
    if (kept.checked) {
      const answered = questions.every(({ id }) => kept.before[id]);
      const counts = [countRight(kept.before, questions), countRight(kept.after, questions)];
      const words = answered ? phrase("questions.result", { before: counts[0], after: counts[1], count: questions.length }) : phrase("questions.result.alone", { after: counts[1], count: questions.length });
      heading = el("p.fc-summary", { tabindex: -1 }, words);
      parts = [heading, ...questions.map((question) => resultOf(question, kept))];
    } else {
      const asked = fieldsets({
        questions,
        when: "after",
        chosen: kept.after,
        locked: false,
        onpick(id, option) {
          store.change((answers) => withChoice(answers, chapter, "after", id, option));
          setText(said, keptWords());
        },
      });
      const check = el("button.fc-act.fc-main", { type: "button" }, phrase("questions.check"));
      check.addEventListener("click", () => {
        const open = openQuestions(store.get(), chapter, questions);
        if (open.length) {
          setText(said, counted("questions.open", open.length));
          places.after.querySelector(`[data-fc-question="${open[0]}"] input`).focus();
          return;
        }
        store.change((answers) => withCheck(answers, chapter, questions));
        showBefore();
        showGuess();
        showAfter(true);
      });
      parts = [el("p", {}, phrase("questions.after.lead")), ...asked, el("p.fc-acts", {}, check), said];
    }
    places.after.replaceChildren(...parts, yours());
    if (focus) heading.focus();
  }

  function yours() {
    const said = status();
    const name = el("input", { id: "fc-name", type: "text", maxlength: 80, autocomplete: "off" });
    const act = (words, onclick) => el("button.fc-act", { type: "button", onclick }, words);
    const save = act(phrase("questions.save"), () => {
      const file = savedFile(store.get(), name.value);
      if (!Object.keys(file.chapters).length) {
        setText(said, phrase("questions.save.none"));
        return;
      }
      const called = fileName(file.learner, name.value);
      download(new Blob([`${JSON.stringify(file, null, 1)}\n`], { type: "application/json" }), called);
      setText(said, phrase("questions.saved", { name: called }));
    });
    const erase = (words, sure, doIt) =>
      act(words, () => {
        if (!confirm(sure)) return;
        doIt();
        showAll();
        const again = places.after.querySelector(".fc-yours [role=status]");
        setText(again, phrase("questions.erased"));
        places.after.querySelector(".fc-yours button").focus();
      });
    return el(
      "div.fc-yours",
      {},
      el("h3", {}, phrase("questions.yours")),
      el("p", {}, phrase("questions.yours.lead")),
      el("p.fc-name", {}, el("label", { for: "fc-name" }, phrase("questions.name")), name),
      el(
        "p.fc-acts",
        {},
        save,
        erase(phrase("questions.erase.chapter"), phrase("questions.erase.chapter.sure"), () => store.change((answers) => withoutChapter(answers, chapter))),
        erase(phrase("questions.erase.all"), phrase("questions.erase.all.sure"), () => store.erase()),
      ),
      said,
    );
  }

  function showAll() {
    showBefore();
    showGuess();
    showGuessed();
    showAfter();
  }
  showAll();
}

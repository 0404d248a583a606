// Built from js/ by `python lib/fewchannels/widgets/bundle.py`; edit there. MIT licence.

(() => {

"use strict";

// js/strings.js
const STRINGS = {
  en: {
    "channel.number": "channel {channel}",
    "questions.after.lead": "The same three questions. When all are answered, both of your answers are shown, with what is right and why.",
    "questions.before.done": "You have answered twice.",
    "questions.before.lead": "Three questions, and the same three at the end. Choose what you would say now. Nothing is told right or wrong until you have answered again.",
    "questions.before.link": "Both answers, and why",
    "questions.check": "Show what is right",
    "questions.erase.all": "Erase all my answers",
    "questions.erase.all.sure": "Erase your guesses and answers of all chapters?",
    "questions.erase.chapter": "Erase this chapter's answers",
    "questions.erase.chapter.sure": "Erase your guess and your answers of this chapter?",
    "questions.erased": "Erased.",
    "questions.guess": "Your guess, in a few words",
    "questions.guessed": "You guessed:",
    "questions.guessed.link": "To the question",
    "questions.guessed.none": "You wrote no guess down.",
    "questions.kept": "Kept in this browser.",
    "questions.kept.none": "This browser keeps nothing. Save your answers before you leave the page.",
    "questions.name": "Name or number for the file (optional)",
    "questions.open.one": "One question has no answer yet.",
    "questions.open.other": "{n} questions have no answer yet.",
    "questions.result": "Right before: {before} of {count}. Right after: {after} of {count}.",
    "questions.result.alone": "Right after: {after} of {count}. Before reading not all were answered.",
    "questions.right": "right",
    "questions.save": "Save my answers",
    "questions.save.none": "There is nothing to save yet.",
    "questions.saved": "Saved as {name}.",
    "questions.you.after": "you, after",
    "questions.you.before": "you, before",
    "questions.yours": "Your answers",
    "questions.yours.lead": "They stay in this browser, and nothing is sent. If somebody asks for them, save them as a file and hand that in. It holds your guesses and answers of all chapters, a random number that says which answers belong together, and a name only if you give one.",
    "stepper.lower": "Lower {label}",
    "stepper.raise": "Raise {label}",
  },
  de: {
    "channel.number": "Kanal {channel}",
    "questions.after.lead": "Dieselben drei Fragen. Sind alle beantwortet, stehen beide Antworten da, mit dem, was stimmt, und warum.",
    "questions.before.done": "Hier ist schon zweimal geantwortet.",
    "questions.before.lead": "Drei Fragen, und am Ende dieselben drei. Jetzt gleich antworten, nach bestem Vermuten. Was richtig ist, steht erst da, wenn noch einmal geantwortet ist.",
    "questions.before.link": "Beide Antworten, und warum",
    "questions.check": "Zeigen, was stimmt",
    "questions.erase.all": "Alle eigenen Antworten löschen",
    "questions.erase.all.sure": "Vermutungen und Antworten aller Kapitel löschen?",
    "questions.erase.chapter": "Antworten dieses Kapitels löschen",
    "questions.erase.chapter.sure": "Vermutung und Antworten dieses Kapitels löschen?",
    "questions.erased": "Gelöscht.",
    "questions.guess": "Die eigene Vermutung, in wenigen Worten",
    "questions.guessed": "Vermutet war:",
    "questions.guessed.link": "Zur Frage",
    "questions.guessed.none": "Es ist keine Vermutung aufgeschrieben.",
    "questions.kept": "In diesem Browser aufgehoben.",
    "questions.kept.none": "Dieser Browser hebt nichts auf. Antworten sichern, bevor die Seite geschlossen wird.",
    "questions.name": "Name oder Nummer für die Datei (freiwillig)",
    "questions.open.one": "Eine Frage hat noch keine Antwort.",
    "questions.open.other": "{n} Fragen haben noch keine Antwort.",
    "questions.result": "Vorher richtig: {before} von {count}. Nachher richtig: {after} von {count}.",
    "questions.result.alone": "Nachher richtig: {after} von {count}. Vor dem Lesen waren nicht alle beantwortet.",
    "questions.right": "richtig",
    "questions.save": "Eigene Antworten sichern",
    "questions.save.none": "Es gibt noch nichts zu sichern.",
    "questions.saved": "Gesichert als {name}.",
    "questions.you.after": "eigene, nachher",
    "questions.you.before": "eigene, vorher",
    "questions.yours": "Eigene Antworten",
    "questions.yours.lead": "Sie bleiben in diesem Browser, und nichts wird gesendet. Fragt jemand danach: als Datei sichern und diese abgeben. Sie enthält Vermutungen und Antworten aller Kapitel, eine Zufallszahl, die sagt, welche Antworten zusammengehören, und einen Namen nur, wenn einer angegeben ist.",
    "stepper.lower": "{label} verringern",
    "stepper.raise": "{label} erhöhen",
  },
};

// js/phrases.js
let spoken = null;

function speak(tongue) {
  spoken = tongue;
}

function language() {
  const wanted = spoken ?? globalThis.document?.documentElement?.lang ?? "";
  const tongue = wanted.slice(0, 2).toLowerCase();
  return Object.hasOwn(STRINGS, tongue) ? tongue : "en";
}

const known = (key) => Object.hasOwn(STRINGS.en, key);

function phraseIn(tongue, key, values = {}) {
  return STRINGS[tongue][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const phrase = (key, values) => phraseIn(language(), key, values);

function counted(key, n, options = {}, values = {}) {
  const form = new Intl.PluralRules(language(), options).select(n);
  return phrase(known(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n, ...values });
}

function filled(key, things) {
  const parts = STRINGS[language()][key].split(/\{(\w+)\}/);
  return parts.map((part, i) => (i % 2 ? things[part] : part)).filter((part) => part !== "");
}

// js/dom.js
let made = 0;

function uid(prefix = "fc") {
  return `${prefix}-${++made}-${Math.random().toString(36).slice(2, 7)}`;
}

function el(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

function svgNode(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function setText(node, text) {
  const only = node.firstChild;
  if (only && only === node.lastChild && only.nodeType === 3) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

function setAttr(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function slider({ label, count, marks = [], onpick }) {
  const id = uid("fc-slider");
  const input = el("input", { type: "range", id, min: 0, max: Math.max(1, count - 1), step: 1, disabled: count < 2 });
  const shown = el("output.fc-out", { for: id });
  input.addEventListener("input", () => onpick(Number(input.value)));
  const node = el("div.fc-slider", {}, el("label", { for: id }, label), shown, input);
  if (marks.length) {
    const words = marks.map(([index, text]) => {
      const word = el("span", {}, text);
      word.style.setProperty("--fc-at", index / Math.max(1, count - 1));
      return word;
    });
    node.append(el("div.fc-marks", { "aria-hidden": "true" }, ...words));
  }
  return {
    node,
    input,
    resize(next) {
      count = next;
      input.max = Math.max(1, count - 1);
      input.disabled = count < 2;
    },
    set(index, text) {
      if (Number(input.value) !== index) input.value = index;
      input.style.setProperty("--fc-fill", count > 1 ? index / (count - 1) : 0);
      input.setAttribute("aria-valuetext", text);
      setText(shown, text);
    },
  };
}

function choices({ label, options, onpick, kind = "fc-seg" }) {
  const name = uid("fc-radio");
  const inputs = new Map();
  const node = el(`fieldset.${kind}`, {}, el("legend", {}, label));
  const box = node.appendChild(el("div.fc-options"));
  for (const { value, content, title } of options) {
    const input = el("input.fc-sr", { type: "radio", name, onchange: () => onpick(value) });
    inputs.set(value, input);
    box.append(el("label", { title }, input, el("span.fc-option", {}, ...[].concat(content))));
  }
  return {
    node,
    set(value) {
      const input = inputs.get(value);
      if (input && !input.checked) input.checked = true;
    },
  };
}

function dropdown({ label, options = [], onpick }) {
  const id = uid("fc-select");
  const select = el("select", { id, onchange: () => onpick(select.value) });
  const fill = (given) => select.replaceChildren(...given.map(({ value, text }) => el("option", { value }, text)));
  fill(options);
  return {
    node: el("div.fc-select", {}, el("label", { for: id }, label), select),
    fill,
    set(value) {
      if (select.value !== String(value)) select.value = String(value);
    },
  };
}

function stepper({ label, low, onpick }) {
  const id = uid("fc-stepper");
  const input = el("input", { type: "number", id, min: low, step: 1, inputmode: "numeric" });
  let now = low;
  let most = low;
  const pick = (value) => onpick(Math.max(low, Math.min(most, value)));
  input.addEventListener("input", () => {
    const value = Number(input.value);
    const fits = input.value !== "" && Number.isInteger(value) && value >= low && value <= most;
    input.setAttribute("aria-invalid", String(!fits));
    if (fits) pick(value);
  });
  input.addEventListener("blur", () => {
    input.value = now;
    input.setAttribute("aria-invalid", "false");
  });
  const button = (sign, by, name) => el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase(name, { label }), onclick: () => pick(now + by) }, sign);
  return {
    node: el("div.fc-field", {}, el("label", { for: id }, label), el("div.fc-stepper", {}, button("−", -1, "stepper.lower"), input, button("+", 1, "stepper.raise"))),
    set(value, high) {
      [now, most] = [value, high];
      input.max = high;
      if (Number(input.value) !== value && input.getAttribute("aria-invalid") !== "true") input.value = value;
    },
  };
}

// js/download.js
function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// js/questions/answers.js
const ANSWERS = { format: "fewchannels-answers", version: 1 };
const LONGEST_GUESS = 500;

function noAnswers(learner) {
  return { ...ANSWERS, learner, chapters: {} };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function answersFrom(text, learner) {
  try {
    const kept = JSON.parse(text);
    if (kept.format === ANSWERS.format && kept.version === ANSWERS.version && typeof kept.learner === "string" && isObject(kept.chapters)) return kept;
  } catch {
  }
  return noAnswers(learner);
}

function chapterOf(answers, chapter) {
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

function withChoice(answers, chapter, when, question, option) {
  const now = chapterOf(answers, chapter);
  return now.checked ? answers : withChapter(answers, chapter, { [when]: { ...now[when], [question]: option } });
}

function withGuess(answers, chapter, text) {
  return chapterOf(answers, chapter).checked ? answers : withChapter(answers, chapter, { guess: text.slice(0, LONGEST_GUESS) });
}

function openQuestions(answers, chapter, questions) {
  const { after } = chapterOf(answers, chapter);
  return questions.filter(({ id, options }) => !options.some((option) => option.id === after[id])).map(({ id }) => id);
}

function withCheck(answers, chapter, questions) {
  return openQuestions(answers, chapter, questions).length ? answers : withChapter(answers, chapter, { checked: true });
}

function withoutChapter(answers, chapter) {
  const { [chapter]: _, ...chapters } = answers.chapters;
  return { ...answers, chapters };
}

function countRight(chosen, questions) {
  return questions.filter(({ id, options }) => options.some((option) => option.right && option.id === chosen[id])).length;
}

function savedFile(answers, name) {
  const chapters = {};
  for (const number of Object.keys(answers.chapters)) {
    const { guess, before, after } = chapterOf(answers, number);
    if (guess || Object.keys(before).length || Object.keys(after).length) chapters[number] = { ...(guess ? { guess } : {}), before, after };
  }
  const given = name.trim();
  return { ...ANSWERS, learner: answers.learner, ...(given ? { name: given } : {}), chapters };
}

function fileName(learner, name) {
  const words = name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `few-channels-answers-${words ? `${words}-` : ""}${learner.slice(0, 6)}.json`;
}

// js/questions/page.js
const KEY = "fewchannels.answers";

function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function browserStore(storage) {
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

function fieldsets({ questions, when, chosen, locked, onpick }) {
  return questions.map(({ id, ask, options }) => {
    const name = `fc-${when}-${id}`;
    const rows = options.map((option) =>
      el("label.fc-choice", {}, el("input", { type: "radio", name, value: option.id, checked: chosen[id] === option.id, onchange: () => onpick(id, option.id) }), el("span", {}, option.says)),
    );
    return el("fieldset.fc-ask", { disabled: locked, "data-fc-question": id }, el("legend", {}, ask), ...rows);
  });
}

function resultOf({ id, ask, options }, { before, after }) {
  const rows = options.map((option) => {
    const badge = (told, words, kind = "") => (told ? [" ", el(`span.fc-badge${kind}`, {}, words)] : []);
    const is = option.right ? ".fc-is-right" : "";
    const marks = [...badge(option.right, phrase("questions.right"), is), ...badge(before[id] === option.id, phrase("questions.you.before")), ...badge(after[id] === option.id, phrase("questions.you.after"))];
    return el(`li.fc-answer${is}`, {}, el("p.fc-says", {}, option.says, ...marks), el("p.fc-why", {}, option.why));
  });
  return el("div.fc-result", { "data-fc-result": id }, el("h3", {}, ask), el("ul", {}, ...rows));
}

function startQuestions(page, store) {
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

startQuestions(document, browserStore(() => localStorage));

})();

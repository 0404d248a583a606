// The prompt: a sentence whose menus only form sentences of the grammar, or a line to type with completion and the
// grammar's own errors.

import { el, setText, uid } from "../dom.js";
import { checkWords, parsePrompt } from "../live/prompt.js";
import { phrase } from "../phrases.js";
import { optionsOf, wordMenu } from "./menus.js";
import { sentenceOf } from "./words.js";

const OPPOSITE_OF = { left: "right", right: "left", top: "bottom", bottom: "top", center: "top" };

// Words that may come next, for words that begin a sentence of the grammar; [] where they do not.
export function nextWords(words, { shapes, colours, sizes, positions, textures }) {
  let subjects = 0;
  let expected = ["a", "nothing"];
  let after = () => {};
  const subject = [() => sizes, () => colours, () => shapes, () => ["at"], () => ["the"], () => positions];
  const ground = [() => ["a"], () => textures, () => colours];
  const chain = (steps, end) => (i = 0) => {
    expected = i < steps.length ? steps[i]() : [];
    after = () => (i + 1 < steps.length ? chain(steps, end)(i + 1) : end());
    if (!steps.length) end();
  };
  const background = () => {
    expected = ["and", "background"];
    after = (word) => {
      if (word === "background") [expected, after] = [[], () => (expected = [])];
      else chain([() => colours, () => ["background"]], () => (expected = []))();
    };
  };
  const on = () => chain(ground, background)();
  const ended = () => {
    subjects++;
    expected = subjects < 2 ? ["and", "on"] : ["on"];
    after = (word) => (word === "on" ? on() : chain([() => ["a"], ...subject], ended)());
  };
  after = (word) => {
    if (word === "nothing") [expected, after] = [["on"], on];
    else chain(subject, ended)();
  };
  for (const word of words) {
    if (!expected.includes(word)) return [];
    after(word);
  }
  return expected;
}

// Lines that go on from what is typed, each one word longer.
export function completions(text, grammar) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const whole = !text || /\s$/.test(text);
  const begun = whole ? "" : words.pop();
  const before = words.length ? `${words.join(" ")} ` : "";
  return nextWords(words, grammar).filter((word) => word.startsWith(begun) && word !== begun).map((word) => before + word);
}

// What is wrong with a line: { error } or { note } for the reader, or {} where nothing is.
export function judged(text, grammar) {
  try {
    if (!text.trim()) return { error: phrase("lab.write", { grammar: grammar.sentence }) };
    if (parsePrompt(text, grammar)) return {};
    return { note: phrase("lab.ungrammatical") };
  } catch (error) {
    return { error: error.message };
  }
}

// A scene as the model's training drew them: no subject in the background's colour, two subjects at opposite places.
export function randomScene({ shapes, colours, sizes, positions, textures }, random = Math.random) {
  const one = (list) => list[Math.floor(random() * list.length)];
  const order = [...colours].sort(() => random() - 0.5);
  const first = { size: one(sizes), colour: order[1], shape: one(shapes), position: one(positions) };
  const subjects = [first];
  if (random() < 0.2) {
    const place = one(["left", "right", "top", "bottom"]);
    Object.assign(first, { size: "small", position: place });
    subjects.push({ size: "large", colour: order[2], shape: one(shapes.filter((shape) => shape !== first.shape)), position: OPPOSITE_OF[place] });
  }
  const texture = one(textures);
  return { subjects, texture, background: order[0], second: texture !== "plain" && random() < 0.3 ? order[3] : null };
}

// change(prompt): with a new one. lead: words before the sentence; tail: nodes after it.
export function promptSentence({ grammar, lead, what, tail = [], change }) {
  const { shapes, colours, sizes, positions, textures } = grammar;
  let scene = null;
  let shown = "";
  const alter = (edit) => {
    const next = { ...scene, subjects: scene.subjects.map((subject) => ({ ...subject })) };
    edit(next);
    change(sentenceOf(next));
  };
  const count = wordMenu({
    label: phrase("lab.menu.count", { what }),
    options: [{ value: "1", text: phrase("lab.subjects.one"), short: "a" }, { value: "2", text: phrase("lab.subjects.two"), short: "two, a" }, { value: "0", text: phrase("lab.subjects.none"), short: "nothing" }],
    onpick: (value) =>
      alter((next) => {
        const free = colours.filter((colour) => colour !== next.background);
        const first = next.subjects[0] || { size: "large", colour: free[0], shape: shapes[0], position: "left" };
        const second = { size: "small", colour: free.find((colour) => colour !== first.colour), shape: shapes.find((shape) => shape !== first.shape), position: OPPOSITE_OF[first.position] };
        next.subjects = [[], [first], [first, second]][Number(value)];
      }),
  });
  const subjectMenus = [0, 1].map((i) => {
    const subject = i ? "second" : "first";
    const menu = (part, options) => wordMenu({ label: phrase(`lab.menu.${subject}`, { what, part: phrase(`word.${part}`) }), options: optionsOf(options), onpick: (value) => alter((next) => (next.subjects[i][part] = value)) });
    return { size: menu("size", sizes), colour: menu("colour", colours), shape: menu("shape", shapes), position: menu("position", positions) };
  });
  const spans = subjectMenus.map(({ size, colour, shape, position }, i) =>
    el("span", {}, i ? " and a " : " ", size.node, " ", colour.node, " ", shape.node, " at the ", position.node),
  );
  const texture = wordMenu({ label: phrase("lab.menu.texture", { what }), options: optionsOf(textures), onpick: (value) => alter((next) => Object.assign(next, { texture: value, second: value === "plain" ? null : next.second })) });
  const background = wordMenu({ label: phrase("lab.menu.background", { what }), options: optionsOf(colours), onpick: (value) => alter((next) => (next.background = value)) });
  const second = wordMenu({ label: phrase("lab.menu.background.second", { what }), onpick: (value) => alter((next) => (next.second = value || null)) });
  const secondSpan = el("span", {}, " ", second.node);
  const words = el("p.fc-sentence", {}, `${lead} `, count.node, ...spans, " on a ", texture.node, " ", background.node, secondSpan, " background", ...tail);

  const id = uid("fc-typed");
  const list = el("datalist", { id: `${id}-list` });
  const input = el("input.fc-typed", { type: "text", id, list: list.id, maxlength: 400, autocomplete: "off", spellcheck: "false", autocapitalize: "off", "aria-describedby": `${id}-said` });
  const said = el("p.fc-said", { id: `${id}-said`, role: "status" });
  const tailAgain = el("span.fc-sentence");
  const typed = el("div.fc-type", { hidden: true }, el("label.fc-sr", { for: id }, phrase("lab.typed", { what })), input, list, tailAgain, said);
  input.addEventListener("input", () => {
    list.replaceChildren(...completions(input.value, grammar).map((value) => el("option", { value })));
    say();
  });
  const commit = () => {
    if (!say()) change(input.value.trim().toLowerCase().replace(/\s+/g, " "));
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  // -> whether the line cannot be drawn
  function say() {
    const { error, note } = judged(input.value, grammar);
    setText(said, error || note || "");
    said.classList.toggle("fc-bad", Boolean(error));
    input.setAttribute("aria-invalid", String(Boolean(error)));
    return Boolean(error);
  }

  const toggle = el("button.fc-link", { type: "button", "aria-expanded": "false" }, phrase("lab.type"));
  let typing = false;
  function type(on) {
    typing = on;
    words.hidden = on;
    typed.hidden = !on;
    setText(toggle, on ? phrase("lab.choose") : phrase("lab.type"));
    toggle.setAttribute("aria-expanded", String(on));
    (on ? tailAgain : words).append(...tail);
    if (on) {
      input.value = shown;
      say();
    }
  }
  toggle.addEventListener("click", () => {
    if (typing && !scene) {
      setText(said, phrase("lab.menus.only", { grammar: grammar.sentence }));
      return;
    }
    type(!typing);
    (typing ? input : count.select).focus();
  });
  return {
    node: el("div.fc-prompt-line", {}, words, typed),
    toggle,
    set(prompt) {
      if (prompt === shown) return;
      shown = prompt;
      try {
        checkWords(prompt, grammar);
        scene = parsePrompt(prompt, grammar);
      } catch {
        scene = null;
      }
      if (!scene || typing) {
        if (!typing) type(true);
        if (document.activeElement !== input) input.value = prompt;
        say();
      }
      if (!scene) return;
      count.set(scene.subjects.length);
      spans.forEach((span, i) => {
        span.hidden = i >= scene.subjects.length;
        if (scene.subjects[i]) for (const part of ["size", "colour", "shape", "position"]) subjectMenus[i][part].set(scene.subjects[i][part]);
      });
      texture.set(scene.texture);
      background.set(scene.background);
      secondSpan.hidden = scene.texture === "plain" && !scene.second;
      second.fill([{ value: "", text: phrase("lab.second.none"), short: "+" }, ...colours.filter((colour) => colour !== scene.background).map((colour) => ({ value: colour, text: `and ${colour}` }))]);
      second.set(scene.second || "");
    },
  };
}

// What is done to the channels: a sentence of menus, and the dials below it.

import { choices, el, setText } from "../dom.js";
import { promptSentence } from "./ask.js";
import { dial, glued, wordMenu } from "./menus.js";
import { setWords } from "./sets.js";
import { COUNTS, FACTORS, rangeOf } from "./state.js";

const HOW_WORDS = { none: "leave them alone", zero: "set them to zero", own_mean: "flatten them to their own mean", no_level: "take their level away", shuffle: "shuffle them over the picture" };
const WHERE_WORDS = { all: "the whole picture", subject: "the subject", background: "the background", painted: "a region that I paint" };
const WHOSE_WORDS = { union: "where either subject stands", source: "where its subject stands", target: "where my subject stands", none: "over the whole picture", painted: "over a region that I paint" };
const PART_WORDS = { both: "level and pattern", level: "their level alone", pattern: "their pattern alone" };
const THROUGH_WORDS = [
  { value: "stream", text: "in the stream" },
  { value: "both", text: "at the reads, content and gain", short: "at the reads" },
  { value: "content", text: "at the reads, content only (what norms pass on)", short: "at the reads, content only" },
  { value: "gain", text: "at the reads, gain only (what norms divide by)", short: "at the reads, gain only" },
];
const FACTOR_STEP = 0.05;
const listed = (words) => Object.entries(words).map(([value, text]) => ({ value, text }));
const signed = (value) => value.toFixed(2).replace(/0$/, "").replace("-", "−");

function blockOptions(blocks) {
  const options = [{ value: "all", text: "all blocks" }];
  for (let from = 0; from < blocks; from++) {
    for (let to = from; to < blocks; to++) {
      if (to - from < blocks - 1) options.push({ value: `${from}-${to}`, text: from === to ? `block ${from}` : `blocks ${from} to ${to}` });
    }
  }
  return options;
}

function stepOptions(steps, now) {
  const named = { "all steps": [0, 1], "the first half": [0, 1 / 2], "the second half": [1 / 2, 1], "the first quarter": [0, 1 / 4], "the last quarter": [3 / 4, 1] };
  const options = Object.entries(named).map(([text, [from, to]]) => {
    const [first, last] = [Math.round(from * steps), Math.round(to * steps) - 1];
    return { value: first === 0 && last === steps - 1 ? "all" : `${first}-${Math.max(first, last)}`, text };
  });
  const own = options.some(({ value }) => value === now) ? null : now;
  if (own) options.push({ value: own, text: stepWords(own, steps) });
  options.push({ value: "own", text: "some steps …" });
  return options.filter(({ value }, i) => options.findIndex((other) => other.value === value) === i);
}

function stepWords(text, steps) {
  const [from, to] = rangeOf(text, steps);
  return from === to ? `step ${from + 1}` : `steps ${from + 1} to ${to + 1}`;
}

// change(part, { moving }): of the state; onfile(file): the reader's picture; sample: whether there is one to try
export function editPart({ data, change, onfile, onsample }) {
  const { grammar, shape } = data;
  const modes = choices({
    label: "What to do",
    kind: "fc-seg.fc-modes-seg.fc-unlabelled",
    options: [{ value: "edit", content: "Edit" }, { value: "transport", content: "Transport" }, { value: "picture", content: "Your picture" }],
    onpick: (mode) => change({ mode }),
  });
  const menu = (label, options, name) => wordMenu({ label, options, onpick: (value) => change({ [name]: value }) });
  const sets = [0, 1].map(() => menu("Which channels", [], "set"));
  const how = menu("What is done to them", [], "how");
  const blocks = [0, 1].map(() => menu("In which blocks", blockOptions(shape.blocks), "blocks"));
  const steps = [0, 1].map(() => wordMenu({ label: "At which steps", onpick: (value) => change({ window: value === "own" ? openWindow() : value }) }));
  const where = menu("Over which part of the picture", listed(WHERE_WORDS), "where");
  const through = menu("In the stream, or where norms read it", THROUGH_WORDS, "through");
  const whose = menu("Where channels are replaced", listed(WHOSE_WORDS), "whose");
  const part = menu("What of the channels is carried over", listed(PART_WORDS), "part");
  const source = promptSentence({ grammar, lead: "The source:", what: "Source", tail: ["."], change: (prompt) => change({ source: prompt }) });
  const sourceRow = el("div.fc-source-row", {}, source.node, source.toggle);
  const editWords = el("p.fc-sentence.fc-orange", {}, "Take ", sets[0].node, " and ", how.node, " in ", glued(blocks[0], ","), " at ", glued(steps[0], ","), " over ", glued(where, ","), " ", glued(through, "."));
  const carryLead = el("span");
  const carryWords = el("p.fc-sentence.fc-orange", {}, "Carry ", sets[1].node, carryLead, ", ", glued(part, ","), " in ", glued(blocks[1], ","), " at ", glued(steps[1], ","), " ", glued(whose, "."));

  const fileInput = el("input.fc-sr", { type: "file", accept: "image/*", "aria-label": "Your picture" });
  const fileSaid = el("p.fc-said", { role: "status" });
  const sample = el("button.fc-button", { type: "button" }, "Take the sample");
  const choose = el("button.fc-button", { type: "button" }, "Choose a picture");
  const drop = el("div.fc-dropzone", {}, el("p", {}, "Drop a picture here. It is read in this page and stays on your machine; the middle is cut out and made small."), el("div.fc-droprow", {}, choose, fileInput, data.sample ? sample : null), fileSaid);
  choose.addEventListener("click", () => fileInput.click());
  sample.addEventListener("click", onsample);
  fileInput.addEventListener("change", () => {
    if (fileInput.files.length) onfile(fileInput.files[0]);
    fileInput.value = "";
  });

  const counts = dial({ label: "how many", count: COUNTS.length, onpick: (i) => change({ k: COUNTS[i] }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const factorCount = Math.round((FACTORS[1] - FACTORS[0]) / FACTOR_STEP) + 1;
  const factor = dial({ label: "multiply by", count: factorCount, onpick: (i) => change({ how: "scale", factor: Math.round((FACTORS[0] + i * FACTOR_STEP) * 100) / 100 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const strength = dial({ label: "strength", count: 31, onpick: (i) => change({ strength: Math.round(i * 5) / 100 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const draws = dial({ label: "draw", count: 10, onpick: (i) => change({ draw: i + 1 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const from = dial({ label: "from step", count: 16, onpick: (i) => change({ window: windowText(i, null) }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const to = dial({ label: "to step", count: 16, onpick: (i) => change({ window: windowText(null, i) }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const clear = el("button.fc-button", { type: "button", onclick: () => change({ paint: "" }) }, "Clear the region");
  const paintRow = el("p.fc-paint-row", {}, "Paint on the untouched picture, by dragging or with arrows and space. ", clear);
  const problem = el("p.fc-said.fc-bad", { role: "alert" });
  const dials = el("div.fc-dials-grid", {}, counts.node, factor.node, strength.node, draws.node, from.node, to.node);

  let now = null;
  let windowed = false;
  function openWindow() {
    windowed = true;
    const [first, last] = rangeOf(now.window, now.steps);
    return now.window === "all" ? `0-${Math.max(0, now.steps - 2)}` : `${first}-${last}`;
  }
  function windowText(first, last) {
    const [a, b] = rangeOf(now.window, now.steps);
    const low = first ?? Math.min(a, last);
    const high = last ?? Math.max(b, first);
    windowed = true;
    return `${low}-${high}`;
  }
  return {
    node: el("section.fc-part.fc-edit-part", { "aria-label": "Edit" }, modes.node, editWords, carryWords, sourceRow, drop, dials, paintRow, problem),
    drop,
    say: (text) => setText(fileSaid, text),
    sourceToggle: source.toggle,
    show(state, { lists, missing, hasPicture }) {
      now = state;
      const carrying = state.mode !== "edit";
      modes.set(state.mode);
      editWords.hidden = carrying;
      carryWords.hidden = !carrying;
      sourceRow.hidden = !carrying;
      drop.hidden = state.mode !== "picture";
      setText(carryLead, state.mode === "picture" ? " over from my picture" : " over from the source");
      const setOptions = ["top", "next", "bottom", "random", "energy", "rest", "hand"].map((set) => {
        const words = setWords({ ...state, set }, lists);
        return { value: set, text: /^all|^channels|chosen/.test(words) ? words : `the ${words}` };
      });
      for (const one of sets) {
        one.fill(setOptions.filter(({ value }) => value !== "next" || state.k > 1 || state.set === "next"));
        one.set(state.set);
      }
      how.fill([...listed(HOW_WORDS), { value: "scale", text: `multiply them by ${signed(state.factor)}` }]);
      how.set(state.how);
      for (const one of blocks) one.set(state.blocks);
      for (const one of steps) {
        one.fill(stepOptions(state.steps, state.window));
        one.set(state.window);
      }
      where.set(state.where);
      through.set(state.through);
      whose.set(state.whose);
      part.set(state.part);
      if (carrying) source.set(state.source);
      counts.node.hidden = state.set === "hand" || (state.mode === "edit" && state.how === "none");
      const place = COUNTS.reduce((best, count, i) => (Math.abs(count - state.k) < Math.abs(COUNTS[best] - state.k) ? i : best), 0);
      counts.set(place, String(state.k));
      factor.node.hidden = carrying || !["zero", "scale"].includes(state.how);
      const value = state.how === "zero" ? 0 : state.factor;
      factor.set(Math.round((value - FACTORS[0]) / FACTOR_STEP), signed(value));
      strength.node.hidden = !carrying;
      strength.set(Math.round(state.strength * 20), signed(state.strength));
      draws.node.hidden = !["random", "energy"].includes(state.set);
      draws.set(state.draw - 1, String(state.draw));
      const shown = windowed && state.window !== "all";
      const [first, last] = rangeOf(state.window, state.steps);
      for (const [one, value] of [[from, first], [to, last]]) {
        one.node.hidden = !shown;
        one.input.max = state.steps - 1;
        one.set(value, String(value + 1));
      }
      paintRow.hidden = (carrying ? state.whose : state.where) !== "painted";
      const empty = !lists.some((list) => list.length);
      setText(
        problem,
        empty && state.set === "hand" ? "No channel is chosen: take some in the skyline, with a double click or with space."
        : empty ? "There is nothing to edit: all other channels together hold less energy. Take fewer of the largest."
        : missing.length && (carrying || state.how !== "none") ? `In block${missing.length > 1 ? "s" : ""} ${missing.join(", ")} all other channels together hold less energy, so nothing is edited there.`
        : state.mode === "picture" && !hasPicture ? "Drop a picture first, or take the sample."
        : "",
      );
    },
  };
}

// What is done to the channels: a sentence of menus, and the dials below it.

import { choices, el, setText } from "../dom.js";
import { counted, phrase } from "../phrases.js";
import { promptSentence } from "./ask.js";
import { dial, sentence, wordMenu } from "./menus.js";
import { setWords } from "./sets.js";
import { COUNTS, FACTORS, MODES, rangeOf } from "./state.js";

const HOW_MENU = ["none", "zero", "own_mean", "no_level", "shuffle"];
const WHERE_MENU = ["all", "subject", "background", "painted"];
const WHOSE_MENU = ["union", "source", "target", "none", "painted"];
const PART_MENU = ["both", "level", "pattern"];
const THROUGH_MENU = ["stream", "both", "content", "gain"];
const FACTOR_STEP = 0.05;
const listed = (values, word) => values.map((value) => ({ value, text: word(value) }));
const throughs = () => THROUGH_MENU.map((value) => ({ value, text: phrase(`through.${value}`), short: phrase(`through.${value}.short`) }));
const signed = (value) => value.toFixed(2).replace(/0$/, "").replace("-", "−");

function blockOptions(blocks) {
  const options = [{ value: "all", text: phrase("blocks.all") }];
  for (let from = 0; from < blocks; from++) {
    for (let to = from; to < blocks; to++) {
      if (to - from < blocks - 1) options.push({ value: `${from}-${to}`, text: from === to ? phrase("blocks.one", { block: from }) : phrase("blocks.range", { from, to }) });
    }
  }
  return options;
}

function stepOptions(steps, now) {
  const named = { all: [0, 1], firstHalf: [0, 1 / 2], secondHalf: [1 / 2, 1], firstQuarter: [0, 1 / 4], lastQuarter: [3 / 4, 1] };
  const options = Object.entries(named).map(([name, [from, to]]) => {
    const [first, last] = [Math.round(from * steps), Math.round(to * steps) - 1];
    return { value: first === 0 && last === steps - 1 ? "all" : `${first}-${Math.max(first, last)}`, text: phrase(`steps.${name}`) };
  });
  const own = options.some(({ value }) => value === now) ? null : now;
  if (own) options.push({ value: own, text: stepWords(own, steps) });
  options.push({ value: "own", text: phrase("steps.some") });
  return options.filter(({ value }, i) => options.findIndex((other) => other.value === value) === i);
}

function stepWords(text, steps) {
  const [from, to] = rangeOf(text, steps);
  return from === to ? phrase("steps.one", { step: from + 1 }) : phrase("steps.range", { from: from + 1, to: to + 1 });
}

// change(part, { moving }): of the state; onfile(file): the reader's picture; sample: whether there is one to try
export function editPart({ data, change, onfile, onsample }) {
  const { grammar, shape } = data;
  const modes = choices({
    label: phrase("lab.modes"),
    kind: "fc-seg.fc-modes-seg.fc-unlabelled",
    options: MODES.map((value) => ({ value, content: phrase(`mode.${value}`) })),
    onpick: (mode) => change({ mode }),
  });
  const menu = (label, options, name) => wordMenu({ label, options, onpick: (value) => change({ [name]: value }) });
  const sets = [0, 1].map(() => menu(phrase("lab.menu.set"), [], "set"));
  const how = menu(phrase("lab.menu.how"), [], "how");
  const blocks = [0, 1].map(() => menu(phrase("lab.menu.blocks"), blockOptions(shape.blocks), "blocks"));
  const steps = [0, 1].map(() => wordMenu({ label: phrase("lab.menu.steps"), onpick: (value) => change({ window: value === "own" ? openWindow() : value }) }));
  const where = menu(phrase("lab.menu.where"), listed(WHERE_MENU, (value) => phrase(`where.${value}`)), "where");
  const through = menu(phrase("lab.menu.through"), throughs(), "through");
  const whose = menu(phrase("lab.menu.whose"), listed(WHOSE_MENU, (value) => phrase(`whose.${value}`)), "whose");
  const part = menu(phrase("lab.menu.part"), listed(PART_MENU, (value) => phrase(`part.${value}`)), "part");
  const source = promptSentence({ grammar, lead: phrase("lab.source.lead"), what: phrase("lab.source"), tail: ["."], change: (prompt) => change({ source: prompt }) });
  const sourceRow = el("div.fc-source-row", {}, source.node, source.toggle);
  const editWords = el("p.fc-sentence.fc-orange", {}, ...sentence("lab.edit.sentence", { set: sets[0], how, blocks: blocks[0], steps: steps[0], where, through }));
  const carryLead = el("span");
  const carryWords = el("p.fc-sentence.fc-orange", {}, ...sentence("lab.carry.sentence", { set: sets[1], from: { node: carryLead }, part, blocks: blocks[1], steps: steps[1], whose }));

  const fileInput = el("input.fc-sr", { type: "file", accept: "image/*", "aria-label": phrase("mode.picture") });
  const fileSaid = el("p.fc-said", { role: "status" });
  const sample = el("button.fc-button", { type: "button" }, phrase("lab.sample"));
  const choose = el("button.fc-button", { type: "button" }, phrase("lab.picture.choose"));
  const drop = el("div.fc-dropzone", {}, el("p", {}, phrase("lab.picture.drop")), el("div.fc-droprow", {}, choose, fileInput, data.sample ? sample : null), fileSaid);
  choose.addEventListener("click", () => fileInput.click());
  sample.addEventListener("click", onsample);
  fileInput.addEventListener("change", () => {
    if (fileInput.files.length) onfile(fileInput.files[0]);
    fileInput.value = "";
  });

  const counts = dial({ label: phrase("dial.count"), count: COUNTS.length, onpick: (i) => change({ k: COUNTS[i] }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const factorCount = Math.round((FACTORS[1] - FACTORS[0]) / FACTOR_STEP) + 1;
  const factor = dial({ label: phrase("dial.factor"), count: factorCount, onpick: (i) => change({ how: "scale", factor: Math.round((FACTORS[0] + i * FACTOR_STEP) * 100) / 100 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const strength = dial({ label: phrase("dial.strength"), count: 31, onpick: (i) => change({ strength: Math.round(i * 5) / 100 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const draws = dial({ label: phrase("dial.draw"), count: 10, onpick: (i) => change({ draw: i + 1 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const from = dial({ label: phrase("dial.from"), count: 16, onpick: (i) => change({ window: windowText(i, null) }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const to = dial({ label: phrase("dial.to"), count: 16, onpick: (i) => change({ window: windowText(null, i) }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const clear = el("button.fc-button", { type: "button", onclick: () => change({ paint: "" }) }, phrase("lab.paint.clear"));
  const paintRow = el("p.fc-paint-row", {}, phrase("lab.paint.how"), " ", clear);
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
    node: el("section.fc-part.fc-edit-part", { "aria-label": phrase("lab.part.edit") }, modes.node, editWords, carryWords, sourceRow, drop, dials, paintRow, problem),
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
      setText(carryLead, phrase(state.mode === "picture" ? "lab.from.picture" : "lab.from.source"));
      const setOptions = ["top", "next", "bottom", "random", "energy", "rest", "hand"].map((set) => {
        return { value: set, text: setWords({ ...state, set }, lists) };
      });
      for (const one of sets) {
        one.fill(setOptions.filter(({ value }) => value !== "next" || state.k > 1 || state.set === "next"));
        one.set(state.set);
      }
      how.fill([...listed(HOW_MENU, (value) => phrase(`how.${value}`)), { value: "scale", text: phrase("how.scale", { factor: signed(state.factor) }) }]);
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
        empty && state.set === "hand" ? phrase("lab.problem.hand")
        : empty ? phrase("lab.problem.energy")
        : missing.length && (carrying || state.how !== "none") ? counted("lab.problem.missing", missing.length, {}, { blocks: missing.join(", ") })
        : state.mode === "picture" && !hasPicture ? phrase("lab.problem.picture")
        : "",
      );
    },
  };
}

// What the lab shows, as one flat object that fits into an address. What is missing or wrong takes its default.

export const HOWS = ["none", "zero", "scale", "own_mean", "no_level", "shuffle"];
export const SETS = ["top", "next", "bottom", "random", "energy", "rest", "hand"];
export const THROUGHS = ["stream", "content", "gain", "both"];
export const WHERES = ["all", "subject", "background", "painted"];
export const WHOSE = ["union", "source", "target", "none", "painted"];
export const PARTS_MOVED = ["both", "level", "pattern"];
export const MODES = ["edit", "transport", "picture"];
export const OVERS = ["none", "map", "mask"];
export const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
export const STEP_COUNTS = [4, 8, 12, 16, 24, 32];
export const FACTORS = [-1, 2];

export const START = {
  prompt: "a large red star at the left on a striped blue background",
  seed: 2,
  steps: 16,
  mode: "edit",
  how: "zero",
  factor: 0.5,
  set: "top",
  k: 8,
  draw: 1,
  hand: "",
  through: "stream",
  blocks: "all",
  window: "all",
  where: "all",
  paint: "",
  source: "a small yellow heart at the right on a plain green background",
  part: "both",
  strength: 1,
  whose: "union",
  picture: "",
  block: 3,
  channel: -1,
  step: -1,
  shown: "untouched",
  over: "none",
  guide: "",
};

const among = (value, allowed, otherwise) => (allowed.includes(value) ? value : otherwise);

function whole(value, low, high, otherwise) {
  const n = Math.round(Number(value));
  return value !== "" && value !== null && Number.isFinite(n) ? Math.max(low, Math.min(high, n)) : otherwise;
}

function real(value, low, high, otherwise) {
  const n = Number(value);
  return value !== "" && value !== null && Number.isFinite(n) ? Math.max(low, Math.min(high, Math.round(n * 100) / 100)) : otherwise;
}

// "all", or "2-4" within 0 .. count - 1.
function rangeText(value, count) {
  const found = /^(\d+)-(\d+)$/.exec(String(value));
  if (!found) return "all";
  const [from, to] = [Number(found[1]), Number(found[2])].map((n) => Math.min(n, count - 1));
  return from > to || (from === 0 && to === count - 1) ? "all" : `${from}-${to}`;
}

// -> [first, last]
export function rangeOf(text, count) {
  const found = /^(\d+)-(\d+)$/.exec(text);
  return found ? [Number(found[1]), Number(found[2])] : [0, count - 1];
}

// null for all, else the numbers: as the engine and the library take layers and steps.
export function numbersOf(text, count) {
  if (text === "all") return null;
  const [from, to] = rangeOf(text, count);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

// "124.72" for every block, or the blocks' own lists joined by "_".
export function handLists(text, blocks, width) {
  const parts = String(text).split("_");
  const list = (part) => [...new Set(part.split(".").filter((n) => /^\d+$/.test(n)).map(Number))].filter((n) => n < width);
  return Array.from({ length: blocks }, (_, block) => list(parts.length === 1 ? parts[0] : parts[block] ?? ""));
}

export function handText(lists) {
  const texts = lists.map((list) => list.join("."));
  return texts.every((text) => text === texts[0]) ? texts[0] : texts.join("_");
}

// 0 or 1 for each token <-> hexadecimal digits, four tokens each.
export function paintText(mask) {
  if (!mask.some(Boolean)) return "";
  let text = "";
  for (let i = 0; i < mask.length; i += 4) text += (8 * mask[i] + 4 * (mask[i + 1] || 0) + 2 * (mask[i + 2] || 0) + (mask[i + 3] || 0)).toString(16);
  return text;
}

export function paintMask(text, tokens) {
  const mask = new Uint8Array(tokens);
  if (!/^[0-9a-f]*$/.test(text) || text.length !== Math.ceil(tokens / 4)) return mask;
  for (let i = 0; i < tokens; i++) mask[i] = (parseInt(text[i >> 2], 16) >> (3 - (i & 3))) & 1;
  return mask;
}

// data: { shape: { blocks, width, tokens } }; given: any object, strings or values.
export function labState({ shape }, given = {}) {
  const text = (name) => (typeof given[name] === "string" && given[name].trim() ? given[name].trim().replace(/\s+/g, " ").slice(0, 400) : START[name]);
  const steps = whole(given.steps, 1, 64, START.steps);
  const painted = paintMask(String(given.paint ?? ""), shape.tokens);
  return {
    prompt: text("prompt"),
    seed: whole(given.seed, 0, 999_999, START.seed),
    steps,
    mode: among(given.mode, MODES, START.mode),
    how: among(given.how, HOWS, START.how),
    factor: real(given.factor, ...FACTORS, START.factor),
    set: among(given.set, SETS, START.set),
    k: whole(given.k, 1, 96, START.k),
    draw: whole(given.draw, 1, 99, START.draw),
    hand: handText(handLists(given.hand ?? "", shape.blocks, shape.width)),
    through: among(given.through, THROUGHS, START.through),
    blocks: rangeText(given.blocks, shape.blocks),
    window: rangeText(given.window, steps),
    where: among(given.where, WHERES, START.where),
    paint: paintText(painted),
    source: text("source"),
    part: among(given.part, PARTS_MOVED, START.part),
    strength: real(given.strength, 0, 1.5, START.strength),
    whose: among(given.whose, WHOSE, START.whose),
    picture: among(given.picture, ["", "sample", "own"], START.picture),
    block: whole(given.block, 0, shape.blocks - 1, Math.min(START.block, shape.blocks - 1)),
    channel: whole(given.channel, -1, shape.width - 1, START.channel),
    step: whole(given.step, -1, steps - 1, START.step),
    shown: among(given.shown, ["untouched", "edited"], START.shown),
    over: among(given.over, OVERS, START.over),
    guide: /^[0-9]$/.test(given.guide ?? "") ? String(given.guide) : "",
  };
}

// A changed state. Another number of steps keeps the window's and the shown step's place between noise and picture.
export function changedState(data, state, part) {
  const next = { ...state, ...part };
  if ("steps" in part && part.steps !== state.steps) {
    const share = part.steps / state.steps;
    if (!("window" in part) && state.window !== "all") next.window = scaledWindow(state.window, state.steps, part.steps);
    if (!("step" in part) && state.step >= 0) next.step = Math.min(part.steps - 1, Math.floor(state.step * share));
  }
  if ("prompt" in part || "seed" in part || "steps" in part || "mode" in part) next.step = "step" in part ? part.step : -1;
  return labState(data, next);
}

// A window of a run of `steps` steps, in a run of `others`.
export function scaledWindow(text, steps, others) {
  if (text === "all" || steps === others) return text;
  const [from, to] = rangeOf(text, steps);
  const first = Math.min(others - 1, Math.round((from * others) / steps));
  const last = Math.max(first, Math.round(((to + 1) * others) / steps) - 1);
  return first === 0 && last >= others - 1 ? "all" : `${first}-${Math.min(last, others - 1)}`;
}

// Only what differs from the start: { name: value }.
export function told(state) {
  return Object.fromEntries(Object.entries(state).filter(([name, value]) => value !== START[name]));
}

// Whether anything is edited.
export function edits(state) {
  return state.mode !== "edit" || state.how !== "none";
}

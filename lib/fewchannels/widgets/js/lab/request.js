// The state as the engine takes it: what is drawn in each lane.

import { numbersOf, paintMask, scaledWindow } from "./state.js";

export const QUICK = 8; // steps while a slider moves

// The picture without edits.
export function plainGiven(state, steps = state.steps) {
  return { prompt: state.prompt, seed: state.seed, steps };
}

// What channels are taken from: another prompt, or a picture (clean: its latents) with the prompt that describes it.
export function sourceGiven(state, clean, steps = state.steps) {
  return { prompt: state.source, seed: state.seed, steps, ...(state.mode === "picture" ? { clean } : {}) };
}

// Whether the place of the edit hangs on masks that have to be drawn first.
export function needsMasks(state) {
  return state.mode === "edit" ? ["subject", "background"].includes(state.where) : ["union", "source", "target"].includes(state.whose);
}

export function painted(state) {
  return (state.mode === "edit" ? state.where : state.whose) === "painted";
}

// -> the tokens that are edited: 0 or 1 each, or null for all. masks: { untouched, source }, each null or 0 and 1.
export function tokensOf(state, masks, tokens) {
  if (painted(state)) {
    const mask = paintMask(state.paint, tokens);
    return mask.some(Boolean) ? mask : null;
  }
  if (state.mode === "edit") {
    if (state.where === "all" || !masks.untouched) return null;
    const mask = state.where === "subject" ? masks.untouched : masks.untouched.map((inside) => 1 - inside);
    return mask.some(Boolean) ? mask : null;
  }
  const owners = { union: ["untouched", "source"], source: ["source"], target: ["untouched"] }[state.whose] || [];
  const found = owners.map((name) => masks[name]).filter(Boolean);
  if (!found.length) return null;
  const mask = found[0].map((_, i) => (found.some((one) => one[i]) ? 1 : 0));
  return mask.some(Boolean) ? mask : null;
}

// The edits of a run of `steps` steps.
export function editsOf(state, lists, tokens, { blocks }, steps, clean) {
  const common = {
    channels: lists,
    layers: numbersOf(state.blocks, blocks),
    steps: numbersOf(scaledWindow(state.window, state.steps, steps), steps),
    tokens,
    through: state.mode === "edit" ? state.through : "stream",
  };
  if (state.mode !== "edit") {
    const { prompt, clean: latents } = sourceGiven(state, clean, steps);
    return [{ ...common, how: "transport", strength: state.strength, part: state.part, source: { prompt, ...(latents ? { clean: latents } : {}) } }];
  }
  if (state.how === "none") return [];
  return [{ ...common, how: state.how, ...(state.how === "scale" ? { factor: state.factor } : {}) }];
}

// Mean squared difference of two pictures, of values 0 to 1, as fewchannels.metrics has it.
export function changeOf(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (i % 4 < 3) sum += ((a[i] - b[i]) / 255) ** 2;
  return sum / (0.75 * a.length);
}

// Share of the hidden states' energy that the edit changed, over the blocks and steps where it was made.
export function energyMoved(change) {
  const made = Array.from(change || []).filter((value) => Number.isFinite(value));
  return made.length ? made.reduce((sum, value) => sum + value * value, 0) / made.length : 0;
}

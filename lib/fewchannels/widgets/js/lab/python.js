// The lines of Python that do what the lab does. tests/widgets/test_live_lab.py runs them and compares the pictures.

import { paintMask, numbersOf, edits } from "./state.js";
import { painted } from "./request.js";

const quoted = (text) => JSON.stringify(text);

// Numbers as Python's range writes them where they are many.
function numbersText(numbers) {
  if (numbers.length < 4) return `[${numbers.join(", ")}]`;
  return `range(${numbers[0]}, ${numbers[numbers.length - 1] + 1})`;
}

function listsText(lists) {
  return lists.map((list) => `    [${list.join(", ")}],`).join("\n");
}

function setLines(state, { lists, label }, width) {
  const { set, k, draw } = state;
  const top = `fc.top_channels(stats, k=${k})`;
  const next = `fc.ChannelSet(tuple(row[1:] for row in top.indices), top.width, "without the first")`;
  const given = {
    top: [`channels = ${top}`],
    next: [`top = ${top}`, `channels = ${next}`],
    rest: [`channels = fc.complement(${top})`],
    bottom: [`channels = fc.bottom_channels(stats, k=${k})`],
    random: [`channels = fc.random_channels(stats, outside=${top}, draws=${draw})[${draw - 1}]`],
    energy: [`top = ${top}`, `without_first = ${next}`, `channels = fc.energy_matched_channels(stats, without_first, seed=${draw - 1}, outside=top).channels`],
  }[set];
  if (given) return given;
  if (lists.every((list) => `${list}` === `${lists[0]}`)) return [`channels = fc.ChannelSet.same([${lists[0].join(", ")}], layers=${lists.length}, width=${width})`];
  return [`channels = fc.ChannelSet.from_json({"width": ${width}, "label": ${quoted(label)}, "indices": [`, listsText(lists), "]})"];
}

function maskLines(mask, grid) {
  const rows = Array.from({ length: grid }, (_, y) => Array.from(mask.slice(y * grid, (y + 1) * grid)).join(""));
  return ["mask = np.array([[token == \"1\" for token in row] for row in [", ...rows.map((row) => `    "${row}",`), "]])"];
}

// state as in state.js; set: what channelsOf gives for it; calibration: { prompts, seed, steps } of the ranking.
export function pythonLines(state, set, { shape, calibration, maskCount = 8 }) {
  const grid = Math.round(Math.sqrt(shape.tokens));
  const generation = `seed=${state.seed}, steps=${state.steps}`;
  const layers = numbersOf(state.blocks, shape.blocks);
  const steps = numbersOf(state.window, state.steps);
  const mask = painted(state) ? paintMask(state.paint, shape.tokens) : null;
  const masked = mask?.some(Boolean);
  const subject = state.mode === "edit" && ["subject", "background"].includes(state.where);
  const imports = ["import fewchannels as fc"];
  if (masked) imports.push("import numpy as np");
  if (state.mode === "picture") imports.push("from fewchannels.edits.inversion import image_trajectory");
  const editing = edits(state) && set.lists.some((list) => list.length);
  const ranked = editing && (state.set !== "hand" || subject);
  if (ranked) imports.push("from fewchannels.notebook.chapters import prompts_for");
  const lines = [...imports, "", 'model = fc.load("toyworld")', `prompt = ${quoted(state.prompt)}`];
  if (ranked) {
    lines.push(
      "with fc.capture(model, stats := fc.ChannelStats()):  # other prompts rank the channels",
      `    model.generate(prompts_for(model, ${calibration.prompts}, "calibration"), seed=${calibration.seed}, steps=${calibration.steps})`,
    );
  }
  if (editing) lines.push(...setLines(state, set, shape.width));
  lines.push("");
  if (masked) lines.push(...maskLines(mask, grid));
  if (subject && editing) {
    const block = shape.blocks >> 1;
    lines.push(
      `kept = fc.KeepTokens(layers=[${block}], steps=[${state.steps - 1}], channels=fc.top_channels(stats, k=${maskCount}), dtype="float32")`,
      "with fc.capture(model, kept):",
      `    untouched = model.generate([prompt], ${generation})`,
      `mask = ${state.where === "background" ? "~" : ""}fc.subject_masks(kept.array[:, 0, 0], grid=kept.grid)[0]`,
    );
  } else lines.push(`untouched = model.generate([prompt], ${generation})`);
  if (editing) lines.push(...(state.mode === "edit" ? ablateLines(state, layers, steps, masked || subject, generation) : transportLines(state, layers, steps, masked, generation)));
  return `${lines.join("\n")}\n`;
}

function ablateLines(state, layers, steps, masked, generation) {
  const more = [`how=${quoted(state.how)}`];
  if (state.how === "scale") more.push(`factor=${state.factor}`);
  if (state.through !== "stream") more.push(`through=${quoted(state.through)}`);
  if (layers) more.push(`layers=${numbersText(layers)}`);
  if (steps) more.push(`steps=${numbersText(steps)}`);
  if (masked) more.push("tokens=mask");
  return [`with fc.ablate(model, channels, ${more.join(", ")}):`, `    edited = model.generate([prompt], ${generation})`];
}

function transportLines(state, layers, steps, masked, generation) {
  const lines = [];
  const more = [`mask=${masked ? "mask" : state.whose === "none" || state.whose === "painted" ? "None" : quoted(state.whose)}`];
  if (state.strength !== 1) more.push(`strength=${state.strength}`);
  if (state.part !== "both") more.push(`part=${quoted(state.part)}`);
  if (layers) more.push(`layers=${numbersText(layers)}`);
  if (steps) more.push(`window=${numbersText(steps)}`);
  if (state.mode === "picture") {
    lines.push('# picture.png: the picture that you dropped, and the words that describe it', `source = image_trajectory(model, "picture.png", ${quoted(state.source)}, channels, ${generation})`);
  } else lines.push(`source = ${quoted(state.source)}`);
  return [...lines, `moved = fc.transport(model, source, prompt, channels, ${more.join(", ")}, ${generation})`, "edited = moved.images"];
}

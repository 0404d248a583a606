// The controls of a pane's fields: once for both panes, and again in each pane for what the panes differ in.

import { choices, dropdown, el, slider, stepper } from "./dom.js";
import { number } from "./format.js";
import { MAX_MARKED, setNames } from "./explorer_state.js";
import { isComing } from "./explorer_source.js";
import { phrase } from "./phrases.js";

const AS_CHIPS = 8; // prompts; more become a list

export function runText(run) {
  const name = run.label || run.model || phrase("run.unnamed");
  return run.edit && name === run.model ? `${name}, ${run.edit}` : name;
}

function stepWords(run, step) {
  return `${run.steps[step] + 1}${run.sigmas ? ` · σ ${number(run.sigmas[step])}` : ""}`;
}

// Where blocks are of one family the number says all; else the name is shown as well.
function layerWords(run, layer) {
  const family = (name) => name.replace(/\.?\d+$/, "");
  const mixed = run.layers.some((name) => family(name) !== family(run.layers[0]));
  return mixed ? `${layer} · ${run.layers[layer]}` : String(layer);
}

function promptChip(source, prompt, text) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const draw = (image) => {
    if (!image) return canvas.remove();
    canvas.width = canvas.height = 96;
    const side = Math.min(image.naturalWidth, image.naturalHeight);
    canvas.getContext("2d").drawImage(image, (image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side, 0, 0, 96, 96);
  };
  const given = source.picture(prompt, "");
  if (isComing(given)) given.then(draw, () => canvas.remove());
  else draw(given);
  return [canvas, el("span.fc-prompt", {}, text)];
}

function promptPicker(source, onpick) {
  const { run } = source;
  const mean = run.perPrompt && run.prompts.length > 1;
  const label = phrase("prompt");
  if (run.prompts.length > AS_CHIPS) {
    const options = run.prompts.map((text, value) => ({ value, text: `${value + 1} · ${text.slice(0, 90)}` }));
    if (mean) options.unshift({ value: -1, text: phrase("prompt.mean") });
    return dropdown({ label, options, onpick: (value) => onpick(Number(value)) });
  }
  const options = run.prompts.map((text, value) => ({ value, content: promptChip(source, value, text), title: text }));
  if (mean) options.push({ value: -1, content: el("span.fc-prompt", {}, phrase("prompt.mean")), title: phrase("prompt.mean.title") });
  return choices({ label, kind: "fc-chips.fc-scroller", options, onpick });
}

// One set of controls. show(source, pane, fields) shows those of `fields` that have something to choose from. Another run
// changes them in place, so that the one in use keeps the focus.
export function paneControls({ sources, onchange, extra = [] }) {
  const to = (name) => (value) => onchange({ [name]: value });
  const controls = {
    layer: slider({ label: phrase("block.depth"), count: 1, onpick: to("layer") }),
    step: slider({ label: phrase("step.denoising"), count: 1, onpick: to("step") }),
    run: dropdown({ label: phrase("run"), onpick: (value) => onchange({ run: Number(value), channel: -1 }) }),
    score: dropdown({ label: phrase("score"), onpick: to("score") }),
    set: dropdown({ label: phrase("marked.channels"), onpick: to("set") }),
    k: stepper({ label: "k", low: 1, onpick: to("k") }),
    draw: stepper({ label: phrase("draw"), low: 1, onpick: to("draw") }),
    cond: dropdown({ label: phrase("picture"), onpick: to("cond") }),
  };
  const { layer, step, ...rest } = controls;
  const promptHolder = el("div.fc-prompts");
  const dials = el("div.fc-twodials", {}, layer.node, step.node);
  const fields = el("div.fc-fields", {}, ...Object.values(rest).map((control) => control.node), ...extra);
  const node = el("div.fc-scope", { hidden: true });
  let prompt = null;
  let known = null;
  let count = 0;

  function adapt(source) {
    const { run } = source;
    prompt = run.prompts.length ? promptPicker(source, to("prompt")) : null;
    promptHolder.replaceChildren(...(prompt ? [prompt.node] : []));
    layer.resize(run.layers.length);
    step.resize(run.steps.length);
    controls.score.fill(run.scoreNames.map((value) => ({ value, text: phrase(`score.${value}`) })));
    controls.set.fill(setNames(run).map((value) => ({ value, text: value.startsWith("set:") ? phrase("mark.frozen", { set: run.channels[value.slice(4)].label || value.slice(4) }) : phrase(`mark.${value}`) })));
    controls.cond.fill(run.conditions.map((value) => ({ value, text: value || phrase("untouched") })));
    known = source;
  }

  return {
    node,
    show(source, pane, wanted) {
      node.hidden = !wanted.length;
      if (node.hidden) {
        node.replaceChildren();
        return;
      }
      if (!node.firstChild) node.append(promptHolder, dials, fields);
      if (known !== source) adapt(source);
      if (count !== sources.length) controls.run.fill(sources.map(({ run }, value) => ({ value, text: runText(run) })));
      count = sources.length;
      const { run } = source;
      const shown = new Set(wanted);
      if (sources.length < 2) shown.delete("run");
      if (run.conditions.length < 2) shown.delete("cond");
      if (pane.set !== "random") shown.delete("draw");
      if (!["top", "bottom", "random"].includes(pane.set)) shown.delete("k");
      for (const [name, control] of Object.entries(controls)) control.node.hidden = !shown.has(name);
      promptHolder.hidden = !prompt || !shown.has("prompt");
      dials.hidden = layer.node.hidden && step.node.hidden;
      fields.hidden = [...fields.children].every((child) => child.hidden);
      prompt?.set(pane.prompt);
      layer.set(pane.layer, layerWords(run, pane.layer));
      step.set(pane.step, stepWords(run, pane.step));
      controls.run.set(pane.run);
      controls.score.set(pane.score);
      controls.set.set(pane.set);
      controls.k.set(pane.k, Math.min(MAX_MARKED, run.width - 1));
      controls.draw.set(pane.draw, 99);
      controls.cond.set(pane.cond);
    },
  };
}

// The controls of a pane's fields: once for both panes, and again in each pane for what the panes differ in.

import { choices, dropdown, el, slider, stepper } from "./dom.js";
import { number } from "./format.js";
import { MAX_MARKED, SCORE_NAMES, SCORE_TITLES, setNames } from "./explorer_state.js";
import { isComing } from "./explorer_source.js";

const AS_CHIPS = 8; // prompts; more become a list

export function runText(run) {
  const name = run.label || run.model || "run";
  return run.edit && name === run.model ? `${name}, ${run.edit}` : name;
}

function stepWords(run, step) {
  return `${run.steps[step]}${run.sigmas ? ` · σ ${number(run.sigmas[step])}` : ""}`;
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
  const label = "Prompt";
  if (run.prompts.length > AS_CHIPS) {
    const options = run.prompts.map((text, value) => ({ value, text: `${value + 1} · ${text.slice(0, 90)}` }));
    if (mean) options.unshift({ value: -1, text: "Mean over all prompts" });
    return dropdown({ label, options, onpick: (value) => onpick(Number(value)) });
  }
  const options = run.prompts.map((text, value) => ({ value, content: promptChip(source, value, text), title: text }));
  if (mean) options.push({ value: -1, content: el("span.fc-prompt", {}, "Mean over all prompts"), title: "Scores averaged over the prompts" });
  return choices({ label, kind: "fc-chips.fc-scroller", options, onpick });
}

// One set of controls. show(pane, fields) shows those of `fields` that have something to choose from.
export function paneControls({ sources, onchange, extra = [] }) {
  const node = el("div.fc-scope");
  let built = null;
  let count = 0;

  function build(source) {
    const { run } = source;
    const to = (name) => (value) => onchange({ [name]: value });
    const sets = setNames(run).map((value) => ({
      value,
      text: { top: "top k here", bottom: "bottom k here", random: "random k, not top", pins: "pinned channels" }[value] || `${run.channels[value.slice(4)].label || value.slice(4)} (frozen)`,
    }));
    const controls = {
      run: dropdown({ label: "Run", options: sources.map(({ run: other }, value) => ({ value, text: runText(other) })), onpick: (value) => onchange({ run: Number(value), channel: -1 }) }),
      prompt: run.prompts.length ? promptPicker(source, to("prompt")) : null,
      layer: slider({ label: "Block (depth)", count: run.layers.length, onpick: to("layer") }),
      step: slider({ label: "Denoising step", count: run.steps.length, onpick: to("step") }),
      score: dropdown({ label: "Score", options: run.scoreNames.map((value) => ({ value, text: SCORE_NAMES[value], title: SCORE_TITLES[value] })), onpick: to("score") }),
      set: dropdown({ label: "Marked channels", options: sets, onpick: to("set") }),
      k: stepper({ label: "k", low: 1, onpick: to("k") }),
      draw: stepper({ label: "Draw", low: 1, onpick: to("draw") }),
      cond: dropdown({ label: "Picture", options: run.conditions.map((value) => ({ value, text: value || "untouched" })), onpick: to("cond") }),
    };
    const { prompt, layer, step, ...rest } = controls;
    node.replaceChildren(
      ...(prompt ? [prompt.node] : []),
      el("div.fc-twodials", {}, layer.node, step.node),
      el("div.fc-fields", {}, ...Object.values(rest).map((control) => control.node), ...extra),
    );
    built = { source, controls, dials: node.querySelector(".fc-twodials"), rest: node.querySelector(".fc-fields") };
    count = sources.length;
  }

  return {
    node,
    show(source, pane, fields) {
      if (!fields.length) {
        if (built) node.replaceChildren();
        built = null;
        node.hidden = true;
        return;
      }
      if (built?.source !== source || count !== sources.length) build(source);
      const { run } = source;
      const shown = new Set(fields.filter((name) => built.controls[name]));
      if (sources.length < 2) shown.delete("run");
      if (run.conditions.length < 2) shown.delete("cond");
      if (pane.set !== "random") shown.delete("draw");
      if (!["top", "bottom", "random"].includes(pane.set)) shown.delete("k");
      for (const [name, control] of Object.entries(built.controls)) if (control) control.node.hidden = !shown.has(name);
      const { dials, rest } = built;
      dials.hidden = !shown.has("layer") && !shown.has("step");
      rest.hidden = [...rest.children].every((child) => child.hidden);
      const { controls } = built;
      controls.run.set(pane.run);
      controls.prompt?.set(pane.prompt);
      controls.layer.set(pane.layer, layerWords(run, pane.layer));
      controls.step.set(pane.step, stepWords(run, pane.step));
      controls.score.set(pane.score);
      controls.set.set(pane.set);
      controls.k.set(pane.k, Math.min(MAX_MARKED, run.width - 1));
      controls.draw.set(pane.draw, 99);
      controls.cond.set(pane.cond);
      node.hidden = dials.hidden && rest.hidden && !shown.has("run") && !shown.has("prompt");
    },
  };
}

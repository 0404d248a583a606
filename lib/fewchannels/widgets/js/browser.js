// The channel browser's page: controls on top, the ranking beside the chosen channel's maps and read-outs.

import { depthStrip, rankedList, tokenMaps } from "./browser_parts.js";
import { browserState, browserView, largestHere, openBrowser, toPeak } from "./browser_state.js";
import { openSheet } from "./canvas.js";
import { announcer, bubble, channelFinder, readouts } from "./controls.js";
import { choices, dropdown, el, setText, slider, uid } from "./dom.js";
import { figures, number, ordinal, percent } from "./format.js";

const SCORE_TEXT = { abs_mean: "|mean|", mean_abs: "mean |x|" };
const SCORE_TITLE = {
  abs_mean: "absolute value of the mean over the image tokens",
  mean_abs: "mean over the image tokens of the absolute value",
};

export const browserKind = {
  open: openBrowser,
  state: browserState,
  build(root, data, store) {
    const change = (part) => store.set({ ...store.get(), ...part });
    const { layers, steps, width } = data.counts;

    const prompts = choices({
      label: "Prompt",
      kind: "fc-chips",
      options: data.prompts.map((prompt, i) => ({ value: i, content: chip(data, prompt, i), title: prompt })),
      onpick: (prompt) => change({ prompt }),
    });
    const layer = slider({ label: "Block (depth)", count: layers, onpick: (value) => change({ layer: value }) });
    const step = slider({ label: "Denoising step", count: steps, onpick: (value) => change({ step: value }) });
    const score = choices({
      label: "Score",
      options: Object.keys(SCORE_TEXT).map((value) => ({ value, content: SCORE_TEXT[value], title: SCORE_TITLE[value] })),
      onpick: (value) => change({ score: value }),
    });

    const topText = data.top ? data.top_label : `top ${data.k} of the block over all prompts and steps`;
    const ranks = rankedList(Math.min(data.rows, width), topText, Boolean(data.maps), (channel) => change({ channel }));
    const maps = tokenMaps(data, {
      onnearest: () => change({ channel: browserView(data, store.get()).nearest }),
    });
    const strip = depthStrip(data, change);
    const finder = channelFinder({ current: () => ({ channel: store.get().channel, width }), onpick: (channel) => change({ channel }) });
    const hint = bubble();
    const jump = (label, title, to, already) => {
      const onclick = () => {
        const state = store.get();
        const next = to(data, state);
        if (JSON.stringify(next) === JSON.stringify(state)) hint.say(already(state));
        else store.set(next);
      };
      return el("button.fc-button", { type: "button", title, onclick }, label);
    };
    const here = jump("Largest here", "The largest channel of this block and step", largestHere, (state) => `Channel ${state.channel} is the largest here.`);
    const peak = jump("Its peak", "The block and step where this channel is largest", toPeak, (state) => `Channel ${state.channel} is at its peak here.`);

    const overId = uid("fc-over");
    const over = el("input", { type: "checkbox", id: overId, onchange: () => change({ over: over.checked }) });
    const opacity = slider({ label: "Opacity", count: 101, onpick: (value) => change({ opacity: value, over: true }) });
    const scale = dropdown({
      label: "Colour scale",
      options: [
        { value: "map", text: "this map" },
        { value: "channel", text: "one for all" },
      ],
      onpick: (value) => change({ scale: value }),
    });
    const facts = readouts(["Score", "Rank", "Against the median", data.energy ? "Share of energy" : "Share of score"]);
    const live = announcer();

    root.append(
      el("div.fc-controls", {}, prompts.node, el("div.fc-dials", {}, layer.node, step.node, score.node)),
      el(
        "div.fc-body",
        {},
        ranks.node,
        el(
          "div.fc-channel",
          {},
          el("div.fc-pick", {}, finder.node, here, peak, hint.node),
          maps.node,
          el("div.fc-options-row", {}, el("div.fc-check", {}, over, el("label", { for: overId }, "Map over picture")), opacity.node, scale.node),
          facts.node,
          strip.node,
        ),
      ),
      live.node,
    );

    let first = true;
    return {
      stop: live.stop,
      show(state) {
        const view = browserView(data, state);
        const stepText = `${data.steps[state.step]}${data.sigmas ? ` · σ ${number(data.sigmas[state.step])}` : ""}`;
        prompts.set(state.prompt);
        layer.set(state.layer, layerText(data, state.layer));
        step.set(state.step, stepText);
        score.set(state.score);
        opacity.set(state.opacity, `${state.opacity} %`);
        over.checked = state.over;
        scale.set(state.scale);
        finder.show(state);
        hint.say("");
        ranks.show(view, `${SCORE_TEXT[state.score]} in block ${state.layer} at step ${data.steps[state.step]}`);
        maps.show(view, state);
        strip.show(view, state);
        const times = view.timesMedian === null ? "–" : `${number(view.timesMedian)} ×`;
        facts.show([figures(view.value), `${view.rank} of ${width}`, times, percent(view.share)]);
        if (!first) {
          live.say(
            `Channel ${state.channel}, block ${state.layer}, step ${data.steps[state.step]}: ${number(view.value)}, ` +
              `${ordinal(view.rank)} of ${width}, ${percent(view.share)} ${data.energy ? "of the energy" : "of the score"}.` +
              (view.map ? "" : " No map of this channel here."),
          );
        }
        first = false;
      },
      note: data.precision,
    };
  },
};

// Where blocks are of one family the number says all; else (double and single blocks, say) the name is shown as well.
function layerText(data, layer) {
  const family = (name) => name.replace(/\.?\d+$/, "");
  const mixed = data.layers.some((name) => family(name) !== family(data.layers[0]));
  return mixed ? `${layer} · ${data.layers[layer]}` : String(layer);
}

function chip(data, prompt, index) {
  const text = el("span.fc-prompt", {}, prompt);
  if (!data.images) return text;
  const canvas = el("canvas", { "aria-hidden": "true" });
  const sheet = openSheet(data.images);
  sheet.ready.then(() => sheet.draw(canvas, index), () => {});
  return [canvas, text];
}

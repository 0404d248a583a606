// The channel browser's page: controls on top, the ranking beside the chosen channel's maps and read-outs.

import { depthStrip, rankedList, tokenMaps } from "./browser_parts.js";
import { browserState, browserView, largestHere, openBrowser, toPeak } from "./browser_state.js";
import { openSheet } from "./canvas.js";
import { announcer, bubble, channelFinder, readouts } from "./controls.js";
import { choices, dropdown, el, setText, slider, uid } from "./dom.js";
import { figures, number, ordinal, percent } from "./format.js";
import { phrase } from "./phrases.js";

const BROWSED = ["abs_mean", "mean_abs"];

export const browserKind = {
  open: openBrowser,
  state: browserState,
  build(root, data, store) {
    const change = (part) => store.set({ ...store.get(), ...part });
    const { layers, steps, width } = data.counts;

    const prompts = choices({
      label: phrase("prompt"),
      kind: "fc-chips",
      options: data.prompts.map((prompt, i) => ({ value: i, content: chip(data, prompt, i), title: prompt })),
      onpick: (prompt) => change({ prompt }),
    });
    const layer = slider({ label: phrase("block.depth"), count: layers, onpick: (value) => change({ layer: value }) });
    const step = slider({ label: phrase("step.denoising"), count: steps, onpick: (value) => change({ step: value }) });
    const score = choices({
      label: phrase("score"),
      options: BROWSED.map((value) => ({ value, content: phrase(`score.${value}`), title: phrase(`score.${value}.title`) })),
      onpick: (value) => change({ score: value }),
    });

    const topText = data.top ? data.top_label : phrase("browser.top", { k: data.k });
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
    const here = jump(phrase("largest.here"), phrase("largest.here.title"), largestHere, (state) => phrase("largest.here.already", { channel: state.channel }));
    const peak = jump(phrase("peak"), phrase("peak.title"), toPeak, (state) => phrase("peak.already", { channel: state.channel }));

    const overId = uid("fc-over");
    const over = el("input", { type: "checkbox", id: overId, onchange: () => change({ over: over.checked }) });
    const opacity = slider({ label: phrase("opacity"), count: 101, onpick: (value) => change({ opacity: value, over: true }) });
    const scale = dropdown({
      label: phrase("browser.scale"),
      options: [
        { value: "map", text: phrase("browser.scale.map") },
        { value: "channel", text: phrase("browser.scale.channel") },
      ],
      onpick: (value) => change({ scale: value }),
    });
    const facts = readouts([phrase("score"), phrase("rank"), phrase("against.median"), data.energy ? phrase("share.energy") : phrase("share.score")]);
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
          el("div.fc-options-row", {}, el("div.fc-check", {}, over, el("label", { for: overId }, phrase("browser.over"))), opacity.node, scale.node),
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
        ranks.show(view, phrase("browser.ranked", { score: phrase(`score.${state.score}`), block: state.layer, step: data.steps[state.step] }));
        maps.show(view, state);
        strip.show(view, state);
        const times = view.timesMedian === null ? "–" : `${number(view.timesMedian)} ×`;
        facts.show([figures(view.value), phrase("rank.of", { rank: view.rank, count: width }), times, percent(view.share)]);
        if (!first) {
          live.say(
            [
              phrase(data.energy ? "browser.told.energy" : "browser.told.score", { channel: state.channel, block: state.layer, step: data.steps[state.step], value: number(view.value), rank: ordinal(view.rank), count: width, share: percent(view.share) }),
              view.map ? "" : phrase("browser.told.unmapped"),
            ].join(" ").trim(),
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

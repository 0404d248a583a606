// One view of a run: the heat map, the ranking of the chosen block, its channels on the token grid, channels through depth.

import { depthStrip, rankedList } from "./browser_parts.js";
import { bubble, channelFinder, readouts } from "./controls.js";
import { el, setText } from "./dom.js";
import { depthLines, spread } from "./explorer_charts.js";
import { heatMap } from "./explorer_heat.js";
import { channelMaps } from "./explorer_maps.js";
import { latest } from "./explorer_source.js";
import { MAX_PINS, markedChannels, markedText, pinsOf } from "./explorer_state.js";
import { figures, number, ordinal, percent } from "./format.js";
import { phrase } from "./phrases.js";
import { largest, median, rankOf } from "./rank.js";

const ROWS = 16;

// index: 0 or 1. change(part) changes this pane's fields, global(part) those that belong to both.
export function explorerPane({ index, controls, change, global, onfail, onscores, onmaps }) {
  let source = null;
  let pane = null;
  let state = null;
  let view = null; // { run, scores, pane, marked }, once there are scores
  let common = null;

  const hint = bubble();
  const heat = heatMap({ onmove: change });
  const ranks = rankedList(ROWS, phrase("marked"), true, (channel) => change({ channel }), phrase("marked"));
  const finder = channelFinder({ current: () => ({ channel: Math.max(0, pane.channel), width: source.run.width }), onpick: (channel) => change({ channel }) });
  const maps = channelMaps({ onpick: (channel) => change({ channel }), onsame: (channel) => hint.say(phrase("channel.shown", { channel })), onscale: (scale) => onmaps(index, scale), onfail });
  const facts = readouts([phrase("score"), phrase("rank"), phrase("against.median"), phrase("marked.share")]);
  const chart = spread();
  const lines = depthLines({ onmove: change });
  const pinList = el("ul.fc-pins");
  const stripHolder = el("div");
  const pinButton = el("button.fc-button", { type: "button", onclick: togglePin });
  const goHere = el("button.fc-button", { type: "button", title: phrase("largest.here.title"), onclick: toLargest }, phrase("largest.here"));
  const goPeak = el("button.fc-button", { type: "button", title: phrase("peak.title"), onclick: toPeakOf }, phrase("peak"));
  const head = el("p.fc-panename");
  const node = el(
    "section.fc-pane",
    {},
    head,
    controls.node,
    heat.node,
    el("div.fc-pick", {}, finder.node, goHere, goPeak, pinButton, hint.node),
    el(
      "div.fc-cols",
      {},
      ranks.node,
      maps.node,
      el("div.fc-side", {}, facts.node, chart.node),
      el("div.fc-follow", {}, el("div.fc-followed-lines", {}, lines.node, pinList), stripHolder),
    ),
  );
  let pinsShown = "";
  let strip = null;
  let stripOfRun = null;

  function togglePin() {
    const pins = pinsOf(state);
    const next = pins.includes(pane.channel) ? pins.filter((c) => c !== pane.channel) : [...pins, pane.channel];
    if (next.length > MAX_PINS) hint.say(phrase("pins.most", { count: MAX_PINS }));
    else global({ pins: next.join("-") });
  }
  function toLargest() {
    if (!view) return;
    const channel = largest(view.scores, pane.layer * source.run.width, source.run.width, 1)[0];
    if (channel === pane.channel) hint.say(phrase("largest.here.already", { channel }));
    else change({ channel });
  }
  async function toPeakOf() {
    const { channel } = pane;
    try {
      const values = await source.alongTime(pane.score, pane.prompt, channel);
      const best = largest(values, 0, values.length, 1)[0];
      const there = { layer: Math.floor(best / source.run.steps.length), step: best % source.run.steps.length };
      if (there.layer === pane.layer && there.step === pane.step) hint.say(phrase("peak.already", { channel }));
      else change(there);
    } catch (error) {
      onfail(error);
    }
  }
  function showPins() {
    const pins = pinsOf(state);
    setText(pinButton, pins.includes(pane.channel) ? phrase("unpin") : phrase("pin"));
    pinButton.setAttribute("aria-pressed", String(pins.includes(pane.channel)));
    const key = `${pane.channel} ${state.pins}`;
    if (key === pinsShown) return;
    pinsShown = key;
    const focused = pinList.contains(document.activeElement);
    const all = [pane.channel, ...pins.filter((c) => c !== pane.channel)];
    pinList.replaceChildren(
      ...all.map((channel, i) => {
        const pinned = pins.includes(channel);
        const swatch = el("i.fc-line-swatch", { "data-pin": pins.indexOf(channel) });
        const name = el("button.fc-pinname", { type: "button", onclick: () => change({ channel }) }, swatch, String(channel));
        if (i === 0) name.disabled = true;
        const away = el("button.fc-away", { type: "button", "aria-label": phrase("unpin.channel", { channel }), onclick: () => global({ pins: pins.filter((c) => c !== channel).join("-") }) }, "×");
        return el("li", { class: i === 0 ? "fc-is-chosen" : null }, name, pinned ? away : null);
      }),
      el("li.fc-plain", {}, el("i.fc-line-swatch", { "data-pin": "mean" }), phrase("mean.all")),
    );
    if (focused) (pinList.querySelector("button:not(:disabled)") || pinButton).focus();
  }

  const drawShare = latest((energy) => {
    const start = pane.layer * source.run.width;
    let all = 0;
    let some = 0;
    for (let i = 0; i < source.run.width; i++) all += energy[start + i];
    for (const c of view.marked) some += energy[start + c];
    view.share = some / (all || 1);
    const value = view.scores[start + pane.channel];
    facts.show([figures(value), phrase("rank.of", { rank: view.rank, count: source.run.width }), view.median > 0 ? `${number(value / view.median)} ×` : "–", percent(view.share)]);
  }, onfail);

  const drawStrip = latest((values) => {
    let high = 0;
    for (const value of values) if (value > high) high = value;
    strip.show({ strip: { values, high } }, pane);
  }, onfail);

  const drawScores = latest((scores) => {
    const { run } = source;
    const { width } = run;
    const pins = pinsOf(state);
    const start = pane.layer * width;
    const marked = markedChannels(run, scores, pane, pins);
    if (pane.channel < 0) {
      pane = { ...pane, channel: marked[0] ?? 0 };
      change({ channel: pane.channel });
    }
    const middle = source.derived(`median ${pane.score} ${pane.prompt} ${pane.step} ${pane.layer}`, () => median(scores, start, width));
    view = { run, scores, pane, marked, median: middle, rank: rankOf(scores, start, width, pane.channel) };
    heat.show(view, state, common);
    const order = largest(scores, start, width, Math.min(ROWS, width));
    const most = scores[start + order[0]] || 1;
    const isMarked = new Set(marked);
    const kept = new Set(run.mapPrompts.includes(pane.prompt) ? run.mapChannels(pane.layer) : []);
    ranks.show(
      {
        list: order.map((channel) => ({ channel, value: scores[start + channel], length: Math.max(0, scores[start + channel] / most), top: isMarked.has(channel), map: kept.has(channel), chosen: channel === pane.channel })),
        medianLength: Math.min(1, view.median / most),
      },
      phrase("pane.ranked", { score: phrase(`score.${pane.score}`), block: pane.layer }),
    );
    maps.show(source, view, state, markedText(run, pane));
    chart.show(view);
    lines.show(view, pins, state.scale);
    finder.show();
    showPins();
    drawShare(run.scoreNames.includes("energy") ? source.scores("energy", pane.prompt, pane.step) : scores);
    drawStrip(source.alongTime(pane.score, pane.prompt, pane.channel));
    onscores(index, { most: heat.largest(), marked });
  }, onfail);

  return {
    node,
    heat,
    maps,
    view: () => view,
    name: () => head.textContent,
    sentence: () =>
      view
        ? phrase("pane.told", { channel: pane.channel, block: pane.layer, step: source.run.steps[pane.step] + 1, value: number(view.scores[pane.layer * source.run.width + pane.channel]), rank: ordinal(view.rank), count: source.run.width })
        : "",
    show(nextSource, nextPane, nextState, name) {
      if (nextSource !== source) view = null;
      [source, pane, state] = [nextSource, nextPane, nextState];
      setText(head, name);
      head.hidden = !state.two;
      node.setAttribute("aria-label", name || phrase("view"));
      hint.say("");
      if (stripOfRun !== source.run) {
        stripOfRun = source.run;
        strip = depthStrip({ counts: { layers: source.run.layers.length, steps: source.run.steps.length }, steps: source.run.steps }, change);
        stripHolder.replaceChildren(strip.node);
      }
      drawScores(source.scores(pane.score, pane.prompt, pane.step));
    },
    recolour(range) {
      if (range === common) return;
      common = range;
      if (view) heat.show(view, state, common);
    },
  };
}

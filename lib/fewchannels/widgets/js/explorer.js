// The channel explorer: runs in, one view or two. What is shown follows the state alone, so a link restores it.

import { announcer, bubble } from "./controls.js";
import { choices, dropdown, el, setText, slider } from "./dom.js";
import { paneControls, runText } from "./explorer_controls.js";
import { provenanceText, saveChannels, savePicture } from "./explorer_export.js";
import { askNeeds, asker, ownRun } from "./explorer_own.js";
import { explorerPane } from "./explorer_pane.js";
import { sourceOf } from "./explorer_source.js";
import { COMPARISONS, channelSet, compareBy, explorerState, paneChange, paneState, pinsOf, sameModel } from "./explorer_state.js";
import { kernelAsker, withKernel } from "./kernel.js";
import { linkButton } from "./link_button.js";
import { openPacked } from "./packed_run.js";
import { counted, phrase } from "./phrases.js";
import { openRun } from "./run_file.js";

const ALL_FIELDS = ["run", "prompt", "layer", "step", "score", "set", "k", "draw", "cond"];
const SHARED_SCALE = ["prompt", "step", "layer", "set", "cond"]; // comparisons within one run: colours mean the same

async function openExplorer(header, blob, model) {
  const runs = await openPacked(header, blob);
  const ask = kernelAsker(model, header.ask);
  return { ...header, runs: ask ? runs.map((run) => withKernel(run, ask, header.ask)) : runs, wanted: null };
}

// A link to a view of a file that is not in the page: kept until the file is opened.
function stateOf(data, given) {
  const beyond = Math.max(Number(given.run) || 0, given.two === "1" ? Number(given.run2) || 0 : 0);
  if (beyond >= data.runs.length) data.wanted = { ...given };
  return explorerState(data, given);
}

export const explorerKind = {
  open: openExplorer,
  state: stateOf,
  own: true, // has its own button for links
  build(root, data, store, host) {
    root.classList.add("fc-explorer");
    const sources = data.runs.map(sourceOf);
    const set = (part) => store.set({ ...store.get(), ...part });
    const failure = el("p.fc-status.fc-bad", { role: "alert" });
    const onfail = (error) => setText(failure, error.message);
    const found = [null, null]; // what each pane last drew: { most, marked }
    const mapScales = [null, null];

    const extraScale = dropdown({ label: phrase("colours"), options: [{ value: "log", text: phrase("colours.log") }, { value: "linear", text: phrase("colours.linear") }, { value: "block", text: phrase("colours.block") }], onpick: (scale) => set({ scale }) });
    const extraOver = dropdown({ label: phrase("over"), options: [{ value: "map", text: phrase("over.map") }, { value: "mask", text: phrase("over.mask") }, { value: "none", text: phrase("over.none") }], onpick: (over) => set({ over }) });
    const extraOpacity = slider({ label: phrase("opacity"), count: 101, onpick: (opacity) => set({ opacity }) });
    const shared = paneControls({ sources, onchange: (part) => set(part), extra: [extraScale.node, extraOver.node, extraOpacity.node] });
    function newPane(index) {
      const change = (part) => set(paneChange(data, store.get(), index, linkedMove(index, part)));
      const controls = paneControls({ sources, onchange: change });
      const pane = explorerPane({ index, controls, change, global: set, onfail, onscores: drew, onmaps: scaled });
      return { ...pane, controls };
    }
    const panes = [newPane(0)];
    const body = el("div.fc-panes", {}, panes[0].node);

    // In a pane of another model a block or step is chosen on that model's own axis.
    function linkedMove(index, part) {
      const state = store.get();
      if (index === 0 || state.by !== "run") return part;
      const [own, first] = [data.runs[state.run2], data.runs[state.run]];
      const along = (value, have, want) => (have > 1 ? Math.round((value / (have - 1)) * (want - 1)) : 0);
      const out = { ...part };
      if ("layer" in part) out.layer = along(part.layer, own.layers.length, first.layers.length);
      if ("step" in part) out.step = along(part.step, own.steps.length, first.steps.length);
      return out;
    }

    const name = el("p.fc-head");
    const origin = el("p.fc-origin");
    const views = choices({ label: phrase("view"), kind: "fc-seg.fc-unlabelled", options: [{ value: 0, content: phrase("view.one") }, { value: 1, content: phrase("view.two") }], onpick: (two) => store.set(two ? compareBy(data, store.get(), store.get().by) : { ...store.get(), two: 0 }) });
    const by = dropdown({ label: phrase("differ"), options: Object.keys(COMPARISONS).map((value) => ({ value, text: phrase(`compare.${value}`) })), onpick: (value) => store.set(compareBy(data, store.get(), value)) });
    const both = el("p.fc-both");
    const hint = bubble();
    const png = el("button.fc-button", { type: "button" }, phrase("save.png"));
    const json = el("button.fc-button", { type: "button", title: phrase("save.json.title") }, phrase("save.json"));
    png.addEventListener("click", async () => {
      const style = getComputedStyle(root);
      const colours = { ground: style.getPropertyValue("--fc-bg"), ink: style.getPropertyValue("--fc-text"), soft: style.getPropertyValue("--fc-soft") };
      const shown = panes.filter((pane) => pane.view());
      try {
        await savePicture(shown, colours);
        hint.say(phrase("saved", { file: "explorer.png" }));
      } catch (error) {
        onfail(error);
      }
    });
    json.addEventListener("click", () => {
      const view = panes[0].view();
      const pins = pinsOf(store.get());
      if (!view) return;
      if (!channelSet(view.run, view.scores, view.pane, pins).indices.some((row) => row.length)) {
        hint.say(phrase("explorer.unmarked"));
        return;
      }
      saveChannels(view, pins);
      hint.say(phrase("saved", { file: "channels.json" }));
    });
    const actions = [host === "page" ? linkButton(data.key, store, "fc-strong") : null, png, json, hint.node];
    const modes = el("div.fc-modes", {}, by.node, both);
    const own = ownRun({ root, open: openFile, sample: data.sample || "" });
    const askable = data.runs.find((run) => run.ask);
    const ask = askable
      ? asker({ ask: askable.ask, edits: askable.edits, prompt: askable.prompts[0] || "", steps: askable.steps.length, seed: Number(askable.seed) || 0, marked: markedNow, onrun: (run) => added(run, true) })
      : null;
    const note = el("p.fc-precision");
    const live = announcer();
    root.append(
      el("div.fc-topbar", {}, el("div", {}, name, origin), el("div.fc-actions", {}, views.node, ...actions)),
      modes,
      shared.node,
      failure,
      body,
      note,
      el("div.fc-more", {}, own.node, ask ? ask.node : askNeeds()),
      live.node,
    );
    if (data.wanted) own.say(phrase("explorer.wanted"));

    function markedNow() {
      const { run, scores, pane } = panes[0].view();
      return channelSet(run, scores, pane, pinsOf(store.get()));
    }
    async function openFile(file) {
      const run = await openRun(file, { key: `file${data.runs.length}` });
      return added({ ...run, label: file.name }, store.get().two === 1);
    }
    // A new run takes the view, or the second of two.
    function added(run, beside) {
      data.runs.push(run);
      sources.push(sourceOf(run));
      const at = data.runs.length - 1;
      const state = store.get();
      const wanted = data.wanted;
      data.wanted = null;
      if (wanted) store.set(explorerState(data, wanted));
      else if (beside) store.set(explorerState(data, { ...state, two: 1, by: "run", run: at === state.run ? 0 : state.run, run2: at, channel2: -1 }));
      else store.set(explorerState(data, { ...state, run: at, prompt: 0, channel: -1, cond: undefined, set: undefined }));
      return counted("explorer.added", run.prompts.length, {}, { run: run.label, blocks: run.layers.length, channels: run.width, steps: run.steps.length });
    }
    // One scale for both views, where their colours mean the same.
    function comparable(state) {
      return Boolean(state.two) && (SHARED_SCALE.includes(state.by) || (state.by === "run" && sameModel(data, state)));
    }

    function drew(index, what) {
      found[index] = what;
      const state = store.get();
      const common = comparable(state) && found[0] && found[1] ? Math.max(found[0].most, found[1].most) : null;
      panes.forEach((pane) => pane.recolour(common));
      if (state.two && found[0] && found[1]) {
        const [a, b] = [data.runs[paneState(data, state, 0).run], data.runs[paneState(data, state, 1).run]];
        const shares = a.width === b.width ? found[0].marked.filter((c) => found[1].marked.includes(c)).length : null;
        setText(both, shares === null ? "" : phrase("explorer.both", { shared: shares, count: found[0].marked.length }));
      }
    }
    function scaled(index, scale) {
      mapScales[index] = scale;
      const state = store.get();
      const joint = comparable(state) && state.by !== "set" && mapScales.every(Boolean)
        ? { low: Math.min(mapScales[0].low, mapScales[1].low), high: Math.max(mapScales[0].high, mapScales[1].high) }
        : null;
      panes.forEach((pane) => pane.maps.rescale(joint));
    }

    let first = true;
    return {
      stop() {
        live.stop();
        ask?.stop();
        sources.forEach((source) => source.close());
      },
      show(state) {
        const { two } = state;
        const free = two ? COMPARISONS[state.by].fields : [];
        const run = data.runs[state.run];
        root.classList.toggle("fc-two", Boolean(two));
        setText(failure, "");
        setText(name, data.title || phrase("explorer.size", { channels: run.width, blocks: run.layers.length, steps: run.steps.length }));
        setText(origin, provenanceText(run));
        views.set(two);
        by.set(state.by);
        modes.hidden = !two;
        extraScale.set(state.scale);
        extraOver.set(state.over);
        extraOpacity.set(state.opacity, `${state.opacity} %`);
        shared.show(sources[state.run], paneState(data, state, 0), [...ALL_FIELDS.filter((field) => !free.includes(field)), "view"]);
        if (two && panes.length < 2) body.append(panes[panes.push(newPane(1)) - 1].node);
        if (!two && panes.length > 1) {
          panes.pop().node.remove();
          found[1] = mapScales[1] = null;
        }
        panes.forEach((pane, index) => {
          const values = paneState(data, state, index);
          const source = sources[values.run];
          pane.controls.show(source, values, ALL_FIELDS.filter((field) => free.includes(field)));
          pane.show(source, values, state, two ? `${"AB"[index]}${state.by === "run" ? ` · ${runText(source.run)}` : ""}` : "");
        });
        if (!two) panes.forEach((pane) => (pane.recolour(null), pane.maps.rescale(null)));
        const edited = panes.some((_, index) => paneState(data, state, index).cond);
        const merged = !run.perPrompt && run.prompts.length > 1;
        setText(note, [edited && phrase("explorer.edited"), run.precision, merged && phrase("explorer.merged")].filter(Boolean).join(" "));
        if (!first) live.say(panes.map((pane, i) => (two ? `${"AB"[i]}: ` : "") + pane.sentence()).join(" "));
        first = false;
      },
      note: "",
    };
  },
};

// The live lab: what is seen follows the state alone, which lies in the address; what is computed follows it through the
// session. Before the model is started a stored example stands in its place.

import { announcer, bubble } from "../controls.js";
import { el, setText } from "../dom.js";
import { counted, phrase } from "../phrases.js";
import { promptSentence, randomScene } from "./ask.js";
import { editPart } from "./edit_part.js";
import { startLab } from "./engine.js";
import { guide } from "./guide.js";
import { keeping } from "./keep.js";
import { loaderFor } from "./loading.js";
import { optionsOf, sentence, wordMenu } from "./menus.js";
import { Session } from "./session.js";
import { channelsOf } from "./sets.js";
import { stage } from "./stage.js";
import { FACTORS, STEP_COUNTS, changedState, handText, labState } from "./state.js";
import { sentenceOf } from "./words.js";

const UNDO = 100; // states that are kept
const REST = 250; // ms without a move, after which all is drawn with all steps
const PARTS_SHOWN = ["ask", "look", "edit", "numbers", "guide", "more"];

function openLab(header, blob, model) {
  const [blocks, width] = header.known;
  const values = new Float64Array(blob.buffer.slice(blob.byteOffset, blob.byteOffset + 16 * blocks * width));
  const rows = (from) => Array.from({ length: blocks }, (_, b) => Array.from(values.subarray(from + b * width, from + (b + 1) * width)));
  return { ...header, known: { score: rows(0), energy: rows(blocks * width) }, load: loaderFor(header, model) };
}

// What of a state is drawn, as a text; the rest only looks at it.
function drawnOf(state) {
  const { block, channel, step, shown, over, guide: card, ...drawn } = state;
  return JSON.stringify(drawn);
}

// What of the page is shown: all, or in `?embed=look,edit` only those parts.
export function partsOf(search) {
  const found = new URLSearchParams(search).get("embed");
  const named = (found || "").split(/[\s,]+/).filter((part) => PARTS_SHOWN.includes(part));
  return { embedded: found !== null, parts: named.length ? named : PARTS_SHOWN };
}

export const labKind = {
  open: openLab,
  state: labState,
  own: true, // has its own button for links
  build(root, data, store, host) {
    root.classList.add("fc-lab");
    const page = host === "page";
    const { embedded, parts } = page ? partsOf(location.search) : { embedded: false, parts: PARTS_SHOWN };
    let session = null;
    let starting = false;
    let past = []; // for undo
    let moving = false;
    let timer = null;
    let wished = "";
    let seconds = null;
    let own = null; // the reader's picture: RGBA bytes
    let stopped = false;
    const estimates = new Map();
    const inerted = []; // what is out of reach while the lab fills the window

    const live = announcer();
    const status = el("p.fc-lab-status", { role: "status", "aria-live": "polite" });
    const failure = el("p.fc-lab-failure", { role: "alert" });
    const hint = bubble();
    const stopButton = el("button.fc-button", { type: "button", hidden: true, onclick: () => halt() }, phrase("lab.stop"));
    const maximise = el("button.fc-button", { type: "button", "aria-pressed": "false", onclick: () => enlarge(!root.classList.contains("fc-max")) }, phrase("lab.maximise"));

    // ---- the state ----
    function change(part, { look = false, moving: moves } = {}) {
      const state = store.get();
      const next = changedState(data, state, part);
      if (moves !== undefined) {
        moving = moves;
        clearTimeout(timer);
        if (moves) timer = setTimeout(() => rest(), REST);
      }
      if (JSON.stringify(next) !== JSON.stringify(state)) {
        const soon = past.length && Date.now() - past[past.length - 1].at < 700 && Object.keys(part).join() === past[past.length - 1].of;
        if (!look && !soon) past = [...past.slice(-UNDO), { state, at: Date.now(), of: Object.keys(part).join() }];
        else if (soon) past[past.length - 1].at = Date.now();
        store.set(next);
      } else if (moves === false) rest();
    }
    function rest() {
      moving = false;
      show(store.get());
    }
    function undo() {
      const last = past.pop();
      if (!last) {
        hint.say(phrase("lab.undo.none"));
        return;
      }
      moving = false;
      store.set(last.state);
      hint.say(phrase("lab.undone"));
    }
    function take(channel, block, how = "all") {
      const state = store.get();
      let lists = channelsOf(data.known, state).lists.map((list) => [...list]);
      if (how === "only") lists = lists.map(() => [channel]);
      else {
        const places = how === "block" ? [block] : lists.map((_, b) => b);
        const add = how === "block" ? !lists[block].includes(channel) : !lists.every((list) => list.includes(channel));
        for (const b of places) lists[b] = add ? [...new Set([...lists[b], channel])] : lists[b].filter((c) => c !== channel);
      }
      change({ set: "hand", hand: handText(lists), channel, block, ...(state.mode === "edit" && state.how === "none" ? { how: "zero" } : {}) });
    }
    function strengthen(by) {
      const state = store.get();
      if (state.mode !== "edit") change({ strength: state.strength + by }, { moving: true });
      else {
        const from = state.how === "scale" ? state.factor : state.how === "zero" ? 0 : 1;
        change({ how: "scale", factor: Math.max(FACTORS[0], Math.min(FACTORS[1], from + by)) }, { moving: true });
      }
    }

    // ---- the parts ----
    const seed = wordMenu({ label: phrase("lab.menu.seed"), options: optionsOf(Array.from({ length: 20 }, (_, i) => i)), onpick: (value) => change({ seed: Number(value) }) });
    const steps = wordMenu({ label: phrase("lab.menu.stepcount"), options: STEP_COUNTS.map((count) => ({ value: count, text: counted("lab.steps", count) })), onpick: (value) => change({ steps: Number(value) }) });
    const prompt = promptSentence({ grammar: data.grammar, lead: phrase("lab.draw"), what: phrase("prompt"), tail: [el("span", {}, ...sentence("lab.draw.tail", { seed, steps }))], change: (text) => change({ prompt: text }) });
    const surprise = el("button.fc-link", { type: "button", onclick: () => change({ prompt: sentenceOf(randomScene(data.grammar)), seed: Math.floor(Math.random() * 20) }) }, phrase("lab.surprise"));
    const ask = el("section.fc-part.fc-ask-part", { "aria-label": phrase("lab.part.ask") }, prompt.node, el("div.fc-quiet-row", {}, prompt.toggle, surprise));
    const looking = stage({ data, change, take, onstrength: strengthen });
    const editing = editPart({ data, change, onfile: takeFile, onsample: takeSample });
    const guiding = guide({ onpick: (id) => change({ guide: id }, { look: true }), ondo: (experiment) => doIt(experiment), chapters: data.chapters || {} });

    const button = (text, onclick, kind = "") => el(`button.fc-button${kind}`, { type: "button", onclick }, text);
    const python = el("pre.fc-python", { tabindex: 0, "aria-label": phrase("lab.python") });
    const pythonBox = el("details.fc-python-box", {}, el("summary", {}, phrase("lab.python")), python);
    const keep = keeping({ data, store, session: () => session, views: looking.views, say: hint.say, python: pythonBox, page });
    const more = el(
      "section.fc-part.fc-more-part",
      { "aria-label": phrase("lab.part.keep") },
      el("div.fc-actions", {}, button(phrase("lab.copy.python"), keep.copyPython, ".fc-strong"), page ? button(phrase("lab.copy.link"), keep.copyLink) : null, button(phrase("lab.save.pictures"), keep.savePictures), button(phrase("lab.save.channels"), keep.saveSet), button(phrase("lab.save.run"), keep.saveRun), button(phrase("lab.undo"), undo), hint.node),
      pythonBox,
      el("p.fc-keys", {}, phrase("lab.keys")),
    );

    const startButton = el("button.fc-button.fc-go", { type: "button", onclick: () => start() }, phrase("lab.start"));
    const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": phrase("lab.progress") });
    const startText = el("p");
    const startTitle = el("p.fc-title");
    const startCard = el("div.fc-start", {}, el("div", {}, startTitle, startText), el("div.fc-start-go", {}, startButton, bar));
    const size = (data.bytes / 1e6).toFixed(0);
    const loads = phrase(!data.bytes ? "lab.loads.file" : page ? "lab.loads.site" : "lab.loads.kernel", { size });
    const controls = el("fieldset.fc-lab-body", { disabled: true }, ask, looking.node, editing.node, looking.numbers);
    const tail = el("fieldset.fc-lab-body", { disabled: true }, more);
    const shownParts = { ask, look: looking.node, edit: editing.node, numbers: looking.numbers, guide: guiding.node, more };
    for (const [name, node] of Object.entries(shownParts)) node.hidden = !parts.includes(name);
    root.append(el("div.fc-lab-top", {}, status, el("div.fc-actions", {}, stopButton, embedded ? null : maximise)), startCard, failure, controls, guiding.node, tail, live.node);
    setText(status, phrase("lab.unstarted"));
    if (embedded) enlarge(true);

    // The stored example is of one state; a link may ask for another.
    const images = {};
    for (const name of data.example ? ["untouched", "edited"] : []) {
      const image = new Image();
      image.onload = () => {
        images[name] = image;
        if (!session) paintNow();
      };
      image.src = data.example[name];
    }
    const exampleFor = (state) => (data.example && !session && drawnOf(state) === drawnOf(labState(data, data.example.of)) ? { ...data.example, images } : null);
    function showStart(state) {
      const example = exampleFor(state);
      setText(startTitle, example ? phrase("lab.example") : phrase("lab.noexample"));
      setText(startText, [loads, example && data.bytes && phrase("lab.example.stays")].filter(Boolean).join(" "));
    }

    // ---- starting ----
    async function start() {
      if (session || starting) return;
      starting = true;
      startButton.disabled = true;
      bar.hidden = false;
      setText(failure, "");
      setText(status, phrase("lab.loading"));
      const began = performance.now();
      try {
        const engine = await startLab(data.base || "", {
          load: data.load,
          onProgress: (share) => {
            bar.value = share;
            setText(status, phrase("lab.loading.share", { percent: Math.round(100 * share) }));
          },
        });
        session = new Session({ engine, data, onchange: heard, onfail: failed });
        startCard.hidden = true;
        controls.disabled = tail.disabled = false;
        root.setAttribute("data-fc-started", Math.round(performance.now() - began));
        const state = store.get();
        if (state.mode === "picture" && state.picture === "sample") await takeSample();
        show(state);
      } catch (error) {
        setText(failure, [phrase("lab.failed", { why: error.message }), exampleFor(store.get()) && phrase("lab.failed.example")].filter(Boolean).join(" "));
        setText(status, phrase("lab.unstarted"));
        startButton.disabled = false;
        bar.hidden = true;
      }
      starting = false;
    }
    function failed(error) {
      setText(failure, error.message);
    }
    function halt() {
      clearTimeout(timer);
      moving = false;
      stopped = true;
      session.stop();
      setText(status, phrase("lab.stopped"));
    }

    // ---- what has come ----
    let drawing = false;
    let rested = false;
    function heard(lane) {
      if (lane !== "rest" && session?.lanes.edited?.done) seconds = session.lanes.edited.ms / 1000;
      else if (session?.lanes.untouched?.done && !seconds) seconds = session.lanes.untouched.ms / 1000;
      if (lane === "rest") rested = true;
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(() => {
        drawing = false;
        paintNow();
        if (!rested || session.working) return;
        rested = false;
        const { untouched, edited } = session.lanes;
        if (edited?.done && !edited.moving) live.say(editedSentence());
        else if (untouched?.done) live.say(phrase("lab.drawn"));
        root.setAttribute("data-fc-rest", wished);
      });
    }
    function editedSentence() {
      return [...looking.numbers.querySelectorAll(".fc-found div")].map((box) => `${box.firstChild.textContent}: ${box.lastChild.textContent}`).join("; ");
    }
    function estimate(name, step) {
      const lane = session.lanes[name];
      const key = `${name} ${step}`;
      const known = estimates.get(key);
      if (known?.lane === lane) return known.pixels;
      estimates.set(key, { lane, pixels: null });
      session.engine.ask("estimate", { tag: name, step }).then((pixels) => {
        if (session.lanes[name] !== lane) return;
        estimates.set(key, { lane, pixels });
        heard(name);
      }, () => estimates.delete(key));
      return null;
    }
    function paintNow() {
      const state = store.get();
      const set = channelsOf(data.known, state);
      looking.show(state, session, { lists: set.lists, set, estimate, example: exampleFor(state) });
      if (!session) {
        showStart(state);
        return;
      }
      const busy = session.working;
      stopButton.hidden = !busy;
      if (busy) {
        const lane = Object.values(session.lanes).find((one) => one && !one.done);
        setText(status, lane ? phrase("lab.drawing.step", { step: Math.max(1, lane.step + 1), steps: lane.steps }) : phrase("lab.drawing"));
      } else if (!stopped) {
        setText(status, seconds ? phrase("lab.quiet.seconds", { seconds: seconds.toFixed(1) }) : phrase("lab.quiet"));
      }
      const watched = session.watched(state);
      for (const name of ["untouched", "edited"]) if (session.lanes[name]?.done) session.fetch(name, watched).catch(() => {});
    }

    // ---- files in and out ----
    async function takePixels(pixels, kind) {
      if (!session) return;
      const { latents } = await session.engine.encode(pixels);
      session.clean = latents;
      own = pixels;
      wished = "";
      if (store.get().picture !== kind || store.get().mode !== "picture") change({ picture: kind, mode: "picture" });
      else show(store.get());
    }
    async function takeFile(file) {
      editing.say(phrase("reading", { file: file.name }));
      try {
        const bitmap = await createImageBitmap(file);
        const pixels = squareOfImage(bitmap, bitmap.width, bitmap.height, data.side);
        await takePixels(pixels, "own");
        editing.say(phrase("lab.picture.read", { file: file.name }));
      } catch {
        editing.say(phrase("lab.picture.bad", { file: file.name }));
      }
    }
    async function takeSample() {
      const image = new Image();
      image.src = data.sample;
      await image.decode();
      await takePixels(squareOfImage(image, image.naturalWidth, image.naturalHeight, data.side), "sample");
      editing.say(phrase("lab.sample.what"));
    }
    const carriesFile = (event) => Array.from(event.dataTransfer?.types || []).includes("Files");
    root.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
    root.addEventListener("drop", (event) => {
      if (!carriesFile(event) || !session) return;
      event.preventDefault();
      takeFile(event.dataTransfer.files[0]);
    });
    // ---- guided, large, keys ----
    function doIt(experiment) {
      start();
      change({ ...experiment.state, guide: experiment.id });
      const wants = experiment.state.picture === "sample" && session && !session.clean;
      if (wants) takeSample();
    }
    function enlarge(on) {
      root.classList.toggle("fc-max", on);
      maximise.setAttribute("aria-pressed", String(on));
      setText(maximise, on ? phrase("lab.small") : phrase("lab.maximise"));
      document.documentElement.classList.toggle("fc-lab-large", on);
      for (const node of inerted.splice(0)) node.inert = false;
      if (!on) return;
      for (let node = root; node.parentElement; node = node.parentElement) {
        for (const other of node.parentElement.children) {
          if (other === node || other.inert || ["SCRIPT", "STYLE", "HEAD"].includes(other.tagName)) continue;
          other.inert = true;
          inerted.push(other);
        }
      }
    }
    root.addEventListener("keydown", (event) => {
      const typing = event.target.matches?.("input[type=text], input[type=number], textarea");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
        event.preventDefault();
        undo();
      }
      if (event.key === "Escape" && root.classList.contains("fc-max") && !embedded) enlarge(false);
    });

    let addressTimer = null;
    function show(state) {
      seed.set(state.seed);
      steps.fill([...new Set([...STEP_COUNTS, state.steps])].sort((a, b) => a - b).map((count) => ({ value: count, text: counted("lab.steps", count) })));
      steps.set(state.steps);
      prompt.set(state.prompt);
      const set = channelsOf(data.known, state);
      editing.show(state, { lists: set.lists, missing: set.missing, hasPicture: Boolean(session?.clean) });
      guiding.show(state.guide);
      setText(python, keep.lines());
      paintNow();
      if (page) {
        clearTimeout(addressTimer);
        addressTimer = setTimeout(keep.keepAddress, 500);
      }
      if (!session) return;
      // what only looks is not drawn anew
      const key = `${drawnOf(state)} ${moving} ${own ? "own" : ""}`;
      if (key === wished) return;
      wished = key;
      stopped = false;
      setText(failure, "");
      session.wish(state, { moving });
    }
    if (page && new URLSearchParams(location.search).has("start")) start();
    return {
      stop() {
        clearTimeout(timer);
        clearTimeout(addressTimer);
        live.stop();
        keep.stop();
        looking.stop();
        enlarge(false);
        session?.engine.close();
      },
      show,
      note: "",
    };
  },
};

// The middle of an image as RGBA bytes [side, side].
function squareOfImage(image, width, height, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const cut = Math.min(width, height);
  context.drawImage(image, (width - cut) / 2, (height - cut) / 2, cut, cut, 0, 0, side, side);
  return context.getImageData(0, 0, side, side).data;
}

// Runs that are not in the page: a file from the reader's disk, and, in a live kernel, one that is made now.

import { ASKED } from "./names.js";
import { dropdown, el, setText, stepper, uid } from "./dom.js";
import { known, phrase } from "./phrases.js";

// A drop zone with a file button. open(file) -> Promise; `sample` is the address of a file to try, or "".
export function ownRun({ root, open, sample }) {
  const id = uid("fc-file");
  const input = el("input.fc-sr", { type: "file", id, accept: ".safetensors" });
  const status = el("p.fc-status", { role: "status", "aria-live": "polite" });
  const zone = el(
    "div.fc-drop",
    {},
    el("p.fc-title", {}, phrase("own.title")),
    el(
      "p",
      {},
      ...filled("own.drop", { command: el("code", {}, "fewchannels run") }),
    ),
    el("div.fc-droprow", {}, input, el("label.fc-button", { for: id }, phrase("own.choose")), sample ? el("a", { href: sample, download: "" }, phrase("own.sample")) : null),
    status,
  );
  let busy = 0;
  async function take(file) {
    const now = ++busy;
    status.classList.remove("fc-bad");
    setText(status, phrase("reading", { file: file.name }));
    try {
      const said = await open(file);
      if (now === busy) setText(status, said);
    } catch (error) {
      if (now !== busy) return;
      status.classList.add("fc-bad");
      setText(status, phrase("own.failed", { file: file.name, why: error.message }));
    }
  }
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  const carriesFile = (event) => Array.from(event.dataTransfer?.types || []).includes("Files");
  let depth = 0;
  const lit = (on) => zone.classList.toggle("fc-over-drop", on);
  root.addEventListener("dragenter", (event) => carriesFile(event) && (depth++, lit(true)));
  root.addEventListener("dragleave", (event) => carriesFile(event) && (--depth, lit(depth > 0)));
  root.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
  root.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = 0;
    lit(false);
    const { files } = event.dataTransfer;
    if (files.length !== 1) setText(status, phrase("own.single"));
    else take(files[0]);
  });
  return { node: zone, say: (text) => setText(status, text) };
}

// Asking a live model. ask(request, { onProgress, signal }) -> Promise of a run; marked() -> ChannelSet JSON.
export function asker({ ask, edits = ASKED, prompt, steps, seed, marked, onrun }) {
  const id = uid("fc-ask");
  const text = el("input.fc-wide", { type: "text", id, value: prompt, maxlength: 500 });
  const choice = { seed, steps, how: "none" };
  const seedBox = stepper({ label: phrase("seed"), low: 0, onpick: (value) => set({ seed: value }) });
  const stepBox = stepper({ label: phrase("steps"), low: 1, onpick: (value) => set({ steps: value }) });
  const edit = dropdown({ label: phrase("edit"), options: ["none", ...edits.filter((name) => name !== "none")].map((value) => ({ value, text: known(`asked.${value}`) ? phrase(`asked.${value}`) : value })), onpick: (how) => set({ how }) });
  const run = el("button.fc-button.fc-strong", { type: "button" }, phrase("ask.run"));
  const cancel = el("button.fc-button", { type: "button", hidden: true }, phrase("cancel"));
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": phrase("ask.progress") });
  const status = el("p.fc-status", { role: "status", "aria-live": "polite" });
  function set(part) {
    Object.assign(choice, part);
    seedBox.set(choice.seed, 999999);
    stepBox.set(choice.steps, 200);
    edit.set(choice.how);
  }
  set({});
  let stop = null;
  cancel.addEventListener("click", () => stop?.abort());
  run.addEventListener("click", async () => {
    stop = new AbortController();
    run.disabled = true;
    cancel.hidden = bar.hidden = false;
    bar.value = 0;
    status.classList.remove("fc-bad");
    setText(status, phrase("ask.running"));
    try {
      const request = { prompt: text.value, seed: choice.seed, steps: choice.steps, ablate: choice.how === "none" ? null : { how: choice.how, channels: marked() } };
      const onProgress = (share) => {
        bar.value = share;
      };
      const made = await ask(request, { onProgress, signal: stop.signal });
      setText(status, onrun(made));
    } catch (error) {
      const cancelled = stop.signal.aborted;
      status.classList.toggle("fc-bad", !cancelled);
      setText(status, cancelled ? phrase("ask.cancelled") : phrase("ask.failed", { why: error.message }));
    }
    run.disabled = false;
    cancel.hidden = bar.hidden = true;
  });
  return {
    node: el(
      "div.fc-ask",
      {},
      el("p.fc-title", {}, phrase("ask.title")),
      el("div.fc-field", {}, el("label", { for: id }, phrase("prompt")), text),
      el("div.fc-fields", {}, seedBox.node, stepBox.node, edit.node),
      el("div.fc-droprow", {}, run, cancel, bar),
      status,
    ),
    stop: () => stop?.abort(),
  };
}

export function askNeeds() {
  return el(
    "div.fc-ask",
    {},
    el("p.fc-title", {}, phrase("ask.needs.title")),
    el("p", {}, phrase("ask.needs")),
  );
}

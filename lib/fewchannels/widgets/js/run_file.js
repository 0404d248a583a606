// A run file from the reader's disk as a run (packed_run.js says what that is). Nothing is uploaded, and the file is
// never read whole: a worker reads the slices that a view needs and keeps what it read last.

import { language, phrase } from "./phrases.js";
import { RunFileError } from "./run_error.js";
import { mapTable } from "./run_maps.js";

const PATIENCE = 60_000; // ms that opening may take

// file: a File or Blob. Rejects with RunFileError, whose message is for the reader of the page.
// connect: () -> Promise of { postMessage, onmessage, close }, the reader's end; for hosts without workers, and tests.
export async function openRun(file, { key = "file", connect = connectReader } = {}) {
  const port = await connect().catch(() => {
    throw new RunFileError(phrase("reader.forbidden"));
  });
  const waiting = new Map();
  let asked = 0;
  let lost = null;
  port.onmessage = ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id) || {};
    waiting.delete(id);
    if (reject && error !== undefined) reject(new RunFileError(error));
    else if (resolve) resolve(value);
  };
  const fail = (message) => {
    lost = new RunFileError(message);
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
    port.close();
  };
  port.onfail = () => fail(phrase("reader.stopped"));
  const ask = (name, given) =>
    new Promise((resolve, reject) => {
      if (lost) {
        reject(lost);
        return;
      }
      waiting.set(++asked, { resolve, reject });
      port.postMessage({ id: asked, name, given });
    });

  const timer = setTimeout(() => fail(phrase("reader.late", { seconds: PATIENCE / 1000 })), PATIENCE);
  try {
    const { about, maps } = await ask("open", file);
    const run = fileRun(about, maps, ask, key, () => fail(phrase("reader.closed")));
    // The first view is read at once, so that a file whose values are damaged is refused when it is opened.
    await run.scores(run.scoreNames.includes(run.score) ? run.score : run.scoreNames[0], 0, run.steps.length >> 1);
    return run;
  } catch (error) {
    fail(phrase("reader.closed"));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function fileRun(about, maps, ask, key, close) {
  const table = mapTable(maps);
  const pictures = new Map();
  return {
    ...about,
    key,
    precision: phrase("reader.precision"),
    scores: (score, prompt, step) => ask("scores", { score, prompt, step }),
    alongTime: (score, prompt, channel) => ask("alongTime", { score, prompt, channel }),
    mapChannels: table.channels,
    mapPrompts: table.prompts,
    mapSteps: table.steps,
    async map(prompt, layer, step, channel) {
      const at = table.find(prompt, layer, step, channel);
      return at && ask("map", { at });
    },
    async picture(prompt, condition = "") {
      const name = `${prompt} ${condition}`;
      if (!pictures.has(name)) {
        const found = await ask("picture", { prompt, condition });
        if (!found) return null;
        const url = URL.createObjectURL(new Blob([found.bytes], { type: "image/webp" }));
        pictures.set(name, { url, width: found.width, height: found.height });
      }
      return pictures.get(name);
    },
    ask: null,
    close() {
      for (const { url } of pictures.values()) URL.revokeObjectURL(url);
      pictures.clear();
      close();
    },
  };
}

// The bundle carries the reader as a text, RUN_WORKER: a worker's program, or where workers from Blobs are refused (by
// a page's content rules) a module of this page.
async function connectReader() {
  const url = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const spoken = `${RUN_WORKER}\nspeak(${JSON.stringify(language())});`; // a worker sees no page that has a language
  const program = url(`${spoken}\nserveRuns(self);`);
  try {
    return await new Promise((resolve, reject) => {
      const worker = new Worker(program);
      setTimeout(reject, 10_000, new Error("no answer")); // refused without a word, in some browsers
      const port = { postMessage: (message) => worker.postMessage(message), close: () => worker.terminate() };
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error("no worker"));
        if (port.onfail) port.onfail();
      };
      worker.onmessage = () => {
        worker.onmessage = (event) => port.onmessage(event);
        resolve(port);
      };
    });
  } catch {
    return besides((await import(url(`${spoken}\nexport { serveRuns };`))).serveRuns);
  } finally {
    URL.revokeObjectURL(program);
  }
}

// A reader in this thread, behind the same messages.
export function besides(serve) {
  const far = { postMessage: (data) => setTimeout(() => near.onmessage({ data }), 0) };
  const near = { onmessage: () => {}, postMessage: (data) => setTimeout(() => far.onmessage && far.onmessage({ data }), 0), close: () => (far.onmessage = null) };
  serve(far);
  return near;
}

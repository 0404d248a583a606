// The page's end of lab_worker.js: live/client.js's engine, and `ask(what, given)` for what the lab asks besides.

import { startEngine } from "../live/client.js";
import { language, phrase } from "../phrases.js";

// base, load: where the scripts lie and what brings one of them, as startEngine takes them. connect: for tests.
export async function startLab(base, { onProgress, load, connect = labWorker } = {}) {
  const waiting = new Map();
  let asked = 0;
  let port = null;
  const engine = await startEngine(base, {
    onProgress,
    ...(load ? { load } : {}),
    connect: async () => {
      const far = await connect();
      port = { onmessage: () => {}, onfail: () => {}, postMessage: far.postMessage, close: far.close };
      far.onmessage = (event) => {
        if (event.data.type !== "lab") return port.onmessage(event);
        const { resolve, reject } = waiting.get(event.data.id) || {};
        waiting.delete(event.data.id);
        if (event.data.error !== undefined) reject?.(new Error(event.data.error));
        else resolve?.(event.data.value);
      };
      far.onfail = () => {
        for (const { reject } of waiting.values()) reject(new Error(phrase("lab.model.stopped")));
        waiting.clear();
        port.onfail();
      };
      return port;
    },
  });
  return {
    ...engine,
    ask: (what, given) =>
      new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject });
        port.postMessage({ type: "lab", id: asked, what, given });
      }),
  };
}

// The bundle carries the worker's program as a text, LAB_WORKER.
async function labWorker() {
  const address = URL.createObjectURL(new Blob([`${LAB_WORKER}\nspeak(${JSON.stringify(language())});\nserveLab(self);`], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    const far = { postMessage: (message, moved) => worker.postMessage(message, moved), close: () => worker.terminate() };
    worker.onmessage = (event) => far.onmessage(event);
    worker.onerror = (event) => {
      event.preventDefault();
      far.onfail();
    };
    return far;
  } catch {
    throw new Error(phrase("lab.model.forbidden"));
  } finally {
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

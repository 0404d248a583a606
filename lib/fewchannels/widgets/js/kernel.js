// Asks the live kernel for another run, through anywidget's custom messages: { kind: "ask", id, request } there;
// { kind: "progress", id, share }, then { kind: "run", id, run } with the packed block, or { kind: "failed", id, text } back.

import { openPacked } from "./packed_run.js";
import { phrase } from "./phrases.js";

// -> ask(request, { onProgress, signal }) -> Promise of a run, or null where there is no kernel behind the model
export function kernelAsker(model, given) {
  if (!given || typeof model.send !== "function") return null;
  const nonce = Math.random().toString(36).slice(2);
  let asked = 0;
  return function ask(request, { onProgress = () => {}, signal } = {}) {
    const id = `${nonce}-${++asked}`;
    return new Promise((resolve, reject) => {
      const hear = async (message, buffers) => {
        if (!message || message.id !== id) return;
        if (message.kind === "progress") {
          onProgress(message.share);
          return;
        }
        leave();
        try {
          if (message.kind !== "run") throw new Error(message.text);
          const [run] = await openPacked({ runs: [message.run] }, buffers[0]);
          resolve(withKernel(run, ask, given));
        } catch (error) {
          reject(error);
        }
      };
      // Not waited for: a kernel that died never answers, and what it still sends is no longer heard.
      const cancel = () => {
        leave();
        model.send({ kind: "cancel", id });
        reject(new DOMException(phrase("kernel.cancelled"), "AbortError"));
      };
      const leave = () => {
        model.off("msg:custom", hear);
        if (signal) signal.removeEventListener("abort", cancel);
      };
      if (signal && signal.aborted) {
        reject(new DOMException(phrase("kernel.cancelled"), "AbortError"));
        return;
      }
      model.on("msg:custom", hear);
      if (signal) signal.addEventListener("abort", cancel);
      model.send({ kind: "ask", id, request });
    });
  };
}

export function withKernel(run, ask, { edits }) {
  return { ...run, ask, edits };
}

// Where the model's scripts come from: beside the page, out of the page itself, or from the notebook's kernel.

import { joined } from "../live/client.js";
import { phrase } from "../phrases.js";

const RATE = 800; // bytes a millisecond: Jupyter's servers drop what is more than a megabyte a second

// -> load(address) for live/client.js, which gives a script's bytes, or undefined where they lie beside the page
export function loaderFor({ files }, model, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))) {
  if (files === "page") {
    return async (name) => {
      const packed = document.querySelector(`script[data-fc-live="${name}"]`);
      if (!packed) throw new Error(phrase("lab.script.missing", { name }));
      await new Promise((resolve) => setTimeout(resolve)); // lets the page show how far it is
      return new TextEncoder().encode(packed.textContent);
    };
  }
  if (files !== "kernel" || typeof model.send !== "function") return undefined;
  let turn = Promise.resolve();
  const ask = (name) =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(() => leave(new Error(phrase("lab.kernel.silent"))), 120_000);
      const pieces = [];
      const hear = (message, buffers) => {
        if (message?.kind !== "live" || message.name !== name) return;
        if (message.text) {
          leave(new Error(message.text));
          return;
        }
        const [piece] = buffers;
        pieces.push(new Uint8Array(piece.buffer || piece, piece.byteOffset || 0, piece.byteLength));
        wait(piece.byteLength / RATE).then(() => {
          if (pieces.length === message.pieces) leave(null, joined(pieces));
          else model.send({ kind: "live", name, piece: pieces.length });
        });
      };
      const leave = (error, bytes) => {
        clearTimeout(patience);
        model.off("msg:custom", hear);
        if (error) reject(error);
        else resolve(bytes);
      };
      model.on("msg:custom", hear);
      model.send({ kind: "live", name, piece: 0 });
    });
  return (name) => (turn = turn.then(() => ask(name))); // one after the other
}

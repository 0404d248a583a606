// What the explorer says to a kernel and how it hears the answer.

import assert from "node:assert/strict";
import test from "node:test";

import { kernelAsker } from "../../lib/fewchannels/widgets/js/kernel.js";

// The messages of anywidget's model, without a kernel behind them.
function port() {
  const heard = new Set();
  return {
    sent: [],
    send(message) {
      this.sent.push(message);
    },
    on: (name, f) => name === "msg:custom" && heard.add(f),
    off: (name, f) => heard.delete(f),
    answer: (message, buffers = []) => [...heard].forEach((f) => f(message, buffers)),
    listeners: () => heard.size,
  };
}

test("a page without a kernel, and an explorer that may not ask, have no asker", () => {
  assert.equal(kernelAsker({ get() {} }, { edits: [] }), null);
  assert.equal(kernelAsker(port(), undefined), null);
});

test("progress of one's own question is heard, and a failure is told in the kernel's words", async () => {
  const model = port();
  const ask = kernelAsker(model, { edits: ["zero"] });
  const shares = [];
  const first = ask({ prompt: "a" }, { onProgress: (share) => shares.push(share) });
  const second = ask({ prompt: "b" });
  const [{ id, kind, request }, other] = model.sent;
  assert.deepEqual([kind, request], ["ask", { prompt: "a" }]);
  assert.notEqual(id, other.id);
  model.answer({ kind: "progress", id, share: 0.25 });
  model.answer({ kind: "progress", id: other.id, share: 0.5 });
  model.answer({ kind: "failed", id, text: "the prompt is empty" });
  await assert.rejects(first, /the prompt is empty/);
  model.answer({ kind: "run", id: other.id, run: {} }, [new DataView(new ArrayBuffer(4))]); // no deflated block
  await assert.rejects(second);
  assert.deepEqual(shares, [0.25]);
  assert.equal(model.listeners(), 0);
});

test("cancelling tells the kernel and does not wait for it", async () => {
  const model = port();
  const ask = kernelAsker(model, { edits: [] });
  const stop = new AbortController();
  const asked = ask({ prompt: "a" }, { signal: stop.signal });
  stop.abort();
  await assert.rejects(asked, { name: "AbortError" });
  assert.deepEqual(model.sent[1], { kind: "cancel", id: model.sent[0].id });
  assert.equal(model.listeners(), 0);
  await assert.rejects(ask({ prompt: "b" }, { signal: stop.signal }), { name: "AbortError" });
  assert.equal(model.sent.length, 2);
});

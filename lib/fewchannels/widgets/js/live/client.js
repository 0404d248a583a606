// The page's side of the live engine: loads its scripts, starts the worker, and turns messages into promises.
//
//     const engine = await startEngine("../_static/live/", { onProgress: (share) => ... });
//     const done = await engine.draw("edited", { prompt, seed: 0, steps: 16, edits: [...] }, { onStep: (step) => ... });
//     done && done.picture                  // RGBA bytes; null where another wish came first, or it was stopped
//
// engine: { about, grammar, draw, stop, map, encode, close }; worker.js lists the messages of both sides.

// base: where live_weights.py wrote its scripts, with a slash at the end. kernels: the fastest kind that may be taken,
// "fused", "simd" or "plain". Rejects with an Error whose message is for the reader of the page. load(address): the bytes
// of a script, or nothing where it was run; connect: for tests.
export async function startEngine(base, { onProgress = () => {}, kernels = "fused", load = loadScript, connect = startWorker } = {}) {
  const { about, parts, engine: program } = await begun(base, load);
  const port = await connect(program);
  const waiting = new Map();
  let asked = 0;
  let lost = null;
  const fail = (message) => {
    lost = lost || new Error(message);
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
    port.close();
  };
  port.onfail = () => fail("The model stopped, perhaps for want of memory. Load the page again, or close other pages.");
  const heard = {
    opened: ({ share }) => onProgress(share),
    step: (message) => waiting.get(message.id)?.onStep(message),
  };
  port.onmessage = ({ data }) => {
    if (heard[data.type]) {
      heard[data.type](data);
      return;
    }
    const id = data.type === "ready" ? 0 : data.id;
    if (data.type === "failed" && id === undefined) {
      fail(data.text);
      return;
    }
    const { resolve, reject } = waiting.get(id) || {};
    waiting.delete(id);
    if (data.type === "failed") reject?.(new Error(data.text));
    else resolve?.(data.type === "dropped" ? null : data.type === "ready" ? data.about : data);
  };
  const ask = (id, message, onStep = () => {}) =>
    new Promise((resolve, reject) => {
      if (lost) {
        reject(lost);
        return;
      }
      waiting.set(id, { resolve, reject, onStep });
      if (message) port.postMessage({ ...message, id });
    });

  const ready = ask(0, null);
  ready.catch(() => {}); // heard below, and where a part is missing that is the error
  try {
    port.postMessage({ type: "open", about, kernels });
    await handed(base, parts, load, (text) => port.postMessage({ type: "part", text }, [text.buffer]));
    const shape = await ready;
    return {
      about: shape,
      grammar: about.grammar,
      // given: as Sampler.draw takes it; watch: { maps, pictures } that each step brings (worker.js)
      draw: (lane, given, { onStep, ...watch } = {}) => ask(++asked, { type: "draw", lane, given, watch }, onStep),
      stop: (lane) => port.postMessage({ type: "stop", lane }),
      // run: the id of what draw gave
      map: async (run, step, block, channel) => (await ask(++asked, { type: "map", run, step, block, channel })).values,
      encode: (pixels) => ask(++asked, { type: "encode", pixels }),
      close: () => fail("The model was closed."),
    };
  } catch (error) {
    fail(error.message);
    throw error;
  }
}

// What live.js tells.
async function begun(base, load) {
  let told = null;
  registry().begin = (given) => (told = given);
  const script = await load(`${base}live.js`);
  if (script) told = begunBy(new TextDecoder().decode(script));
  if (!told) throw new Error(`${base}live.js is not the live engine's: build the page again.`);
  return told;
}

// Each part's text as it comes, in their order.
async function handed(base, parts, load, hand) {
  const run = [];
  registry().part = (number, text) => (run[number] = new TextEncoder().encode(text));
  const coming = parts.map((name) => load(base + name));
  for (const one of coming) one.catch(() => {}); // the first that fails is heard below
  for (const [number, one] of coming.entries()) {
    const script = await one;
    const text = script ? textOf(script, number) : run[number];
    if (!text) throw new Error(`Only ${number} of ${parts.length} parts of the model came: load the page again.`);
    delete run[number];
    hand(text);
  }
}

function registry() {
  const page = (globalThis.fewchannels = globalThis.fewchannels || {});
  return (page.live = page.live || {});
}

// What live_weights.py wrote into `fewchannels.live.begin({...});`, or null for another text.
function begunBy(script) {
  const found = /^fewchannels\.live\.begin\((.*)\);\s*$/s.exec(script);
  return found && JSON.parse(found[1]);
}

// And into `fewchannels.live.part(3,"...");`, of the script's bytes; null for others.
function textOf(script, number) {
  const head = `fewchannels.live.part(${number},"`;
  const begins = new TextDecoder().decode(script.subarray(0, head.length));
  return begins === head ? script.subarray(head.length, script.lastIndexOf(34)) : null; // 34: the closing quote
}

// From the web as bytes, of which nothing stays behind; a script's text would stay in memory. From the disk as scripts,
// which are fetched side by side and run in their order.
async function loadScript(address) {
  const name = address.split("/").pop();
  const lost = () => new Error(`${name} could not be loaded: are you still online, and was the page moved without the folder beside it?`);
  if (new URL(address, document.baseURI).protocol.startsWith("http")) {
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) throw lost();
    return new Uint8Array(await answer.arrayBuffer().catch(() => Promise.reject(lost())));
  }
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = false;
    script.src = address;
    const leave = (heard, value) => {
      script.remove();
      heard(value);
    };
    script.onload = () => leave(resolve);
    script.onerror = () => leave(reject, lost());
    document.head.append(script);
  });
}

// Uint8Arrays as one.
export function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

// A classic worker from a Blob: a page from the disk may start no other.
async function startWorker(program) {
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    const port = { postMessage: (message, moved) => worker.postMessage(message, moved), close: () => worker.terminate() };
    worker.onmessage = (event) => port.onmessage(event);
    worker.onerror = (event) => {
      event.preventDefault();
      port.onfail();
    };
    return port;
  } catch {
    throw new Error("This page may not start the program that draws (its content rules forbid it). Open the page from another place, or from the disk.");
  } finally {
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

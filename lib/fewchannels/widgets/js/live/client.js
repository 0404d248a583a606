// The page's side of the live engine: loads its scripts, starts the worker, and turns messages into promises.
//
//     const engine = await startEngine("../_static/live/", { onProgress: (share) => ... });
//     const done = await engine.draw("edited", { prompt, seed: 0, steps: 16, edits: [...] }, { onStep: (step) => ... });
//     done && done.picture                  // RGBA bytes; null where another wish came first, or it was stopped
//
// engine: { about, grammar, draw, stop, map, encode, close }; worker.js lists the messages of both sides.

// base: where live_weights.py wrote its scripts, with a slash at the end. plain: without WebAssembly. Rejects with an
// Error whose message is for the reader of the page. load, connect: for tests.
export async function startEngine(base, { onProgress = () => {}, plain = false, load = loadScript, connect = startWorker } = {}) {
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
    port.postMessage({ type: "open", about, plain });
    await handed(base, parts, load, (text) => port.postMessage({ type: "part", text }));
    const shape = await ready;
    return {
      about: shape,
      grammar: about.grammar,
      // given: as Sampler.draw takes it; watch: { channels: whose maps each step brings, pictures: whether it brings one }
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
  await load(`${base}live.js`);
  if (!told) throw new Error(`${base}live.js is not the live engine's: build the page again.`);
  return told;
}

// Each part's text as it comes, in their order.
async function handed(base, parts, load, hand) {
  let next = 0;
  registry().part = (number, text) => {
    if (number === next) hand(text);
    next += number === next;
  };
  await Promise.all(parts.map((name) => load(base + name)));
  if (next !== parts.length) throw new Error(`Only ${next} of ${parts.length} parts of the model came: load the page again.`);
}

function registry() {
  const page = (globalThis.fewchannels = globalThis.fewchannels || {});
  return (page.live = page.live || {});
}

// Scripts are fetched side by side and run in their order.
function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = false;
    script.src = address;
    script.onload = () => {
      script.remove();
      resolve();
    };
    script.onerror = () => {
      script.remove();
      reject(new Error(`${address.split("/").pop()} could not be loaded: are you still online, and was the page moved without the folder beside it?`));
    };
    document.head.append(script);
  });
}

// A classic worker from a Blob: a page from the disk may start no other.
async function startWorker(program) {
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    const port = { postMessage: (message) => worker.postMessage(message), close: () => worker.terminate() };
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

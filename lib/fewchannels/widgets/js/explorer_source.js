// A run with a memory: what has been read once is at hand at once, so that dragging back and forth draws in one frame.

import { phrase } from "./phrases.js";

const MEMORY = 96_000_000; // bytes of arrays that are kept

// `get(key, make, bytes)` -> the value where it is known, else a Promise of it.
export function memory(limit = MEMORY) {
  const known = new Map();
  const coming = new Map();
  let held = 0;
  const recall = (key) => {
    const entry = known.get(key);
    known.delete(key); // the last used stands last
    known.set(key, entry);
    return entry.value;
  };
  const keep = (key, value, size) => {
    known.set(key, { value, size });
    held += size;
    for (const [old, entry] of known) {
      if (held <= limit || old === key) break;
      known.delete(old);
      held -= entry.size;
    }
    return value;
  };
  return {
    know: (key, make, size) => (known.has(key) ? recall(key) : keep(key, make(), size)),
    get(key, make, bytes) {
      if (known.has(key)) return recall(key);
      if (!coming.has(key)) {
        const promise = Promise.resolve(make()).then(
          (value) => {
            coming.delete(key);
            return keep(key, value, bytes(value));
          },
          (error) => {
            coming.delete(key);
            throw error;
          },
        );
        coming.set(key, promise);
      }
      return coming.get(key);
    },
    size: () => held,
    clear() {
      known.clear();
      held = 0;
    },
  };
}

export function isComing(value) {
  return typeof value?.then === "function";
}

// Calls `use` with the value, at once where it is known; an older answer never overtakes a newer question.
export function latest(use, fail) {
  let asked = 0;
  return (value) => {
    const now = ++asked;
    if (!isComing(value)) return use(value);
    value.then((known) => now === asked && use(known), (error) => now === asked && fail(error));
  };
}

const ofArray = (array) => array.byteLength;

export function sourceOf(run) {
  const kept = memory();
  return {
    run,
    scores: (score, prompt, step) => kept.get(`s ${score} ${prompt} ${step}`, () => run.scores(score, prompt, step), ofArray),
    alongTime: (score, prompt, channel) => kept.get(`t ${score} ${prompt} ${channel}`, () => run.alongTime(score, prompt, channel), ofArray),
    // -> [map or null, ...] of several channels
    maps(prompt, layer, step, channels) {
      const one = (c) => kept.get(`m ${prompt} ${layer} ${step} ${c}`, () => run.map(prompt, layer, step, c), (map) => (map ? map.values.byteLength : 8));
      const all = channels.map(one);
      return all.some(isComing) ? Promise.all(all) : all;
    },
    // What follows from arrays that were read (a median, a mask) is kept like them.
    derived: (key, make, bytes = 8) => kept.know(key, make, bytes),
    // -> a decoded picture, or null where there is none
    picture(prompt, condition) {
      return kept.get(`p ${condition} ${prompt}`, async () => decoded(await run.picture(prompt, condition)), () => 8);
    },
    close() {
      kept.clear();
      run.close();
    },
  };
}

async function decoded(picture) {
  if (!picture) return null;
  const image = new Image();
  image.src = picture.url;
  try {
    await image.decode();
  } catch {
    throw new Error(phrase("picture.webp"));
  }
  return image;
}

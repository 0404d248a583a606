// What the tests of the live engine share: the committed weights, cut as the page loads them. Not a test by itself.
//
//     const { about, files } = toy(folder)      // folder: where live_weights.py wrote

import { readFileSync } from "node:fs";
import { join } from "node:path";
import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--experimental-wasm-relaxed-simd"); // browsers have it; node 20 asks

// The page's scripts, run as a page runs them: { about, parts, engine, texts }.
export function scripts(folder) {
  const texts = [];
  let told = null;
  const live = { begin: (given) => (told = given), part: (number, text) => (texts[number] = text) };
  const context = vm.createContext({ fewchannels: { live } });
  const run = (name) => vm.runInContext(readFileSync(join(folder, name), "utf8"), context, { filename: name });
  run("live.js");
  told.parts.forEach(run);
  return { ...JSON.parse(JSON.stringify(told)), texts };
}

export function toy(folder) {
  const { about, texts } = scripts(folder);
  const bytes = Buffer.concat(texts.map((text) => Buffer.from(text, "base64")));
  let from = 0;
  const files = Object.fromEntries(about.files.map(([name, size]) => [name, new Uint8Array(bytes.subarray(from, (from += size)))]));
  return { about, files };
}

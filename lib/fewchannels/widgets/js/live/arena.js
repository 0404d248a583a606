// One memory for weights and activations, and the kernels that compute in it. Places are counted in floats.

import { plainKernels } from "./kernels_plain.js";
import { FUSED, SIMD } from "./kernels_wasm.js";

const PAGE = 65536;
const OWN = 32; // floats at the beginning that are the kernels' own
const AHEAD = 65536; // and at the end, which they may read
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const CODES = { fused: bytes(FUSED), simd: bytes(SIMD) };

export class Arena {
  // floats: how many it holds; kind: the fastest kernels that may be taken. this.kind: those that the browser can run.
  constructor(floats, kind = "fused") {
    const pages = Math.ceil((4 * floats) / PAGE);
    this.kind = kindFrom(kind);
    const code = CODES[this.kind];
    const memory = code ? new WebAssembly.Memory({ initial: pages }) : { buffer: new ArrayBuffer(pages * PAGE) };
    this.kernels = code
      ? new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports
      : plainKernels(memory);
    this.f32 = new Float32Array(memory.buffer);
    this.used = OWN;
  }

  // A place for `count` floats, at a multiple of 16 bytes; all zero.
  place(count) {
    const place = this.used;
    this.used += Math.ceil(count / 4) * 4;
    const room = this.f32.length - AHEAD;
    if (this.used > room) throw new Error(`the arena has room for ${room} floats, not for ${this.used}`);
    return place;
  }

  put(values) {
    const place = this.place(values.length);
    this.f32.set(values, place);
    return place;
  }

  view(place, count) {
    return this.f32.subarray(place, place + count);
  }
}

function kindFrom(fastest) {
  const kinds = ["fused", "simd", "plain"];
  const from = kinds.indexOf(fastest);
  if (from < 0) throw new Error(`kernels of the kind ${fastest}: expected ${kinds.join(", ")}`);
  const runs = (kind) => !CODES[kind] || (typeof WebAssembly !== "undefined" && WebAssembly.validate(CODES[kind]));
  return kinds.slice(from).find(runs);
}

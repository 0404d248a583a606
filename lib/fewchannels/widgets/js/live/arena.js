// One memory for weights and activations, and the kernels that compute in it. Places are counted in floats.

import { plainKernels } from "./kernels_plain.js";
import { KERNELS } from "./kernels_wasm.js";

const PAGE = 65536;
const TOUCHED = 4; // floats at the beginning that are the kernels' own
const AHEAD = 65536; // and at the end, which they may read

export class Arena {
  // floats: how many it holds; plain: without WebAssembly, as where the browser has no SIMD.
  constructor(floats, plain = false) {
    const pages = Math.ceil((4 * floats) / PAGE);
    const code = plain ? null : wasmCode();
    this.simd = code !== null;
    const memory = this.simd ? new WebAssembly.Memory({ initial: pages }) : { buffer: new ArrayBuffer(pages * PAGE) };
    this.kernels = this.simd
      ? new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports
      : plainKernels(memory);
    this.f32 = new Float32Array(memory.buffer);
    this.used = TOUCHED;
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

function wasmCode() {
  if (typeof WebAssembly === "undefined") return null;
  const code = Uint8Array.from(atob(KERNELS), (c) => c.charCodeAt(0));
  return WebAssembly.validate(code) ? code : null;
}

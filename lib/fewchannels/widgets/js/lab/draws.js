// Draws of channels, number for number those of the library: numpy.random.default_rng(numbers) as channels/controls.py
// uses it. PCG64 (O'Neill, 2014); permutation as live/random.js has it, choice by Floyd's algorithm.

import { seedWords } from "../live/random.js";

const PCG_MASK = (1n << 128n) - 1n;
const PCG_STEP = 0x2360ed051fc65da44385df649fccf645n;
const WORD = 0xffffffffffffffffn;

export class Draws {
  // numbers: what default_rng is given, a number or several
  constructor(...numbers) {
    const words = seedWords(numbers, 8);
    const wide = (i) => (BigInt(words[i + 1]) << 32n) | BigInt(words[i]);
    this.increment = ((((wide(4) << 64n) | wide(6)) << 1n) | 1n) & PCG_MASK;
    this.state = this._advanced(this.increment + ((wide(0) << 64n) | wide(2)));
    this.kept = null; // a 64-bit number serves two draws, its low half first
  }

  _advanced(state) {
    return (state * PCG_STEP + this.increment) & PCG_MASK;
  }

  _next() {
    if (this.kept !== null) {
      const high = this.kept;
      this.kept = null;
      return high;
    }
    this.state = this._advanced(this.state);
    const folded = (this.state >> 64n) ^ (this.state & WORD);
    const turn = this.state >> 122n;
    const value = ((folded >> turn) | (folded << (64n - turn))) & WORD;
    this.kept = Number(value >> 32n);
    return Number(value & 0xffffffffn);
  }

  // A whole number from 0 to most, as a shuffle draws it.
  _masked(most) {
    if (!most) return 0;
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    let value;
    do value = (this._next() & mask) >>> 0; while (value > most);
    return value;
  }

  // The same as a choice draws it (Lemire, 2019).
  _bounded(most) {
    if (!most) return 0;
    const count = BigInt(most + 1);
    let product = BigInt(this._next()) * count;
    const bound = (0xffffffffn - BigInt(most)) % count;
    while ((product & 0xffffffffn) < bound) product = BigInt(this._next()) * count;
    return Number(product >> 32n);
  }

  // default_rng.permutation(values)
  permutation(values) {
    const order = [...values];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this._masked(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  // default_rng.choice(values, k, replace=False), for at most 10,000 values
  choice(values, k) {
    const taken = new Set();
    const order = [];
    for (let j = values.length - k; j < values.length; j++) {
      const value = this._bounded(j);
      const place = taken.has(value) ? j : value;
      taken.add(place);
      order.push(place);
    }
    for (let i = k - 1; i > 0; i--) {
      const j = this._bounded(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order.map((place) => values[place]);
  }
}

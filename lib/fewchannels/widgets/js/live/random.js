// The noise and the shuffles of the notebooks, number for number.
//
// A sample's noise: NumPy's SeedSequence hashes (seed, sample) into a seed, of which torch's CPU generator takes the low
// 32 bits; MT19937 (Matsumoto and Nishimura, 1998) gives uniform numbers of 24 bits, and Box-Muller makes normal ones of
// them in blocks of sixteen, as torch.randn does. A shuffle: PCG64 (O'Neill, 2014), as numpy.random.default_rng.

import { r } from "./float32.js";

// NumPy's SeedSequence(numbers).generate_state(count): 32-bit words.
export function seedWords(numbers, count) {
  const entropy = numbers.flatMap((number) => {
    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`seed ${number}: expected a whole number from 0 on`);
    return number < 2 ** 32 ? [number] : [number >>> 0, Math.floor(number / 2 ** 32)];
  });
  let hash = 0x43b0d7e5;
  const hashed = (value) => {
    value ^= hash;
    hash = Math.imul(hash, 0x931e8875);
    value = Math.imul(value, hash);
    return value ^ (value >>> 16);
  };
  const mixed = (x, y) => {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return value ^ (value >>> 16);
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(entropy[i] || 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  }
  for (const word of entropy.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(word));
  hash = 0x8b51f9dd;
  return Uint32Array.from({ length: count }, (_, i) => {
    const value = pool[i & 3] ^ hash;
    hash = Math.imul(hash, 0x58f38ded);
    const product = Math.imul(value, hash);
    return product ^ (product >>> 16);
  });
}

// -> function: the next 32-bit number of MT19937.
function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

// What torch.randn(count, generator=generator_of(seed, sample)) gives; count: a multiple of 16.
export function noise(seed, sample, count) {
  const next = twister(seedWords([seed, sample], 1)[0]);
  const values = Float32Array.from({ length: count }, () => (next() & 0xffffff) / 2 ** 24);
  for (let block = 0; block < count; block += 16) {
    for (let j = block; j < block + 8; j++) {
      const radius = r(Math.sqrt(r(-2 * r(Math.log(r(1 - values[j]))))));
      const angle = r(r(2 * Math.PI) * values[j + 8]); // as torch has it with AVX2; without, 1.5e-6 away
      values[j] = radius * r(Math.cos(angle));
      values[j + 8] = radius * r(Math.sin(angle));
    }
  }
  return values;
}

const MASK = (1n << 128n) - 1n;
const STEP = 0x2360ed051fc65da44385df649fccf645n;

// What numpy.random.default_rng(numbers).permutation(count) gives.
export function permutation(numbers, count) {
  const words = seedWords(numbers, 8);
  const wide = (i) => (BigInt(words[i + 1]) << 32n) | BigInt(words[i]);
  const increment = ((((wide(4) << 64n) | wide(6)) << 1n) | 1n) & MASK;
  const advanced = (state) => (state * STEP + increment) & MASK;
  let state = advanced(increment + ((wide(0) << 64n) | wide(2)));
  let kept = null; // a 64-bit number serves two draws, its low half first
  const next = () => {
    if (kept !== null) {
      const high = kept;
      kept = null;
      return high;
    }
    state = advanced(state);
    const folded = (state >> 64n) ^ (state & 0xffffffffffffffffn);
    const turn = state >> 122n;
    const value = ((folded >> turn) | (folded << (64n - turn))) & 0xffffffffffffffffn;
    kept = Number(value >> 32n);
    return Number(value & 0xffffffffn);
  };
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j;
    do j = (next() & mask) >>> 0; while (j > i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

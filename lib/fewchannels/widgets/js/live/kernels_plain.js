// kernels.ts in plain JavaScript, for browsers without SIMD, about ten times more slowly. All but the matrix product has
// the same operations in the same order as without relaxed SIMD, each rounded to float32, and so the same bits; its sums
// are in double precision, since rounding each product would take twice the time.

import { r } from "./float32.js";

const POWERS = new Float32Array(new Int32Array(256).map((_, i) => i << 23).buffer); // 2^(i - 127)
const [MINUS_LOG2E, GELU, CUBE] = [-1.44269504, -2.30220818, 0.044715].map(r);
const [P1, P2, P3, P4, P5] = [0.693147004, 0.240222424, 0.0555073358, 0.00967151299, 0.00132647273].map(r);
const ROUND = 12582912;

const pmin = (a, b) => (b < a ? b : a);
const pmax = (a, b) => (a < b ? b : a);

function exp2(x) {
  const n = r(r(x + ROUND) - ROUND);
  const rest = r(x - n);
  let p = r(r(P5 * rest) + P4);
  p = r(r(p * rest) + P3);
  p = r(r(p * rest) + P2);
  p = r(r(p * rest) + P1);
  p = r(r(p * rest) + 1);
  return r(p * POWERS[n + 127 | 0]);
}

const gated = (x, u) => x / r(1 + exp2(pmin(pmax(u, -126), 126)));

// The kernels over one memory, as kernels.ts exports them.
export function plainKernels(memory) {
  const f = new Float32Array(memory.buffer);

  // Four sums side by side, as the lanes of a SIMD register hold them; term: place -> what is added.
  const summed = (count, term) => {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < count; i += 4) {
      a = r(a + term(i));
      b = r(b + term(i + 1));
      c = r(c + term(i + 2));
      d = r(d + term(i + 3));
    }
    return r(r(a + b) + r(c + d));
  };

  function matmul(a, lda, taps, tap, w, bias, c, ldc, m, n, k) {
    for (let j = 0; j < n; j += 8) {
      const panel = w + j * taps * k;
      for (let i = 0; i < m; i++) {
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        let b = panel;
        for (let t = 0; t < taps; t++) {
          const from = a + i * lda + t * tap;
          for (let p = from; p < from + k; p++, b += 8) {
            const x = f[p];
            s0 += x * f[b];
            s1 += x * f[b + 1];
            s2 += x * f[b + 2];
            s3 += x * f[b + 3];
            s4 += x * f[b + 4];
            s5 += x * f[b + 5];
            s6 += x * f[b + 6];
            s7 += x * f[b + 7];
          }
        }
        const o = c + i * ldc + j;
        const e = bias + j;
        f[o] = s0 + f[e];
        f[o + 1] = s1 + f[e + 1];
        f[o + 2] = s2 + f[e + 2];
        f[o + 3] = s3 + f[e + 3];
        f[o + 4] = s4 + f[e + 4];
        f[o + 5] = s5 + f[e + 5];
        f[o + 6] = s6 + f[e + 6];
        f[o + 7] = s7 + f[e + 7];
      }
    }
  }

  function attention(qkv, out, room, zeros, tokens, heads, width) {
    const all = heads * width;
    const row = 3 * all;
    const keys = room;
    const values = keys + tokens * width;
    const scores = values + tokens * width;
    const shares = scores + tokens * tokens;
    const scale = r(1.4426950408889634 / Math.sqrt(width));
    for (let head = 0; head < heads; head++) {
      const q = qkv + head * width;
      for (let t = 0; t < tokens; t++) {
        const k = q + all + t * row;
        const panel = (t & ~7) * width + (t & 7);
        for (let i = 0; i < width; i++) {
          f[keys + panel + 8 * i] = f[k + i];
          f[values + (i & ~7) * tokens + 8 * t + (i & 7)] = f[k + all + i];
        }
      }
      matmul(q, row, 1, 0, keys, zeros, scores, tokens, tokens, tokens, width);
      for (let t = 0; t < tokens; t++) {
        const from = scores + t * tokens;
        let largest = -Infinity;
        for (let i = 0; i < tokens; i++) largest = pmax(largest, f[from + i]);
        for (let i = 0; i < tokens; i++) f[from + i] = exp2(pmax(r(r(f[from + i] - largest) * scale), -126));
        f[shares + t] = 1 / summed(tokens, (i) => f[from + i]);
      }
      matmul(scores, tokens, 1, 0, values, zeros, out + head * width, all, tokens, width, tokens);
      for (let t = 0; t < tokens; t++) {
        for (let i = 0; i < width; i++) f[out + t * all + head * width + i] *= f[shares + t];
      }
    }
  }

  function layerNorm(sized, values, scale, shift, out, rows, width, epsilon) {
    for (let i = 0; i < rows; i++) {
      const s = sized + i * width;
      const v = values + i * width;
      const mean = r(summed(width, (p) => f[s + p]) / width);
      const squares = summed(width, (p) => {
        const d = r(f[s + p] - mean);
        return r(d * d);
      });
      const gain = r(1 / r(Math.sqrt(r(r(squares / width) + r(epsilon)))));
      for (let p = 0; p < width; p++) {
        f[out + i * width + p] = r(r(r(f[v + p] - mean) * gain) * r(f[scale + p] + 1)) + f[shift + p];
      }
    }
  }

  function rmsNorm(x, stride, weight, rows, heads, width, epsilon) {
    for (let i = 0; i < rows; i++) {
      for (let from = x + i * stride, end = from + heads * width; from < end; from += width) {
        const squares = summed(width, (p) => r(f[from + p] * f[from + p]));
        const gain = r(1 / r(Math.sqrt(r(r(squares / width) + r(epsilon)))));
        for (let p = 0; p < width; p++) f[from + p] = r(f[from + p] * gain) * f[weight + p];
      }
    }
  }

  function silu(x, count) {
    for (let p = x; p < x + count; p++) f[p] = gated(f[p], r(f[p] * MINUS_LOG2E));
  }

  function gelu(x, count) {
    for (let p = x; p < x + count; p++) {
      const v = f[p];
      const wide = r(r(r(v * v) * CUBE) + 1);
      f[p] = gated(v, r(r(wide * GELU) * v));
    }
  }

  function addGated(x, y, gate, rows, width) {
    for (let i = 0; i < rows * width; i++) f[x + i] = f[x + i] + r(f[gate + (i % width)] * f[y + i]);
  }

  function levels(x, out, rows, width) {
    const share = r(1 / rows);
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum = r(sum + f[x + i * width + j]);
      f[out + j] = Math.abs(r(sum * share));
    }
  }

  function relu(x, count) {
    for (let p = x; p < x + count; p++) f[p] = pmax(f[p], 0);
  }

  function addRelu(x, y, count) {
    for (let i = 0; i < count; i++) f[x + i] = pmax(r(f[x + i] + f[y + i]), 0);
  }

  return { matmul, attention, layerNorm, rmsNorm, silu, gelu, addGated, levels, relu, addRelu };
}

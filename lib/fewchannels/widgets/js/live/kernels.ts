// The arithmetic of the live engine, four numbers at a time: AssemblyScript, compiled to WebAssembly with 128-bit SIMD.
//
//     python lib/fewchannels/widgets/live_kernels.py      # asc -O3 --runtime stub --enable simd; writes kernels_wasm.js
//
// Every place and stride is counted in floats from the start of one memory. It is compiled twice: for browsers with
// relaxed SIMD, where a product is added in one instruction and the matrix product takes three quarters of the time, and
// without. kernels_plain.js has the same functions for browsers without SIMD.

// @ts-ignore: decorator
@inline
function at(place: i32): usize {
  return (<usize>place) << 2;
}

// x * y + sum, in one instruction where the browser and the processor can: rounded once there, and twice elsewhere.
// @ts-ignore: decorator
@inline
function madd(x: v128, y: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum);
  return f32x4.add(f32x4.mul(x, y), sum);
}

// c[i, j] = bias[j] + sum over taps t and p of a[i * lda + t * tap + p] * w[t, p, j], for m rows and n columns (a
// multiple of 8). One tap is a matrix product; a 3 x 3 convolution over pictures with their channels last is three
// taps, one for each row of pixels, of 3 x channels neighbouring numbers. w lies in panels: [n / 8][taps * k][8].
// Four rows by eight columns are summed in registers: what the sixteen of a processor's SSE allow. After the first four the
// next panel is touched, since weights come from memory each time; where nothing follows, what lies behind is touched. What
// was touched goes to place 0, so that no compiler leaves it out.
export function matmul(
  a: i32, lda: i32, taps: i32, tap: i32, w: i32, bias: i32, c: i32, ldc: i32, m: i32, n: i32, k: i32
): void {
  const stride = at(lda), wide = at(ldc), next = at(tap - k);
  let panel = at(w), touched = f32x4.splat(0);
  const size = (<usize>(taps * k)) << 5;
  for (let j = 0; j < n; j += 8) {
    const bias0 = v128.load(at(bias + j)), bias1 = v128.load(at(bias + j), 16);
    let row = at(a), out = at(c + j), i = 0;
    for (; i + 4 <= m; i += 4) {
      let b = panel, p0 = row, p1 = row + stride, p2 = row + 2 * stride, p3 = row + 3 * stride;
      let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s10 = f32x4.splat(0), s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0), s21 = f32x4.splat(0), s30 = f32x4.splat(0), s31 = f32x4.splat(0);
      for (let t = 0; t < taps; t++) {
        for (const end = b + ((<usize>k) << 5); b < end; b += 32) {
          const b0 = v128.load(b), b1 = v128.load(b, 16);
          let x = v128.load32_splat(p0);
          s00 = madd(x, b0, s00);
          s01 = madd(x, b1, s01);
          x = v128.load32_splat(p1);
          s10 = madd(x, b0, s10);
          s11 = madd(x, b1, s11);
          x = v128.load32_splat(p2);
          s20 = madd(x, b0, s20);
          s21 = madd(x, b1, s21);
          x = v128.load32_splat(p3);
          s30 = madd(x, b0, s30);
          s31 = madd(x, b1, s31);
          p0 += 4; p1 += 4; p2 += 4; p3 += 4;
        }
        p0 += next; p1 += next; p2 += next; p3 += next;
      }
      v128.store(out, f32x4.add(s00, bias0));
      v128.store(out, f32x4.add(s01, bias1), 16);
      v128.store(out + wide, f32x4.add(s10, bias0));
      v128.store(out + wide, f32x4.add(s11, bias1), 16);
      v128.store(out + 2 * wide, f32x4.add(s20, bias0));
      v128.store(out + 2 * wide, f32x4.add(s21, bias1), 16);
      v128.store(out + 3 * wide, f32x4.add(s30, bias0));
      v128.store(out + 3 * wide, f32x4.add(s31, bias1), 16);
      row += 4 * stride;
      out += 4 * wide;
      if (i) continue;
      for (let p = panel + size; p < panel + 2 * size; p += 64) touched = v128.xor(touched, v128.load(p));
    }
    for (; i < m; i++) {
      let b = panel, p = row, s0 = f32x4.splat(0), s1 = f32x4.splat(0);
      for (let t = 0; t < taps; t++) {
        for (const end = b + ((<usize>k) << 5); b < end; b += 32) {
          const x = v128.load32_splat(p);
          s0 = madd(x, v128.load(b), s0);
          s1 = madd(x, v128.load(b, 16), s1);
          p += 4;
        }
        p += next;
      }
      v128.store(out, f32x4.add(s0, bias0));
      v128.store(out, f32x4.add(s1, bias1), 16);
      row += stride;
      out += wide;
    }
    panel += size;
  }
  v128.store(0, touched);
}

// Constants lie in memory, at the beginning: as part of the code each would be made anew wherever it is used, from
// several instructions.
const ROUND = memory.data<f32>([12582912]); // 1.5 * 2^23: adding and taking it away rounds to a whole number
const POWER = memory.data<f32>([1, 0.693147004, 0.240222424, 0.0555073358, 0.00967151299, 0.00132647273]);
const LEAST = memory.data<f32>([-126]), MOST = memory.data<f32>([126]);
const ONE = memory.data<i32>([127 << 23]);
const MINUS_LOG2E = memory.data<f32>([-1.44269504]);
const GELU = memory.data<f32>([-2.30220818, 0.044715]);

// @ts-ignore: decorator
@inline
function constant(place: usize, number: usize = 0): v128 {
  return v128.load32_splat(place + 4 * number);
}

// 2^x for x from -126 to 126: 2^n 2^r with n the nearest whole number, and for 2^r the polynomial of least relative error
// with a constant of 1 (errors of 2^x below 2 in the last place).
// @ts-ignore: decorator
@inline
function exp2(x: v128): v128 {
  const rounded = f32x4.add(x, constant(ROUND)); // n in its last bits
  const r = f32x4.sub(x, f32x4.sub(rounded, constant(ROUND)));
  let p = constant(POWER, 5);
  p = madd(p, r, constant(POWER, 4));
  p = madd(p, r, constant(POWER, 3));
  p = madd(p, r, constant(POWER, 2));
  p = madd(p, r, constant(POWER, 1));
  p = madd(p, r, constant(POWER));
  return f32x4.mul(p, i32x4.add(i32x4.shl(rounded, 23), constant(ONE)));
}

// x / (1 + 2^u).
// @ts-ignore: decorator
@inline
function gated(x: v128, u: v128): v128 {
  const power = exp2(f32x4.pmin(f32x4.pmax(u, constant(LEAST)), constant(MOST)));
  return f32x4.div(x, f32x4.add(constant(POWER), power));
}

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

// Attention of every token to every token, head by head: qkv [tokens, 3 * heads * width] -> out [tokens, heads * width].
// tokens and width are multiples of 8; room: tokens * (2 * width + tokens + 1) floats.
export function attention(qkv: i32, out: i32, room: i32, zeros: i32, tokens: i32, heads: i32, width: i32): void {
  const all = heads * width, row = 3 * all;
  const keys = room, values = keys + tokens * width, scores = values + tokens * width, shares = scores + tokens * tokens;
  const scale = f32x4.splat(<f32>(1.4426950408889634 / Math.sqrt(<f64>width))); // e^x is 2^(x log2 e)
  for (let head = 0; head < heads; head++) {
    const q = qkv + head * width;
    for (let t = 0; t < tokens; t += 4) {
      keysToPanel(at(q + all + t * row), at(row), at(keys + (t & ~7) * width + (t & 7)), width);
    }
    for (let t = 0; t < tokens; t++) {
      const from = at(q + 2 * all + t * row), to = at(values + 8 * t);
      for (let i = 0; i < width; i += 8) {
        v128.store(to + at(i * tokens), v128.load(from + at(i)));
        v128.store(to + at(i * tokens), v128.load(from + at(i), 16), 16);
      }
    }
    matmul(q, row, 1, 0, keys, zeros, scores, tokens, tokens, tokens, width);
    for (let t = 0; t < tokens; t++) {
      const from = at(scores + t * tokens), end = from + at(tokens);
      let even = v128.load(from), odd = even;
      for (let p = from; p < end; p += 32) {
        even = f32x4.pmax(even, v128.load(p));
        odd = f32x4.pmax(odd, v128.load(p, 16));
      }
      const most = f32x4.pmax(even, odd);
      const largest = max(
        max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
        max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3))
      );
      let total = f32x4.splat(0);
      for (let p = from; p < end; p += 16) {
        const x = f32x4.mul(f32x4.sub(v128.load(p), f32x4.splat(largest)), scale);
        const e = exp2(f32x4.pmax(x, constant(LEAST)));
        v128.store(p, e);
        total = f32x4.add(total, e);
      }
      store<f32>(at(shares + t), <f32>1 / sumOf(total));
    }
    matmul(scores, tokens, 1, 0, values, zeros, out + head * width, all, tokens, width, tokens);
    for (let t = 0; t < tokens; t++) {
      const share = v128.load32_splat(at(shares + t)), from = at(out + t * all + head * width);
      for (let p = from, end = from + at(width); p < end; p += 16) v128.store(p, f32x4.mul(v128.load(p), share));
    }
  }
}

// The keys of four tokens, `stride` bytes apart, as four columns of a panel: [width][8].
// @ts-ignore: decorator
@inline
function keysToPanel(from: usize, stride: usize, to: usize, width: i32): void {
  for (const end = from + at(width); from < end; from += 16, to += 128) {
    const a = v128.load(from), b = v128.load(from + stride), c = v128.load(from + 2 * stride), d = v128.load(from + 3 * stride);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
    v128.store(to, v128.shuffle<f64>(ab, cd, 1, 3), 32);
    const ba = v128.shuffle<f32>(a, b, 2, 6, 3, 7), dc = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(ba, dc, 0, 2), 64);
    v128.store(to, v128.shuffle<f64>(ba, dc, 1, 3), 96);
  }
}

// out = (values - mean(sized)) / sd(sized) * (1 + scale) + shift, row by row. Where `sized` and `values` are one, this is
// the layer norm of a diffusion transformer; where they differ, an edit reaches the norm's content or its gain alone.
export function layerNorm(
  sized: i32, values: i32, scale: i32, shift: i32, out: i32, rows: i32, width: i32, epsilon: f32
): void {
  const bytes = at(width);
  for (let i = 0; i < rows; i++) {
    const s = at(sized + i * width), v = at(values + i * width), o = at(out + i * width);
    let sum = f32x4.splat(0);
    for (let p: usize = 0; p < bytes; p += 16) sum = f32x4.add(sum, v128.load(s + p));
    const mean = f32x4.splat(sumOf(sum) / <f32>width);
    let squares = f32x4.splat(0);
    for (let p: usize = 0; p < bytes; p += 16) {
      const d = f32x4.sub(v128.load(s + p), mean);
      squares = madd(d, d, squares);
    }
    const gain = f32x4.splat(<f32>1 / sqrt<f32>(sumOf(squares) / <f32>width + epsilon));
    for (let p: usize = 0; p < bytes; p += 16) {
      const y = f32x4.mul(f32x4.sub(v128.load(v + p), mean), gain);
      const wide = f32x4.add(v128.load(at(scale) + p), f32x4.splat(1));
      v128.store(o + p, madd(y, wide, v128.load(at(shift) + p)));
    }
  }
}

// x / rms(x) * weight, in place, for each of `heads` pieces of `width` numbers in each row.
export function rmsNorm(x: i32, stride: i32, weight: i32, rows: i32, heads: i32, width: i32, epsilon: f32): void {
  const bytes = at(width);
  for (let i = 0; i < rows; i++) {
    for (let head = 0; head < heads; head++) {
      const from = at(x + i * stride + head * width);
      let squares = f32x4.splat(0);
      for (let p: usize = 0; p < bytes; p += 16) {
        const v = v128.load(from + p);
        squares = madd(v, v, squares);
      }
      const gain = f32x4.splat(<f32>1 / sqrt<f32>(sumOf(squares) / <f32>width + epsilon));
      for (let p: usize = 0; p < bytes; p += 16) {
        v128.store(from + p, f32x4.mul(f32x4.mul(v128.load(from + p), gain), v128.load(at(weight) + p)));
      }
    }
  }
}

// x / (1 + e^-x), in place.
export function silu(x: i32, count: i32): void {
  for (let p = at(x), end = at(x + count); p < end; p += 16) {
    const v = v128.load(p);
    v128.store(p, gated(v, f32x4.mul(v, constant(MINUS_LOG2E))));
  }
}

// GELU in its tanh form, in place: x (1 + tanh u) / 2 = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3).
export function gelu(x: i32, count: i32): void {
  for (let p = at(x), end = at(x + count); p < end; p += 16) {
    const v = v128.load(p);
    const wide = madd(f32x4.mul(v, v), constant(GELU, 1), constant(POWER));
    v128.store(p, gated(v, f32x4.mul(f32x4.mul(wide, constant(GELU)), v)));
  }
}

// x += gate * y, row by row.
export function addGated(x: i32, y: i32, gate: i32, rows: i32, width: i32): void {
  const bytes = at(width);
  for (let i = 0; i < rows; i++) {
    const to = at(x + i * width), from = at(y + i * width);
    for (let p: usize = 0; p < bytes; p += 16) {
      v128.store(to + p, madd(v128.load(at(gate) + p), v128.load(from + p), v128.load(to + p)));
    }
  }
}

// out[j] = |mean of x[i, j] over rows|.
export function levels(x: i32, out: i32, rows: i32, width: i32): void {
  const share = f32x4.splat(<f32>1 / <f32>rows), wide = at(width), bytes = at(rows * width);
  for (let j: usize = 0; j < wide; j += 16) {
    const from = at(x) + j;
    let sum = f32x4.splat(0);
    for (let p: usize = 0; p < bytes; p += wide) sum = f32x4.add(sum, v128.load(from + p));
    v128.store(at(out) + j, f32x4.abs(f32x4.mul(sum, share)));
  }
}

// x = max(x, 0).
export function relu(x: i32, count: i32): void {
  for (let p = at(x), end = at(x + count); p < end; p += 16) v128.store(p, f32x4.pmax(v128.load(p), f32x4.splat(0)));
}

// x = max(x + y, 0).
export function addRelu(x: i32, y: i32, count: i32): void {
  for (let p: usize = 0; p < at(count); p += 16) {
    const v = f32x4.add(v128.load(at(x) + p), v128.load(at(y) + p));
    v128.store(at(x) + p, f32x4.pmax(v, f32x4.splat(0)));
  }
}

// Bytes of a tensor -> Float32Array, and the size of a WebP picture from its first bytes.

const VIEWS = {
  F64: Float64Array, F32: Float32Array, I32: Int32Array, I16: Int16Array, I8: Int8Array,
  U32: Uint32Array, U16: Uint16Array, U8: Uint8Array, BOOL: Uint8Array, I64: BigInt64Array, U64: BigUint64Array,
};
export const ITEM = { F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 };

// bytes: a Uint8Array at the start of its buffer.
export function floats(bytes, dtype) {
  if (dtype === "F32") return new Float32Array(bytes.buffer, 0, bytes.length / 4);
  if (dtype === "F16") return Float32Array.from(new Uint16Array(bytes.buffer, 0, bytes.length / 2), half);
  const values = new VIEWS[dtype](bytes.buffer, 0, bytes.length / ITEM[dtype]);
  return Float32Array.from(values, Number);
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

// The place of the first value that is nan or inf, or -1.
export function firstBad(values) {
  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return i;
  return -1;
}

// [width, height] of a WebP file, or null where it is none. Before a browser decodes it: a few bytes can claim gigapixels.
export function webpSize(bytes) {
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes.length < 30 || text(0, 4) !== "RIFF" || text(8, 12) !== "WEBP") return null;
  const u16 = (at) => bytes[at] | (bytes[at + 1] << 8);
  const u24 = (at) => u16(at) | (bytes[at + 2] << 16);
  const kind = text(12, 16);
  if (kind === "VP8 ") return [u16(26) & 0x3fff, u16(28) & 0x3fff];
  if (kind === "VP8L") return [1 + (u16(21) & 0x3fff), 1 + ((u24(22) >> 6) & 0x3fff)];
  if (kind === "VP8X") return [1 + u24(24), 1 + u24(27)];
  return null;
}

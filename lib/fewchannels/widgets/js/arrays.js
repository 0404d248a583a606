// Reads what packing.py writes: one deflated block, arrays by offset, codes back to values.

import { phrase } from "./phrases.js";

const KINDS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

// DataView (or anything on an ArrayBuffer) -> ArrayBuffer, inflated.
export async function inflate(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

export function product(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

// One array of the block, without a copy.
export function arrayOf(buffer, header) {
  const kind = KINDS[header.dtype];
  if (!kind) throw new Error(phrase("array.dtype", { dtype: header.dtype, wanted: Object.keys(KINDS).join(", ") }));
  const size = product(header.shape);
  if (header.offset + size * kind.BYTES_PER_ELEMENT > buffer.byteLength) {
    throw new Error(phrase("array.short", { offset: header.offset, shape: header.shape, bytes: buffer.byteLength }));
  }
  return new kind(buffer, header.offset, size);
}

// Logarithmic scores -> Float32Array in the order of header.shape.
export function logValues(buffer, header) {
  const planes = arrayOf(buffer, header.codes);
  const size = product(header.shape);
  const count = header.shape[header.axis];
  const stride = product(header.shape.slice(header.axis + 1));
  const values = new Float32Array(size);
  // Stored with the axis of the differences last: all of a series, then the next.
  for (let series = 0; series < size / count; series++) {
    const first = Math.floor(series / stride) * stride * count + (series % stride);
    let code = 0;
    for (let i = 0; i < count; i++) {
      const place = series * count + i;
      const zigzag = planes[place] | (planes[size + place] << 8);
      code += (zigzag >>> 1) ^ -(zigzag & 1);
      values[first + i * stride] = code === 0 ? 0 : header.floor * Math.exp((code - 1) * header.step);
    }
  }
  return values;
}

// Token maps stay packed; one is unpacked when it is looked at.
export function mapReader(buffer, header) {
  const codes = header.along == null ? arrayOf(buffer, header.codes) : summed(arrayOf(buffer, header.codes), header);
  const low = arrayOf(buffer, header.low);
  const scale = arrayOf(buffer, header.scale);
  const shape = header.codes.shape;
  const [height, width] = shape.slice(-2);
  const size = height * width;
  let levels = 0;
  for (let i = 0; i < codes.length; i++) if (codes[i] > levels) levels = codes[i];
  return {
    count: low.length,
    height,
    width,
    low: (index) => low[index],
    high: (index) => low[index] + levels * scale[index],
    read(index) {
      const values = new Float32Array(size);
      for (let i = 0; i < size; i++) values[i] = low[index] + scale[index] * codes[index * size + i];
      return values;
    },
  };
}

// Differences along an axis, modulo 256 -> the codes themselves.
function summed(differences, { codes, along }) {
  const out = Uint8Array.from(differences);
  const stride = product(codes.shape.slice(along + 1));
  const span = stride * codes.shape[along];
  for (let i = 0; i < out.length; i++) if (i % span >= stride) out[i] += out[i - stride];
  return out;
}

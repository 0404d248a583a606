// A picture as lossless WebP, which run files hold and not every browser can write: VP8L (RFC 9649) with codes of eight
// bits for every value, so that nothing is compressed and nothing is lost.

class Bits {
  constructor(bytes) {
    this.bytes = new Uint8Array(bytes);
    this.at = 0;
  }

  // The lowest bit first.
  put(value, count) {
    for (let i = 0; i < count; i++, this.at++) this.bytes[this.at >> 3] |= ((value >> i) & 1) << (this.at & 7);
  }

  // A code of eight bits, its highest first.
  code(value) {
    for (let i = 7; i >= 0; i--) this.put((value >> i) & 1, 1);
  }

  // 256 symbols of eight bits each, and `more` that do not occur.
  table(more) {
    this.put(0, 1); // no simple code
    this.put(8, 4); // twelve lengths of the code of lengths, in the order 17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8
    for (const symbol of [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8]) this.put(symbol === 0 || symbol === 8 ? 1 : 0, 3);
    this.put(0, 1); // for all symbols
    for (let i = 0; i < 256; i++) this.put(1, 1);
    for (let i = 0; i < more; i++) this.put(0, 1);
  }

  // One symbol, which then takes no bits.
  single(symbol, wide) {
    this.put(1, 1);
    this.put(0, 1);
    this.put(wide ? 1 : 0, 1);
    this.put(symbol, wide ? 8 : 1);
  }
}

// RGBA bytes, opaque -> the bytes of a WebP file.
export function webpOf(rgba, width, height) {
  const bits = new Bits(400 + 3 * width * height);
  bits.put(0x2f, 8);
  bits.put(width - 1, 14);
  bits.put(height - 1, 14);
  bits.put(0, 1 + 3); // no alpha, version 0
  bits.put(0, 3); // no transform, no cache of colours, one set of codes
  bits.table(24); // green, and lengths of copies
  bits.table(0); // red
  bits.table(0); // blue
  bits.single(255, true); // alpha
  bits.single(0, false); // distances
  for (let i = 0; i < 4 * width * height; i += 4) for (const part of [1, 0, 2]) bits.code(rgba[i + part]);
  const size = Math.ceil(bits.at / 8);
  const padded = size + (size & 1);
  const file = new Uint8Array(20 + padded);
  const view = new DataView(file.buffer);
  const text = (at, letters) => [...letters].forEach((letter, i) => (file[at + i] = letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 12 + padded, true);
  text(8, "WEBPVP8L");
  view.setUint32(16, size, true);
  file.set(bits.bytes.subarray(0, size), 20);
  return file;
}

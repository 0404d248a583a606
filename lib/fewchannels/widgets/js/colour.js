// Colour maps as 256-entry tables, from 33 samples each of matplotlib's "cividis" (sequential) and "PuOr" (diverging).

const CIVIDIS =
  "00224e00285b002e6a0533711a386f273e6e32436d3b496c434e6c4b546c535a6d5a5f6e61656f686a716f7073767676" +
  "7d7c788381798b8778928d789a9376a29975aaa073b3a670bbad6dc3b369ccba64d4c15fddc858e6d051efd748f8df3c" +
  "fee838";
const PUOR =
  "7f3b088f4407a04d07b05606be630acd700edb7d12e68d23ef9e3cf8ae55fdbd6efdca88fed7a2fde2bbfbe9cff9f0e4" +
  "f6f6f7eeeef3e4e5f0dadceccfcfe5c3c0ddb7b1d5a9a1cb9990bf8a7eb37b6aa86d529c5f3a91522584451871390c5e" +
  "2d004b";

function table(hex) {
  const stops = hex.length / 6 - 1;
  const at = (stop, part) => parseInt(hex.slice(6 * stop + 2 * part, 6 * stop + 2 * part + 2), 16);
  const colours = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * stops;
    const stop = Math.min(stops - 1, Math.floor(place));
    for (let part = 0; part < 3; part++) {
      colours[3 * i + part] = Math.round(at(stop, part) + (place - stop) * (at(stop + 1, part) - at(stop, part)));
    }
  }
  return colours;
}

export const PALETTES = { sequential: table(CIVIDIS), diverging: table(PUOR) };

// The scale of a map: signed values with weight on both sides are centred at zero, all others run from low to high.
export function scaleFor(low, high) {
  const smaller = Math.min(-low, high);
  const larger = Math.max(-low, high);
  if (smaller > 0 && smaller >= 0.1 * larger) return { palette: "diverging", low: -larger, high: larger };
  return { palette: "sequential", low, high };
}

// The same tables with one number a colour, in the machine's order of bytes: one write a pixel instead of four.
const WORDS = Object.fromEntries(
  Object.entries(PALETTES).map(([name, colours]) => {
    const bytes = new Uint8Array(4 * 256);
    for (let i = 0; i < 256; i++) bytes.set([colours[3 * i], colours[3 * i + 1], colours[3 * i + 2], 255], 4 * i);
    return [name, new Uint32Array(bytes.buffer)];
  }),
);

// values -> RGBA bytes, four a value.
export function paint(values, scale, out = new Uint8ClampedArray(4 * values.length)) {
  const words = WORDS[scale.palette];
  const pixels = new Uint32Array(out.buffer, out.byteOffset, values.length);
  const steps = 255 / (scale.high - scale.low || 1);
  for (let i = 0; i < values.length; i++) {
    const level = (values[i] - scale.low) * steps + 0.5;
    pixels[i] = words[level < 255 ? (level > 0 ? level | 0 : 0) : 255];
  }
  return out;
}

export function gradient(palette) {
  const colours = PALETTES[palette];
  const stops = [];
  for (let i = 0; i <= 16; i++) {
    const level = 3 * Math.round((i / 16) * 255);
    stops.push(`rgb(${colours[level]} ${colours[level + 1]} ${colours[level + 2]})`);
  }
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

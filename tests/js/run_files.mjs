// Run files made by hand, good and bad, for the tests of the reader: bytes as book/runfile.md describes them.

export const COUNTS = { prompts: 2, layers: 3, steps: 4, width: 5, height: 2, columns: 3 };
const PROVENANCE = { model: "toy", revision: "r1", seed: 7, steps: 4, dtype: "float32", versions: {}, date: "2026-11-25" };

// A lossy WebP of 2 x 1 px as far as its header goes.
export function webp(width = 2, height = 1) {
  const bytes = new Uint8Array(40);
  bytes.set([..."RIFF----WEBPVP8 "].map((letter) => letter.charCodeAt(0)));
  bytes.set([width & 255, width >> 8, height & 255, height >> 8], 26);
  return bytes;
}

// value of stats/mean etc. at (prompt, layer, step, channel): known, so that every read can be checked
export function valueAt(name, prompt, layer, step, channel) {
  const base = 1000 * prompt + 100 * layer + 10 * step + channel;
  return { mean: channel % 2 ? -base : base, mean_abs: base + 0.5, max_abs: 2 * base + 1, var: base / 4 }[name];
}

export function good() {
  const { prompts, layers, steps, width, height, columns } = COUNTS;
  const tensors = {};
  for (const name of ["mean", "mean_abs", "max_abs", "var"]) {
    const values = new Float32Array(prompts * layers * steps * width);
    let at = 0;
    for (let p = 0; p < prompts; p++) {
      for (let l = 0; l < layers; l++) {
        for (let t = 0; t < steps; t++) for (let d = 0; d < width; d++) values[at++] = valueAt(name, p, l, t, d);
      }
    }
    tensors[`stats/${name}`] = { dtype: "F32", shape: [prompts, layers, steps, width], bytes: new Uint8Array(values.buffer) };
  }
  // maps of the second prompt at steps 1 and 3; each value is its own place
  const shape = [1, layers, 2, height, columns, 2];
  const maps = Uint16Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => halfOf(i));
  tensors["maps/top"] = { dtype: "F16", shape, bytes: new Uint8Array(maps.buffer) };
  tensors["masks/subject"] = { dtype: "BOOL", shape: [2, 2, 3], bytes: new Uint8Array(12) };
  for (const name of ["images/00000", "images/00001", "images/zero/00000", "images/zero/00001"]) {
    tensors[name] = { dtype: "U8", shape: [40], bytes: webp() };
  }
  const indices = [[4, 3], [4, 2], [4, 1]];
  const entry = { axes: ["sample", "layer", "step", "row", "column", "channel"], channels: "top", samples: [1], steps: [1, 3] };
  const record = {
    format: "fewchannels.run",
    version: 1,
    provenance: { ...PROVENANCE },
    prompts: ["a red star", "<img src=x onerror=alert(1)></script>"],
    index: {
      layers: ["double.0", "double.1", "single.0"], steps: [0, 1, 2, 3], grid: [height, columns], score: "abs_mean",
      channels: { top: { indices, width, label: "top 2" } }, maps: { top: entry },
    },
    images: { "": { count: 2, height: 1, width: 2, lossless: false }, zero: { count: 2, height: 1, width: 2, lossless: false } },
  };
  return { record, tensors };
}

// small whole numbers up to 2047 are exact in half precision
function halfOf(n) {
  if (n === 0) return 0;
  const power = Math.floor(Math.log2(n));
  return ((power + 15) << 10) | Math.round((n / 2 ** power - 1) * 1024);
}

// { record, tensors, header: (header) => header, text: (text) => text } -> the file's bytes
export function packed({ record, tensors, metadata, change = (header) => header, text = (json) => json }) {
  let place = 0;
  const header = { __metadata__: metadata || { fewchannels: typeof record === "string" ? record : JSON.stringify(record) } };
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [place, place + bytes.length] };
    place += bytes.length;
  }
  const json = new TextEncoder().encode(text(JSON.stringify(change(header))));
  const file = new Uint8Array(8 + json.length + place);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  place = 8 + json.length;
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, place);
    place += bytes.length;
  }
  return file;
}

// changed((file) => {...}) -> bytes of the good file with its parts changed
export function changed(edit) {
  const file = good();
  edit(file);
  return packed(file);
}

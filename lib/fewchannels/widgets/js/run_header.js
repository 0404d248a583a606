// The header of a run file (book/runfile.md): what is in the file and where, checked before anything of it is believed.

import { phrase } from "./phrases.js";
import { quoted, refuse } from "./run_error.js";

export const MAX_HEADER = 100_000_000;
export const MAX_RECORD = 10_000_000;
const MAX_TENSORS = 200_000;
const MAX_DEPTH = 64;
const VERSION = 1;
const BYTES = { F64: 8, F32: 4, F16: 2, BOOL: 1, I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1 };
const GROUPS = ["stats", "maps", "masks", "images"];
const PROVENANCE = ["model", "revision", "seed", "steps", "dtype", "versions", "date"];
// First bytes of other files that people have at hand.
const OTHERS = [
  ["PK", "zip"],
  ["\u001f\u008b", "gzip"],
  ["\u0089HDF", "hdf5"],
  ["\u0093NUMPY", "numpy"],
  ["\u0089PNG", "png"],
  ["RIFF", "riff"],
  ["%PDF", "pdf"],
  ["version ", "lfs"],
];

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

// read(begin, end) -> Promise of Uint8Array; size: bytes of the file
// -> { record, tensors: Map(name -> { dtype, shape, begin, end }) }, offsets counted from the start of the file
export async function readHeader(read, size) {
  if (size === 0) refuse(phrase("reader.empty", { expected: phrase("reader.expected") }));
  const start = await read(0, Math.min(16, size));
  const other = OTHERS.find(([magic]) => [...magic].every((letter, i) => start[i] === letter.charCodeAt(0)));
  if (other) refuse(phrase("reader.isother", { what: phrase(`reader.other.${other[1]}`), expected: phrase("reader.expected") }));
  if (size < 10) refuse(phrase("reader.short", { size }));
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length < 2 || (start[8] !== 0x7b && length <= MAX_HEADER)) {
    refuse(phrase("reader.nosafetensors", { expected: phrase("reader.expected") }));
  }
  if (length > MAX_HEADER) {
    refuse(phrase("reader.header.long", { length, most: MAX_HEADER, expected: phrase("reader.expected") }));
  }
  if (8 + length > size) {
    refuse(phrase("reader.header.cut", { size, least: 8 + length }));
  }
  const header = parsed(await read(8, 8 + length), "header");
  const metadata = Object.hasOwn(header, "__metadata__") ? header.__metadata__ : {};
  const record = readRecord(metadata);
  return { record, tensors: readTensors(header, 8 + length, size) };
}

function parsed(bytes, what) {
  let value;
  try {
    value = JSON.parse(typeof bytes === "string" ? bytes : new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    refuse(phrase("reader.nojson", { what, expected: phrase("reader.expected") }));
  }
  if (!isObject(value)) refuse(phrase("reader.noobject", { what, expected: phrase("reader.expected") }));
  return value;
}

function readRecord(metadata) {
  if (!isObject(metadata) || !Object.hasOwn(metadata, "fewchannels")) {
    refuse(phrase("reader.foreign", { expected: phrase("reader.expected") }));
  }
  const text = metadata.fewchannels;
  if (typeof text !== "string") refuse(phrase("reader.record.notext", { expected: phrase("reader.expected") }));
  if (text.length > MAX_RECORD) refuse(phrase("reader.record.long", { length: text.length, most: MAX_RECORD }));
  if (depthOf(text) > MAX_DEPTH) refuse(phrase("reader.record.deep", { most: MAX_DEPTH }));
  const record = parsed(text, "record");
  if (record.format !== "fewchannels.run") {
    refuse(phrase("reader.record.format", { format: quoted(record.format ?? null), expected: phrase("reader.expected") }));
  }
  if (!Number.isSafeInteger(record.version) || record.version < 1) {
    refuse(phrase("reader.record.noversion", { version: quoted(record.version ?? null) }));
  }
  if (record.version > VERSION) {
    refuse(phrase("reader.record.version", { version: record.version, own: VERSION }));
  }
  for (const key of ["provenance", "index", "images"]) {
    if (!isObject(record[key])) refuse(phrase("reader.record.lacks", { key }));
  }
  if (!Array.isArray(record.prompts) || record.prompts.some((prompt) => typeof prompt !== "string")) {
    refuse(phrase("reader.record.prompts"));
  }
  const missing = PROVENANCE.filter((key) => !Object.hasOwn(record.provenance, key));
  if (missing.length) refuse(phrase("reader.record.provenance", { missing: missing.join(", ") }));
  return record;
}

// How deep brackets nest, outside of texts. JSON.parse takes any depth, but what walks the value later may not.
function depthOf(text) {
  let depth = 0;
  let deepest = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inside) {
      if (code === 92) i++;
      else if (code === 34) inside = false;
    } else if (code === 34) inside = true;
    else if (code === 123 || code === 91) deepest = Math.max(deepest, ++depth);
    else if (code === 125 || code === 93) depth--;
  }
  return deepest;
}

function readTensors(header, start, size) {
  const tensors = new Map();
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  if (names.length > MAX_TENSORS) refuse(phrase("reader.arrays.many", { count: names.length, most: MAX_TENSORS }));
  for (const name of names) tensors.set(name, readTensor(name, header[name], start, size));
  let place = start;
  for (const [name, { begin, end }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== place) {
      refuse(phrase(begin < place ? "reader.array.overlaps" : "reader.array.gap", { name: quoted(name), begin: begin - start, wanted: place - start }));
    }
    place = end;
  }
  if (place !== size) refuse(phrase("reader.long", { size, wanted: place }));
  return tensors;
}

function readTensor(name, entry, start, size) {
  const shown = quoted(name);
  if (!isObject(entry) || !Array.isArray(entry.shape) || !Array.isArray(entry.data_offsets)) {
    refuse(phrase("reader.array.entry", { name: shown }));
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1] || shape.length > 16 || !shape.every(isCount)) {
    refuse(phrase("reader.array.impossible", { name: shown, shape: quoted(shape), place: quoted(offsets) }));
  }
  if (start + offsets[1] > size) {
    refuse(phrase("reader.array.cut", { name: shown, end: start + offsets[1], size }));
  }
  const group = GROUPS.find((known) => name.startsWith(`${known}/`) && name.length > known.length + 1);
  if (!group) refuse(phrase("reader.array.group", { name: shown, groups: GROUPS.join(", ") }));
  const wanted = { images: ["U8"], masks: ["BOOL"] }[group] || Object.keys(BYTES);
  if (typeof dtype !== "string" || !wanted.includes(dtype)) {
    refuse(phrase("reader.array.type", { name: shown, type: quoted(dtype ?? null), wanted: wanted.join(", ") }));
  }
  if (group === "images" && shape.length !== 1) refuse(phrase("reader.picture.shape", { name: shown, shape: quoted(shape) }));
  const bytes = shape.reduce((a, b) => a * b, 1) * BYTES[dtype];
  if (bytes !== offsets[1] - offsets[0]) {
    refuse(phrase("reader.array.bytes", { name: shown, bytes: offsets[1] - offsets[0], type: dtype, shape: quoted(shape) }));
  }
  return { dtype, shape, begin: start + offsets[0], end: start + offsets[1] };
}

// The header of a run file (book/runfile.md): what is in the file and where, checked before anything of it is believed.

import { quoted, refuse } from "./run_error.js";

export const MAX_HEADER = 100_000_000;
export const MAX_RECORD = 10_000_000;
const MAX_TENSORS = 200_000;
const MAX_DEPTH = 64;
const VERSION = 1;
const BYTES = { F64: 8, F32: 4, F16: 2, BOOL: 1, I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1 };
const GROUPS = ["stats", "maps", "masks", "images"];
const PROVENANCE = ["model", "revision", "seed", "steps", "dtype", "versions", "date"];
const EXPECTED = "Expected a run file, as `fewchannels run --out FILE.safetensors` writes it.";
// First bytes of other files that people have at hand.
const OTHERS = [
  ["PK", "a zip archive (PyTorch and NumPy save such files as well)"],
  ["\u001f\u008b", "a gzip archive: unpack it first"],
  ["\u0089HDF", "an HDF5 file"],
  ["\u0093NUMPY", "a NumPy file"],
  ["\u0089PNG", "a picture"],
  ["RIFF", "a picture or a sound"],
  ["%PDF", "a PDF document"],
  ["version ", "a Git LFS pointer, not the file that it stands for: run `git lfs pull`"],
];

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

// read(begin, end) -> Promise of Uint8Array; size: bytes of the file
// -> { record, tensors: Map(name -> { dtype, shape, begin, end }) }, offsets counted from the start of the file
export async function readHeader(read, size) {
  if (size === 0) refuse(`The file is empty. ${EXPECTED}`);
  const start = await read(0, Math.min(16, size));
  const other = OTHERS.find(([magic]) => [...magic].every((letter, i) => start[i] === letter.charCodeAt(0)));
  if (other) refuse(`The file is ${other[1]}, no run file. ${EXPECTED}`);
  if (size < 10) refuse(`The file has ${size} bytes, too few for a run file: it was cut short. Copy or download it again.`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length < 2 || (start[8] !== 0x7b && length <= MAX_HEADER)) {
    refuse(`The file is no safetensors file: it does not start with the length of a header and the header. ${EXPECTED}`);
  }
  if (length > MAX_HEADER) {
    refuse(`The file says that its header has ${length} bytes; at most ${MAX_HEADER} are read. ${EXPECTED}`);
  }
  if (8 + length > size) {
    refuse(`The file ends inside its header (${size} of at least ${8 + length} bytes): it was cut short. Copy or download it again.`);
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
    refuse(`The file's ${what} is not the JSON text that a run file has there: it is damaged or no run file. ${EXPECTED}`);
  }
  if (!isObject(value)) refuse(`The file's ${what} is no JSON object. ${EXPECTED}`);
  return value;
}

function readRecord(metadata) {
  if (!isObject(metadata) || !Object.hasOwn(metadata, "fewchannels")) {
    refuse(`This is a safetensors file of another program (weights of a model, perhaps): it holds no record of a run. ${EXPECTED}`);
  }
  const text = metadata.fewchannels;
  if (typeof text !== "string") refuse(`The record of the run is no text. ${EXPECTED}`);
  if (text.length > MAX_RECORD) refuse(`The record of the run has ${text.length} letters; at most ${MAX_RECORD} are read.`);
  if (depthOf(text) > MAX_DEPTH) refuse(`The record of the run is nested more than ${MAX_DEPTH} levels deep, which no run is.`);
  const record = parsed(text, "record");
  if (record.format !== "fewchannels.run") {
    refuse(`The record names the format ${quoted(record.format ?? null)}; expected "fewchannels.run". ${EXPECTED}`);
  }
  if (!Number.isSafeInteger(record.version) || record.version < 1) {
    refuse(`The record's version is ${quoted(record.version ?? null)}, which is no version number.`);
  }
  if (record.version > VERSION) {
    refuse(`The file has version ${record.version} of the run format; this page reads version ${VERSION}. Open it in a newer edition of the book, or write it anew with the fewchannels of this one.`);
  }
  for (const key of ["provenance", "index", "images"]) {
    if (!isObject(record[key])) refuse(`The record's "${key}" is missing or no object: the file is damaged or was not written by fewchannels.`);
  }
  if (!Array.isArray(record.prompts) || record.prompts.some((prompt) => typeof prompt !== "string")) {
    refuse('The record\'s "prompts" are no list of texts: the file is damaged or was not written by fewchannels.');
  }
  const missing = PROVENANCE.filter((key) => !Object.hasOwn(record.provenance, key));
  if (missing.length) refuse(`The record does not say how the run was made: its provenance lacks ${missing.join(", ")}.`);
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
  if (names.length > MAX_TENSORS) refuse(`The file lists ${names.length} arrays; at most ${MAX_TENSORS} are read.`);
  for (const name of names) tensors.set(name, readTensor(name, header[name], start, size));
  let place = start;
  for (const [name, { begin, end }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== place) {
      const what = begin < place ? "overlaps the array before it" : "leaves a gap before it";
      refuse(`The array ${quoted(name)} ${what} (it starts at byte ${begin - start}, expected ${place - start}): the file is damaged. Copy or compute it again.`);
    }
    place = end;
  }
  if (place !== size) refuse(`The file is longer than its header says (${size} bytes, expected ${place}): it is damaged. Copy or compute it again.`);
  return tensors;
}

function readTensor(name, entry, start, size) {
  const shown = quoted(name);
  if (!isObject(entry) || !Array.isArray(entry.shape) || !Array.isArray(entry.data_offsets)) {
    refuse(`The header's entry ${shown} does not have the dtype, shape and data_offsets of an array: the file is damaged.`);
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1] || shape.length > 16 || !shape.every(isCount)) {
    refuse(`The array ${shown} has the shape ${quoted(shape)} and the place ${quoted(offsets)}, which cannot be: the file is damaged.`);
  }
  if (start + offsets[1] > size) {
    refuse(`The array ${shown} ends at byte ${start + offsets[1]} of a file of ${size}: the file was cut short. Copy or download it again.`);
  }
  const group = GROUPS.find((known) => name.startsWith(`${known}/`) && name.length > known.length + 1);
  if (!group) refuse(`The array ${shown} is in none of the groups ${GROUPS.join(", ")}: the file was not written by fewchannels.`);
  const wanted = { images: ["U8"], masks: ["BOOL"] }[group] || Object.keys(BYTES);
  if (typeof dtype !== "string" || !wanted.includes(dtype)) {
    refuse(`The array ${shown} is of the type ${quoted(dtype ?? null)}; expected ${wanted.join(", ")}.`);
  }
  if (group === "images" && shape.length !== 1) refuse(`The picture ${shown} has the shape ${quoted(shape)}; expected one axis of bytes.`);
  const bytes = shape.reduce((a, b) => a * b, 1) * BYTES[dtype];
  if (bytes !== offsets[1] - offsets[0]) {
    refuse(`The array ${shown} has ${offsets[1] - offsets[0]} bytes, which ${dtype} of the shape ${quoted(shape)} does not take: the file is damaged.`);
  }
  return { dtype, shape, begin: start + offsets[0], end: start + offsets[1] };
}

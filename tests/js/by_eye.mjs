// Not a test by itself: tests/widgets/test_live_lab.py gives pictures, this prints what the page's second reader sees.

import { readFileSync } from "node:fs";

import { readByEye } from "../../lib/fewchannels/widgets/js/lab/by_eye.js";
import { sentenceOf } from "../../lib/fewchannels/widgets/js/lab/words.js";

const bytes = readFileSync(process.argv[2]); // RGB, 48 x 48 each
const size = 48 * 48;
const said = [];
for (let from = 0; from < bytes.length; from += 3 * size) {
  const rgba = new Uint8ClampedArray(4 * size).fill(255);
  for (let i = 0; i < size; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = bytes[from + 3 * i + c];
  said.push(sentenceOf(readByEye(rgba)));
}
process.stdout.write(JSON.stringify(said));

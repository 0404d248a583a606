// Not a test by itself: tests/test_widgets.py packs arrays, this prints what the front end reads from them, as JSON.

import { readFileSync } from "node:fs";

import { PALETTES } from "../../lib/fewchannels/widgets/js/colour.js";
import { openBrowser } from "../../lib/fewchannels/widgets/js/browser_state.js";
import { openFlipbook } from "../../lib/fewchannels/widgets/js/flipbook_state.js";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const bytes = Uint8Array.from(Buffer.from(given.blob, "base64"));
const open = { browser: openBrowser, flipbook: openFlipbook }[given.kind];
const data = await open(given.data, new DataView(bytes.buffer));
const out = { sequential: Array.from(PALETTES.sequential), diverging: Array.from(PALETTES.diverging) };
if (given.kind === "browser") {
  out.abs_mean = Array.from(data.scores.abs_mean);
  out.mean_abs = Array.from(data.scores.mean_abs);
  out.energy = data.energy && Array.from(data.energy);
  out.maps = data.maps && Array.from({ length: data.maps.count }, (_, i) => Array.from(data.maps.read(i)));
  out.map_channels = data.mapChannels;
} else {
  out.numbers = data.numbers.map(({ name, value }) => [name, Array.from(value, (x) => (Number.isNaN(x) ? null : x))]);
}
process.stdout.write(JSON.stringify(out));

// Not a test by itself: tests/test_widgets.py packs arrays, this prints what the front end reads from them, as JSON.

import { readFileSync } from "node:fs";

import { PALETTES } from "../../lib/fewchannels/widgets/js/colour.js";
import { openBrowser } from "../../lib/fewchannels/widgets/js/browser_state.js";
import { openFlipbook } from "../../lib/fewchannels/widgets/js/flipbook_state.js";
import { skylineRow } from "../../lib/fewchannels/widgets/js/skyline.js";

// Of every cell and row: the largest channel, its ratio to the median, and how many bars there are of either kind.
function skylineRows(skyline) {
  const cells = skyline.sizes.length / skyline.width / skyline.names.length;
  const bars = (path) => path.split("Z").length - 1;
  return Array.from({ length: cells }, (_, cell) => skyline.names.map((_, row) => {
    const { others, chosen, most, ratio } = skylineRow(skyline, cell, row);
    return [bars(others), bars(chosen), most, ratio, Math.min(...[...(others + chosen).matchAll(/V([\d.]+)h/g)].map((m) => Number(m[1])))];
  }));
}

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
  if (data.skyline) out.skyline = { sizes: Array.from(data.skyline.sizes), rows: skylineRows(data.skyline) };
  out.numbers = data.numbers.map(({ name, value }) => [name, Array.from(value, (x) => (Number.isNaN(x) ? null : x))]);
}
process.stdout.write(JSON.stringify(out));

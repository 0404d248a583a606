// Not a test by itself: tests/test_explorer_mask.py gives token maps, this prints the masks that the page draws.

import { readFileSync } from "node:fs";

import { subjectMask } from "../../lib/fewchannels/widgets/js/masks.js";

const { samples, grid } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const masks = samples.map((maps) => subjectMask(maps.map((values) => Float32Array.from(values)), ...grid));
process.stdout.write(JSON.stringify(masks.map((found) => found && Array.from(found.mask))));

// Not a test by itself: of each address in a JSON list, whether the lab can hold every value that it names.

import { readFileSync } from "node:fs";

import { labState } from "../../lib/fewchannels/widgets/js/lab/state.js";
import { fromHash } from "../../lib/fewchannels/widgets/js/link.js";

const data = { shape: { blocks: 6, width: 192, tokens: 144 } };
function kept(hash) {
  const given = fromHash("lab", hash);
  const state = labState(data, given);
  return Object.entries(given).every(([name, value]) => String(state[name]) === value);
}
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(process.argv[2], "utf8")).map(kept)));

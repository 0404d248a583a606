// Not a test by itself: prints the addresses of the guided experiments and of the chapters' states, as the pages have them.

import { EXPERIMENTS, TRIES } from "../../lib/fewchannels/widgets/js/lab/experiments.js";
import { labState, told } from "../../lib/fewchannels/widgets/js/lab/state.js";
import { toHash } from "../../lib/fewchannels/widgets/js/link.js";

const data = { shape: { blocks: 6, width: 192, tokens: 144 } };
const address = (state) => toHash("lab", told(labState(data, state)));
const guesses = EXPERIMENTS.map(({ chapter, title, id }) => ({ chapter, text: title, address: address({ guide: id }) }));
const tries = TRIES.map(({ chapter, text, state }) => ({ chapter, text, address: address(state) }));
process.stdout.write(JSON.stringify({ guesses, tries }, null, 1));

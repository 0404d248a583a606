// Not a test by itself: prints the addresses of the guided experiments and of the chapters' states, as the pages have them.

import { EXPERIMENTS, TRIES } from "../../lib/fewchannels/widgets/js/lab/experiments.js";
import { phrase } from "../../lib/fewchannels/widgets/js/phrases.js";
import { labState, told } from "../../lib/fewchannels/widgets/js/lab/state.js";
import { toHash } from "../../lib/fewchannels/widgets/js/link.js";

const data = { shape: { blocks: 6, width: 192, tokens: 144 } };
const address = (state) => toHash("lab", told(labState(data, state)));
const guesses = EXPERIMENTS.map(({ chapter, id }) => ({ chapter, text: phrase(`experiment.${id}.title`), address: address({ guide: id }) }));
const tries = TRIES.map(({ chapter, state }) => ({ chapter, text: phrase(`try.${chapter}`), address: address(state) }));
process.stdout.write(JSON.stringify({ guesses, tries }, null, 1));

// Not a test by itself: prints draws of lab/draws.js, which tests/widgets/test_live_lab.py compares with NumPy's.

import { Draws } from "../../lib/fewchannels/widgets/js/lab/draws.js";

const pool = Array.from({ length: 184 }, (_, i) => i + 3);
const [choosing, shuffling] = [new Draws(0, 3), new Draws(5)];
const found = { choices: [1, 8, 8, 64, 184].map((k) => choosing.choice(pool, k)), orders: [1, 2, 3].map(() => shuffling.permutation(pool)) };
process.stdout.write(JSON.stringify(found));

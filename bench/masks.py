"""Subject masks a second, beside scikit-learn's KMeans in a loop: 57 blocks x 3 channel sets of one prompt.

    python bench/masks.py                        # a table; --json FILE for the rows

Tokens are made, not a model's: a disc on noise, 8 channels, on the grid of the toy world (12 x 12) and on that of a
picture of 1024 px in FLUX.1 (64 x 64). Both sides run the same K = 2, the same number of starts, on the same scaled
maps; agree: the share of tokens on which their partitions agree.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from fewchannels.masks import channel_maps, partition
from fewchannels.masks.two_means import RESTARTS
from paired import paired
from sklearn.cluster import KMeans

BLOCKS, SETS, K = 57, 3, 8


class Work:
    """Tokens [171, h * w, 8] of one prompt, all blocks and sets."""

    def __init__(self, side: int):
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:side, :side] / side
        disc = ((x - 0.4) ** 2 + (y - 0.55) ** 2 < 0.06).ravel()
        noise = rng.standard_normal((BLOCKS * SETS, side * side, K))
        self.tokens = (noise + 3 * disc[:, None] * rng.standard_normal((BLOCKS * SETS, 1, K))).astype(np.float32)
        self.grid = (side, side)


def ours(work: Work) -> np.ndarray:
    return partition(work.tokens, grid=work.grid).larger_sum


def scikit_learn(work: Work) -> np.ndarray:
    maps, _, _ = channel_maps(work.tokens, grid=work.grid)
    vectors = maps.reshape(len(maps), -1, K)
    labels = [KMeans(2, n_init=RESTARTS, random_state=0).fit(one).labels_ for one in vectors]
    return np.stack(labels).reshape(len(maps), *work.grid).astype(bool)


METHODS = {"scikit-learn's KMeans in a loop": scikit_learn, "fewchannels.masks.partition": ours}


def rows(sides: list[int], repeats: int, clock: str = "wall") -> list[dict]:
    """One row a method and grid: ratio and seconds as [median, lowest, highest]; agree, the share of equal tokens."""
    found = []
    for side in sides:
        work = Work(side)
        one, other = ours(work), scikit_learn(work)
        same = (one == other).mean(axis=(1, 2))
        agree = float(np.maximum(same, 1 - same).mean())
        for name, timing in paired(METHODS, next(iter(METHODS)), work, repeats, clock).items():
            workload = f"{BLOCKS * SETS} masks on {side} x {side} tokens"
            found.append(
                {
                    "what": name,
                    "workload": workload,
                    "ratio": list(timing.ratio),
                    "seconds": list(timing.seconds),
                    "agree": agree,
                }
            )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[12, 64])
    parser.add_argument("--repeats", type=int, default=3, help="pairs (default 3)")
    parser.add_argument("--clock", default="wall", choices=("wall", "cpu"))
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    options = parser.parse_args()
    made = rows(options.sides, options.repeats, options.clock)
    for row in made:
        print(f"{row['workload']:34}{row['what']:34}{row['seconds'][0]:8.3f} s   agree {row['agree']:.4f}")
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()

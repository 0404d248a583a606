"""What batching conditions and sharing their beginnings save: each alone and together, against one at a time.

    python bench/sharing.py --prompts 1 4        # a table; --json FILE for the rows

Two tables of twelve conditions on the toy world. "windows": two edits of two channel sets in all blocks, in the first,
middle and last quarter of eight steps (so they begin at steps 0, 3 and 6). "blocks": two channel sets in each of the
six blocks, in all of four steps. "one at a time" is the plain loop, `ablate` around `generate`, all prompts of a
condition in one batch; the run without an edit, which the change is measured against, counts in all four.

What can be gained at most is computed from the same run. Sharing saves no more than the steps before the edits, and in
the first edited step the blocks up to the first edited one; batching, no more than what a picture costs less in a
forward of many than in one of few, which is measured beside it.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import fewchannels as fc
import numpy as np
import torch
from fewchannels.metrics import squared_distance
from fewchannels.prompts import toyworld_prompts
from fewchannels.sweep import grid, sweep_conditions
from paired import paired, spread, timed

WINDOWS = {"first": [0, 1], "middle": [3, 4], "last": [6, 7]}
STEPS = {"windows": 8, "blocks": 4}
AT_ONCE = 1, 2, 4, 8, 16, 32  # pictures in a forward


class Work:
    """A table of conditions on `count` prompts. kind: "windows" or "blocks"."""

    def __init__(self, model, kind: str, count: int):
        self.model, self.prompts, self.steps = model, toyworld_prompts(count, "evaluation"), STEPS[kind]
        with fc.capture(model, stats := fc.ChannelStats()):
            model.generate(toyworld_prompts(2, "calibration"), seed=1, steps=2)
        top = fc.top_channels(stats, 8)
        [drawn] = fc.random_channels(stats, outside=top, draws=1)
        shared = {"model": model, "prompts": self.prompts, "generation": {"steps": self.steps}, "edit": "zero"}
        sets = {"top": top, "random": drawn}
        if kind == "windows":
            self.table = grid(shared, channels=sets, edit=["zero", "shuffle"], steps=WINDOWS)
        else:
            self.table = grid(shared, channels=sets, blocks=[[block] for block in range(len(model.layers))])


def one_at_a_time(work: Work) -> dict[str, np.ndarray]:
    untouched = work.model.generate(work.prompts, steps=work.steps)
    found = {}
    for row in work.table:
        with fc.ablate(work.model, row["channels"], row["edit"], layers=row.get("blocks"), steps=row.get("steps")):
            found[row["name"]] = squared_distance(work.model.generate(work.prompts, steps=work.steps), untouched)
    return found


def swept(work: Work, **options) -> dict[str, np.ndarray]:
    return {name: cell["change"] for name, cell in sweep_conditions(work.table, **options).items()}


def of_a_picture(model, repeats: int, clock: str) -> dict[int, list[float]]:
    """Seconds that one picture costs in a step, by how many are drawn at once: of each repeat."""
    prompts = toyworld_prompts(max(AT_ONCE), "evaluation")
    steps = STEPS["windows"]
    found: dict[int, list[float]] = {count: [] for count in AT_ONCE}
    for _ in range(repeats + 1):
        for count in AT_ONCE:
            took = timed(lambda n: model.generate(prompts[:n], steps=steps), count, clock)
            found[count].append(took / count / steps)
    return {count: seconds[1:] for count, seconds in found.items()}  # the first run warms up


def at_most(cost: dict[int, float], work: Work) -> dict[str, float]:
    """How many times as fast each method can be where nothing else costs time. cost: seconds of a picture in a step, by
    pictures at once."""
    few = max(n for n in cost if n <= len(work.prompts))
    alone, best = cost[few], min(cost[n] for n in cost if n >= few)
    steps, blocks = len(work.table) * work.steps, len(work.model.layers)
    begins = [((row.get("steps") or [0])[0], (row.get("blocks") or [0])[0]) for row in work.table]
    left = sum(work.steps - step - (block + 1) / blocks for step, block in begins)
    plain = (work.steps + steps) * alone
    return {
        "batched": plain / (work.steps * alone + steps * best),
        "beginnings shared": plain / ((work.steps + left) * alone),
        "both": plain / (work.steps * alone + left * best),
    }


METHODS = {
    "one at a time": one_at_a_time,
    "batched": lambda work: swept(work, share=False),
    "beginnings shared": lambda work: swept(work, rows=len(work.prompts)),
    "both": swept,
}


def rows(counts: list[int], repeats: int, clock: str = "wall") -> list[dict]:
    """One row a method and number of prompts: ratio and seconds as [median, lowest, highest], how far its results are
    from those of one at a time, and how many times as fast it can be at most. Before them, what a picture costs."""
    model = fc.load("toyworld", device="cpu")
    cost = of_a_picture(model, repeats, clock)
    found = [
        {
            "what": f"{count} at once",
            "workload": "a picture in one step",
            "seconds": list(spread(seconds)),
            "ratio": list(spread([a / b for a, b in zip(seconds, cost[1], strict=True)])),
        }
        for count, seconds in cost.items()
    ]
    for kind, count in itertools.product(STEPS, counts):
        work = Work(model, kind, count)
        made = {name: method(work) for name, method in METHODS.items()}
        plain = made["one at a time"]
        limits = at_most({n: min(seconds) for n, seconds in cost.items()}, work)
        apart = {name: max(np.abs(one[c] - plain[c]).max() for c in plain) for name, one in made.items()}
        workload = f"12 conditions by {kind}, {count} prompt{'s' * (count > 1)}"
        for name, timing in paired(METHODS, "one at a time", work, repeats, clock, warm=True).items():
            found.append(
                {
                    "what": name,
                    "workload": workload,
                    "ratio": list(timing.ratio),
                    "seconds": list(timing.seconds),
                    "apart": float(apart[name]),
                    "at_most": limits.get(name, 1.0),
                }
            )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--repeats", type=int, default=3, help="pairs a method (default 3)")
    parser.add_argument("--threads", type=int, help="threads of torch (default: torch's own)")
    parser.add_argument("--clock", default="wall", choices=("wall", "cpu"))
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    made = rows(options.prompts, options.repeats, options.clock)
    for row in made:
        faster, seconds = 1 / row["ratio"][0], row["seconds"][0]
        limit = f"   at most {row['at_most']:.2f}   {row['apart']:.1e}" if "apart" in row else ""
        print(f"{row['workload']:38}{row['what']:22}{faster:6.2f} times as fast {seconds:9.3f} s{limit}")
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()

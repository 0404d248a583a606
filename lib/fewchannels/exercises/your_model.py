"""Chapter 8: how many prompts a comparison needs; chance on a wide network; half of the energy."""

from __future__ import annotations

import math

import numpy as np

from .. import plots
from ..channels import largest_over_median
from ..measure.contributed import channels_for_share
from .asked import Number
from .massive_channels import Chance

Z = 1.96  # of a 95 % interval


class Sample(Number):
    """How many prompts let a claim about two models break."""

    name = "ch8.design"
    MOST = 1.5  # times as many as it takes is still a fair answer

    def wrongs(self):
        return {
            "tokens": lambda: max(1.0, self.expected / self.tokens),
            "steps": lambda: max(1.0, self.expected / self.steps),
            "one deviation": lambda: math.ceil((self.deviation / self.difference) ** 2),
            "not squared": lambda: math.ceil(Z * self.deviation / self.difference),
            "far too many": lambda: 10.0 * self.expected,
        }

    def __init__(self, run, variant=0):
        super().__init__(variant)
        self.run = run
        ratio = np.asarray(largest_over_median(run.scores), np.float64)[:, -1]  # of the last block: [prompts, steps]
        by_prompt = ratio.reshape(len(ratio), -1).mean(axis=1)
        self.tokens, self.steps = 144, len(run.steps)
        self.mean, self.deviation = float(by_prompt.mean()), float(by_prompt.std(ddof=1)) if len(by_prompt) > 1 else 0.0
        # so that the answer is between 10 and some 200 prompts, whatever the model's own deviation
        share = 0.6 if not self.variant else float(self.rng.choice([0.15, 0.2, 0.3, 0.4]))
        self.difference = share * self.deviation

    def why_not(self):
        return "" if self.deviation > 0 else "its run holds no prompt apart, so that nothing says how much they differ."

    def question(self):
        return (
            "Design a run that could break *this model's largest channel stands out more than another's*. In the "
            f"run made here the largest channel of the last block is {self.mean:.1f} times the median, with a "
            f"standard deviation of {self.deviation:.2g} over prompts. You wish to see a difference of "
            f"{self.difference:.2g} from a published mean, taken as exact. How many prompts does it take for the 95 "
            "% interval to be no wider than that on either side? Up to half as many again is right, too. "
            "(`task.deviation`, `task.difference`.)"
        )

    def right(self):
        return float(math.ceil((Z * self.deviation / self.difference) ** 2))

    def agrees(self, obtained, expected):
        if expected is self.expected:
            return expected <= obtained <= self.MOST * expected
        return abs(obtained - expected) <= max(0.02 * expected, 0.51)

    def wrong(self, mistake):
        made = self.wrongs()[mistake]()
        return None if self.agrees(made, self.expected) else made

    def unlike(self, obtained):
        if obtained < self.expected:
            return "It is too few: the interval would be wider than the difference, and the claim could not break."
        return self.wording().mistakes["far too many"]

    def draw(self, obtained):
        counts = np.unique(np.geomspace(2, max(4.0, 3 * self.expected, min(obtained, 1e4)), 24).round())
        half = Z * self.deviation / np.sqrt(counts)
        yours = Z * self.deviation / np.sqrt(max(obtained, 1.0))
        figure = plots.curves(
            counts.tolist(),
            {"half of the interval": half},
            xlabel="prompts",
            ylabel="times the median",
            levels={"the difference": self.difference, "yours": yours},
            log_x=True,
        )
        return figure, "The interval over the number of prompts, the difference to be seen, and where yours ends."


class WideChance(Chance):
    """The mean overlap of two random sets of a wide network."""

    name = "ch8.chance"
    WIDTHS, SIZES = (3072, 1536, 2432), (12, 16, 24)

    def wrongs(self):
        made = super().wrongs()
        del made["union too large"]  # on so wide a network it is right to within 3 per cent
        return made


class HalfTheEnergy(Number):
    """How many of the largest channels hold a share of a block's energy."""

    name = "ch8.half"
    within = 0.0

    def wrongs(self):
        return {
            "one short": lambda: self.expected - 1,
            "another block": lambda: float(self._counts()[0 if self.block else -1]),
            "by energy": lambda: float(self._counts(by_energy=True)[self.block]),
            "share of the width": lambda: float(round(self.share * self.run.width)),
        }

    def __init__(self, run, variant=0):
        super().__init__(variant)
        self.run, blocks = run, run.scores.shape[1]
        self.block = blocks - 1 if not self.variant else int(self.rng.integers(0, blocks))
        self.share = 0.5 if not self.variant else float(self.rng.choice([0.6, 0.7, 0.8, 0.9]))

    def question(self):
        return (
            f"How many of the largest channels of block {self.block} of the run made here hold {self.share:.0%} of "
            "its energy? (`task.block`, `task.share`.)"
        )

    def _counts(self, by_energy=False):
        scores, energy = self.run.frozen()
        return channels_for_share(energy if by_energy else scores, energy, self.share)

    def right(self):
        return float(self._counts()[self.block])


CHECKED = (Sample, WideChance, HalfTheEnergy)

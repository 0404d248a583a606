"""Chapter 7: a control without the cause in it; how often a random set holds one of the top."""

from __future__ import annotations

from math import comb

from .. import studies
from .asked import Number
from .designs import Design


class FairControl(Design):
    """A control for the top at zero."""

    name = "ch7.design"
    study, claim, reading, about = studies.critical, "critical_per_channel", "change", ("set",)
    asks = "Which control could show that the largest are nothing special?"
    breaks = "It breaks if yours changes the picture as much, or more."


class Contaminated(Number):
    """The probability that a random set holds at least one of the top."""

    name = "ch7.contaminated"

    def wrongs(self):
        return {
            "none": lambda: 1 - self.expected,
            "count": lambda: self.k**2 / self.width,
            "first alone": lambda: self.k / self.width,
            "all blocks": lambda: 1 - (1 - self.expected) ** self.blocks,
        }

    def __init__(self, sets, variant=0):
        super().__init__(variant)
        self.width, self.blocks = sets.width, len(sets.model.layers)
        self.k = sets.k if not self.variant else int(self.rng.integers(4, 21))

    def question(self):
        return (
            f"In one block, k = {self.k} channels are drawn at random from all D = {self.width:,}. What is the "
            f"probability that at least one of them is among the top {self.k} of that block? (To within 2 per cent "
            "of it. `task.k`, `task.width`.)"
        )

    def right(self):
        return 1 - comb(self.width - self.k, self.k) / comb(self.width, self.k)


CHECKED = (FairControl, Contaminated)

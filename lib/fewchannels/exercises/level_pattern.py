"""Chapter 6: a condition under which the pattern could matter; shares of level; where the level weighs most."""

from __future__ import annotations

import numpy as np

from .. import studies
from ..figures import level_pattern as figures
from .asked import Choice, Number, extreme
from .designs import Design


class PatternMatters(Design):
    """Other channels, or another way to take the pattern away, under which the subject could be lost."""

    name = "ch6.design"
    study, claim, reading = studies.level_pattern, "pattern_draws_the_subject", "right subject"
    about, own = ("set", "edit", "place"), (("edit", "own_mean"),)
    asks = (
        "On this model it failed: without its pattern the top draws the subject all the same. Where could a pattern "
        "matter after all?"
    )
    breaks = "What the chapter found breaks if under yours less of the subject is right than under `task.base`."


class ShareOfLevel(Number):
    """The share of a channel's energy that is level."""

    name = "ch6.share_of_level"

    def wrongs(self):
        return {
            "not squared": lambda: self.level / (self.level + self.pattern),
            "pattern": lambda: self.pattern**2 / (self.level**2 + self.pattern**2),
            "ratio": lambda: self.level**2 / self.pattern**2,
            "root": lambda: self.level / (self.level**2 + self.pattern**2) ** 0.5,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        self.level = 3.0 if not self.variant else float(self.rng.choice([2, 4, 5, 6]))
        self.pattern = 4.0 if not self.variant else float(self.rng.choice([1, 3, 7, 8]))

    def question(self):
        return (
            f"A channel has level {self.level:g}, and its pattern has a root mean square of {self.pattern:g}. What "
            "share of its energy is level? (To within 2 per cent of it. `task.level`, `task.pattern`.)"
        )

    def right(self):
        return self.level**2 / (self.level**2 + self.pattern**2)


class Heaviest(Choice):
    """The block in which a norm's divisor would fall most without a part of some channels."""

    name = "ch6.heaviest"
    label = "divisor, of what it is"
    best = "least"

    def wrongs(self):
        return {
            "from one": lambda: self.expected + 1,
            "least": lambda: extreme(self.known, "most"),
            "another line": lambda: extreme(
                self._line("pattern gone, top" if "level" in self.line else "level gone, top"), "least"
            ),
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found = found
        self.line = ("level gone, top", "pattern gone, top")[self.variant % 2]

    def question(self):
        part = self.line.split()[0]
        return (
            f"In which block would the divisor of LayerNorm fall most if the {part} of the top channels were gone? "
            "(Give its number. `task.line` is the line of the figure of divisors.)"
        )

    def _line(self, name):
        drawn = figures.divisors(self.found)
        return {block: float(value) for block, value in enumerate(np.asarray(drawn["lines"][name][0]))}

    def values(self):
        return self._line(self.line)


CHECKED = (PatternMatters, ShareOfLevel, Heaviest)

"""Chapter 9: an edit in which content could outweigh gain; how much louder the others get; the heaviest norm."""

from __future__ import annotations

import numpy as np

from .. import studies
from ..figures import content_or_gain as figures
from .asked import Choice, Number, Unread, extreme
from .designs import Design


class ContentMatters(Design):
    """An edit through content alone that does as much as gain."""

    name = "ch9.design"
    study, claim, reading = studies.content_or_gain, "gain_turned_up", "change"
    about, own = ("edit",), (("strength", -0.5), ("through", "gain"))
    asks = "Design an edit of the same channels in which their *content* matters after all."
    breaks = (
        "It goes through content alone, `through='content'`, with another strength or another edit. That content "
        "does little breaks if yours changes the picture as much."
    )

    def _refuse(self, rival):
        super()._refuse(rival)
        if rival.through != "content":
            raise Unread(mistake="not content")


class Louder(Number):
    """By how much all others grow behind an RMSNorm."""

    name = "ch9.louder"

    def wrongs(self):
        return {
            "no root": lambda: 1 / (1 - self.share),
            "softer": lambda: (1 - self.share) ** 0.5,
            "of the channel": lambda: 1 / self.share**0.5,
            "increase": lambda: self.expected - 1,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        self.share = 0.84 if not self.variant else float(self.rng.choice([0.36, 0.51, 0.64, 0.75, 0.91]))

    def question(self):
        return (
            f"A channel holds {100 * self.share:g} per cent of a token's energy (the mean is zero). It is set to "
            "zero. By what factor do all others grow behind an RMSNorm? (To within 2 per cent. `task.share`.)"
        )

    def right(self):
        return 1 / (1 - self.share) ** 0.5


class HeaviestNorm(Choice):
    """The block whose channels do {self.best} through gain, or content, alone."""

    name = "ch9.heaviest"
    label = "change"

    def wrongs(self):
        return {
            "from one": lambda: self.expected + 1,
            "other way": lambda: extreme(self._line("content" if self.way == "gain" else "gain"), self.best),
            "other end": lambda: extreme(self.known, "least" if self.best == "most" else "most"),
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found, self.way = found, ("gain", "content")[self.variant % 2]
        self.best = ("most", "least")[self.variant // 2 % 2]

    def question(self):
        return (
            f"The channels of which block do {self.best} through *{self.way}* alone, at zero? (A number; `task.way`.)"
        )

    def _line(self, way):
        values = np.asarray(figures.by_place(self.found, "blocks")["lines"][way][0], np.float64)
        return {block: float(value) for block, value in enumerate(values)}

    def values(self):
        return self._line(self.way)


CHECKED = (ContentMatters, Louder, HeaviestNorm)

"""Chapter 4: a set that could do as much as the top; what is neither taken nor kept; the strongest set."""

from __future__ import annotations

from .. import studies
from .asked import Choice, Number, extreme
from .designs import Design


class OtherSet(Design):
    """Other channels that bring as much."""

    name = "ch4.design"
    study, claim, reading, about = studies.text_transport, "transport_moves", "taken", ("set",)
    asks = "It was tested against random channels. Which other set could show that the largest are nothing special?"
    breaks = "It breaks if yours brings as much of the source, or more."


class Lost(Number):
    """What is neither taken nor kept."""

    name = "ch4.lost"
    within = 0.03
    KINDS = ("top", "random", "bottom", "complement", "PCA")

    def wrongs(self):
        return {
            "taken": lambda: self._mean("taken"),
            "kept": lambda: self._mean("kept"),
            "both": lambda: self._mean("taken") + self._mean("kept"),
            "not taken": lambda: 1 - self._mean("taken"),
            "another set": lambda: self._mean("neither", "random" if self.kind == "top" else "top"),
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found, self.kind = found, self.KINDS[self.variant % len(self.KINDS)]

    def _mean(self, measure, kind=""):
        return self.found.mean(measure, channels=kind or self.kind).value

    def question(self):
        return (
            "What share of the differing attributes is neither taken nor kept, on average over the pairs in "
            f"`found`, when the set *{self.kind}* is moved, as the judge reads? (To within 3 per cent of it. "
            "`task.kind`. Do not ask for `'neither'`.)"
        )

    def right(self):
        return self._mean("neither")


class Strongest(Choice):
    """The set of exactly k that brings the most."""

    name = "ch4.strongest"

    def wrongs(self):
        return {
            "another count": lambda: extreme(self._brought(True)),
            "weakest": lambda: extreme(self.known, "least"),
            "top": lambda: "top",
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found, self.k = found, found.base.k
        self.reading = ("taken", "scene taken", "subject taken")[self.variant % 3]
        self.label = self.reading

    def question(self):
        return (
            f"Of the sets in `found` that have exactly k = {self.k} channels or directions a block, which has the "
            f"most of *{self.reading}*, as the judge reads? Give its name. (`task.reading`.)"
        )

    def _brought(self, any_count):
        kinds = [kind for kind in self.found.options("channels") if (kind, self.k, 0) in self.found.shares]
        same = [kind for kind in kinds if any_count or self.found.shares[kind, self.k, 0]["count"] == self.k]
        return {kind: self.found.mean(self.reading, channels=kind).value for kind in same}

    def values(self):
        return self._brought(False)

    def read(self, given):
        larger = self._brought(True)
        return given.strip() if isinstance(given, str) and given.strip() in larger else super().read(given)

    def unlike(self, obtained):
        if obtained not in self.known:
            return f"*{obtained}* has another count than {self.k} a block."
        return super().unlike(obtained)


CHECKED = (OtherSet, Lost, Strongest)

"""Chapter 5: a condition under which the scene could be lost; two goals in one number; the right strength."""

from __future__ import annotations

import numpy as np

from .. import studies
from .asked import Choice, Number
from .designs import Design

FLOOR = 0.8  # the claim's


class LosesTheScene(Design):
    """Another mask, other steps or blocks, another strength, under which the scene might go."""

    name = "ch5.design"
    study, claim, reading = studies.subject_transport, "subject_keeps_scene", "scene kept"
    about = ("mask", "place", "edit")
    asks = "It was tested at one setting. Under which other one could the new scene be lost?"
    breaks = "It breaks if under yours less than 0.8 of the scene is kept."

    def verdict(self, made, reading, own, rival):
        kept = made.mean(reading, **rival)
        told = f"{reading}: {kept.value:.2f} under yours (95 % interval {kept.low:.2f} to {kept.high:.2f})."
        return told, True if kept.low > FLOOR else False if kept.high < FLOOR else None


class BothGoals(Number):
    """The harmonic mean of two goals."""

    name = "ch5.both_goals"

    def wrongs(self):
        return {
            "plain mean": lambda: (self.adopted + self.kept) / 2,
            "geometric": lambda: (self.adopted * self.kept) ** 0.5,
            "product": lambda: self.adopted * self.kept,
            "half": lambda: self.adopted * self.kept / (self.adopted + self.kept),
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        self.adopted = 0.95 if not self.variant else float(self.rng.choice([0.9, 0.8, 0.7]))
        self.kept = 0.05 if not self.variant else float(self.rng.choice([0.1, 0.2, 0.3]))

    def question(self):
        return (
            f"A method adopts {self.adopted:g} of the subjects and keeps {self.kept:g} of the backgrounds. What is "
            "its harmonic mean? (To within 2 per cent of it. `task.adopted`, `task.kept`.)"
        )

    def right(self):
        return 2 * self.adopted * self.kept / (self.adopted + self.kept)


class HeldFor(Choice):
    """For how many steps the noised reference is held at its best."""

    name = "ch5.held_for"
    label = "harmonic mean"

    def wrongs(self):
        return {
            "subject alone": lambda: self._best("subject taken"),
            "scene alone": lambda: self._best("scene kept"),
            "index": lambda: self.expected - 1,
            "plain mean": lambda: self._best("subject taken", "scene kept"),
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found, self.reader = found, ("", " by eye")[self.variant % 2]

    def question(self):
        who = "the judge" if not self.reader else "the reader by eye"
        return (
            "For how many steps is the noised reference held in the image-to-image setting of the figure of both "
            f"goals that has the highest harmonic mean of *subject taken* and *scene kept*, as {who} reads? "
            "(`task.reader`.)"
        )

    def _settings(self):
        held = self.found.options("steps", edit="image to image", mask="", prompts="few")
        return {len(steps): {"edit": "image to image", "steps": steps, "prompts": "few"} for steps in held}

    def _best(self, *goals):
        means = {
            count: np.mean([self.found.mean(goal + self.reader, **own).value for goal in goals])
            for count, own in self._settings().items()
        }
        return max(means, key=means.get)

    def values(self):
        goals = [goal + self.reader for goal in ("subject taken", "scene kept")]
        return {count: self.found.harmonic(*goals, **own).value for count, own in self._settings().items()}


CHECKED = (LosesTheScene, BothGoals, HeldFor)

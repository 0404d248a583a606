"""What a study would cost a model that nobody has loaded: how many pictures it draws, and how many hours that is.

    ahead = Ahead.of(text_transport, preset_of("Qwen/Qwen-Image"))
    ahead.pictures(12)                                          # of 12 prompts
    ahead.hours(12, GPUS[3]), ahead.largest(8, GPUS[3])         # and the n that eight hours allow

The conditions are the study's own, listed for a model of many blocks and channels and counted as `Plan` counts them.
To them come those that it would choose on calibration prompts, the references that a model has to draw, and for each
transported picture its source's, since the states of a large model do not fit into one recording. How long a picture
takes is the formula of `models.needs`: an assumption, which no run on a GPU has checked. Not counted are calibration
(16 prompts), what is recorded for masks, and the judges; what the sweep saves is not taken off.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..layouts import TABLE
from ..models.needs import Gpu, minutes
from ..models.preset import Preset
from ..reading.worlds import NaturalWorld, World
from .condition import Condition
from .groups import NotHere
from .results import Results
from .side_by_side import WIDEST
from .study import Study, distinct

BLOCKS, WIDTH = 24, 3072  # from 8 blocks on, and from 1,025 to 4,095 channels, all list the same conditions
MOST = 32  # prompts of the real world that we wrote
DIRECTIONS = ("random directions", "PCA", "PCA of the difference")
READ = ("adopted", "retained")  # by which settings are chosen


@dataclass(frozen=True)
class Outline:
    """What a study asks of `Sets` to list its conditions, of a model that is not there."""

    k: int
    width: int
    world: World
    blocks: int

    def matched_blocks(self) -> tuple[int, ...]:
        """All: whether others hold as much energy as the top is not known before the model is there."""
        return tuple(range(self.blocks))


class Ahead:
    """A study on a model that is not there.

    k, steps: as of `run`; blocks, width: of the model; world: what it draws (the real one); text: how its text enters,
    as of a Layout; preset: its checkpoint, for hours.
    """

    def __init__(
        self,
        study: Study,
        *,
        k: int,
        steps: int,
        blocks: int = BLOCKS,
        width: int = WIDTH,
        world: World | None = None,
        text: str = "joint",
        preset: Preset | None = None,
    ):
        self.study, self.preset, self.steps, self.text = study, preset, steps, text
        self.outline = Outline(k, width, world or NaturalWorld(), blocks)
        self._there = set(self._groups(2)[0])
        self._listed = self._able(study.conditions(self.outline, blocks, steps))
        self._chosen: list[Condition] = []
        for choose in study.choose:
            self._chosen += self._able(choose(self._results()))

    @classmethod
    def of(cls, study: Study, preset: Preset) -> Ahead | None:
        """On a checkpoint; None where its steps are not known."""
        steps, layout = preset.study_steps or preset.steps, TABLE.get(preset.transformer)
        if steps is None:
            return None
        return cls(study, k=preset.k, steps=steps, text=layout.text if layout else "joint", preset=preset)

    def conditions(self, n: int) -> list[Condition]:
        """Those that it lists on n prompts, and those that it would choose."""
        listed = distinct(self.study, self._listed, self._groups(n)[0])
        return list(dict.fromkeys([*listed, *self._chosen]))

    def pictures(self, n: int) -> int:
        """How many pictures n prompts are, a transported one counted with its source's."""
        groups, references = self._groups(n)
        edited = sum(groups[c.prompts] * (2 if c.edit.startswith("transport") else 1) for c in self.conditions(n))
        looks = (self.study.instruments(self.outline) if self.study.instruments else {}).values()
        looked = sum(groups[look.prompts] * look.pictures for look in looks if look.prompts in groups)
        return edited + looked + references

    def hours(self, n: int, gpu: Gpu) -> float | None:
        """Hours that they take on a GPU; None where that is not known of the checkpoint."""
        one = None if self.preset is None else minutes(self.preset, gpu, 1)
        return None if one is None else self.pictures(n) * one / 60

    def largest(self, limit: float, gpu: Gpu) -> int | None:
        """The largest n from 2 to `MOST` that takes at most so many hours; 0 where two prompts take longer, None where
        `hours` is not known. (One prompt alone has no interval.)"""
        if self.hours(2, gpu) is None:
            return None
        fitting = bisect.bisect_right(range(2, MOST + 1), limit, key=lambda n: self.hours(n, gpu))
        return fitting + 1 if fitting else 0

    def _groups(self, n: int) -> tuple[dict[str, int], int]:
        """How many prompts each group has that there is, and how many references the model would draw for them."""
        drawn: dict[int, int] = {}  # by their noise: a smaller group takes the first of a larger one's
        groups = {}

        def draw(prompts: list[str], noise: int) -> np.ndarray:
            drawn[noise] = max(drawn.get(noise, 0), len(prompts))
            return np.zeros((len(prompts), 1, 1, 3), np.uint8)

        for name, made in self.study.prompts.items():
            with contextlib.suppress(NotHere):
                groups[name] = len(made.of(self.outline.world, n, 0, name, None, draw))
        return groups, sum(drawn.values())

    def _able(self, some: Iterable[Condition]) -> list[Condition]:
        """Without those that a model of this width and kind is known to refuse."""
        wide, apart = self.outline.width > WIDEST, self.text != "joint"
        refused = {c for c in some if (c.channels in DIRECTIONS and wide) or (c.stream == "text" and apart)}
        return [c for c in some if c.prompts in self._there and c not in refused]

    def _results(self) -> Results:
        """Results in which each condition is a little better than the one before. With the last of each method chosen,
        which is that of the most channels, no fewer conditions follow than with any other."""
        so_far = [*self._listed, *self._chosen]
        better = np.linspace(0.1, 0.9, len(so_far))
        cells = {c: {name: np.full((1, 1), own) for name in READ} for c, own in zip(so_far, better, strict=True)}
        index = {"blocks": self.outline.blocks, "width": self.outline.width}
        base, groups = self.study.base.but(k=self.outline.k), dict.fromkeys(self.study.prompts, 1)
        return Results(self.study.name, cells, groups, provenance={"steps": self.steps}, base=base, index=index)

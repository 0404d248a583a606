"""Source and target prompts that differ, and what became of each difference in a picture: taken, kept, or neither.

pairs = prompt_pairs(64)                                  # settings are chosen on prompt_pairs(16, "calibration")
case = pair_case(model, pairs, masks_on=massive)          # a Case of the targets, that also holds the sources
with inject(model, case.source, massive, mask=case.masks["union"]):
    cell = case.measure(model.generate(case.prompts, seed=case.seed, steps=case.steps))
mean_over(cell["adopted"], SUBJECT)                       # [P], the share of the subject's differences taken over

Only attributes on which a pair differs count; the others are NaN. Source and target of a pair share their noise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..channels import ChannelSet, Directions
from ..hooks import capture
from ..judges import ImageJudge
from ..masks import partition
from ..metrics import squared_distance
from ..natural_prompts import NaturalPrompt, swapped_pairs
from ..patching import inject
from ..prompts import toyworld_attributes
from ..subspaces import subspace
from ..toyworld.prompts import format_prompt
from ..trajectories import Trajectory, record
from .cases import STEPS, Case
from .pair_readers import (
    NATURAL_ATTRIBUTES,
    PAIR_ATTRIBUTES,
    SCENE,
    SUBJECT,
    NaturalPairReader,
    Pair,
    PairReader,
    harmonic_mean,
    mean_over,
    value_of,
)
from .pair_runs import Compare, apart, carry_both

__all__ = [
    "NATURAL_ATTRIBUTES", "PAIR_ATTRIBUTES", "SCENE", "SUBJECT", "NaturalPairReader", "Pair", "PairCase", "PairReader",
    "harmonic_mean", "mean_over", "pair_case", "pairs_for", "prompt_pairs", "value_of",
]  # fmt: skip

SAME_PLACE = 4  # every fourth pair has both subjects at one place and in one size
APART = 1_000  # candidates that each pair has to itself


def prompt_pairs(n: int, split: str = "evaluation", first: int = 0) -> list[Pair]:
    """`n` pairs of toy-world prompts of one split; the i-th depends on the split and i alone.

    The two differ in all of `PAIR_ATTRIBUTES`; of four pairs, the last shares place and size, so that source and
    target cover the same tokens. Neither subject has the colour of the other's background, where it could not be
    seen, and no background names a second colour. Raises ValueError for an unknown split or n < 1.

    >>> pair = prompt_pairs(1)[0]
    >>> pair.differ
    ('colour', 'shape', 'size', 'position', 'background', 'texture')
    """
    if n < 1:
        raise ValueError(f"n={n}: expected at least 1 pair")
    return [_draw_pair(split, i) for i in range(first, first + n)]


def _draw_pair(split: str, number: int) -> Pair:
    shared = {"size", "position"} if number % SAME_PLACE == SAME_PLACE - 1 else set()
    source, place = None, number * APART
    while True:
        found = toyworld_attributes(1, split, place, subjects=1)[0]
        place += 1
        if found.second is not None:
            continue
        if source is None:
            source = found
            continue
        pair = Pair(source, found)
        crossed = (source.subjects[0].colour, found.subjects[0].colour)
        if set(PAIR_ATTRIBUTES) - set(pair.differ) == shared and (
            found.background != crossed[0] and source.background != crossed[1]
        ):
            return pair


def pairs_for(model, n: int, split: str = "evaluation") -> list:
    """`prompt_pairs` for the toy world, `swapped_pairs` of our own prompts for every other model; errors as theirs."""
    return prompt_pairs(n, split) if model.is_toy else swapped_pairs(n, split)


@dataclass(frozen=True, eq=False)
class PairCase(Case):
    """A Case of P target prompts that also holds the P source prompts, which start from the same noise.

    masks_on: the channels of which `masks` are made. `measure` adds "to_source" and "to_target" [P], mean squared
    distances to the two pictures without transport; where `read` gives no "adopted", a picture that is nearer to the
    source's counts as adopted, in one column. keep: what is recorded of the sources (None: all channels, which
    only small models can afford; `pair_runs.affordable` tells). What was not recorded is carried side by side.
    """

    sources: list[str] = field(default_factory=list)
    masks_on: ChannelSet | None = None
    keep: object = None

    @functools.cached_property
    def source(self) -> Trajectory:
        """The sources' hidden states, recorded once, for inject; with their `images`."""
        with record(self.model, self.keep) as trajectory:
            trajectory.images = self.draw(prompts=self.sources)
        trajectory.prompts = list(self.sources)
        return trajectory

    @functools.cached_property
    def _compared(self) -> tuple[np.ndarray, Compare]:
        compare = Compare(self.source, (len(self.model.layers) // 2, self.steps - 1), self.masks_on)
        with capture(self.model, compare):
            images = self.draw()
        return images, compare

    @functools.cached_property
    def untouched(self) -> np.ndarray:
        return self._compared[0]

    @functools.cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """bool [P, h, w]: "source", "target" and "union", the subjects by K-means on `masks_on` in the middle block at
        the last step, as `transport` makes them."""
        if self.masks_on is None:
            raise ValueError("masks_on=None: pass the channels that subject masks are made of, such as the top 8")
        layer, step = len(self.model.layers) // 2, self.steps - 1
        part = subspace(self.masks_on, layer, self.source.width, "cpu")
        everyone = list(range(self.source.samples))
        tokens = {
            "source": self.source.take(layer, step, everyone, part), "target": torch.stack(self._compared[1].tokens)
        }  # fmt: skip
        found = {name: partition(values, grid=self.source.grid).mask for name, values in tokens.items()}
        return found | {"union": found["source"] | found["target"]}

    def holds(self, chosen) -> bool:
        """Whether all of these channels (one set or one a pair) are recorded, so that one recording serves."""
        if self.keep is None:
            return True
        sets = chosen if isinstance(chosen, list) else [chosen]
        kept = self.keep.mask() if isinstance(self.keep, ChannelSet) else False
        return all(isinstance(one, ChannelSet) and not (one.mask() & ~kept).any() for one in sets)

    def carry(self, chosen, *, mask=None, **where) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Channels of each source in its target's run: pictures uint8 [P, H, W, 3], and `change` and `energy_ratio`
        [P, L, T] as ablate logs them. Arguments as for `transport`."""
        on = self.masks[mask] if isinstance(mask, str) else mask() if callable(mask) else mask
        if on is not None and not np.any(on):  # nothing to move, and inject takes no empty mask
            still = np.zeros((len(self.prompts), len(self.model.layers), self.steps))
            return self.untouched, still, still + 1
        if self.holds(chosen):
            with inject(self.model, self.source, chosen, mask=on, **where) as log:
                images = self.draw()
            return images, log.change, log.energy_ratio
        images, log = carry_both(self, chosen, mask=on, **where)
        return images, log.change[1::2], log.energy_ratio[1::2]

    def transport(self, chosen, *, mask=None, **where) -> Callable[[], dict[str, np.ndarray]]:
        """A condition for `sweep`: `carry` measured, with "moved" and "energy" [P] as of `condition`.

        mask: as for inject, or the name of one of `masks`, or a function that makes one. where: strength, layers,
        steps, sources. Nothing runs, sources included, before the condition is computed.
        """

        def compute():
            images, *logged = self.carry(chosen, mask=mask, **where)
            means = [np.nanmean(rows, axis=(1, 2)).astype(np.float32) for rows in logged]
            return self.measure(images) | dict(zip(("moved", "energy"), means, strict=True))

        return compute

    @property
    def differences(self) -> np.ndarray:
        """float32 [P, L, T, D]: mean square over tokens of source minus target, which a transport can at most move."""
        return self._compared[1].energy()

    @functools.cached_property
    def difference(self) -> np.ndarray:
        """float32 [P, L, D]: the mean of `differences` over steps, also where only some channels were recorded."""
        if self.keep is not None:
            return apart(self).array("channels")
        return self.differences.mean(axis=2, dtype=np.float64).astype(np.float32)

    @property
    def difference_moments(self) -> np.ndarray:
        """float64 [L, D, D]: mean of x x^T over pairs, steps and tokens, x being source minus target."""
        return self._compared[1].moments()

    def difference_share(self, chosen: ChannelSet | Directions | Sequence[ChannelSet]) -> np.ndarray:
        """[L]: the share of the source-target difference that a set (or one a pair) holds, over pairs and steps."""
        if isinstance(chosen, Directions):
            return chosen.energy_share(self.difference_moments)
        energy = self.difference.astype(np.float64)
        masks = np.stack([chosen.mask()] if isinstance(chosen, ChannelSet) else [one.mask() for one in chosen])
        return (energy * masks).sum(axis=(0, 2)) / energy.sum(axis=(0, 2))

    def measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        found = super().measure(images)
        apart_from = squared_distance(images, self.source.images).astype(np.float32)
        found = {"to_source": apart_from, "to_target": found.pop("change"), **found}
        if "adopted" not in found:
            nearer = (apart_from < found["to_target"])[:, None]
            found |= {"adopted": nearer.astype(np.float16), "retained": (~nearer).astype(np.float16)}
        return found

    def key(self, **more) -> dict:
        """As of Case; of other models than the toy world with the judge by name, None where there is none."""
        judge = getattr(self.read, "judge", None)
        named = {} if self.model.is_toy else {"judge": judge and judge.provenance()}
        return super().key(**more) | named


def pair_case(
    model,
    pairs: Sequence[Pair] | Sequence[tuple[NaturalPrompt, NaturalPrompt]],
    seed: int = 0,
    steps: int = STEPS,
    masks_on: ChannelSet | None = None,
    judge: ImageJudge | None = None,
    keep=None,
) -> PairCase:
    """A PairCase of toy-world pairs, or of pairs (source, target) of our own prompts (`pairs_for` gives what suits).

    The toy world's judge reads its own pictures. Those of our own prompts are read by a judge that scores texts, such
    as CLIP; without one, and for other models that draw the toy world's sentences in their own way, a picture counts
    as nearer to the source's or to the target's.
    """
    if isinstance(pairs[0], Pair):
        sources, targets = ([format_prompt(getattr(p, side)) for p in pairs] for side in ("source", "target"))
        read = PairReader(pairs, judge) if model.is_toy else _unread
    else:
        sources, targets = ([str(pair[side]) for pair in pairs] for side in (0, 1))
        read = NaturalPairReader(pairs, judge)
    return PairCase(model, targets, read, seed, steps, sources=sources, masks_on=masks_on, keep=keep)


def _unread(images: np.ndarray) -> dict[str, np.ndarray]:
    return {}

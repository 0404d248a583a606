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
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..channels import ChannelSet, Directions
from ..hooks import capture
from ..judges import ToyJudge
from ..masks import partition
from ..metrics import squared_distance
from ..prompts import toyworld_attributes
from ..subspaces import subspace
from ..toyworld.prompts import Attributes, format_prompt
from ..trajectories import Trajectory, record
from .cases import STEPS, Case

SUBJECT = ("colour", "shape", "size", "position")
SCENE = ("background", "texture")
PAIR_ATTRIBUTES = (*SUBJECT, *SCENE)
SAME_PLACE = 4  # every fourth pair has both subjects at one place and in one size
APART = 1_000  # candidates that each pair has to itself


@dataclass(frozen=True)
class Pair:
    """What a source and a target prompt of the toy world ask for, one subject each."""

    source: Attributes
    target: Attributes

    @property
    def differ(self) -> tuple[str, ...]:
        """Those of `PAIR_ATTRIBUTES` in which the two are not the same."""
        return tuple(name for name in PAIR_ATTRIBUTES if value_of(self.source, name) != value_of(self.target, name))

    @property
    def same_place(self) -> bool:
        return not {"size", "position"} & set(self.differ)


def value_of(attributes: Attributes, name: str, subject: int = 0) -> str:
    """The word for one of `PAIR_ATTRIBUTES`."""
    return getattr(attributes.subjects[subject] if name in SUBJECT else attributes, name)


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


class PairReader:
    """Pictures uint8 [P, H, W, 3] of P pairs to "adopted" and "retained", float16 [P, A] over `PAIR_ATTRIBUTES`, and
    "subjects" int8 [P], how many the judge found.

    1 where the judge reads the source's word, or the target's; NaN where the two words are one. What is left to 1 is
    neither. Where it finds two subjects each counts half; where it finds none, no subject attribute is taken or kept.
    """

    def __init__(self, pairs: Sequence[Pair], judge: ToyJudge | None = None):
        self.pairs, self.judge = list(pairs), judge or ToyJudge()

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        read = self.judge.attributes(images)
        if len(read) != len(self.pairs):
            raise ValueError(f"{len(read)} pictures of {len(self.pairs)} pairs: expected one a pair, in their order")
        rows = {
            "adopted": [_share(seen, pair, pair.source) for seen, pair in zip(read, self.pairs, strict=True)],
            "retained": [_share(seen, pair, pair.target) for seen, pair in zip(read, self.pairs, strict=True)],
        }
        found = {name: np.array(row, dtype=np.float16) for name, row in rows.items()}
        return found | {"subjects": np.array([len(seen.subjects) for seen in read], dtype=np.int8)}


def _share(read: Attributes, pair: Pair, of: Attributes) -> list[float]:
    row = []
    for name in PAIR_ATTRIBUTES:
        several = range(len(read.subjects)) if name in SUBJECT else range(1)
        hits = [value_of(read, name, i) == value_of(of, name) for i in several]
        row.append((float(np.mean(hits)) if hits else 0.0) if name in pair.differ else np.nan)
    return row


def mean_over(rows: np.ndarray, names: Sequence[str] = PAIR_ATTRIBUTES) -> np.ndarray:
    """The mean [P] over some attributes of "adopted" or "retained" [P, A]; NaN where a pair differs in none of them."""
    rows = np.asarray(rows, dtype=np.float64)
    if rows.shape[-1] == 1:  # a reader that tells no attributes apart
        return rows[..., 0]
    chosen = rows[..., [PAIR_ATTRIBUTES.index(name) for name in names]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(chosen, axis=-1)


def harmonic_mean(a, b):
    """Of two shares, 0 where both are 0: high only where both are.

    >>> float(harmonic_mean(1.0, 0.5)), float(harmonic_mean(0.0, 0.0))
    (0.6666666666666666, 0.0)
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    total = a + b
    return np.divide(2 * a * b, total, out=np.zeros_like(total), where=total > 0)


@dataclass(frozen=True, eq=False)
class PairCase(Case):
    """A Case of P target prompts that also holds the P source prompts, which start from the same noise.

    masks_on: the channels of which `masks` are made. `measure` adds "to_source" and "to_target" [P], mean squared
    distances to the two pictures without transport; where `read` gives no "adopted", a picture that is nearer to the
    source's counts as adopted, in one column. keep: what is recorded of the sources (None: all channels, which
    only small models can afford: `differences` needs them).
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
    def _compared(self) -> tuple[np.ndarray, _Compare]:
        compare = _Compare(self.source, len(self.model.layers) // 2, self.steps - 1)
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
        everyone, target = list(range(self.source.samples)), torch.stack(self._compared[1].tokens)
        part = subspace(self.masks_on, layer, target.shape[-1], "cpu")
        tokens = {"source": self.source.take(layer, step, everyone, part), "target": part.read(target)}
        found = {name: partition(values, grid=self.source.grid).mask for name, values in tokens.items()}
        return found | {"union": found["source"] | found["target"]}

    @property
    def differences(self) -> np.ndarray:
        """float32 [P, L, T, D]: mean square over tokens of source minus target, which a transport can at most move."""
        return self._compared[1].energy()

    @property
    def difference_moments(self) -> np.ndarray:
        """float64 [L, D, D]: mean of x x^T over pairs, steps and tokens, x being source minus target."""
        return self._compared[1].moments()

    def difference_share(self, chosen: ChannelSet | Directions | Sequence[ChannelSet]) -> np.ndarray:
        """[L]: the share of the source-target difference that a set (or one a pair) holds, over pairs and steps."""
        if isinstance(chosen, Directions):
            return chosen.energy_share(self.difference_moments)
        energy = self.differences.mean(axis=2, dtype=np.float64)  # [P, L, D]
        masks = np.stack([chosen.mask()] if isinstance(chosen, ChannelSet) else [one.mask() for one in chosen])
        return (energy * masks).sum(axis=(0, 2)) / energy.sum(axis=(0, 2))

    def measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        found = super().measure(images)
        apart = squared_distance(images, self.source.images).astype(np.float32)
        found = {"to_source": apart, "to_target": found.pop("change"), **found}
        if "adopted" not in found:
            nearer = (apart < found["to_target"])[:, None]
            found |= {"adopted": nearer.astype(np.float16), "retained": (~nearer).astype(np.float16)}
        return found


class _Compare:
    """A sink of capture that holds this run against the recorded one: mean squares and moments of the difference."""

    def __init__(self, source: Trajectory, layer: int, step: int):
        self.source, self.place = source, (layer, step)
        self.tokens: list[torch.Tensor] = []
        self._energy: dict[tuple[int, int], list[torch.Tensor]] = {}
        self._moments: dict[int, list] = {}

    def start(self, layers, grid):
        pass

    def add(self, tokens, *, layer, step, samples, grid):
        if (layer, step) == self.place:
            self.tokens.extend(tokens.detach().float().cpu())
        if self.source.channels is not None:
            return
        apart = self.source.take(layer, step, list(samples), None, tokens.device).float() - tokens.float()
        self._energy.setdefault((layer, step), []).extend(apart.square().mean(dim=1).cpu())
        total = self._moments.setdefault(layer, [0.0, 0])
        flat = apart.flatten(0, 1)
        total[0] = total[0] + (flat.T @ flat).double().cpu()
        total[1] += len(flat)

    def energy(self) -> np.ndarray:
        self._complain()
        layers, steps = (sorted({key[i] for key in self._energy}) for i in (0, 1))
        rows = [[torch.stack(self._energy[layer, step]) for step in steps] for layer in layers]
        return torch.stack([torch.stack(row) for row in rows]).permute(2, 0, 1, 3).numpy()

    def moments(self) -> np.ndarray:
        self._complain()
        return np.stack(
            [(self._moments[layer][0] / self._moments[layer][1]).numpy() for layer in sorted(self._moments)]
        )

    def _complain(self):
        if not self._energy:
            raise ValueError("only some channels of the sources were kept: the difference needs keep=None")


def pair_case(
    model,
    pairs: Sequence[Pair],
    seed: int = 0,
    steps: int = STEPS,
    masks_on: ChannelSet | None = None,
    judge: ToyJudge | None = None,
) -> PairCase:
    """A PairCase of toy-world pairs. The toy world's judge reads its own pictures; those of another model, which draws
    the same sentences in its own way, count as nearer to the source's or to the target's."""
    toy = type(model.pipeline).__name__ == "ToyWorldPipeline"
    return PairCase(
        model, [format_prompt(p.target) for p in pairs], PairReader(pairs, judge) if toy else _unread, seed, steps,
        sources=[format_prompt(p.source) for p in pairs], masks_on=masks_on,
    )  # fmt: skip


def _unread(images: np.ndarray) -> dict[str, np.ndarray]:
    return {}

"""The channel sets of one model by kind, k and draw: frozen on calibration prompts, made when they are first asked for.

    sets = Sets(model, k=8)
    sets.of("top", 8), sets.of("random", 8, draw=3), sets.of("PCA", 8)       # what `ablate` takes as channels
    sets.shares("energy-matched", 8)                                         # count, share of width, share of energy

A kind is one function of `KINDS`, from calibration to channels; add one there and every study can name it. Kinds that
rank each prompt's own run, or the difference of a pair, are made for a group, from a run of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..channels import (
    ChannelSet,
    Directions,
    bottom_channels,
    channel_scores,
    complement,
    energy_matched_channels,
    overflowed,
    pca_directions,
    random_channels,
    random_directions,
    rank_channels,
    second_moments,
    top_channels,
)
from ..identity import content
from ..measure.statistics import key_of, measure_channels
from ..reading.worlds import World, texts
from ..sweep import sweep
from ..watch.hooks import capture
from ..watch.statistics import ChannelStats
from ..watch.tokens import KeepTokens
from .groups import Group, NotHere, pairs
from .side_by_side import WIDEST, differences

MOST_BYTES = 2**30  # of hidden states kept at a time


@dataclass(frozen=True, eq=False)
class Calibration:
    """Statistics over calibration prompts, and second moments [L, D, D], None where the model is too wide for them."""

    stats: ChannelStats
    moments: np.ndarray | None

    @property
    def width(self) -> int:
        return self.stats.mean.shape[-1]

    def top(self, k: int) -> ChannelSet:
        return top_channels(self.stats, k)

    def shares(self, chosen: ChannelSet | Directions) -> dict[str, np.ndarray]:
        """What a set is: "count" [L], and its shares of "width" and "energy" [L]."""
        energy = self.stats.energy.mean(axis=(0, 2), dtype=np.float64)
        if isinstance(chosen, Directions):
            count, held = np.full(len(energy), chosen.k), chosen.energy_share(self.moments)
        else:
            count = np.array(chosen.sizes)
            held = np.array([row[c].sum() / row.sum() for row, c in zip(energy, chosen, strict=True)])
        return {"count": count, "width": count / self.width, "energy": held}


class Sets:
    """All channel sets of a model.

    k: what a study calls the top. prompts: calibration prompts (default: the world's); generation: of all its runs.
    store: a folder that keeps what they are made of. Raises NotHere for a kind that cannot be made here, and ValueError
    for one that does not exist.
    """

    def __init__(
        self,
        model: Any,
        world: World,
        k: int = 8,
        *,
        prompts: Sequence[str] | None = None,
        store: str | Path | None = None,
        **generation: Any,
    ):
        self.model, self.world, self.k = model, world, k
        self.prompts = texts(world, world.prompts(world.calibration, "calibration")) if prompts is None else prompts
        self.store, self.generation = store, generation
        self._calibrations: dict[str, Calibration] = {}
        self._made: dict[tuple, Any] = {}

    def calibration(self, stream: str = "image") -> Calibration:
        """What sets are frozen on, in a stream: prompts and noise that no condition is measured on."""
        if stream not in self._calibrations:
            text = stream == "text"
            prompts, more = self.prompts[:16] if text else self.prompts, {"stream": stream, "store": self.store}
            stats = measure_channels(self.model, prompts, seed=1, **more, **self.generation)
            self._calibrations[stream] = Calibration(stats, None if text else self._moments(stats))
        return self._calibrations[stream]

    @property
    def width(self) -> int:
        return self.calibration().width

    def _moments(self, stats: ChannelStats) -> np.ndarray | None:
        """Of eight prompts and every second step."""
        few, some = self.prompts[:8], list(range(0, len(stats.steps), 2))
        width, tokens = stats.mean.shape[-1], int(stats.count.max())
        if width > WIDEST or 4 * width * tokens * len(few) * len(some) * len(stats.layers) > MOST_BYTES:
            return None

        def moments() -> dict[str, np.ndarray]:
            with capture(self.model, kept := KeepTokens(dtype="float32"), steps=some):
                self.model.generate(few, seed=1, **self.generation)
            return {"moments": second_moments(kept.array)}

        key = key_of(self.model, few, self.generation)
        return sweep({"second moments": moments}, self.store, key)["second moments"]["moments"]

    def of(self, kind: str, k: int | None = None, draw: int = 0, stream: str = "image", group: Group | None = None):
        """A ChannelSet or Directions; or, for the kinds of a group, a list with a ChannelSet for each prompt."""
        k = self.k if k is None else k
        if kind in OF_A_GROUP:
            if group is None:
                raise ValueError(f"the kind {kind!r} is ranked anew for each prompt: pass the group of prompts")
            return self._once((kind, k, group.name), lambda: OF_A_GROUP[kind](self, group, k))
        if kind not in KINDS:
            raise ValueError(f"no set is called {kind!r}; there are {', '.join((*KINDS, *OF_A_GROUP))}")
        return self._once((kind, k, draw, stream), lambda: self._frozen(kind, k, draw, stream))

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _frozen(self, kind: str, k: int, draw: int, stream: str) -> ChannelSet | Directions:
        calibration = self.calibration(stream)
        if k > calibration.width:
            raise NotHere(f"k={k} is more than the {calibration.width} channels of this model")
        made = KINDS[kind](self, calibration, k, draw)
        return self._deep(made, calibration) if stream == "text" else made

    def _deep(self, chosen: ChannelSet, calibration: Calibration) -> ChannelSet:
        """A set of those blocks that have text, with nothing in the others."""
        names = calibration.stats.layers
        rows = [chosen[names.index(name)] if name in names else [] for name in self.model.layers]
        return ChannelSet(tuple(np.asarray(row, dtype=int) for row in rows), chosen.width, chosen.label)

    def difference(
        self, group: Group, chosen: ChannelSet | None = None, moments: bool = False
    ) -> dict[str, np.ndarray]:
        """What sources and targets of a group of pairs differ in (see `side_by_side`), kept in the store."""
        if not group.sources:
            raise NotHere("these are no pairs: a difference needs a source for each prompt")

        def compute() -> dict[str, np.ndarray]:
            return differences(self.model, group, self.generation, chosen, moments)

        own = {"group": content(group.content()), "chosen": content(chosen), "moments": moments}
        key = key_of(self.model, group.prompts, self.generation, **own)
        made = ("difference", group.name, len(group), None if chosen is None else chosen.label, moments)
        return self._once(made, lambda: sweep({"difference": compute}, self.store, key)["difference"])

    def calibration_pairs(self) -> Group:
        """As many as this world has for choosing settings, at most 16, from another noise than any that is measured."""
        return self._once(("pairs",), lambda: pairs(16, "calibration", noise=1).of(self.world, 16, 0, "calibration"))

    def find(self, kind: str, k: int | None = None, draw: int = 0, group: Group | None = None):
        """As `of`; None for what cannot be made here."""
        try:
            return self.of(kind, k, draw, group=group)
        except NotHere:
            return None

    def matched_blocks(self, k: int | None = None) -> tuple[int, ...]:
        """Blocks in which other channels hold as much energy as the top k do."""
        calibration = self.calibration()
        match = energy_matched_channels(calibration.stats, self.of("top", k))
        return tuple(int(block) for block in np.flatnonzero(match.feasible))

    def shares(self, kind: str, k: int | None = None, draw: int = 0, group: Group | None = None) -> dict[str, float]:
        """Count of channels or directions, and shares of width and energy, as means over all blocks (and prompts)."""
        made = self.of(kind, k, draw, group=group)
        rows = [self.calibration().shares(one) for one in (made if isinstance(made, list) else [made])]
        return {part: float(np.mean([row[part] for row in rows])) for part in rows[0]}


def _without_the_first(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    """The top k but for the largest of each block: a set is not a channel, and one may do what all seem to do."""
    if k < 2:
        raise NotHere("without its first the top 1 is empty")
    return ChannelSet.from_mask(c.top(k).mask() & ~c.top(1).mask(), f"top {k} without the first")


def _one_of_the_top(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    """The one at rank draw + 1 of each block: a set is not a channel."""
    _enough(c, 1, draw)
    ranked = (row[draw] for row in c.top(draw + 1))
    return ChannelSet(tuple(np.array([channel]) for channel in ranked), c.width, f"rank {draw + 1}")


def _outside_top(c: Calibration, k: int, base: int, draw: int) -> ChannelSet:
    _enough(c, k, base)
    return random_channels(c.stats, k, outside=c.top(base), draws=draw + 1)[draw]


def _enough(c: Calibration, k: int, base: int) -> None:
    if base + k > c.width:
        raise NotHere(f"outside the top {base} of {c.width} channels are fewer than {k}")


def _of_all(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    """From all channels, the top ones among them, so that a draw may hold some of these: as a control, a trap."""
    return random_channels(c.stats, k, draws=draw + 1)[draw]


def _twin(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    """The same draw from all channels, in which each of the top k is swapped for one from outside of both."""
    top, drawn = c.top(k), _of_all(sets, c, k, draw)
    rng = np.random.default_rng((0, 7, draw))
    rows = []
    for own, massive in zip(drawn, top, strict=True):
        kept, free = np.setdiff1d(own, massive), np.setdiff1d(np.arange(top.width), np.union1d(own, massive))
        if len(free) < len(own) - len(kept):
            raise NotHere(f"outside the top {k} and a draw of {k} others are too few of {top.width} channels")
        rows.append(np.concatenate([kept, rng.choice(free, len(own) - len(kept), replace=False)]))
    return ChannelSet(tuple(rows), top.width, f"twin {draw + 1}")


def _energy_matched(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    matched = energy_matched_channels(c.stats, c.top(k), draw)
    if matched.channels is None:
        raise NotHere(f"in no block do channels outside the top {k} hold as much energy as the top")
    return matched.channels


def _matched_without_first(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    """Outside the top k, with the energy of those after its first, which alone may hold more than all others do."""
    rest = _without_the_first(sets, c, k, draw)
    matched = energy_matched_channels(c.stats, rest, draw, outside=c.top(k))
    if matched.channels is None:
        raise NotHere(f"in no block do channels outside the top {k} hold as much energy as those after its first")
    return matched.channels


def _of_moments(c: Calibration) -> np.ndarray:
    if c.moments is None:
        raise NotHere(f"directions are not drawn in {c.width} channels: second moments would not fit")
    return c.moments


def _random_directions(sets: Sets, c: Calibration, k: int, draw: int) -> Directions:
    return random_directions(c.width, k, len(_of_moments(c)), draw)


def _complement(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    if k >= c.width:
        raise NotHere(f"beside the top {k} no channel is left")
    return complement(c.top(k))


def _next_ranks(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    _enough(c, k, k)
    return ChannelSet.from_mask(c.top(2 * k).mask() & ~c.top(k).mask(), f"ranks {k + 1} to {2 * k}")


def _all(sets: Sets, c: Calibration, k: int, draw: int) -> ChannelSet:
    return ChannelSet.same(np.arange(c.width), len(c.stats.layers), c.width, "all channels")


def _pca_of_the_difference(sets: Sets, c: Calibration, k: int, draw: int) -> Directions:
    """Of source minus target, on calibration pairs."""
    _of_moments(c)
    return pca_directions(sets.difference(sets.calibration_pairs(), moments=True)["moments"], k)


KINDS: dict[str, Callable[[Sets, Calibration, int, int], ChannelSet | Directions]] = {
    "top": lambda sets, c, k, draw: c.top(k),
    "top without the first": _without_the_first,
    "one of the top": _one_of_the_top,
    "bottom": lambda sets, c, k, draw: bottom_channels(c.stats, k),
    "random": lambda sets, c, k, draw: _outside_top(c, k, k, draw),
    "random outside the top": lambda sets, c, k, draw: _outside_top(c, k, sets.k, draw),
    "random of all": _of_all,
    "random of all, twin": _twin,
    "energy-matched": _energy_matched,
    "matched without the first": _matched_without_first,
    "complement": _complement,
    "random directions": _random_directions,
    "PCA": lambda sets, c, k, draw: pca_directions(_of_moments(c), k),
    "next ranks": _next_ranks,
    "top by the other score": lambda sets, c, k, draw: top_channels(c.stats, k, "mean_abs"),
    "all": _all,
    "PCA of the difference": _pca_of_the_difference,
}


def _of_each_prompt(sets: Sets, group: Group, k: int) -> list[ChannelSet]:
    """Ranked anew for every prompt on its own run, as the paper's masks are."""
    stats = measure_channels(sets.model, group.prompts, seed=group.seed, store=sets.store, **sets.generation)
    scores = channel_scores(stats).mean(axis=2)  # [P, L, D]
    ranked = rank_channels(scores, k, overflowed(stats).any(axis=2))
    return [ChannelSet(tuple(row), scores.shape[-1], f"top {k} of prompt {i}") for i, row in enumerate(ranked)]


def _of_the_difference(sets: Sets, group: Group, k: int) -> list[ChannelSet]:
    """For each pair the channels in which its source and target differ most."""
    ranked = rank_channels(sets.difference(group)["channels"], k)  # [P, L, k]
    return [ChannelSet(tuple(row), sets.width, f"top {k} of the difference") for row in ranked]


OF_A_GROUP: dict[str, Callable[[Sets, Group, int], Any]] = {
    "top of each prompt": _of_each_prompt,
    "top of the difference": _of_the_difference,
}

"""Source and target of each pair in one batch, side by side: what they differ in, and transport without a recording.

    found = differences(model, group, generation)            # {"channels": [P, L, D], "moments": [L, D, D]}
    SideBySide(group, top)                                   # a condition's edit where a recording would not fit

A recording of all channels serves every condition, and is too large for large models: 25 blocks of 3,072 channels and
4,096 tokens are 2.5 GB a pair in 4 steps. Side by side each block's output is carried over as it comes: nothing is
kept, and each picture costs two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..channels import ChannelSet, Directions
from ..edits.ablation import ablate
from ..metrics import known_mean
from ..watch.hooks import capture
from ..watch.subspaces import subspace
from ..watch.trajectories import Trajectory
from .groups import Group

WIDEST = 1024  # channels, up to which directions are drawn: D x D moments a block grow out of memory on large models


class Apart:
    """A sink of capture for a batch of sources and targets in turn: mean squares of their difference over tokens and
    steps, of which only the sums are kept.

    chosen: channels on which level and pattern of the difference are told apart, or None. directions: by name, along
    which its mean square is taken as well. moments: whether the mean of x x^T is, x being source minus target.
    """

    def __init__(self, chosen: ChannelSet | None, moments: bool, directions: Mapping[str, Directions]):
        self._chosen, self._moments, self._along = chosen, moments, directions
        self.sums: dict[str, dict[tuple[int, int], list]] = {}  # of a pair in a block, and of how many

    def add(self, tokens, *, layer, step, samples, grid):
        self.keep(tokens[0::2].float() - tokens[1::2].float(), [sample // 2 for sample in samples[0::2]], layer)

    def keep(self, apart, pairs: Sequence[int], layer: int) -> None:
        """Add source minus target [B, N, D] of some pairs in a block and step."""
        for name, rows in self._squares(apart, layer).items():
            for pair, row in zip(pairs, rows.cpu(), strict=True):
                self._add(name, pair, layer, row)
        if self._moments and apart.shape[-1] <= WIDEST:
            flat = apart.flatten(0, 1)
            self._add("moments", 0, layer, (flat.T @ flat).cpu(), len(flat))

    def _squares(self, apart, layer) -> dict[str, Any]:
        def on(chosen):
            return subspace(chosen, layer, apart.shape[-1], apart.device).read(apart)

        found = {"channels": apart.square().mean(dim=1)}
        if self._chosen is not None and len(self._chosen[layer]):
            own = on(self._chosen)
            found["level"] = own.mean(dim=1).square().sum(dim=-1)
            found["whole"] = own.square().mean(dim=1).sum(dim=-1)
        return found | {name: on(one).square().mean(dim=1).sum(dim=-1) for name, one in self._along.items()}

    def _add(self, name, pair, layer, row, count=1):
        total = self.sums.setdefault(name, {}).setdefault((pair, layer), [0.0, 0])
        total[0], total[1] = total[0] + row.double(), total[1] + count

    def means(self, name: str) -> np.ndarray:
        """float64 [P, L, ...] over steps; of the "moments" [1, L, D, D] over pairs and tokens as well."""
        sums = self.sums[name]
        pairs, layers = (sorted({key[i] for key in sums}) for i in (0, 1))
        return np.array([[np.asarray(sums[pair, b][0] / sums[pair, b][1]) for b in layers] for pair in pairs])


class FromRecording(Apart):
    """The same for a batch of targets, whose sources were recorded."""

    def __init__(self, source: Trajectory, *more):
        super().__init__(*more)
        self._source = source

    def add(self, tokens, *, layer, step, samples, grid):
        theirs = self._source.take(layer, step, samples, None, tokens.device)
        self.keep(theirs.float() - tokens.float(), samples, layer)


def differences(
    model,
    group: Group,
    generation: Mapping[str, Any],
    chosen: ChannelSet | None = None,
    moments: bool = False,
    directions: Mapping[str, Directions] | None = None,
    source: Trajectory | None = None,
) -> dict[str, np.ndarray]:
    """What sources and targets of a group of pairs differ in, mean squares over tokens and steps: float32 "channels"
    [P, L, D]; with a set "level" and "pattern" [P, L] of its difference; along directions [P, L] by their names; and
    "moments" float64 [L, D, D] where they are asked for and fit. source: the sources' states on all channels, where
    they are no run of their prompts but a picture's."""
    if source is None:
        with capture(model, seen := Apart(chosen, moments, directions or {})):
            _draw_both(model, group, generation, range(len(group)))
    else:
        with capture(model, seen := FromRecording(source, chosen, moments, directions or {})):
            model.generate(group.prompts, seed=group.seed, samples=group.samples, **generation)
    found = {name: seen.means(name).astype(np.float32) for name in seen.sums if name != "moments"}
    if "whole" in found:
        found["pattern"] = found.pop("whole") - found["level"]
    return found | ({"moments": seen.means("moments")[0]} if "moments" in seen.sums else {})


def _draw_both(model, group: Group, generation, numbers) -> np.ndarray:
    """The pictures uint8 [2 P, H, W, 3] of each pair's source and target in turn, two or more to a batch.

    numbers: whose source stands beside target i, with its own noise.
    """
    rows = [(group.sources[own], group.prompts[i], own, i) for i, own in enumerate(numbers)]
    return model.generate(
        [prompt for a, b, _, _ in rows for prompt in (a, b)],
        seed=group.seed,
        batch_size=_even(model),
        samples=[group.samples[sample] for _, _, a, b in rows for sample in (a, b)],
        **generation,
    )


def _even(model) -> int:
    return max(2, model.preset.batch_size // 2 * 2)


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Transport of channels from each source into its target, in one batch. channels: one set, or one a pair; numbers:
    whose source each target takes (its own, where not given); other arguments as for `inject`."""

    group: Group
    channels: Any
    numbers: tuple[int, ...] = ()
    mask: np.ndarray | None = None
    where: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)

    def draw(self, model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Pictures uint8 [P, H, W, 3] of the targets, and what was moved."""
        count = len(self.group)
        sets = list(self.channels) if isinstance(self.channels, list) else [self.channels] * count
        mask = None if self.mask is None else np.asarray(self.mask)
        with ablate(
            model,
            [one for own in sets for one in (None, own)],
            "resample",
            branch="cond",
            partners=[row - row % 2 for row in range(_even(model))],
            tokens=mask if mask is None or mask.ndim == 2 else np.repeat(mask, 2, axis=0),
            **self.where,
        ) as log:
            images = _draw_both(model, self.group, self.generation, self.numbers or range(count))
        logged = {"moved": log.change[1::2], "energy": log.energy_ratio[1::2]}
        return images[1::2], {name: known_mean(rows, axis=(1, 2)).astype(np.float32) for name, rows in logged.items()}

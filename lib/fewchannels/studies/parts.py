"""Edits that take a channel's level or its pattern away, or take it from another run, and leave the other part.

    with ablate(model, massive, no_level):                                # the level to zero
        model.generate(prompts, seed=0)
    with ablate(model, massive, carried(source, massive, "pattern")):     # another run's pattern, one's own level
        model.generate(prompts, seed=0)

Level: a channel's mean over image tokens. Pattern: what is left. ("own_mean" of `ablate` is the edit without pattern.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from ..ablation import ablate
from ..channels import ChannelSet
from ..patching import record
from ..subspaces import subspace, widened
from ..trajectories import Trajectory
from .cases import STEPS

PARTS = ("level", "pattern", "both")
VERSIONS = ("no level", "no pattern", "another's level", "another's pattern")


def no_level(old: torch.Tensor, **place) -> torch.Tensor:
    """An edit for `ablate`: the level to zero, the pattern as it is. old: [b, n, k]."""
    whole = widened(old)
    return (whole - whole.mean(dim=1, keepdim=True)).to(old.dtype)


def mean_level(means: np.ndarray, chosen: ChannelSet) -> Callable:
    """An edit for `ablate` on `chosen`: the level to that of a reference set, means [L, T, D], the pattern as it is."""
    means = np.asarray(means)
    if means.ndim != 3 or (len(means), means.shape[2]) != (len(chosen), chosen.width):
        raise ValueError(
            f"means of shape {means.shape}: expected [{len(chosen)} blocks, steps, {chosen.width} channels], as "
            "`stats.mean.mean(axis=0)` of a run with as many steps"
        )

    def how(old, *, layer, step, samples):
        if step >= means.shape[1]:
            raise ValueError(f"the reference has {means.shape[1]} steps and this is step {step}: record as many")
        level = torch.as_tensor(means[layer, step][chosen[layer]], device=old.device)
        return (no_level(widened(old)) + level).to(old.dtype)

    return how


def carried(source: Trajectory, chosen: ChannelSet, part: str, partners: Sequence[int] | None = None) -> Callable:
    """An edit for `ablate` on `chosen`: one part from a recorded run, the other part as it is.

    part: "level", "pattern", or "both" (hard replacement, as `inject` does). partners: the sample of the recording for
    each sample (itself, where not given). Raises ValueError for another part; `Trajectory.take` for what it lacks.
    """
    if part not in PARTS:
        raise ValueError(f"part={part!r}: expected one of {', '.join(PARTS)}")

    @functools.cache
    def where(layer, width, device):
        return subspace(chosen, layer, width, device)

    def how(old, *, layer, step, samples):
        own = list(samples) if partners is None else [partners[sample] for sample in samples]
        taken = source.take(layer, step, own, where(layer, chosen.width, "cpu"), old.device)
        if part == "both":
            return taken.to(old.dtype)
        first, second = (taken, old) if part == "level" else (old, taken)
        return (widened(first).mean(dim=1, keepdim=True) + no_level(widened(second))).to(old.dtype)

    return how


def album(
    model,
    prompts: Sequence[str],
    sets: Mapping[int, ChannelSet],
    places: Mapping[str, object],
    seed: int = 0,
    steps: int = STEPS,
) -> np.ndarray:
    """Pictures of every version, for a Flipbook: uint8 [4, k, place, n, H, W, 3], edits in the order of `VERSIONS`.

    sets: a ChannelSet for each k; places: names to `layers` of ablate (None: all). Another prompt is the next one, the
    last one's being the first; each keeps its own noise. On the toy world all versions of one place run as one batch.
    """
    count = len(prompts)
    largest = ChannelSet.from_mask(np.logical_or.reduce([chosen.mask() for chosen in sets.values()]))
    with record(model, largest) as source:
        model.generate(prompts, seed=seed, steps=steps)
    rows = [(edit, chosen) for edit in range(len(VERSIONS)) for chosen in sets.values() for _ in prompts]
    partners = [(row % count + 1) % count for row in range(len(rows))]
    others = {(e, c): carried(source, c, part, partners) for e, part in ((2, "level"), (3, "pattern")) for _, c in rows}
    hows = [{0: no_level, 1: "own_mean"}.get(edit) or others[edit, chosen] for edit, chosen in rows]
    found = []
    for layers in places.values():
        with ablate(model, [chosen for _, chosen in rows], hows, layers=layers):
            found.append(
                model.generate(
                    list(prompts) * (len(rows) // count), seed=seed, steps=steps,
                    samples=list(range(count)) * (len(rows) // count), batch_size=len(rows) if model.is_toy else None,
                )
            )  # fmt: skip
    pictures = np.stack(found)  # [place, edit * k * n, ...]
    pictures = pictures.reshape(len(places), len(VERSIONS), len(sets), count, *pictures.shape[2:])
    return np.moveaxis(pictures, 0, 2)

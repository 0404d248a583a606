"""Move a few channels of one trajectory into another, and see what of the picture moves along (paper, transport).

    moved = fc.transport(model, source="a large red star ...", target="a small blue ring ...", channels=massive)
    moved.source_images, moved.images, moved.target_images, moved.masks

Hard replacement under a mask M = token mask x channel mask: X_target <- X_target (1 - M) + X_source M, after every
chosen block and step. What the paper leaves open is a choice of ours here and an argument: whose mask, whose channels,
same noise, all blocks and steps. With `record` and `inject` one source serves many conditions:

    with fc.record(model, massive) as source:
        model.generate(sources, seed=0)
    with fc.inject(model, source, massive, strength=0.5):
        model.generate(targets, seed=0)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ..channels import ChannelSet, channel_scores, overflowed, rank_channels
from ..choices import chosen_layers, listed
from ..masks.subjects import partition
from ..models.arguments import texts
from ..watch.hooks import capture, edit
from ..watch.statistics import ChannelStats
from ..watch.subspaces import widened
from ..watch.trajectories import Trajectory, matching_step, record
from .channel_edit import ChannelEdit, without_level

__all__ = ["Trajectory", "Transport", "inject", "record", "transport"]
OWNERS = ("source", "target", "union")
PARTS = ("both", "level", "pattern")


@dataclass(frozen=True)
class Transport:
    """What `transport` gives for P pairs.

    images, source_images, target_images: uint8 [P, H, W, 3] with the transport, of the source and of the target alone;
    source_images is None where the source was a Trajectory that has none. masks: bool [P, h, w] of the tokens that
    were moved; source_masks, target_masks: what they were made of, or None. channels: the sets that were moved.
    source: the recorded Trajectory. change: float [P, L, T], norm of the change over that of the hidden state.
    """

    images: np.ndarray
    source_images: np.ndarray | None
    target_images: np.ndarray
    masks: np.ndarray
    source_masks: np.ndarray | None
    target_masks: np.ndarray | None
    channels: object
    source: Trajectory
    change: np.ndarray


@contextmanager
def inject(
    model,
    source: Trajectory,
    channels=None,
    *,
    mask: np.ndarray | None = None,
    strength: float | Sequence[float] = 1.0,
    sources: Sequence[int] | None = None,
    part: str = "both",
    layers=None,
    steps=None,
    branch: str = "cond",
    stream: str = "image",
    through: str = "stream",
    into: str | Sequence[str] | None = None,
) -> Iterator[ChannelEdit]:
    """Replace channels of what the model generates by those of a recorded trajectory while the context is open.

    channels: as for ablate (one set, or one a sample); None for all that was recorded. mask: bool [h, w] or [S, h, w],
    the tokens that are replaced; None for all. strength: 1 replaces, less blends; one number or one a sample.
    sources: the sample of the trajectory that sample i takes from (i, where not given). part: "both", or "level" (a
    channel's mean over tokens) or "pattern" (what is left) alone, the other part staying the target's own. layers,
    steps, branch, stream: as for edit, in the target's steps. A run with other noise levels (another number of
    steps, or image-to-image) takes from the recorded step of the nearest noise level. through, into: as for ablate, so
    that "content" is the source's content with the target's gain, and "gain" the target's content with the source's
    gain; at a norm behind attention the source's values are what the block gave, and what the target's attention added.

    Yields a ChannelEdit with the realised `change`. Raises ValueError for a trajectory of another grid, or one that
    lacks what is asked of it.
    """
    change = channel_transport(
        model, source, channels, mask=mask, strength=strength, sources=sources, part=part, stream=stream
    )
    with edit(model, change, layers=layers, steps=steps, branch=branch, stream=stream, through=through, into=into):
        yield change
    change.complain()


def channel_transport(
    model, source: Trajectory, channels=None, *, mask=None, strength=1.0, sources=None, part="both", stream="image"
) -> ChannelEdit:
    """What `inject` does to the tokens of a block, as a function for hooks.edit. Arguments as for `inject`."""
    _check_part(part)
    if not isinstance(source, Trajectory):
        raise TypeError(f"source={type(source).__name__}: expected a Trajectory from record()")
    if not source.samples:
        raise ValueError("the trajectory is empty: generate inside `with record(model, ...)` first")
    chosen = source.channels if channels is None else channels
    if chosen is None:
        chosen = np.arange(source.width)

    def values(how, old, place):
        numbers = [s if sources is None else sources[s] for s in place.samples]
        taken = source.take(place.layer, matching_step(model, source, place.step), numbers, place.part, old.device)
        if taken.shape[1] != place.tokens.shape[1]:
            raise ValueError(
                f"the trajectory has {taken.shape[1]} tokens on a grid {source.grid}, and this run "
                f"{place.tokens.shape[1]}: record it at the same image size"
            )
        taken = taken if place.where is None else taken[:, place.where]
        if part == "both":
            return taken
        first, second = (taken, old) if part == "level" else (old, taken)
        return (widened(first).mean(dim=1, keepdim=True) + without_level(widened(second))).to(old.dtype)

    return ChannelEdit(model, chosen, values, tokens=mask, strength=strength, stream=stream, carried=lambda how: True)


def transport(
    model,
    source: str | Sequence[str] | Trajectory,
    target: str | Sequence[str],
    channels,
    *,
    mask: str | np.ndarray | None = "union",
    channels_from: str = "source",
    score: str = "abs_mean",
    strength: float | Sequence[float] = 1.0,
    part: str = "both",
    layers=None,
    window=None,
    branch: str = "cond",
    through: str = "stream",
    into: str | Sequence[str] | None = None,
    seed: int = 0,
    source_seed: int | None = None,
    steps: int | None = None,
    source_steps: int | None = None,
    latents: torch.Tensor | None = None,
    mask_layer: int | None = None,
    mask_step: int = -1,
    mask_options: dict | None = None,
    dtype: str | None = None,
    **generation,
) -> Transport:
    """Move `channels` of each source's trajectory into its target's; pair i shares its noise unless told otherwise.

    source, target: P prompts each, or one for all; source may also be a Trajectory, recorded before or made from
    images (fewchannels.edits.inversion). A source prompt for all is run once a target, with its noise; a Trajectory of
    one sample is taken as it is, so that of several targets only the first shares its noise: moved into the others,
    its channels bring another noise along, and the picture is lost with it. Record such a source once a target, or
    pass its start noise for each of them as `latents`.
    channels: a ChannelSet, Directions or channel numbers, one or one a pair; or a number k, for the top k of each pair
    by `score` over the steps, of `channels_from` ("source", "target", "union").
    mask: "union" of the subject masks of source and target, "source", "target", an array bool [h, w] or [P, h, w], or
    None for all tokens. Subject masks are K-means on `channels` in block `mask_layer` (the middle one) at `mask_step`
    (the last one, as in the paper); mask_options go to masks.partition.
    strength, part ("both", "level", "pattern"), layers, branch, through, into: as for inject; window: the target's
    steps in which channels are moved (None: all).
    seed, source_seed: of the targets' and the sources' noise (the same unless given). steps, source_steps: number of
    steps of each. latents: start noise of both. dtype: what the recording is kept in. `generation` goes to
    model.generate (guidance_scale, height, width, batch_size, ...).

    All channels of all tokens, moved in every block and step under the same noise, give the source's picture bit for
    bit, except where the pooled prompt enters the norm behind the last block (FLUX.1, SD3, the toy world): that part
    of the target stays.

    Raises ValueError where numbers of prompts, grids, steps or channels do not fit; the model is left as it was.
    """
    if isinstance(mask, str) and mask not in OWNERS:
        raise ValueError(f"mask={mask!r}: expected 'source', 'target', 'union', an array, or None")
    if channels_from not in OWNERS:
        raise ValueError(f"channels_from={channels_from!r}: expected 'source', 'target' or 'union'")
    _check_part(part)
    sources, targets, partners = _paired(source, target)
    common = {"latents": latents, **generation}
    own_seed = seed if source_seed is None else source_seed
    runs = {
        "source": (sources, {**common, "seed": own_seed, "steps": source_steps or steps}),
        "target": (targets, {**common, "seed": seed, "steps": steps}),
    }
    if isinstance(channels, (int, np.integer)):
        channels = _top_of_each(model, runs, channels_from, int(channels), score, branch)
    where = _one("mask_layer", len(model.layers) // 2 if mask_layer is None else mask_layer)
    if not -len(model.layers) <= where < len(model.layers):
        raise ValueError(f"mask_layer={where}: the model has {len(model.layers)} blocks, 0 to {len(model.layers) - 1}")
    where, mask_step = where % len(model.layers), _one("mask_step", mask_step)
    if isinstance(source, Trajectory):
        recorded = source
    else:
        needed = None if layers is None else chosen_layers(model.layers, layers)
        if needed is not None and isinstance(mask, str) and mask != "target":
            needed |= {where}
        with record(model, channels, layers=needed, branch=branch, dtype=dtype) as recorded:
            recorded.images = model.generate(sources, **runs["source"][1])
        recorded.prompts = sources
    if isinstance(mask, str) and mask != "source":
        with record(model, channels, layers=where, steps=mask_step, branch=branch) as kept:
            target_images = model.generate(targets, **runs["target"][1])
    else:
        target_images = model.generate(targets, **runs["target"][1])
    found = {"source": None, "target": None}
    options = mask_options or {}
    if isinstance(mask, str) and mask != "target":
        found["source"] = _subjects(recorded, where, mask_step, partners, options)
    if isinstance(mask, str) and mask != "source":
        found["target"] = _subjects(kept, where, kept.steps[0], range(len(targets)), options)
    owners = [m for m in found.values() if m is not None]
    moved = np.logical_or.reduce(owners) if owners else mask if mask is None else np.asarray(mask)
    with inject(
        model,
        recorded,
        channels,
        mask=moved,
        strength=strength,
        sources=partners,
        part=part,
        layers=layers,
        steps=window,
        branch=branch,
        through=through,
        into=into,
    ) as done:
        images = model.generate(targets, **runs["target"][1])
    shown = recorded.images[partners] if recorded.images is not None else None
    moved = np.broadcast_to(True if moved is None else moved, (len(targets), *recorded.grid))
    return Transport(
        images, shown, target_images, moved, found["source"], found["target"], channels, recorded, done.change
    )


def _paired(source, target) -> tuple[list[str] | None, list[str], list[int]]:
    """(source prompts or None, target prompts, the source's sample for each target)."""
    targets = texts("target", target)
    if isinstance(source, Trajectory):
        count = source.samples
    else:
        sources = texts("source", source)
        if len(targets) == 1:
            targets = targets * len(sources)
        count = len(sources)
    if isinstance(source, Trajectory) and len(targets) == 1:
        targets = targets * count
    if count not in (1, len(targets)) or not targets:
        raise ValueError(f"{count} sources and {len(targets)} targets: pass as many of each, or one for all")
    if isinstance(source, Trajectory):
        return None, targets, [0] * len(targets) if count == 1 else list(range(count))
    # one source prompt is run once a target, so that each pair shares its noise
    return sources * (len(targets) if count == 1 else 1), targets, list(range(len(targets)))


def _top_of_each(model, runs, owner, k, score, branch) -> list[ChannelSet]:
    ranked = []
    for name in ("source", "target") if owner == "union" else (owner,):
        prompts, given = runs[name]
        if prompts is None:
            raise ValueError(
                f"channels={k} of the {name}, which is a Trajectory: pass a ChannelSet, or channels_from='target'"
            )
        with capture(model, stats := ChannelStats(), branch=branch):
            model.generate(prompts, **given)
        scores, first = channel_scores(stats, score).mean(axis=2), overflowed(stats).any(axis=2)
        ranked.append(rank_channels(scores, k, first))  # [S, L, k]
        width = stats.mean.shape[-1]
    together = np.concatenate(ranked, axis=-1)
    return [ChannelSet(tuple(np.unique(row) for row in one), width, f"top {k} of its own") for one in together]


def _subjects(trajectory: Trajectory, layer: int, step: int, samples, options) -> np.ndarray:
    """Subject masks bool [P, h, w] by K-means on what was recorded of each sample."""
    if step < 0:
        step += len(trajectory.sigmas) if trajectory.sigmas is not None else max(trajectory.steps) + 1
    each = [trajectory.take(layer, step, [sample], None) for sample in samples]
    if len({values.shape for values in each}) == 1:
        return partition(torch.cat(each), grid=trajectory.grid, **options).mask
    return np.concatenate([partition(values, grid=trajectory.grid, **options).mask for values in each])


def _check_part(part: str) -> None:
    if part not in PARTS:
        raise ValueError(f"part={part!r}: expected one of {', '.join(PARTS)}")


def _one(what: str, number) -> int:
    """A whole number, however it is written."""
    found = listed(what, number)
    if found is None or len(found) != 1 or not isinstance(found[0], int):
        raise ValueError(f"{what}={number!r}: expected one whole number")
    return found[0]

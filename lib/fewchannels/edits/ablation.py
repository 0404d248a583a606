"""Disturb chosen channels while a model generates, and see what the picture loses (paper, section 3.1).

    with fc.ablate(model, massive, how="zero") as done:
        broken = model.generate(prompts, seed=0)
    done.change            # [S, L, T]: how much of the hidden state was really changed

Zero is the paper's probe, but it also leaves the distribution: it raises LayerNorm's gain on all other channels. The
edits that stay nearer to it keep the level (own_mean), level and spread (shuffle), or take both from other prompts
(mean, resample). noise and shift are the controls of equal size on channels that are not massive.
Many conditions run as one batch: `channels`, `how`, `factor` and `strength` may be lists, one entry a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from ..names import EDITS
from ..scheduler import step_count
from ..watch.hooks import edit
from ..watch.statistics import ChannelStats
from ..watch.subspaces import Subspaces, widened
from ..watch.trajectories import Trajectory, matching_step
from .channel_edit import ChannelEdit, Place, column, one_a_sample, without_level

RECORDED = ("mean", "mean_level", "resample")  # of other runs, at a block's output
NEEDS = {"scale": "factor", "replace": "values", "mean": "reference", "mean_level": "reference"}


@contextmanager
def ablate(
    model,
    channels,
    how: str | Callable | Sequence = "zero",
    *,
    layers=None,
    steps=None,
    branch: str = "both",
    stream: str = "image",
    through: str = "stream",
    into: str | Sequence[str] | None = None,
    tokens: np.ndarray | None = None,
    strength: float | Sequence[float] = 1.0,
    factor: float | Sequence[float] | None = None,
    values=None,
    reference=None,
    partners: Sequence[int] | None = None,
    match=None,
    seed: int = 0,
) -> Iterator[ChannelEdit]:
    """Change `channels` after every chosen block, step and guidance branch while the context is open.

    channels: a ChannelSet, Directions (the change is then made along them), channel numbers for every layer, or a
    list of these with one a sample, in which None leaves a sample as it is.
    how: a name, a function(values [b, n, k], *, layer, step, samples) -> [b, n, k], or a list of them, one a sample:

    - "zero"; along directions this projects them out
    - "mean": the mean of a reference set per layer and step, from `reference`, a ChannelStats or an array [L, T, D]
    - "own_mean": each sample's own mean over its tokens: the level stays, the pattern goes
    - "no_level": each sample's own mean over its tokens to zero: the pattern stays, the level goes
    - "mean_level": that level to the one of a reference set, given as for "mean"; the pattern stays
    - "shuffle": tokens change places, all chosen channels together, anew in each block and step
    - "resample": the tokens of another prompt, from `reference` (a Trajectory), in which `partners[i]` stands in for
      sample i (where not given the next one, counted round); without a reference from the next sample of the batch,
      whose earlier blocks are edited too
    - "scale": times `factor`
    - "replace": by `values`, a number or an array [D], [L, D] or [L, T, D]
    - "noise", "shift": plus Gaussian noise, or plus one constant a channel of random sign, of the norm over tokens
      that the channels `match` have, and zeroing them would take away (where not given: the channels themselves)

    layers, steps, branch, stream: as for fewchannels.edit. tokens: bool [h, w] or [S, h, w] (for the text stream [N]
    or [S, N]), the tokens that are changed; the edit sees no others. strength: share of the way to the edit. seed: of
    shuffle, noise and shift; what a sample gets depends on (seed, sample, layer, step) alone.

    through, into: as for fewchannels.edit. "stream" changes what a block puts out; the others leave that and change
    what is read of it, at the norms up to the next block's output: "both", "content" (these channels changed, the
    norm's mean and divisor held) or "gain" (mean and divisor as if they were changed, the channels left). The edit is
    then of what each norm is given; what "mean", "mean_level" and "resample" bring was recorded at the block's output,
    and at a norm behind attention what attention has added since is added to it.

    Yields a ChannelEdit, which logs what was really changed: `change` and `energy_ratio`, [S, L, T]. Raises ValueError
    for channels out of range or empty, an unknown edit, layer or step, or a mask of another grid; the model is always
    left as it was.
    """
    ablation = channel_edit(
        model,
        channels,
        how,
        stream=stream,
        tokens=tokens,
        strength=strength,
        factor=factor,
        values=values,
        reference=reference,
        partners=partners,
        match=match,
        seed=seed,
    )
    with edit(model, ablation, layers=layers, steps=steps, branch=branch, stream=stream, through=through, into=into):
        yield ablation
    ablation.complain()


def channel_edit(
    model,
    channels,
    how="zero",
    *,
    stream="image",
    tokens=None,
    strength=1.0,
    factor=None,
    values=None,
    reference=None,
    partners=None,
    match=None,
    seed=0,
) -> ChannelEdit:
    """What `ablate` does to the tokens of a block, as a function for hooks.edit. Arguments as for `ablate`."""
    several = not isinstance(how, str) and np.iterable(how)
    edits = Edits(
        model,
        list(how) if several else [how],
        seed=seed,
        factor=factor,
        values=values,
        reference=reference,
        partners=partners,
        match=match,
    )
    return ChannelEdit(model, channels, edits.values, how, tokens, strength, stream, RECORDED.__contains__)


class Edits:
    """What an edit puts in a channel's place: one method each, from old values [b, n, k] to new ones.

    Raises ValueError for an unknown edit or a missing need.
    """

    def __init__(self, model, hows, *, factor=None, values=None, reference=None, partners=None, match=None, seed=0):
        given = {"factor": factor, "values": values, "reference": reference}
        for how in hows:
            if not callable(how) and how not in NAMES:
                raise ValueError(f"how={how!r}: expected one of {', '.join(NAMES)}, or a function")
            if how in NEEDS and given[NEEDS[how]] is None:
                raise ValueError(f"how={how!r} needs {NEEDS[how]}=")
        self._model, self._seed, self._partners = model, seed, partners
        self._factor = one_a_sample("factor", factor)
        self._match = None if match is None else Subspaces(match, model.layers)
        self._reference = reference
        if "resample" in hows and not (reference is None or isinstance(reference, Trajectory)):
            raise TypeError(
                f"how='resample' takes reference=Trajectory (see fewchannels.edits.patching.record), "
                f"not {type(reference).__name__}"
            )
        self._means = _means_of(reference, model) if {"mean", "mean_level"} & {*filter(_is_name, hows)} else None
        self._values = np.asarray(0.0 if values is None else values, dtype=np.float64)
        if self._values.ndim > 3:
            raise ValueError(f"values of shape {self._values.shape}: expected a number, [D], [L, D] or [L, T, D]")

    def values(self, how, old: torch.Tensor, place: Place) -> torch.Tensor:
        """New values [b, n, k] for `old`, by name or by the caller's function."""
        if callable(how):
            new = how(old.clone(), layer=place.layer, step=place.step, samples=place.samples)
            if getattr(new, "shape", None) != old.shape:
                raise ValueError(
                    f"the function given as how= returned {getattr(new, 'shape', type(new))}: "
                    f"expected a tensor of shape {tuple(old.shape)}"
                )
            return new
        return NAMES[how](self, old, place)

    def _zero(self, old, place):
        return torch.zeros_like(old)

    def _own_mean(self, old, place):
        return widened(old).mean(dim=1, keepdim=True).to(old.dtype).expand_as(old)

    def _no_level(self, old, place):
        return without_level(old)

    def _mean_level(self, old, place):
        level = self._constant(self._means(place.layer, place.step), old, place)
        return (without_level(widened(old)) + level).to(old.dtype)

    def _scale(self, old, place):
        return old * column([self._factor(s) for s in place.samples], old)

    def _mean(self, old, place):
        return self._constant(self._means(place.layer, place.step), old, place)

    def _replace(self, old, place):
        values = self._values
        for index in (place.layer, place.step)[: max(values.ndim - 1, 0)]:
            values = values[index]
        return self._constant(np.broadcast_to(values, place.tokens.shape[-1]), old, place)

    def _constant(self, values, old, place):
        whole = torch.tensor(np.asarray(values), dtype=widened(old).dtype, device=old.device)
        return place.part.read(whole).expand_as(old)

    def _shuffle(self, old, place):
        orders = [rng.permutation(old.shape[1]) for rng in self._generators(place)]
        return torch.stack([row[torch.as_tensor(o, device=row.device)] for row, o in zip(old, orders, strict=True)])

    def _resample(self, old, place):
        if self._reference is None:
            if len(place.batch) < 2:
                raise ValueError("resample takes the next sample of the batch, and this batch has one: pass reference=")
            return place.read(place.part, place.batch[[self._partner(row, len(place.batch)) for row in place.rows]])
        partners = [self._partner(s, self._reference.samples) for s in place.samples]
        step = matching_step(self._model, self._reference, place.step)
        taken = self._reference.take(place.layer, step, partners, place.part, old.device)
        if taken.shape[1] != place.tokens.shape[1]:
            raise ValueError(
                f"the reference has {taken.shape[1]} tokens, and this run {place.tokens.shape[1]}: "
                "record it at the same image size"
            )
        return taken if place.where is None else taken[:, place.where]

    def _partner(self, sample, count):
        partner = (sample + 1) % count if self._partners is None else self._partners[sample]
        if not 0 <= partner < count:
            raise ValueError(f"partners: sample {sample} takes from {partner}; there are samples 0 to {count - 1}")
        return partner

    def _noise(self, old, place):
        draws = [rng.standard_normal(old.shape[1:], dtype=np.float32) for rng in self._generators(place)]
        return self._plus(old, np.stack(draws), place)

    def _shift(self, old, place):
        # the same signs in every step: a shift that turned with the steps would be noise again
        rngs = [np.random.default_rng((self._seed, s, place.layer)) for s in place.samples]
        signs = np.stack([rng.choice(np.float32([-1, 1]), old.shape[-1]) for rng in rngs])
        return self._plus(old, np.repeat(signs[:, None], old.shape[1], axis=1), place)

    def _plus(self, old, change, place):
        """old + change, the change scaled to the norm that the channels to match have over the same tokens."""
        if self._match is None:
            size = _norm(old)
        else:
            size = torch.zeros(len(old), dtype=widened(old).dtype, device=old.device)
            for i, sample in enumerate(place.samples):
                part = self._match.at(self._match.key(sample), place.layer, place.tokens.shape[-1], old.device)
                if part is not None:
                    size[i] = _norm(place.read(part, place.tokens[i : i + 1]))[0]
        change = torch.as_tensor(change, dtype=size.dtype, device=old.device)
        return (widened(old) + change * (size / _norm(change))[:, None, None]).to(old.dtype)

    def _generators(self, place):
        return [np.random.default_rng((self._seed, s, place.layer, place.step)) for s in place.samples]


NAMES = {name: getattr(Edits, f"_{name}") for name in EDITS}


def _is_name(how) -> bool:
    return isinstance(how, str)


def _norm(values):
    return torch.linalg.vector_norm(widened(values), dim=(1, 2))


def _means_of(reference, model):
    """function(layer, step) -> mean [D] over the reference set."""
    if isinstance(reference, ChannelStats):
        array, names, steps = reference.mean.mean(axis=0), reference.layers, list(reference.steps)
    else:
        array = np.asarray(reference)
        if array.ndim != 3 or len(array) != len(model.layers):
            raise ValueError(
                f"reference of shape {array.shape}: expected a ChannelStats, or an array [L, T, D] with "
                f"L = {len(model.layers)}"
            )
        names, steps = model.layers, list(range(array.shape[1]))

    def mean(layer, step):
        total = step_count(model)
        if total is not None and steps == list(range(len(steps))) and len(steps) != total:
            raise ValueError(f"the reference has {len(steps)} steps, this run {total}: record it with as many")
        if model.layers[layer] not in names or step not in steps:
            raise ValueError(f"the reference holds no {model.layers[layer]} at step {step}: record all that is ablated")
        return array[names.index(model.layers[layer]), steps.index(step)]

    return mean

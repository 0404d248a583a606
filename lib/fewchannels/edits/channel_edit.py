"""Puts new values on chosen channels and tokens, sample by sample, and logs what that changed.

    change = ChannelEdit(model, massive, lambda how, old, place: old * 0)
    with hooks.edit(model, change):
        model.generate(prompts, seed=0)
    change.change          # [S, L, T]

What ablation and patching share: which rows of a batch are edited alike, token masks, strength, and the log. Giving
values back as they are changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..watch.subspaces import Subspace, Subspaces, positions_on, widened


@dataclass(frozen=True)
class Place:
    """Where values come from. part: the channels; tokens: [b, N, D], the samples' whole hidden states; batch: the
    hidden states of all samples of the forward, before any edit; rows: the samples' rows in it; where: int [n], the
    chosen tokens, or None for all."""

    layer: int
    step: int
    samples: list[int]
    part: Subspace
    tokens: torch.Tensor
    batch: torch.Tensor
    rows: list[int]
    where: torch.Tensor | None

    def read(self, part: Subspace, tokens: torch.Tensor) -> torch.Tensor:
        values = part.read(tokens)
        return values if self.where is None else values[:, self.where]


class ChannelEdit:
    """New values on chosen channels and tokens of each sample, as a function for hooks.edit, with a log.

    values: function(how, old [b, n, k], place) -> new values, where `how` is what the caller gave for those samples.
    tokens, strength, stream, channels, how: as for ablation.ablate. carried: function(how) -> whether new values were
    recorded of a block's output, so that at a read behind attention what came to the stream since is added to them.
    change, energy_ratio: float [S, L, T] (samples, layers, steps), nan where nothing was edited; at reads over all of
    them together.
    """

    def __init__(
        self,
        model,
        channels,
        values: Callable,
        how=None,
        tokens=None,
        strength=1.0,
        stream="image",
        carried: Callable = lambda how: False,
    ):
        self._layers, self._stream = len(model.layers), stream
        self._spaces = Subspaces(channels, model.layers)
        self._how, self._strength = one_a_sample("how", how), one_a_sample("strength", strength)
        self._values, self._carried = values, carried
        self._tokens = None if tokens is None else np.asarray(tokens)
        if self._tokens is not None and (self._tokens.dtype != bool or not self._tokens.any()):
            raise ValueError("tokens= must be a bool mask that chooses at least one token")
        self._log: list[tuple[list[int], int, int, torch.Tensor]] = []
        self._samples = 0

    def __call__(
        self, tokens: torch.Tensor, *, layer, step, samples, grid, block=None, again=False
    ) -> torch.Tensor | None:
        """The edit of one block's tokens [B, N, D], as hooks.edit calls it; at a read `block` has what it returned, and
        a read that comes again is not logged twice."""
        self._samples = max(self._samples, max(samples) + 1)
        before = torch.linalg.vector_norm(widened(tokens), dim=(1, 2)).square()
        new, edited = tokens.clone(), False
        for (key, how, alone), rows in self._groups(samples).items():
            part = self._spaces.at(key, layer, tokens.shape[-1], tokens.device)
            where = self._where(alone, tokens.shape[1], grid, tokens.device)
            if part is None or (where is not None and not len(where)):
                continue
            numbers, own = [samples[row] for row in rows], tokens[rows]
            whole = block if block is not None and self._carried(how) else tokens
            place = Place(layer, step, numbers, part, own if whole is tokens else whole[rows], whole, rows, where)
            seen = place.read(part, place.tokens)
            values = self._values(how, seen, place).to(seen.dtype)
            values = self._weakened(values, seen, numbers)
            old = part.read(own)
            if whole is not tokens:
                values = _onward(values, seen, place.read(part, own))
            values = values if where is None else old.index_copy(1, where, values)
            if not again:
                self._logged(numbers, layer, step, before[rows], widened(values), widened(old))
            new[rows] = part.write(own, old, values)
            edited = True
        return new if edited else None

    def _logged(self, samples, layer, step, before, left, was) -> None:
        sums = [before, *(change.sum(dim=(1, 2)) for change in ((left - was).square(), left.square() - was.square()))]
        self._log.append((samples, layer, step, torch.stack(sums)))

    def _groups(self, samples) -> dict[tuple, list[int]]:
        """Rows of the batch that are edited alike: (key of the channel set, edit, sample whose mask it is) -> rows."""
        masked = self._tokens is not None and self._tokens.ndim == (3 if self._stream == "image" else 2)
        groups: dict[tuple, list[int]] = {}
        for row, sample in enumerate(samples):
            key = self._spaces.key(sample), self._how(sample), sample if masked else None
            groups.setdefault(key, []).append(row)
        return groups

    def _where(self, sample, count, grid, device) -> torch.Tensor | None:
        if self._tokens is None:
            return None
        if sample is not None and sample >= len(self._tokens):
            raise ValueError(f"tokens= holds {len(self._tokens)} masks, one a sample, and sample {sample} has none")
        mask = self._tokens if sample is None else self._tokens[sample]
        return positions_on(mask, count, grid if self._stream == "image" else (count,), device)

    def _weakened(self, new, old, samples) -> torch.Tensor:
        strengths = [self._strength(sample) for sample in samples]
        if all(strength == 1 for strength in strengths):
            return new
        share = column(strengths, old)
        return torch.where(share == 1, new, old + share * (new - old))

    def _sums(self) -> np.ndarray:
        """[3, S, L, T]: sums of squares of the whole hidden state, of the change, and how much it grew."""
        steps = 1 + max((step for _, _, step, _ in self._log), default=-1)
        sums = np.full((3, self._samples, self._layers, steps), np.nan)
        for samples, layer, step, values in self._log:
            # both guidance branches of a sample count together
            sums[:, samples, layer, step] = np.nan_to_num(sums[:, samples, layer, step]) + values.cpu().numpy()
        return sums

    @property
    def change(self) -> np.ndarray:
        """[S, L, T]: norm of the change over the norm of the block's tokens before it."""
        before, changed, _ = self._sums()
        return np.sqrt(changed / before)

    @property
    def energy_ratio(self) -> np.ndarray:
        """[S, L, T]: sum of squares of the block's tokens, after over before."""
        before, _, grown = self._sums()
        return 1 + grown / before

    def forget(self) -> None:
        """Empty the log, for a run that is done again."""
        self._log, self._samples = [], 0

    def complain(self) -> None:
        """Raise RuntimeError where channel sets were left over, or nothing was edited at all."""
        if self._spaces.listed and self._samples < len(self._spaces):
            raise RuntimeError(f"{len(self._spaces)} channel sets, one a sample, but only {self._samples} samples ran")
        if not self._log:
            raise RuntimeError("nothing was edited: the channel sets or token masks are empty wherever the model ran")


def one_a_sample(name: str, value):
    """function(sample) -> the value that a single value, or a list with one a sample, gives it."""
    if isinstance(value, str) or callable(value) or not np.iterable(value):
        return lambda sample: value
    values: Sequence = list(value)

    def at(sample):
        if sample >= len(values):
            raise ValueError(f"{name}= holds {len(values)} entries, one a sample, and sample {sample} has none")
        return values[sample]

    return at


def without_level(values: torch.Tensor) -> torch.Tensor:
    """Values [b, n, k] less each sample's own mean over its tokens: the pattern."""
    wide = widened(values)
    return (wide - wide.mean(dim=1, keepdim=True)).to(values.dtype)


def _onward(values: torch.Tensor, was: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    """`values` that were put in place of `was`, when that has become `now`: what came to it comes to them."""
    later = (widened(now) + (widened(values) - widened(was))).to(now.dtype)
    return torch.where(now == was, values.to(now.dtype), later)


def column(numbers, like: torch.Tensor) -> torch.Tensor:
    """Numbers, one a sample, as [b, 1, 1]."""
    return torch.tensor(numbers, dtype=like.dtype, device=like.device)[:, None, None]

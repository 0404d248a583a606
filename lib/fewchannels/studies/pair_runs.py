"""Runs of source and target, one after the other or side by side, and what they differ in.

A recording of all channels serves every condition, and is too large for large models: 25 blocks of 3,072 channels and
4,096 tokens are 2.5 GB a pair in 4 steps. Side by side, source and target are in one batch, and each block's
output is carried over as it comes: nothing is kept, and each picture costs two.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..ablation import ablate
from ..channels import ChannelSet
from ..hooks import capture
from ..subspaces import subspace
from ..trajectories import Trajectory
from .cases import WIDEST

LIMIT = 2 * 2**30  # bytes of one recording; a chapter holds two or three at a time


class Compare:
    """A sink of capture that holds this run against a recorded one: mean squares and moments of the difference.

    place: the (layer, step) whose `tokens` are kept on the channels `on`, for masks. Where the recording is not of all
    channels, these tokens are all that it keeps.
    """

    def __init__(self, source: Trajectory, place: tuple[int, int], on: ChannelSet | None):
        self.source, self.place, self.on = source, place, on
        self.tokens: list[torch.Tensor] = []
        self._energy: dict[tuple[int, int], list[torch.Tensor]] = {}
        self._moments: dict[int, list] = {}

    def add(self, tokens, *, layer, step, samples, grid):
        if (layer, step) == self.place and self.on is not None:
            part = subspace(self.on, layer, tokens.shape[-1], tokens.device)
            self.tokens.extend(part.read(tokens.detach()).float().cpu())
        if self.source.channels is not None:
            return
        apart = self.source.take(layer, step, list(samples), None, tokens.device).float() - tokens.float()
        self._energy.setdefault((layer, step), []).extend(apart.square().mean(dim=1).cpu())
        if tokens.shape[-1] > WIDEST:
            return
        total = self._moments.setdefault(layer, [0.0, 0])
        flat = apart.flatten(0, 1)
        total[0] = total[0] + (flat.T @ flat).double().cpu()
        total[1] += len(flat)

    def energy(self) -> np.ndarray:
        """float32 [P, L, T, D]. Raises ValueError where the recording is not of all channels."""
        self._complain(self._energy)
        layers, steps = (sorted({key[i] for key in self._energy}) for i in (0, 1))
        rows = [[torch.stack(self._energy[layer, step]) for step in steps] for layer in layers]
        return torch.stack([torch.stack(row) for row in rows]).permute(2, 0, 1, 3).numpy()

    def moments(self) -> np.ndarray:
        """float64 [L, D, D]. Raises ValueError as `energy`, and for more than 1,024 channels."""
        self._complain(self._moments)
        return np.stack(
            [(self._moments[layer][0] / self._moments[layer][1]).numpy() for layer in sorted(self._moments)]
        )

    def _complain(self, kept):
        if not kept:
            raise ValueError(
                f"the difference needs all channels of the sources (keep=None), and its moments at most {WIDEST} of "
                "them a block: only some were kept, or there are more"
            )


class Apart:
    """A sink of capture for a batch of sources and targets in turn: mean squares of their difference, mean over steps.

    chosen: channels on which level and pattern of the difference are told apart, or None.
    """

    def __init__(self, chosen: ChannelSet | None = None):
        self.chosen = chosen
        self._sums: dict[str, dict[tuple[int, int], list]] = {"channels": {}, "level": {}, "whole": {}}

    def add(self, tokens, *, layer, step, samples, grid):
        apart = tokens[0::2].float() - tokens[1::2].float()
        found = {"channels": apart.square().mean(dim=1)}
        if self.chosen is not None and len(self.chosen[layer]):
            own = subspace(self.chosen, layer, apart.shape[-1], apart.device).read(apart)
            found["level"] = own.mean(dim=1).square().sum(dim=-1)
            found["whole"] = own.square().mean(dim=1).sum(dim=-1)
        for name, values in found.items():
            for sample, row in zip(samples[0::2], values.cpu(), strict=True):
                total = self._sums[name].setdefault((sample // 2, layer), [0.0, 0])
                total[0], total[1] = total[0] + row.double(), total[1] + 1

    def array(self, name: str) -> np.ndarray:
        """float32 [P, L, D] of the "channels", or [P, L] of the chosen ones' "level" or "whole"."""
        sums = self._sums[name]
        pairs, layers = (sorted({key[i] for key in sums}) for i in (0, 1))
        rows = [[np.asarray(sums[pair, layer][0] / sums[pair, layer][1]) for layer in layers] for pair in pairs]
        return np.asarray(rows, dtype=np.float32)


def draw_both(case, sources: Sequence[int] | None = None) -> np.ndarray:
    """The pictures uint8 [2 P, H, W, 3] of each pair's source and target in turn, two or more to a batch.

    sources: whose source stands beside target i, with its own noise (its own, where not given).
    """
    numbers = list(range(len(case.prompts))) if sources is None else list(sources)
    rows = [(case.sources[own], case.prompts[i], own, i) for i, own in enumerate(numbers)]
    return case.model.generate(
        [prompt for a, b, _, _ in rows for prompt in (a, b)], seed=case.seed, steps=case.steps,
        samples=[sample for _, _, a, b in rows for sample in (a, b)], batch_size=_even(case), **case.generation,
    )  # fmt: skip


def _even(case) -> int:
    return max(2, case.model.preset.batch_size // 2 * 2)


def carry_both(case, chosen, *, mask=None, sources: Sequence[int] | None = None, **where):
    """Transport side by side: (pictures uint8 [P, H, W, 3] of the targets, the log of the edit on 2 P samples).

    chosen, mask: as for inject. where: strength, layers, steps.
    """
    count = len(case.prompts)
    sets = list(chosen) if isinstance(chosen, list) else [chosen] * count
    mask = None if mask is None else np.asarray(mask)
    with ablate(
        case.model, [one for own in sets for one in (None, own)], "resample", branch="cond",
        partners=[row - row % 2 for row in range(_even(case))],
        tokens=mask if mask is None or mask.ndim == 2 else np.repeat(mask, 2, axis=0), **where,
    ) as log:  # fmt: skip
        images = draw_both(case, sources)
    return images[1::2], log


def apart(case, chosen: ChannelSet | None = None) -> Apart:
    """What sources and targets differ in, from runs side by side."""
    with capture(case.model, seen := Apart(chosen)):
        draw_both(case)
    return seen


def recording_bytes(shape: Sequence[int], channels: int, itemsize: int) -> int:
    """Of a recording. shape: pairs, blocks, steps, tokens; channels: of each block; itemsize: bytes of a number."""
    return int(np.prod([int(size) for size in shape])) * int(channels) * int(itemsize)


def affordable(calibration, sets: Sequence[ChannelSet], pairs: int, itemsize: int, limit: int = LIMIT):
    """What to record of `pairs` sources: None, all channels, where they fit into `limit` bytes; else the union of as
    many of `sets` as fit, in their order; at the least the first set, in the middle block alone, for masks."""
    stats = calibration.stats
    _, blocks, steps, width = stats.mean.shape
    shape = (pairs, blocks, steps, int(np.prod(stats.grid)))
    if recording_bytes(shape, width, itemsize) <= limit:
        return None
    kept = np.zeros((blocks, width), dtype=bool)
    kept[blocks // 2, sets[0][blocks // 2]] = True
    for chosen in sets:
        wider = kept | chosen.mask()
        if recording_bytes((pairs, 1, steps, shape[3]), wider.sum(), itemsize) <= limit:
            kept = wider
    return ChannelSet.from_mask(kept, "what is recorded")

"""Level and pattern of channels in untouched runs: what each depends on, how much energy each holds, what each does to
the normaliser.

Level: a channel's mean over image tokens. Pattern: what is left, with mean 0. Energy is level squared plus the
pattern's mean square, so the two shares add up to 1.

    run = States(model, prompts, {"top": massive, "random 1": others}, noises=2, steps=8)
    run.cell("top")["level"]                               # [P, J, L, T, k]: prompts, noises, blocks, steps, channels
    variance_shares(run.cell("top")["level"])              # {"step": [L, k], "prompt": ..., "noise": ..., "rest": ...}

All prompts get the same J noises, so that prompt and noise can be told apart.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ..channels import ChannelSet
from ..watch.hooks import capture
from ..watch.sinks import PerSample
from ..watch.tokens import KeepTokens

REMOVED = ("level", "pattern", "both")


class States:
    """Prompts, each generated from the same `noises` start noises, seen on the channels of several sets.

    Nothing runs before the first `cell`. generation: to Model.generate, seed among it. sets: ChannelSets with as many
    channels in each block (a set of another form, such as an energy-matched one, has no levels array: ask `cell` for
    the others).
    """

    def __init__(self, model, prompts: Sequence[str], sets: Mapping[str, ChannelSet], noises: int = 2, **generation):
        if noises < 1:
            raise ValueError(f"noises={noises}: expected at least 1")
        self.model, self.prompts, self.sets, self.noises = model, list(prompts), dict(sets), noises
        self.generation, self._middle = generation, len(model.layers) // 2
        self._union = np.unique(np.concatenate([chosen[self._middle] for chosen in sets.values()]))

    @functools.cached_property
    def _runs(self) -> tuple[list[SetStats], list[np.ndarray], list[Normaliser]]:
        found: tuple[list, list, list] = ([], [], [])
        for noise in range(self.noises):
            sinks = SetStats(self.sets), KeepTokens(layers=[self._middle], channels=self._union), Normaliser(self.sets)
            with capture(self.model, *sinks):
                self.model.generate(self.prompts, samples=[noise] * len(self.prompts), **self.generation)
            for kept, one in zip(found, (sinks[0], sinks[1].array[:, 0], sinks[2]), strict=True):
                kept.append(one)
        return found

    def cell(self, name: str) -> dict[str, np.ndarray]:
        """What a study keeps of one set, P prompts first.

        level: float16 (float32 beyond 1e4) [P, J, L, T, k], where all blocks have k channels. level_share [P, L, T]:
        the level's share of the set's energy. same_prompt, same_noise, neither [P, T]: mean correlation of patterns in
        the middle block between two noises of one prompt, two prompts under one noise, two prompts under two noises.
        gain_level, gain_pattern, gain_both [P, L]: the standard deviation that LayerNorm divides by without that part,
        over the one with it.
        """
        stats, tokens, normalisers = self._runs
        chosen = self.sets[name]
        pairs = [np.stack([s.array(name, layer) for s in stats], axis=3) for layer in range(len(chosen))]
        levels, energies = ([pair[i] for pair in pairs] for i in range(2))  # of each block [k, P, J, T]
        shares = [
            (level**2).sum(axis=0) / both.sum(axis=0) if len(both) else np.full(both.shape[1:], np.nan)
            for level, both in zip(levels, energies, strict=True)
        ]
        cell = {"level_share": np.stack(shares, axis=2).mean(axis=1).astype(np.float16)}
        if len(set(chosen.sizes)) == 1:
            level = np.moveaxis(np.stack(levels), (0, 1), (2, 4))
            small = np.abs(level).max() < 1e4  # float16 ends at 65,504, and massive channels of large models go beyond
            cell["level"] = level.astype(np.float16 if small else np.float32)
        if len(chosen[self._middle]):
            place = np.searchsorted(self._union, chosen[self._middle])
            cell |= pattern_correlations(np.stack([t[..., place] for t in tokens], axis=1))
        gains = np.mean([n.array(name) for n in normalisers], axis=0)  # [P, L, 3]
        return cell | {f"gain_{what}": gains[..., i].astype(np.float32) for i, what in enumerate(REMOVED)}


def variance_shares(levels: np.ndarray) -> dict[str, np.ndarray]:
    """How far a level depends on what: shares of its variance over prompts, noises and steps, that add up to 1.

    levels: [P, J, ..., T, k], as from `States.cell`, prompts and noises fully crossed with steps. Returns arrays
    [..., k]: "step", "prompt" and "noise" are the variances of the means over all else, over the total (main effects
    of a three-way layout with one value a cell); "rest" is all interaction. With one noise, prompt and noise cannot be
    told apart, and the prompt's share holds both. A channel without any variance gives NaN.
    """
    x = np.asarray(levels, dtype=np.float64)
    if x.ndim < 4:
        raise ValueError(f"levels of shape {x.shape}: expected [prompts, noises, ..., steps, channels]")
    time = x.ndim - 2
    total = x.var(axis=(0, 1, time))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {
            "step": x.mean(axis=(0, 1)).var(axis=-2) / total,
            "prompt": x.mean(axis=(1, time)).var(axis=0) / total,
            "noise": x.mean(axis=(0, time)).var(axis=0) / total,
        }
    return shares | {"rest": 1 - shares["step"] - shares["prompt"] - shares["noise"]}


def pattern_correlations(tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Correlation over tokens between patterns of the same channel, mean over channels: float32 [P, T] each.

    tokens: [P, J, T, N, k]. "same_prompt": between two noises of one prompt; "same_noise": between a prompt and every
    other under one noise; "neither": between a prompt and every other under another noise, the floor that any pattern
    shared by all pictures sets. Constant channels give 0; NaN where a second prompt or noise is needed and missing.
    """
    x = np.asarray(tokens, dtype=np.float32)
    prompts, noises = x.shape[:2]
    x = x - x.mean(axis=3, keepdims=True)
    size = np.sqrt((x**2).sum(axis=3, keepdims=True))
    x = np.divide(x, size, out=np.zeros_like(x), where=size > 0)
    # sums of unit vectors stand for sums over all pairs: what a vector makes with itself is taken off again
    over_noises, over_prompts, overall = x.sum(axis=1, keepdims=True), x.sum(axis=0, keepdims=True), x.sum(axis=(0, 1))
    own = (x * x).sum(axis=3)
    same_prompt = (x * over_noises).sum(axis=3) - own
    same_noise = (x * over_prompts).sum(axis=3) - own
    rest = (x * overall).sum(axis=3) - same_prompt - same_noise - own
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "same_prompt": same_prompt / (noises - 1),
            "same_noise": same_noise / (prompts - 1),
            "neither": rest / ((noises - 1) * (prompts - 1)),
        }
    return {name: value.mean(axis=(1, 3)).astype(np.float32) for name, value in found.items()}


class _OfSets(PerSample):
    """What is kept of the channels of some sets, and of no others."""

    def __init__(self, sets: Mapping[str, ChannelSet]):
        super().__init__()
        self.sets = dict(sets)
        self._index: dict[tuple[str, int], torch.Tensor] = {}

    def own(self, name: str, layer: int, tokens: torch.Tensor) -> torch.Tensor:
        """The tokens on a set's channels, [B, N, k]."""
        if (name, layer) not in self._index:
            self._index[name, layer] = torch.as_tensor(self.sets[name][layer], device=tokens.device)
        return tokens[..., self._index[name, layer]]


class SetStats(_OfSets):
    """Level and energy of the channels of some sets: `array(name, layer)` is float32 [2, k, S, T]."""

    def look(self, tokens, *, layer, step, grid):
        found = {}
        for name in self.sets:
            x = self.own(name, layer, tokens).detach().float()
            rows = torch.stack([x.mean(dim=1), x.square().mean(dim=1)], dim=1)  # [B, 2, k]
            found[f"{name} in {layer}"] = rows.cpu().numpy()
        return found

    def array(self, name: str, layer: int) -> np.ndarray:
        return self.kept(f"{name} in {layer}")[:, 0].transpose(2, 3, 0, 1)


class Normaliser(_OfSets):
    """What LayerNorm would divide by without a part of some channels, over what it does divide by.

    Ratios of the standard deviation over channels, mean over tokens: below 1, the part's removal turns all other
    channels up. `array(name)` is [S, L, 3], mean over steps, for the `REMOVED`: level, pattern, both (the channels at
    zero).
    """

    def look(self, tokens, *, layer, step, grid):
        x = tokens.detach().float()
        count, total, squares = x.shape[-1], x.sum(dim=-1), x.square().sum(dim=-1)
        spread = (squares / count - (total / count).square()).clamp(min=1e-12)
        found = {}
        for name in self.sets:
            old = self.own(name, layer, x)
            level = old.mean(dim=1, keepdim=True)
            ratios = []
            for new in (old - level, level.expand_as(old), torch.zeros_like(old)):
                mean = (total + (new - old).sum(dim=-1)) / count
                spread_new = (squares + (new.square() - old.square()).sum(dim=-1)) / count - mean.square()
                ratios.append((spread_new.clamp(min=0) / spread).sqrt().mean(dim=1))
            found[name] = torch.stack(ratios, dim=-1).cpu().numpy()
        return found

    def array(self, name: str) -> np.ndarray:
        return self.kept(name).mean(axis=2)

"""One look at a model over its noise levels: tokens on chosen channels, pixels and attention, all as two clusters.

    looked = look(model, prompts, {"top": Rule("top", 8)}, clean=pictures, levels=(1.0, 0.8, 0.6))
    looked.iou("top", truth)                                  # [S, L, T], on the token grid
    looked.iou("own estimate", truth)                         # [S, 1, T], from no block

The model looks at given pictures under noise (one forward a level), or at its own generation. Which of two clusters is
the subject is decided when it is asked for, by a rule of `masks.POLARITIES` or with the truth in sight ("best").
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..choices import chosen_steps
from ..edits.image_latents import decode
from ..edits.inversion import encode, renoised
from ..masks.subjects import best_of_two, choose_cluster
from ..watch.attention import attention_to, word_places
from ..watch.hooks import capture
from ..watch.loop import Loop, at_levels, tokens_of, watched
from .clusters import Clusters, Rule, iou_of
from .mask_baselines import attention_masks, two_clusters

SEEN = "noisy pixels", "own estimate", "noisy pixels, scaled", "own estimate, scaled"
OWN_POLARITY = ("attention",)  # masks that begin so know which side is the subject


@dataclass(frozen=True, eq=False)
class Looked:
    """What `look` found for S samples, L blocks (1 for what comes from no block) and T noise levels.

    sigmas: float [T]. clusters: by name, bool [S, L, T, h, w], the cluster with the larger summed map. energy: by
    name, [S, L, T]. images: uint8 [S, H, W, 3], the pictures at the end. loop: what the model saw and expected, where
    it was kept. left_out: what could not be looked at on this model, and why; its IoU is NaN.
    """

    sigmas: np.ndarray
    grid: tuple[int, int]
    clusters: dict[str, np.ndarray]
    energy: dict[str, np.ndarray]
    images: np.ndarray
    loop: Loop | None = field(default=None, repr=False)
    left_out: dict[str, str] = field(default_factory=dict)

    def nearest(self, level: float) -> int:
        """The step whose noise level is nearest."""
        return int(np.abs(self.sigmas - level).argmin())

    def masks(self, name: str, polarity: str = "border", truth: np.ndarray | None = None) -> np.ndarray:
        """bool [S, L, T, h, w]: the cluster that a rule of `masks.POLARITIES` calls the subject, or with polarity
        "best", which sees the truth [S, h, w], the better of the two."""
        if name not in self.clusters:
            raise KeyError(f"nothing was looked at by the name {name!r}; there are {', '.join(self.clusters)}")
        kept = self.clusters[name]
        flat = kept.reshape(-1, *self.grid)
        if polarity == "best":
            other = np.broadcast_to(truth[:, None, None], kept.shape).reshape(flat.shape)
            return best_of_two(flat, other).reshape(kept.shape)
        if name.startswith(OWN_POLARITY):
            polarity = "larger_sum"
        chosen = choose_cluster(flat, polarity)
        return (chosen & flat.any(axis=(1, 2))[:, None, None]).reshape(kept.shape)

    def iou(self, name: str, truth: np.ndarray, polarity: str = "border") -> np.ndarray:
        """IoU [S, L, T] with the truth bool [S, h, w] on the token grid; NaN where the truth is empty."""
        if name in self.left_out:
            return np.full((len(truth), 1, len(self.sigmas)), np.nan)
        return iou_of(self.masks(name, polarity, truth), truth)

    def score(self, name: str, truth: np.ndarray, level: float, polarity: str = "border") -> np.ndarray:
        """IoU [S] in the middle block of those looked at, and at the nearest noise level."""
        return self._middle(self.iou(name, truth, polarity), level)

    def mask(self, name: str, level: float, polarity: str = "border", truth: np.ndarray | None = None) -> np.ndarray:
        """bool [S, h, w], in the middle block and at the nearest noise level; nothing where it is left out."""
        if name in self.left_out:
            return np.zeros((len(self.images), *self.grid), bool)
        return self._middle(self.masks(name, polarity, truth), level)

    def _middle(self, values: np.ndarray, level: float) -> np.ndarray:
        return values[:, values.shape[1] // 2, self.nearest(level)]

    def area(self, name: str, polarity: str = "border") -> np.ndarray:
        """Share of the tokens that the mask covers, [S, L, T]."""
        return self.masks(name, polarity).mean(axis=(3, 4))


def look(
    model,
    prompts: Sequence[str],
    chosen: Mapping[str, Rule],
    *,
    clean: Sequence[np.ndarray] | None = None,
    levels: Sequence[float] | None = None,
    steps: int = 8,
    seed: int = 0,
    words: Mapping[str, Sequence[Sequence[str]]] | None = None,
    layers: Sequence[int] | None = None,
    at: Sequence[int] | None = None,
    keep_loop: bool = True,
    finish: bool = True,
    **generation,
) -> Looked:
    """Run the model over its noise levels and cluster tokens by the chosen rules, pixels and its own estimate too.

    clean: pictures to look at under noise, (1 - sigma) picture + sigma noise; without them the model generates.
    levels: noise levels to stop at (default: those of `steps` steps). words: {name: for each prompt the words
    whose attention map is looked at}, as "attention to name" for each block and "attention to name, all blocks" for
    the mean map. layers, at: blocks and steps to look at (default: all). keep_loop: whether `Looked.loop` keeps every
    step's latents. finish: False leaves a run behind the last step of `at`, where its pipeline can be interrupted as
    most of diffusers' can; `Looked.images` are of that moment then. generation: to Model.generate. Errors as for
    `capture`, `at_levels`, `encode` and `attention_to`.
    """
    prompts = list(prompts)
    count = steps if levels is None else len(levels)
    at = None if at is None else sorted(chosen_steps(at, count))
    with contextlib.ExitStack() as stack:
        if levels is not None:
            stack.enter_context(at_levels(model, levels))
        seen = _Seen(at, None if finish or at is None else model.pipeline)
        kept = stack.enter_context(watched(model)) if keep_loop else None
        loop = stack.enter_context(watched(model, seen.add))
        if clean is not None:
            size = generation.get("height"), generation.get("width")
            stack.enter_context(renoised(model, encode(model, list(clean), *size)))
        places = {name: word_places(model, prompts, rows) for name, rows in (words or {}).items()}
        looking = stack.enter_context(attention_to(model, places)) if places else None
        found = stack.enter_context(capture(model, Clusters(chosen), layers=layers, steps=at))
        seen.found = found
        images = model.generate(prompts, seed=seed, steps=count, **generation)
    clusters, left_out = found.larger_sum | seen.clusters, dict.fromkeys(seen.missing, loop.unknown or seen.misfit)
    for name, maps in (looking.maps if looking else {}).items():
        clusters[f"attention to {name}"] = attention_masks(maps, found.grid)
        clusters[f"attention to {name}, all blocks"] = attention_masks(maps.mean(axis=1, keepdims=True), found.grid)
    sigmas = loop.sigmas if at is None else loop.sigmas[at]
    return Looked(sigmas, found.grid, clusters, found.energy, images, kept, left_out)


def look_decoded(model, seen: Looked) -> Looked:
    """The same look, and "decoded": what the model saw, noise and all, decoded into a picture whose pixels are averaged
    over each token and divided as the latents are. Left out where the loop was not kept or cannot be decoded."""
    try:
        if seen.loop is None:
            raise ValueError("the loop was not kept: look with keep_loop=True")
        noisy = torch.from_numpy(seen.loop.pixels())
        pictures = decode(model, noisy.flatten(0, 1))
        tokens = tokens_of(pictures, seen.grid).unflatten(0, noisy.shape[:2]).numpy()
    except ValueError as reason:
        return replace(seen, left_out=seen.left_out | {"decoded": str(reason)})
    return replace(seen, clusters=seen.clusters | {"decoded": two_clusters(tokens, seen.grid)})


class _Seen:
    """Takes what the loop holds at each step and keeps its two clusters. found: the sink that knows the grid, which
    the blocks have told by the time the scheduler steps. misfit: why latents could not be laid on it. leave: a pipeline
    that is done behind the last step of `at`."""

    def __init__(self, at: Sequence[int] | None, leave=None):
        self.at, self.leave, self.found, self.misfit = at, leave, None, ""
        self._kept: dict[str, list[list[np.ndarray]]] = {name: [] for name in SEEN}

    def add(self, step: int, noisy: torch.Tensor, estimate: torch.Tensor | None) -> None:
        if self.leave is not None and step == self.at[-1]:
            self.leave._interrupt = True  # which every run of a pipeline sets back
        for name, latents in (("noisy pixels", noisy), ("own estimate", estimate)):
            for scaling, title in ((None, name), ("minmax", f"{name}, scaled")):
                if step == 0:
                    self._kept[title].append([])
                if latents is None or (self.at is not None and step not in self.at):
                    continue
                try:
                    tokens = tokens_of(latents, self.found.grid).cpu().numpy()
                except ValueError as error:
                    self.misfit = str(error)
                    continue
                self._kept[title][-1].append(two_clusters(tokens[:, None], self.found.grid, scaling))

    @property
    def clusters(self) -> dict[str, np.ndarray]:
        return {
            name: np.concatenate([np.concatenate(steps, axis=2) for steps in batches])
            for name, batches in self._kept.items()
            if name not in self.missing
        }

    @property
    def missing(self) -> list[str]:
        return [name for name, batches in self._kept.items() if not batches or not all(batches)]

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
from dataclasses import dataclass, field

import numpy as np

from ..hooks import capture
from ..inversion import encode, renoised
from ..masks import best_of_two, choose_cluster
from ..metrics import iou
from .attention_maps import attention_to, word_places
from .cases import STEPS
from .clusters import Clusters, Rule
from .mask_baselines import attention_masks, two_clusters
from .watched import Loop, at_levels, watched

OWN_POLARITY = ("attention",)  # masks that begin so know which side is the subject


@dataclass(frozen=True, eq=False)
class Looked:
    """What `look` found for S samples, L blocks (1 for what comes from no block) and T noise levels.

    sigmas: float [T]. clusters: by name, bool [S, L, T, h, w], the cluster with the larger summed map. energy: by
    name, [S, L, T]. images: uint8 [S, H, W, 3], the pictures at the end. loop: what the model saw and expected.
    """

    sigmas: np.ndarray
    grid: tuple[int, int]
    clusters: dict[str, np.ndarray]
    energy: dict[str, np.ndarray]
    images: np.ndarray
    loop: Loop = field(repr=False)

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
        return iou_of(self.masks(name, polarity, truth), truth)

    def area(self, name: str, polarity: str = "border") -> np.ndarray:
        """Share of the tokens that the mask covers, [S, L, T]."""
        return self.masks(name, polarity).mean(axis=(3, 4))


def iou_of(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of masks bool [S, ..., h, w] with one truth a sample bool [S, h, w]: [S, ...]."""
    middle = masks.shape[1:-2]
    spread = np.broadcast_to(truth.reshape(len(truth), *(1,) * len(middle), *truth.shape[1:]), masks.shape)
    return iou(masks.reshape(-1, *truth.shape[1:]), spread.reshape(-1, *truth.shape[1:])).reshape(masks.shape[:-2])


def look(
    model,
    prompts: Sequence[str],
    chosen: Mapping[str, Rule],
    *,
    clean: Sequence[np.ndarray] | None = None,
    levels: Sequence[float] | None = None,
    steps: int = STEPS,
    seed: int = 0,
    words: Mapping[str, Sequence[Sequence[str]]] | None = None,
    **generation,
) -> Looked:
    """Run the model over its noise levels and cluster tokens by the chosen rules, pixels and its own estimate too.

    clean: pictures to look at under noise, (1 - sigma) picture + sigma noise; without them the model generates.
    levels: noise levels to stop at (default: those of `steps` steps). words: {name: for each prompt the words
    whose attention map is looked at}, as "attention to name" for each block and "attention to name, all blocks" for
    the mean map. generation: to Model.generate.
    Errors as for `capture`, `at_levels`, `encode` and `attention_to`.
    """
    prompts = list(prompts)
    count = steps if levels is None else len(levels)
    with contextlib.ExitStack() as stack:
        if levels is not None:
            stack.enter_context(at_levels(model, levels))
        loop = stack.enter_context(watched(model))
        if clean is not None:
            size = generation.get("height"), generation.get("width")
            stack.enter_context(renoised(model, encode(model, list(clean), *size)))
        places = {name: word_places(model, prompts, rows) for name, rows in (words or {}).items()}
        looking = stack.enter_context(attention_to(model, places)) if places else None
        found = stack.enter_context(capture(model, Clusters(chosen)))
        images = model.generate(prompts, seed=seed, steps=count, **generation)
    clusters = found.larger_sum
    for name, tokens in (("noisy pixels", loop.noisy(found.grid)), ("own estimate", loop.estimate(found.grid))):
        clusters[name] = two_clusters(tokens, found.grid)
        clusters[f"{name}, scaled"] = two_clusters(tokens, found.grid, "minmax")
    for name, maps in (looking.maps if looking else {}).items():
        clusters[f"attention to {name}"] = attention_masks(maps, found.grid)
        clusters[f"attention to {name}, all blocks"] = attention_masks(maps.mean(axis=1, keepdims=True), found.grid)
    return Looked(loop.sigmas, found.grid, clusters, found.energy, images, loop)

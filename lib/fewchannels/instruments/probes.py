"""Linear probes: what a straight line can read of a scene from a few channels, and from how many others.

    scenes = probe_scenes(model, 256)                      # rendered, noised to t, seen once by the model
    right = probe(features(scenes.pooled, massive[3]), scenes.labels["colour"], scenes.groups)     # bool [n]

A probe sees, for each channel, its level (the mean over tokens) and its pattern at a coarse grid: the means over 3 x 3
cells of the picture minus the level. Both scale with the number of channels, so a set of more channels gives more
features. Standardised, L2-penalised logistic regression, ridge beside it, the penalty chosen for each set of features
on calibration scenes; scored out of fold, no prompt in training and test at once. A probe says what can be read out,
and not what the model reads (Belinkov, 2022, arXiv 2102.12452).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..channels import Directions
from ..edits.inversion import encode
from ..prompts.pairs import SUBJECT, value_of
from ..prompts.toyworld import toyworld_attributes
from ..toyworld.prompts import Attributes, format_prompt
from ..toyworld.scenes import render
from ..watch.hooks import capture

CELLS = 3  # the coarse grid has 3 x 3
NOISE_LEVEL = 0.6
FOLDS = 4
STRENGTHS = tuple(10.0**power for power in range(-5, 2))  # inverse strengths of the L2 penalty, scikit-learn's C
KINDS = ("logistic", "ridge")
BATCH = 32


@dataclass(frozen=True)
class ProbeScenes:
    """n scenes as the model sees them once: labels by attribute (n words each), groups (n prompts), and pooled float32
    [n, 10, D], the block's tokens averaged over the picture and over each of the 3 x 3 cells; pixels [n, 10, C],
    what the model is shown, the noisy latents, averaged likewise."""

    attributes: list[Attributes]
    pooled: np.ndarray
    pixels: np.ndarray

    @property
    def labels(self) -> dict[str, list[str]]:
        return {name: [value_of(a, name) for a in self.attributes] for name in SUBJECT}

    @property
    def groups(self) -> list[str]:
        return [format_prompt(a) for a in self.attributes]


def probe_scenes(
    model,
    n: int,
    layer: int | None = None,
    t: float = NOISE_LEVEL,
    captions: bool = True,
    seed: int = 0,
    split: str = "evaluation",
) -> ProbeScenes:
    """Render `n` scenes of one subject of a split, noise them to level t and show each to the model once.

    layer: the block whose output is kept (default: the middle one). captions: with each scene's own prompt, or with the
    empty one, in which case all that is read came from the picture. For the toy world, which renders scenes. Raises
    ValueError for n < 1, a noise level outside 0 to 1, and a model whose pipeline is not the toy world's.
    """
    if not 0 < t <= 1:
        raise ValueError(f"t={t}: expected a noise level above 0 and at most 1")
    if not hasattr(model.pipeline, "velocity"):
        raise ValueError(
            f"{model.name} is not the toy world: probes need scenes whose attributes are known, which are rendered for "
            "the toy world only"
        )
    layer = len(model.layers) // 2 if layer is None else layer
    attributes = toyworld_attributes(n, split, subjects=1)
    clean = encode(model, [render(a, (11, i)).image for i, a in enumerate(attributes)])
    noise = torch.from_numpy(np.random.default_rng((12, seed)).standard_normal(clean.shape, dtype=np.float32))
    noisy = (1 - t) * clean.float().cpu() + t * noise
    prompts = [format_prompt(a) if captions else "" for a in attributes]
    batches = [slice(start, start + BATCH) for start in range(0, n, BATCH)]
    parts = [_pooled_tokens(model, noisy[rows], prompts[rows], layer, t) for rows in batches]
    return ProbeScenes(attributes, np.concatenate(parts), pooled_cells(noisy.movedim(1, -1).numpy()))


class _Pool:
    """A sink of capture that keeps the averages over the picture and its cells."""

    def add(self, tokens, *, layer, step, samples, grid):
        self.pooled = pooled_cells(tokens.detach().float().cpu().numpy().reshape(len(tokens), *grid, -1))


@torch.no_grad()
def _pooled_tokens(model, noisy: torch.Tensor, prompts: Sequence[str], layer: int, t: float) -> np.ndarray:
    pipeline, parameter = model.pipeline, next(model.transformer.parameters())
    states = [part.to(parameter.dtype) for part in pipeline.encode_prompt(list(prompts))]
    with capture(model, pool := _Pool(), layers=layer), model.trajectory(len(noisy), 1):
        time = torch.full((len(noisy),), 1000 * t, device=parameter.device)
        pipeline.velocity(noisy.to(parameter.device, parameter.dtype), time, *states)
    return pool.pooled


def pooled_cells(maps: np.ndarray) -> np.ndarray:
    """Means of [n, h, w, D] over the whole grid and over each of 3 x 3 cells: [n, 10, D], the whole first.

    A grid that the cells do not divide is cut as evenly as it goes. Raises ValueError for one that is too small.

    >>> pooled_cells(np.arange(9.0).reshape(1, 3, 3, 1))[0, :3, 0].tolist()
    [4.0, 0.0, 1.0]
    """
    if min(maps.shape[1:3]) < CELLS:
        raise ValueError(f"a grid of {maps.shape[1]} x {maps.shape[2]} tokens: expected at least {CELLS} each way")
    parts = [maps.mean(axis=(1, 2))]
    for strip in np.array_split(maps, CELLS, axis=1):
        parts += [cell.mean(axis=(1, 2)) for cell in np.array_split(strip, CELLS, axis=2)]
    return np.stack(parts, axis=1)


def features(pooled: np.ndarray, chosen=None, part: str = "both", layer: int | None = None) -> np.ndarray:
    """What a probe sees: [n, F] from pooled [n, 10, D].

    chosen: channel numbers, Directions (with `layer`), or None for all. part: "level" (k features), "pattern" (9 k), or
    "both" (10 k). Raises ValueError for another part and for no channels.
    """
    if part not in ("level", "pattern", "both"):
        raise ValueError(f"part={part!r}: expected 'level', 'pattern' or 'both'")
    if isinstance(chosen, Directions):
        if layer is None:
            raise ValueError("Directions are another in each block: pass layer=")
        values = pooled @ chosen[layer].T.astype(np.float32)
    else:
        values = pooled if chosen is None else pooled[..., np.asarray(chosen, dtype=np.int64)]
    if not values.shape[-1]:
        raise ValueError("no channels to probe: the set is empty in this block")
    level, pattern = values[:, :1], values[:, 1:] - values[:, :1]
    kept = {"level": [level], "pattern": [pattern], "both": [level, pattern]}[part]
    return np.concatenate(kept, axis=1).reshape(len(values), -1)


def probe(
    x: np.ndarray, labels: Sequence[str], groups: Sequence[str], strength: float = 0.1, kind: str = "logistic"
) -> np.ndarray:
    """Was the label of each of n samples read rightly by a probe that had not seen its prompt? bool [n].

    x: [n, F]; standardised on the training folds. strength: inverse of the L2 penalty. kind: of `KINDS`. Raises
    ValueError where there are fewer different prompts than folds, or a label is the only one, and for another kind.
    """
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.model_selection import GroupKFold

    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: expected {' or '.join(map(repr, KINDS))}")
    labels = np.asarray(labels)
    if len(set(groups)) < FOLDS or len(set(labels.tolist())) < 2:
        raise ValueError(
            f"{len(set(groups))} prompts and {len(set(labels.tolist()))} labels: expected at least {FOLDS} prompts and "
            "two labels"
        )
    right = np.zeros(len(labels), dtype=bool)
    for train, test in GroupKFold(FOLDS).split(x, labels, groups):
        mean, spread = x[train].mean(axis=0), x[train].std(axis=0)
        scaled = ((x - mean) / np.where(spread > 0, spread, 1)).astype(np.float64)
        # an L2 penalty does not see a rotation: in the span of the training rows the solution is the same, and smaller
        if x.shape[1] > len(train):
            scaled = scaled @ np.linalg.svd(scaled[train], full_matrices=False)[2].T
        line = RidgeClassifier(1 / strength) if kind == "ridge" else LogisticRegression(C=strength, max_iter=300)
        fitted = line.fit(scaled[train], labels[train])
        right[test] = fitted.predict(scaled[test]) == labels[test]
    return right


def read_all(x: np.ndarray, scenes: ProbeScenes, strength: float, kind: str) -> np.ndarray:
    """`probe` for each attribute of `SUBJECT`: bool [n, 4]."""
    labels, groups = scenes.labels, scenes.groups
    return np.stack([probe(x, labels[attribute], groups, strength, kind) for attribute in SUBJECT], axis=1)


def best_strength(x: np.ndarray, scenes: ProbeScenes, kind: str = "logistic") -> float:
    """The strength of `STRENGTHS` with which most is read of these scenes, out of fold; of equal ones the smallest,
    which penalises most."""
    return max(STRENGTHS, key=lambda strength: (read_all(x, scenes, strength, kind).mean(), -strength))


def probe_sets(
    scenes: ProbeScenes, calibration: ProbeScenes, sets: Mapping[str, object], layer: int
) -> dict[str, np.ndarray]:
    """What each set can be read for: {name: bool [n, 4]} over `SUBJECT`, and {name + ", ridge": ...}, of a set, of "top
    level" and "top pattern" (where there is a "top"), of "all" channels, and of the noisy "pixels"; each with the
    strength that is best on calibration scenes. Sets that are empty in the block are left out."""
    found = {}
    known = _features(calibration, sets, layer)
    for name, x in _features(scenes, sets, layer).items():
        for kind in KINDS:
            strength = best_strength(known[name], calibration, kind)
            found[name + (", ridge" if kind == "ridge" else "")] = read_all(x, scenes, strength, kind)
    return found


def _features(scenes: ProbeScenes, sets: Mapping[str, object], layer: int) -> dict[str, np.ndarray]:
    seen: dict[str, np.ndarray] = {}
    for name, chosen in sets.items():
        own = chosen if isinstance(chosen, Directions) else chosen[layer]
        if isinstance(own, Directions) or len(own):
            seen[name] = features(scenes.pooled, own, layer=layer)
    if "top" in sets:
        for part in ("level", "pattern"):
            seen[f"top {part}"] = features(scenes.pooled, sets["top"][layer], part)
    return seen | {"all": features(scenes.pooled), "pixels": features(scenes.pixels)}

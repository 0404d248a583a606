"""A sink of capture that clusters tokens as they pass, and keeps the clusters only.

    with capture(model, found := Clusters({"top": Rule("top", 8), "all": Rule("all")})):
        model.generate(prompts, seed=0)
    found.larger_sum["top"]                   # bool [S, L, T, h, w]: one of the two clusters, the other is its rest
    found.energy["top"]                       # [S, L, T]: the share of energy in the channels that were clustered

Channels are ranked anew for each sample, block and step, as the paper does; a rule with `frozen` takes a fixed set.
Which of two clusters is the subject is left open: `masks.choose_cluster` and `masks.best_of_two` decide afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..channels import ChannelSet, rank_channels
from ..clustering import two_means
from ..judges import ImageJudge
from ..masks import choose_cluster, partition, upsample
from ..metrics import iou

SIDE = 48  # cells along the longer side, of a picture that is clustered by its own pixels
CHOICES = ("top", "bottom", "random", "all", "frozen")


@dataclass(frozen=True)
class Rule:
    """Which channels are clustered, and how.

    choose: "top" or "bottom" k by score; "random" k outside the top k, the `draw`-th draw; "all"; or "frozen", the
    channels of `frozen`. score, normalise: as for `masks.partition`. layers, steps: only there (None: everywhere).
    Raises ValueError for an unknown choice, and for "frozen" without a set.
    """

    choose: str = "top"
    k: int = 8
    draw: int = 0
    score: str = "abs_mean"
    normalise: str = "minmax"
    frozen: ChannelSet | None = None
    layers: tuple[int, ...] | None = None
    steps: tuple[int, ...] | None = None

    def __post_init__(self):
        if self.choose not in CHOICES:
            raise ValueError(f"choose={self.choose!r}: expected one of {', '.join(CHOICES)}")
        if (self.choose == "frozen") != (self.frozen is not None):
            raise ValueError("choose='frozen' and frozen=ChannelSet go together: pass both or neither")

    def applies(self, layer: int, step: int) -> bool:
        return (self.layers is None or layer in self.layers) and (self.steps is None or step in self.steps)

    def channels(self, scores: np.ndarray, layer: int) -> np.ndarray:
        """Channels int [B, k] for scores [B, D]. Raises ValueError where there are not enough."""
        batch, width = scores.shape
        if self.choose == "all":
            return np.broadcast_to(np.arange(width), (batch, width))
        if self.choose == "frozen":
            return np.broadcast_to(self.frozen[layer], (batch, len(self.frozen[layer])))
        if self.choose == "bottom":
            return rank_channels(-scores, self.k)
        top = rank_channels(scores, self.k)
        if self.choose == "top":
            return top
        if 2 * self.k > width:
            raise ValueError(f"k={self.k}: only {width - self.k} of {width} channels are left outside the top")
        order = np.random.default_rng((self.draw, layer)).permutation(width)
        return np.stack([order[~np.isin(order, row)][: self.k] for row in top])


class Clusters:
    """The sink. After a capture: grid, and by the rules' names larger_sum bool [S, L, T, h, w] and energy float32
    [S, L, T], over the blocks and steps where the rule applies. An empty mask means two tokens alike in everything."""

    def __init__(self, rules: Mapping[str, Rule]):
        if not rules:
            raise ValueError("no rules: expected at least one, such as {'top': Rule('top', 8)}")
        self.rules = dict(rules)
        self.grid: tuple[int, int] | None = None
        self._kept: dict[str, dict[tuple[int, int, int], tuple]] = {name: {} for name in self.rules}

    def add(self, tokens, *, layer, step, samples, grid):
        rules = {name: rule for name, rule in self.rules.items() if rule.applies(layer, step)}
        if not rules:
            return
        self.grid = tuple(grid)
        values = tokens.detach().float().cpu().numpy()
        scores = {
            score: np.abs((np.abs(values) if score == "mean_abs" else values).mean(axis=1, dtype=np.float64))
            for score in {rule.score for rule in rules.values()}
        }
        squares = np.einsum("bnd,bnd->bd", values, values, dtype=np.float64)
        for name, rule in rules.items():
            chosen = rule.channels(scores[rule.score], layer)
            found = partition(values, chosen, grid=grid, normalise=rule.normalise, polarity="larger_sum")
            held = np.take_along_axis(squares, chosen, axis=1).sum(axis=1) / squares.sum(axis=1)
            for row, sample in enumerate(samples):
                self._kept[name][sample, layer, step] = (found.larger_sum[row], held[row])

    @property
    def larger_sum(self) -> dict[str, np.ndarray]:
        return {name: self._array(name, 0, bool) for name in self.rules}

    @property
    def energy(self) -> dict[str, np.ndarray]:
        return {name: self._array(name, 1, np.float32) for name in self.rules}

    def _array(self, name: str, part: int, dtype) -> np.ndarray:
        kept = self._kept[name]
        if not kept:
            raise RuntimeError(f"the rule {name!r} clustered nothing: no block and step ran to which it applies")
        return assembled(kept, part).astype(dtype)


class Maps:
    """A sink that keeps what is shown of the top k channels: [S, L, T, h, w] over samples, blocks and steps, whatever
    the width of the model.

    After a capture: heat float32 (the scaled channels' mean), largest float32 (the single largest channel, centred and
    in units of its spread), mask bool (by the border rule), larger_sum bool; grid, and width, the channels of a token.
    """

    def __init__(self, k: int):
        self.k = k
        self.grid: tuple[int, int] | None = None
        self.width = 0
        self._kept: dict[tuple[int, int, int], tuple] = {}

    def add(self, tokens, *, layer, step, samples, grid):
        self.grid, self.width = tuple(grid), tokens.shape[-1]
        values = tokens.detach().float().cpu().numpy()
        found = partition(values, k=self.k, grid=grid)
        first = np.take_along_axis(values, found.channels[:, None, :1], axis=2)[..., 0]
        spread = first.std(axis=1, keepdims=True)
        first = (first - first.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
        for row, sample in enumerate(samples):
            kept = found.heat[row], first[row].reshape(grid), found.mask[row], found.larger_sum[row]
            self._kept[sample, layer, step] = kept

    heat = property(lambda self: self._array(0))
    largest = property(lambda self: self._array(1))
    mask = property(lambda self: self._array(2))
    larger_sum = property(lambda self: self._array(3))

    def iou(self, truth: np.ndarray) -> np.ndarray:
        """IoU [S, L, T] of the masks with the truth bool [S, h, w]; NaN where the truth is empty."""
        return iou_of(self.mask, truth)

    def _array(self, part: int) -> np.ndarray:
        return assembled(self._kept, part)


def iou_of(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of masks bool [S, ..., h, w] with one truth a sample bool [S, h, w]: [S, ...]."""
    middle = masks.shape[1:-2]
    spread = np.broadcast_to(truth.reshape(len(truth), *(1,) * len(middle), *truth.shape[1:]), masks.shape)
    return iou(masks.reshape(-1, *truth.shape[1:]), spread.reshape(-1, *truth.shape[1:])).reshape(masks.shape[:-2])


def assembled(kept: Mapping[tuple[int, int, int], tuple], part: int) -> np.ndarray:
    """[S, L, T, ...] from one part of what was kept by (sample, layer, step), in their order."""
    samples, layers, steps = (sorted({key[axis] for key in kept}) for axis in range(3))
    return np.array([[[kept[s, b, t][part] for t in steps] for b in layers] for s in samples])


class PictureClusters(ImageJudge):
    """Where there is no segmenter: the two clusters of a picture's own pixels, named by the border rule. It knows
    nothing of subjects, so what agrees with it agrees with the picture's layout."""

    name = "K-means on the picture's own pixels"

    def masks(self, images: np.ndarray, prompts: Sequence[str] | None = None) -> np.ndarray:
        height, width = images.shape[1:3]
        scale = min(1.0, SIDE / max(height, width))
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        small = [Image.fromarray(image).resize((columns, rows), Image.Resampling.BOX) for image in images]
        labels, empty = two_means(np.stack([np.asarray(s, np.float32).reshape(-1, 3) / 255 for s in small]))
        chosen = choose_cluster(labels.reshape(-1, rows, columns), "border")
        return upsample(chosen & ~empty[:, None, None], (height, width))

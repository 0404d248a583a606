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

from ..channels import ChannelSet, Directions, rank_channels
from ..masks.subjects import choose_cluster, partition, upsample
from ..masks.two_means import two_means
from ..metrics import iou
from ..reading.judges import ImageJudge
from ..watch.sinks import PerSample

SIDE = 48  # cells along the longer side, of a picture that is clustered by its own pixels
CHOICES = ("top", "next", "bottom", "random", "all", "frozen")


@dataclass(frozen=True)
class Rule:
    """Which channels are clustered, and how.

    choose: "top" or "bottom" k by score; "next", ranks k + 1 to 2 k; "random" k outside the top k, the `draw`-th draw;
    "all"; or "frozen", the channels of `frozen`, or what its directions read. score, normalise: as for
    `masks.partition`. layers, steps: only there (None: everywhere).
    Raises ValueError for an unknown choice, and for "frozen" without a set.
    """

    choose: str = "top"
    k: int = 8
    draw: int = 0
    score: str = "abs_mean"
    normalise: str = "minmax"
    frozen: ChannelSet | Directions | None = None
    layers: tuple[int, ...] | None = None
    steps: tuple[int, ...] | None = None

    def __post_init__(self):
        if self.choose not in CHOICES:
            raise ValueError(f"choose={self.choose!r}: expected one of {', '.join(CHOICES)}")
        if (self.choose == "frozen") != (self.frozen is not None):
            raise ValueError("choose='frozen' and frozen=ChannelSet or Directions go together: pass both or neither")

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
        if self.choose == "next":
            return rank_channels(scores, 2 * self.k)[:, self.k :]
        order = np.random.default_rng((self.draw, layer)).permutation(width)
        return np.stack([order[~np.isin(order, row)][: self.k] for row in top])


class Clusters(PerSample):
    """The sink. After a capture: grid, and by the rules' names larger_sum bool [S, L, T, h, w] and energy float32
    [S, L, T], over the blocks and steps where the rule applies. An empty mask means two tokens alike in everything."""

    def __init__(self, rules: Mapping[str, Rule]):
        if not rules:
            raise ValueError("no rules: expected at least one, such as {'top': Rule('top', 8)}")
        super().__init__()
        self.rules = dict(rules)

    def look(self, tokens, *, layer, step, grid):
        rules = {name: rule for name, rule in self.rules.items() if rule.applies(layer, step)}
        if not rules:
            return {}
        values = tokens.detach().float().cpu().numpy()
        scores = {
            score: np.abs((np.abs(values) if score == "mean_abs" else values).mean(axis=1, dtype=np.float64))
            for score in {rule.score for rule in rules.values()}
        }
        squares = np.einsum("bnd,bnd->bd", values, values, dtype=np.float64)
        kept = {}
        for name, rule in rules.items():
            if isinstance(rule.frozen, Directions):
                read = values @ rule.frozen[layer].T.astype(np.float32)
                every = np.broadcast_to(np.arange(read.shape[-1]), (len(read), read.shape[-1]))
                found = partition(read, every, grid=grid, normalise=rule.normalise, polarity="larger_sum")
                held = np.square(read).sum(axis=(1, 2), dtype=np.float64)
            else:
                chosen = rule.channels(scores[rule.score], layer)
                found = partition(values, chosen, grid=grid, normalise=rule.normalise, polarity="larger_sum")
                held = np.take_along_axis(squares, chosen, axis=1).sum(axis=1)
            held = held / squares.sum(axis=1)
            kept |= {f"clusters of {name}": found.larger_sum, f"energy of {name}": held.astype(np.float32)}
        return kept

    @property
    def larger_sum(self) -> dict[str, np.ndarray]:
        return {name: self.kept(f"clusters of {name}") for name in self.rules}

    @property
    def energy(self) -> dict[str, np.ndarray]:
        return {name: self.kept(f"energy of {name}") for name in self.rules}


class Maps(PerSample):
    """A sink that keeps what is shown of the top k channels: [S, L, T, h, w] over samples, blocks and steps, whatever
    the width of the model.

    After a capture: heat float32 (the scaled channels' mean), largest float32 (the single largest channel, centred and
    in units of its spread), mask bool (by the border rule), larger_sum bool; grid, and width, the channels of a token.
    """

    def __init__(self, k: int):
        super().__init__()
        self.k, self.width = k, 0

    def look(self, tokens, *, layer, step, grid):
        self.width = tokens.shape[-1]
        values = tokens.detach().float().cpu().numpy()
        found = partition(values, k=self.k, grid=grid)
        first = np.take_along_axis(values, found.channels[:, None, :1], axis=2)[..., 0]
        spread = first.std(axis=1, keepdims=True)
        first = (first - first.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
        return {
            "heat": found.heat,
            "largest": first.reshape(-1, *grid),
            "mask": found.mask,
            "larger_sum": found.larger_sum,
        }

    heat = property(lambda self: self.kept("heat"))
    largest = property(lambda self: self.kept("largest"))
    mask = property(lambda self: self.kept("mask"))
    larger_sum = property(lambda self: self.kept("larger_sum"))

    def iou(self, truth: np.ndarray) -> np.ndarray:
        """IoU [S, L, T] of the masks with the truth bool [S, h, w]; NaN where the truth is empty."""
        return iou_of(self.mask, truth)


def iou_of(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU of masks bool [S, ..., h, w] with one truth a sample bool [S, h, w]: [S, ...]."""
    middle = masks.shape[1:-2]
    spread = np.broadcast_to(truth.reshape(len(truth), *(1,) * len(middle), *truth.shape[1:]), masks.shape)
    return iou(masks.reshape(-1, *truth.shape[1:]), spread.reshape(-1, *truth.shape[1:])).reshape(masks.shape[:-2])


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

"""Chapter 3: two clusters of tokens, and which of them is the subject; the coin's score; the worst block."""

from __future__ import annotations

import functools

import numpy as np

from .. import plots
from ..channels import rank_channels
from ..masks import choose_cluster
from ..metrics import iou
from ..reading.worlds import world_of
from ..studies.spatial import CLAIMED, at, mean_of, tested
from ..watch.hooks import capture
from ..watch.tokens import KeepTokens
from .asked import Built, Choice, Number, Unread, extreme, prompts_of

STEPS = 8
ALIKE = 0.98  # share of tokens: starts of K-means differ, and a token on the edge may go either way


class Clusters(Built):
    """Min-max for each channel, K-means of two, and the border rule."""

    name = "ch3.clusters"
    signature = "subject(tokens, channels, grid)"

    def wrongs(self):
        return {
            "not scaled": lambda: self._masks(lambda v: v),
            "one range for all": lambda: self._masks(lambda v: _scaled(v, (1, 2))),
            "wrong axis": lambda: self._masks(lambda v: _scaled(v, (2,))),
            "over pictures": lambda: self._masks(lambda v: _scaled(v, (0, 1))),
            "all channels": lambda: self._masks(lambda v: _scaled(self.tokens.astype(np.float64), (1,))),
            "polarity": lambda: ~self.expected,
            "larger sum": lambda: self._masks(polarity="larger_sum"),
            "smaller sum": lambda: self._masks(polarity="smaller_sum"),
            "smaller": lambda: self._masks(polarity="smaller"),
            "transposed": lambda: self.expected.transpose(0, 2, 1) if self.grid[0] == self.grid[1] else None,
        }

    def __init__(self, dit, variant=0):
        super().__init__(variant)
        self.dit, self.k = dit, int(self.rng.integers(5, 13))
        fixed = {"size": "huge"} if world_of(dit).exact else {}
        self.prompts = prompts_of(dit, 4, self.rng) + prompts_of(dit, 2, self.rng, among=4, **fixed)
        self.block = int(self.rng.integers(len(dit.layers) // 2, max(len(dit.layers) // 2 + 1, len(dit.layers) - 1)))

    def question(self):
        return (
            f"Write `{self.signature}`. `tokens` is [pictures, tokens, channels], of {len(self.prompts)} pictures "
            f"after block {self.block}, half way from noise; `channels[i]` are the {self.k} largest channels of "
            "picture i. For each picture scale each of these channels to 0 to 1 over the tokens, sort the tokens "
            "into two clusters by K-means (start from the two tokens with the smallest and the largest sum), and "
            "return the one with fewer of its tokens on the edge of the picture: bool [pictures, *grid]. "
            "`task.tokens`, `task.channels` and `task.grid` are yours to try it on."
        )

    @functools.cached_property
    def _run(self):
        with capture(self.dit, kept := KeepTokens(dtype="float32"), layers=[self.block], steps=[STEPS // 2]):
            pictures = self.dit.generate(self.prompts, seed=self.variant, steps=STEPS)
        return kept.array[:, 0, 0], kept.grid, pictures

    @property
    def tokens(self) -> np.ndarray:
        """[pictures, tokens, channels]."""
        return self._run[0]

    @property
    def grid(self) -> tuple[int, int]:
        return self._run[1]

    @functools.cached_property
    def channels(self) -> np.ndarray:
        """The k largest of each picture: int [pictures, k]."""
        return rank_channels(np.abs(self.tokens.mean(axis=1)), self.k)

    @functools.cached_property
    def _values(self):
        return np.take_along_axis(self.tokens, self.channels[:, None], axis=2).astype(np.float64)

    def _masks(self, scale=None, polarity="border"):
        """Of values that are scaled in another way, or named by another rule."""
        points = _scaled(self._values, (1,)) if scale is None else scale(self._values)
        larger = np.stack([_two_heaps(own) for own in points]).reshape(-1, *self.grid)
        return choose_cluster(larger, polarity)

    def right(self):
        return self._masks()

    def use(self, function):
        given = function(self.tokens, self.channels, self.grid)
        if given is None:
            raise Unread("Your function returned nothing: return the masks, bool [pictures, *grid].")
        given = np.asarray(given)
        if given.shape == (len(self.tokens), self.tokens.shape[1]):
            given = given.reshape(-1, *self.grid)
        if given.shape != (len(self.tokens), *self.grid):
            wanted = [len(self.tokens), *self.grid]
            raise Unread(
                f"The masks have the shape {list(given.shape)}; a mask a picture on the token grid is {wanted}."
            )
        if given.dtype != bool and not np.isin(given, (0, 1)).all():
            raise Unread(f"A mask is true or false for each token; yours holds {np.unique(given)[:4].tolist()}.")
        return given.astype(bool)

    def agrees(self, obtained, expected):
        alike = (obtained == expected).mean(axis=(1, 2))
        alike = np.where(self._even, np.maximum(alike, 1 - alike), alike)
        if alike.min() >= ALIKE:
            return True
        return expected is self.expected and self._as_good(obtained)

    @property
    def _even(self):
        """bool [pictures]: where both clusters have as much of the edge, so that either is right."""
        edge = np.ones(self.grid, bool)
        edge[1:-1, 1:-1] = False
        return self.expected[:, edge].mean(axis=1) == 0.5

    def _as_good(self, masks):
        """Whether these are other clusters that K-means may end in, at most a hundredth worse, named by the rule."""
        points = _scaled(self._values, (1,))
        spread = [_within(points, one.reshape(len(one), -1)) for one in (masks, self.expected)]
        edge = np.ones(self.grid, bool)
        edge[1:-1, 1:-1] = False
        return bool((spread[0] <= 1.01 * spread[1]).all() and (masks[:, edge].mean(axis=1) <= 0.5).all())

    def unlike(self, obtained):
        fits = iou(obtained, self.expected)
        return (
            f"{int((fits < 0.95).sum())} of {len(fits)} masks are others than expected (overlap {fits.mean():.2f}), "
            "in a way that is none of the mistakes known here. Do the clusters come to rest?"
        )

    def draw(self, obtained):
        side = max(1, self._run[2].shape[1] // self.grid[0])
        rows = {
            "picture": self._run[2],
            "expected": plots.coloured(self.expected, "gray", 0, 1, side=side),
            "yours": plots.coloured(obtained, "gray", 0, 1, side=side),
        }
        return plots.images_rows(rows), "The pictures, the expected masks, and yours."


def _two_heaps(points: np.ndarray) -> np.ndarray:
    """K-means of two from the tokens with the smallest and the largest sum, as the exercise asks: bool [tokens], true
    in the heap of larger sum. `masks.two_means` takes the best of several starts; here all should end in the same."""
    ends = points.sum(axis=1)
    centres = points[[ends.argmin(), ends.argmax()]]
    for _ in range(100):
        upper = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1) == 1
        if upper.all() or not upper.any():
            return upper
        moved = np.stack([points[~upper].mean(axis=0), points[upper].mean(axis=0)])
        if np.allclose(moved, centres):
            break
        centres = moved
    return upper if ends[upper].mean() >= ends[~upper].mean() else ~upper


def _scaled(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Values [pictures, tokens, k] to 0 to 1, by the range over some axes."""
    low, high = values.min(axis=axes, keepdims=True), values.max(axis=axes, keepdims=True)
    return (values - low) / np.where(high > low, high - low, 1)


def _within(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[pictures]: the squared distances to the own cluster's mean."""
    total = np.zeros(len(points))
    for i, (own, inside) in enumerate(zip(points, labels, strict=True)):
        for heap in (own[inside], own[~inside]):
            total[i] += ((heap - heap.mean(axis=0)) ** 2).sum() if len(heap) else 0
    return total


class Coin(Number):
    """The IoU of a mask by the throw of a coin."""

    name = "ch3.coin"

    def wrongs(self):
        return {
            "not over the union": lambda: self.subject * self.coin,
            "counted twice": lambda: self.subject * self.coin / (self.subject + self.coin),
            "of the subject": lambda: self.coin,
            "Dice": lambda: 2 * self.subject * self.coin / (self.subject + self.coin),
            "percent": lambda: 100 * self.expected,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        fair = not self.variant
        self.subject = 0.25 if fair else float(self.rng.choice([0.1, 0.15, 0.2, 0.3, 0.4]))
        self.coin = 0.5 if fair else float(self.rng.choice([0.3, 0.4, 0.6, 0.7]))

    def question(self):
        return (
            f"A subject covers the share f = {self.subject:g} of the picture. A mask takes each token with "
            f"probability p = {self.coin:g}, by the throw of a coin. What IoU does it reach with the subject on "
            "average? (To within 2 per cent of it. `task.subject`, `task.coin`.)"
        )

    def right(self):
        return self.subject * self.coin / (self.subject + self.coin - self.subject * self.coin)


class Worst(Choice):
    """The block whose masks are the worst, or the best, by a set of channels."""

    name = "ch3.worst"
    label = "mean IoU"
    KINDS = ("top", "next", "all")

    def wrongs(self):
        return {
            "from one": lambda: self.expected + 1,
            "other end": lambda: extreme(self.known, "least" if self.best == "most" else "most"),
            "another level": lambda: extreme(self._by_block(self.kind, 1.0), self.best),
            "another set": lambda: extreme(self._by_block("all" if self.kind != "all" else "top"), self.best),
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found, self.where = found, tested(found)
        self.best = "least" if self.variant % 2 == 0 else "most"
        self.kind = self.KINDS[self.variant // 2 % len(self.KINDS)]

    def question(self):
        names = {"top": "the top channels", "next": "the channels next in rank", "all": "all channels"}
        return (
            f"In which block do {names[self.kind]} give the *{'worst' if self.best == 'least' else 'best'}* mask, on "
            f"average, at noise level {CLAIMED[self.where]:g}? (`task.kind`, in `found`.)"
        )

    def _by_block(self, kind, level=None):
        layers = self.found.instruments[self.where]["layers"]
        return {int(b): mean_of(at(self.found, self.where, kind, int(b), level)).value for b in layers}

    def values(self):
        return self._by_block(self.kind)


CHECKED = (Clusters, Coin, Worst)

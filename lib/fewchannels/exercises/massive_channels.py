"""Chapter 1: the score and the ranking, chance overlap, the channel that most blocks share."""

from __future__ import annotations

import functools

import numpy as np

from .. import plots
from ..channels import expected_jaccard
from ..watch.hooks import capture
from ..watch.tokens import KeepTokens
from .asked import Built, Choice, Number, Unread, as_array, prompts_of
from .hooked import STEPS


class Score(Built):
    """|mean over image tokens| of each channel, mean over prompts, and the k largest."""

    name = "ch1.score"
    signature = "score(states, words, k)"

    def wrongs(self):
        return {
            "text counted": lambda: self._scored(text=True),
            "text alone": lambda: self._scored(tokens=self.states[:, : self.words]) if self.words else None,
            "absolute first": lambda: self._scored(each=np.abs),
            "signed": lambda: self._scored(drop=lambda level: level),
            "prompts first": lambda: self._scored(together=True),
            "channel axis": lambda: (np.abs(self._image.mean(axis=2)).mean(axis=0), None),
            "prompt axis": lambda: (np.abs(self._image.mean(axis=0)), None),
            "a row a prompt": lambda: (np.abs(self._image.mean(axis=1)), None),
            "sum": lambda: self._scored(times=self._image.shape[1]),
            "smallest": lambda: (self.expected[0], np.argsort(self.expected[0], kind="stable")[: self.k]),
            "backwards": lambda: (self.expected[0], self.expected[1][::-1]),
        }

    def __init__(self, dit, variant=0):
        super().__init__(variant)
        self.dit, self.prompts = dit, prompts_of(dit, 4, self.rng)
        self.k = int(self.rng.integers(4, 13))
        self.block = int(self.rng.integers(1, max(2, len(dit.layers) - 1)))
        self.step = int(self.rng.integers(0, STEPS))

    def question(self):
        return (
            f"Write `{self.signature}`. `states` is [prompts, tokens, channels]: what block {self.block} returns in "
            f"step {self.step} of {STEPS} for {len(self.prompts)} prompts, the text tokens first, then those of the "
            "picture; `words` is how many are text. Return two things: the score of each channel, |mean over image "
            f"tokens| averaged over the prompts; and the numbers of the k = {self.k} channels with the largest "
            "scores, the largest first. `task.states` and `task.words` are yours to try it on."
        )

    @functools.cached_property
    def _read(self):
        streams = ["image"] + ["text"] * (self.dit.layout.text == "joint")
        kept = {stream: KeepTokens(dtype="float32") for stream in streams}
        where = {"layers": [self.block], "steps": [self.step]}
        image = capture(self.dit, kept["image"], **where)
        if "text" in kept:
            with image, capture(self.dit, kept["text"], stream="text", **where):
                self.dit.generate(self.prompts, seed=0, steps=STEPS)
        else:
            with image:
                self.dit.generate(self.prompts, seed=0, steps=STEPS)
        return {stream: sink.array[:, 0, 0] for stream, sink in kept.items()}

    @property
    def states(self) -> np.ndarray:
        """[prompts, tokens, channels], text first."""
        return np.concatenate([self._read[stream] for stream in ("text", "image") if stream in self._read], axis=1)

    @property
    def words(self) -> int:
        """How many tokens are text: 0 where the model has none between its blocks."""
        return self._read["text"].shape[1] if "text" in self._read else 0

    @property
    def _image(self):
        return self._read["image"].astype(np.float64)

    def _scored(self, text=False, tokens=None, each=lambda x: x, drop=np.abs, together=False, times=1):
        if text and not self.words:
            return None
        states = np.asarray(self.states if text else self._image if tokens is None else tokens, np.float64)
        level = each(states).mean(axis=1)
        scores = drop(level.mean(axis=0)) if together else drop(level).mean(axis=0)
        scores = scores * times
        return scores, np.argsort(-scores, kind="stable")[: self.k]

    def right(self):
        return self._scored()

    def use(self, function):
        given = function(self.states, self.words, self.k)
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise Unread("Return two things, `return scores, largest`: an array [channels], and k channel numbers.")
        return as_array(given[0], "scores [channels]"), as_array(given[1], "k channel numbers")

    def agrees(self, obtained, expected):
        (scores, largest), (right, ranked) = obtained, expected
        if scores.shape != right.shape or not np.allclose(scores, right, rtol=1e-3, atol=1e-4 * np.abs(right).max()):
            return False
        # a wrong score is recognised by itself, whatever was made of it; under the right one the ranking counts
        if right is not self.expected[0]:
            return True
        return np.array_equal(largest, ranked)

    def unlike(self, obtained):
        scores, largest = obtained
        right, ranked = self.expected
        if scores.shape != right.shape:
            return f"The scores have the shape {list(scores.shape)}; one number a channel is {list(right.shape)}."
        if self.agrees((scores, ranked), self.expected):
            if np.shape(largest) != np.shape(ranked):
                return (
                    f"The scores are right. Of channels you give {np.size(largest)}: expected the numbers of {self.k}."
                )
            return "The scores are right, and the channels are not those with the k largest of them."
        off = int((~np.isclose(scores, right, rtol=1e-3)).sum())
        return f"The shape is right; {off} of {right.size} scores are not."

    def draw(self, obtained):
        scores = obtained[0]
        axes = ("channel",) if scores.ndim < 2 else ("", "")
        if (
            scores.ndim == 1
            and scores.shape == self.expected[0].shape
            and np.allclose(scores, self.expected[0], rtol=1e-3)
        ):
            return self._draw_ranking(obtained[1])
        figure = plots.expected_obtained(self.expected[0], scores, axes)
        return figure, "The scores of all channels as expected, and as you have them."

    def _draw_ranking(self, largest):
        own = [int(c) for c in np.ravel(largest)[: 2 * self.k] if 0 <= c < self.expected[0].size]
        figure = plots.expected_obtained(self.expected[0][self.expected[1]], self.expected[0][own or [0]], ("rank",))
        return figure, "Scores in the order of the ranking: falling as expected, and in your order."


class Chance(Number):
    """The mean overlap of two random sets of k."""

    name = "ch1.chance"
    within = 0.03
    WIDTHS, SIZES = (192,), (24, 32, 40, 48, 56, 64)

    def wrongs(self):
        return {
            "share of one set": lambda: self.k / self.width,
            "union too large": lambda: self.k / (2 * self.width),
            "count": lambda: self.k**2 / self.width,
            "percent": lambda: 100 * self.expected,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        self.width, self.k = int(self.rng.choice(self.WIDTHS)), int(self.rng.choice(self.SIZES))

    def question(self):
        return (
            f"Two sets of k = {self.k} are drawn at random from D = {self.width:,} channels. What Jaccard overlap do "
            "you expect on average? (To within 3 per cent of it. `task.k`, `task.width`.)"
        )

    def right(self):
        return expected_jaccard(self.k, self.width)


class Faithful(Choice):
    """A channel that is in the top m of as many blocks as any other."""

    name = "ch1.faithful"
    label = "blocks"

    def wrongs(self):
        return {
            "count": lambda: None if (most := int(max(self.known.values()))) in self.known else most,
            "once": lambda: next((channel for channel, count in self.known.items() if count == 1), None),
            "index": lambda: 0 if 0 not in self.known else None,
        }

    def __init__(self, frozen, variant=0):
        super().__init__(variant)
        self.frozen = frozen
        self.m = int(self.rng.integers(2, max(3, min(len(row) for row in frozen) + 1)))
        self.rows = [row[: self.m] for row in frozen]

    def question(self):
        return (
            f"Of each block take the {self.m} largest channels of `frozen` (`task.m`). Name one channel that is "
            "among them in as many blocks as any other."
        )

    def values(self):
        found, counts = np.unique(np.concatenate(self.rows), return_counts=True)
        return {int(channel): int(count) for channel, count in zip(found, counts, strict=True)}


CHECKED = (Score, Chance, Faithful)

"""Chapter 10: trainings that could break what foretells; moments; shared channels; tenfold."""

from __future__ import annotations

import functools

import numpy as np

from .. import plots
from .asked import Exercise, Number, Unread, filled

SUGGESTED = tuple((weights, data) for weights in (0, 1) for data in (0, 1))


class Trainings(Exercise):
    """Pairs of seeds, (weights, data), of trainings that could break a claim that earlier ones suggested."""

    name = "ch10.design"

    def __init__(self, variant=0):
        super().__init__(variant)
        self.first = 2 if not self.variant else int(self.rng.integers(2, 1000))

    def question(self):
        return (
            "The scale of the last norm seemed to foretell the final channels, and that was not registered. Design "
            "the trainings that could break it: a list of pairs (seed of the weights, seed of the data). The claim "
            "was seen in the trainings with weights 0 and 1 on data 0 and 1. It should also come out whether it "
            f"hangs on the weights or on the data. Your seeds are those from {self.first} on (`task.first`); four "
            "trainings are enough."
        )

    def right(self):
        new = (self.first, self.first + 1)
        return [(weights, data) for weights in new for data in new]

    def read(self, given):
        try:
            pairs = sorted({(int(weights), int(data)) for weights, data in given})
        except (TypeError, ValueError):
            raise Unread("The answer is a list of pairs such as `[(2, 3), (2, 4)]`: weights, data.") from None
        weights, data = ({pair[side] for pair in pairs} for side in (0, 1))
        if any(seed in (0, 1) for seed in weights | data):
            self._refuse("old ones", pairs)
        if any(seed < self.first for seed in weights | data):
            raise Unread(f"Your seeds are those from {self.first} on, so that a class does not train the same four.")
        if len(pairs) < 2:
            self._refuse("one", pairs)
        if len(data) == 1:
            self._refuse("weights alone", pairs)
        if len(weights) == 1:
            self._refuse("data alone", pairs)
        if len(pairs) == len(weights) == len(data):
            self._refuse("together", pairs)
        if len(pairs) < len(weights) * len(data):
            self._refuse("not crossed", pairs)
        return pairs

    def _refuse(self, mistake, pairs):
        raise Unread(mistake=mistake, obtained=pairs)

    def agrees(self, obtained, expected):
        return True  # what is read is crossed, and new

    def draw(self, obtained):
        rows, columns = (sorted({pair[side] for pair in [*obtained, *self.expected]}) for side in (0, 1))
        given = {"expected, such as": self.expected, "yours": obtained}
        names = [str(weights) for weights in rows]
        figure = filled(given, rows, columns, "seed of the data", "seed of the weights", names)
        return figure, "A grid of seeds of the weights and of the data, filled where there is a training."


class Moments(Number):
    """How many moments are kept."""

    name = "ch10.moments"
    within = 0.0

    def wrongs(self):
        return {
            "doublings": lambda: float(sum(1000 * 2**more <= self.last for more in range(60))),
            "without the first": lambda: self.expected - 1,
            "one beyond": lambda: self.expected + 1,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        self.last = 100_000 if not self.variant else int(self.rng.choice([20_000, 50_000, 200_000, 500_000]))

    def question(self):
        return (
            "Weights are kept at 1,000 pictures, and each time that their number has grown by the square root of "
            f"two. How many such moments are there up to {self.last:,}? (`task.last`.)"
        )

    def right(self):
        return float(sum(1000 * 2 ** (more / 2) <= self.last for more in range(100)))


class Overlap(Number):
    """The Jaccard overlap of two sets."""

    name = "ch10.overlap"

    def wrongs(self):
        return {
            "of one set": lambda: self.shared / self.k,
            "counted twice": lambda: self.shared / (2 * self.k),
            "apart": lambda: 1 - self.expected,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        self.k = 8 if not self.variant else int(self.rng.choice([10, 12, 16]))
        self.shared = 4 if not self.variant else int(self.rng.integers(2, 8))

    def question(self):
        return (
            f"Two top sets of {self.k} share {self.shared} channels. What is their Jaccard overlap? (To within 2 per "
            "cent of it. `task.k`, `task.shared`.)"
        )

    def right(self):
        return self.shared / (2 * self.k - self.shared)


class Tenfold(Number):
    """After how many pictures the largest channel first stands at so many times the median."""

    name = "ch10.tenfold"
    within = 0.0

    def wrongs(self):
        return {
            "number of the moment": lambda: float(self._first()),
            "moment before": lambda: self._images(self._first() - 1),
            "first block": lambda: self._images(self._first(block=0 if self.block else -1)),
            "another training": lambda: next(
                (
                    float(other.images[other.first(other.size[:, self.block] > self.times)])
                    for name, other in self.trainings.items()
                    if name != self.training
                    and other.images[other.first(other.size[:, self.block] > self.times)] != self.expected
                ),
                None,
            ),
        }

    def __init__(self, trainings, variant=0):
        super().__init__(variant)
        self.trainings, names = trainings, list(trainings)
        self.training = "weights 1, data 1" if not self.variant else str(self.rng.choice(names))
        self.block = -1
        self.times = 10 if not self.variant else int(self.rng.choice([4, 6, 8]))

    @property
    def _course(self):
        return self.trainings[self.training]

    def _first(self, block=None):
        return int(self._course.first(self._course.size[:, self.block if block is None else block] > self.times))

    def _images(self, moment):
        return float(self._course.images[moment]) if moment >= 0 else None

    def question(self):
        return (
            f"After how many pictures does the last block's largest channel first stand at more than {self.times} "
            f"times the median, in the training with {self.training.replace(',', ' and')}? (`task.training`, "
            "`task.block`, `task.times`.)"
        )

    def right(self):
        return self._images(self._first())

    @functools.cached_property
    def _line(self):
        return self._course.images, self._course.size[:, self.block]

    def draw(self, obtained):
        images, size = self._line
        figure = plots.curves(
            images.tolist(),
            {"largest over median": size, "yours": np.where(np.isclose(images, obtained), size, np.nan)},
            xlabel="pictures seen",
            ylabel="times the median",
            levels={f"{self.times} times": self.times},
            log_x=True,
        )
        return figure, "The course of the largest channel over training, and where your answer lies on it."


CHECKED = (Trainings, Moments, Overlap, Tenfold)

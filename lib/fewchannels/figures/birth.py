"""Figures and claims of how massive channels are born: the courses of trainings in the form that a plot, or a check,
takes.

    trainings = courses(found)
    show(plots.lines(sizes(trainings, -1), "images seen", "largest over median", log_x=True))
    check("birth_last_block_first", earlier_in_the_last(trainings))

A claim's numbers are {training: number}. Moments are those at which weights were kept; the untrained model stands in
figures alone, at its left end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import rankdata, spearmanr

from ..channels import expected_jaccard, rank_channels
from ..metrics import Interval, mean_interval
from ..studies.birth import Course
from ..studies.edits import UNTOUCHED

MASSIVE, FAIR, SMALL = 5.0, 0.9, 3.0  # a size that counts, a share of right colours, a size that does not count yet
DECAY_FROM = 0.7  # the part of a training after which the learning rate falls
UNTRAINED = 1000 / 2.5  # where moment 0 stands on a logarithmic axis
FUNCTIONS = {  # what the top does and as many random channels do not: a condition of each, and the measure
    "change at zero": ("change", {"channels": "top"}, {"channels": "random"}),
    "carried": ("to_source", {"edit": "transport", "channels": "random"}, {"edit": "transport", "channels": "top"}),
}


def _each(trainings: Mapping[str, Course], number: Callable[[Course], float]) -> dict[str, float]:
    return {name: float(number(course)) for name, course in trainings.items()}


def _x(course: Course) -> np.ndarray:
    return np.where(course.images > 0, course.images, UNTRAINED)


def _over_images(trainings: Mapping[str, Course], values: Callable[[Course], np.ndarray]) -> dict:
    """What `plots.lines` takes: a number at each moment, a line a training."""
    return {name: (_x(course), values(course)) for name, course in trainings.items()}


def sizes(trainings: Mapping[str, Course], block: int) -> dict:
    """What `plots.lines` takes: the largest channel over the median one in a block, a line a training."""
    return _over_images(trainings, lambda course: course.size[:, block])


def kurtosis(trainings: Mapping[str, Course], block: int) -> dict:
    """What `plots.lines` takes: the kurtosis over channels of |mean over tokens| in a block; of a normal distribution
    it is 3."""

    def of(course: Course) -> np.ndarray:
        apart = course.array("size", "score")[:, block].astype(np.float64)
        apart -= apart.mean(axis=-1, keepdims=True)
        return (apart**4).mean(axis=-1) / (apart**2).mean(axis=-1) ** 2

    return _over_images(trainings, of)


def energies(trainings: Mapping[str, Course], block: int) -> dict:
    """What `plots.lines` takes: shares of a block's energy, mean over trainings and from the least to the most of
    them."""
    first = next(iter(trainings.values()))
    rows = {
        label: np.stack([course.shares[part][:, block] for course in trainings.values()])
        for label, part in (("8 directions", "principal"), ("8 channels", "top"), ("largest channel", "first"))
    }
    return {name: (_x(first), row.mean(axis=0), row.min(axis=0), row.max(axis=0)) for name, row in rows.items()}


def drawn_right(trainings: Mapping[str, Course], reading: str = "right") -> dict:
    """What `plots.lines` takes: the share of what was named that is right in the untouched picture, by one reader."""
    return _over_images(trainings, lambda course: _right(course, reading))


def _right(course: Course, reading: str) -> np.ndarray:
    return np.array([one.value for one in course.mean(reading, edit=UNTOUCHED)])


def shared(trainings: Mapping[str, Course], k: int | None = None) -> dict[str, dict[str, np.ndarray]]:
    """Jaccard overlaps [L] of the final top k of two trainings, {"same weights": {pair: overlap}, "same data": ...,
    "neither": ...}. A training's name says its seeds, "weights 0, data 1"."""
    final = {
        name: rank_channels(course.array("size", "score")[-1], k or course.found.base.k)
        for name, course in trainings.items()
    }
    kinds: dict[str, dict[str, np.ndarray]] = {"same weights": {}, "same data": {}, "neither": {}}
    for (one, a), (other, b) in itertools.combinations(final.items(), 2):
        (weights, data), (weights_too, data_too) = (name.split(", ") for name in (one, other))
        kind = "same weights" if weights == weights_too else "same data" if data == data_too else "neither"
        pairs = zip(a, b, strict=True)
        kinds[kind][f"{one}; {other}"] = np.array([len({*x} & {*y}) / len({*x} | {*y}) for x, y in pairs])
    return kinds


def overlaps(trainings: Mapping[str, Course]) -> dict:
    """What `plots.dots` takes: mean overlap over blocks of each pair of trainings, by what they share; and what two
    sets drawn by chance would share."""
    first = next(iter(trainings.values()))
    chance = expected_jaccard(first.found.base.k, first.array("size", "score").shape[-1])
    groups = {kind: {pair: own.mean() for pair, own in pairs.items()} for kind, pairs in shared(trainings).items()}
    return {"groups": {kind: rows for kind, rows in groups.items() if rows}, "lines": {"chance": chance}}


def foretellers(trainings: Mapping[str, Course]) -> dict:
    """What `plots.dots` takes: the mean percentile of the final top among all channels, by what weights write them at
    the last moment at which the last block is not large yet; a row a training, a group a kind of weights."""
    kinds = {"gates": "gate", "output layers": "output", "embedding": "embedding", "last norm": "head"}
    groups = {kind: _each(trainings, lambda c, part=part: _foretold(c, part)) for kind, part in kinds.items()}
    return {"groups": groups, "lines": {"no sign": 0.5}}


def _foretold(course: Course, part: str) -> float:
    """Mean percentile, 0 to 1, of the last block's final top by the last block's weights of one kind."""
    before = np.flatnonzero((course.size[:, -1] < SMALL) & (course.images > 0))
    weights = course.array("weights", part)[before[-1]]
    weights = weights[-1] if weights.ndim == 2 else weights
    ranks = (rankdata(weights) - 0.5) / len(weights)
    return ranks[course.top[-1, -1]].mean()


def persists(trainings: Mapping[str, Course]) -> dict:
    """What `plots.lines` takes: how many of the last block's final top k are in the top k at each moment."""

    def of(course: Course) -> np.ndarray:
        final = set(course.top[-1, -1].tolist())
        return np.array([len(final & set(top.tolist())) for top in course.top[:, -1]])

    return _over_images(trainings, of)


def more_than_random(trainings: Mapping[str, Course], function: str) -> dict:
    """What `plots.lines` takes: what the top does more than random channels, with its interval over prompts. function:
    of `FUNCTIONS`, or "mask", the IoU with the subject in the middle block; NaN for a model that has no scenes."""

    def rows(course: Course) -> np.ndarray:
        if function == "mask":
            if not course.has("masks"):
                return np.full((len(course.images), 3), np.nan)
            masks = (course.array("masks", part).astype(np.float64) for part in ("top", "random"))
            return np.array([mean_interval(top - random) for top, random in zip(*masks, strict=True)])
        measure, *sides = FUNCTIONS[function]
        return np.array(course.minus(measure, *sides))

    return {name: (_x(course), *rows(course).T) for name, course in trainings.items()}


def ways(trainings: Mapping[str, Course]) -> dict:
    """What `plots.lines` takes: the change of the picture with the top at zero at the reads, by both, content and gain;
    mean over trainings, and from the least to the most of them."""
    first = next(iter(trainings.values()))
    found = {}
    for way in ("both", "content", "gain"):
        rows = np.stack([_changes(course, through=way) for course in trainings.values()])
        found[way] = (_x(first), rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0))
    return found


def _changes(course: Course, **fields) -> np.ndarray:
    return np.array([one.value for one in course.mean("change", channels="top", **fields)])


def earlier_in_the_last(trainings: Mapping[str, Course]) -> dict[str, float]:
    """Images at which the first block passes a size of 5, less those at which the last one does."""
    return _each(trainings, lambda course: _passed(course, 0) - _passed(course, -1))


def _passed(course: Course, block: int, size: float = MASSIVE) -> float:
    at = course.first((course.size[:, block] > size) & (course.images > 0))
    return 2 * course.images[-1] if at is None else course.images[at]  # never: after the end


def grown_since_fair(trainings: Mapping[str, Course], fair: float = FAIR) -> dict[str, float]:
    """The last block's size at the end, over that at the first moment at which 0.9 of colours are right; NaN where
    they never are."""
    return _each(trainings, lambda c: np.nan if (at := _fair(c, fair)) is None else c.size[-1, -1] / c.size[at, -1])


def _fair(course: Course, fair: float = FAIR) -> int | None:
    return course.first(course.right >= fair)


def weights_over_data(trainings: Mapping[str, Course], k: int | None = None) -> Interval:
    """Overlap of trainings with equal weights less that of those with equal data, over blocks. k: of how many largest
    channels, in place of the study's."""
    kinds = shared(trainings, k)
    weights, data = (np.mean(list(kinds[kind].values()), axis=0) for kind in ("same weights", "same data"))
    return mean_interval(weights - data)


def foretold_by_gates(trainings: Mapping[str, Course]) -> dict[str, float]:
    """The mean percentile of the final top by the last block's gates, before it was large."""
    return _each(trainings, lambda course: _foretold(course, "gate"))


def with_size(trainings: Mapping[str, Course]) -> dict[str, float]:
    """Spearman's rank correlation between the mean size over blocks and how much more the top at zero changes the
    picture than random channels, over moments from the first at which pictures are right."""

    def of(course: Course) -> float:
        if (at := _fair(course)) is None or len(course.images) - at < 3:
            return np.nan
        more = np.array(course.minus(*FUNCTIONS["change at zero"]))[at:, 0]
        return spearmanr(course.size[at:].mean(axis=1), more).statistic

    return _each(trainings, of)


def content_lost(trainings: Mapping[str, Course]) -> dict[str, float]:
    """The change by content alone over that by both, at the end less when pictures are first right."""

    def of(course: Course) -> float:
        if (at := _fair(course)) is None:
            return np.nan
        content, both = (_changes(course, through=way)[[at, -1]] for way in ("content", "both"))
        return np.diff(content / both).item()

    return _each(trainings, of)


def taken_by_one(trainings: Mapping[str, Course]) -> dict[str, float]:
    """The largest channel's part of the top's energy in the last block, at the end less at the first moment at which
    the size passes 5."""

    def of(course: Course) -> float:
        if (at := course.first((course.size[:, -1] > MASSIVE) & (course.images > 0))) is None:
            return np.nan
        part = course.shares["first"][:, -1] / course.shares["top"][:, -1]
        return part[-1] - part[at]

    return _each(trainings, of)


def left_by_decay(trainings: Mapping[str, Course], block: int = -1) -> dict[str, float]:
    """The last block's size at the end over that at the last moment before the learning rate falls."""

    def of(course: Course) -> float:
        before = np.flatnonzero(course.images <= DECAY_FROM * course.images[-1])[-1]
        return course.size[-1, block] / course.size[before, block]

    return _each(trainings, of)


def channel_over_direction(trainings: Mapping[str, Course]) -> dict[str, float]:
    """What part of the energy of the last block's first k principal directions its top k channels hold, at the end less
    at the first kept moment."""

    def of(course: Course) -> float:
        part = course.shares["top"][:, -1] / course.shares["principal"][:, -1]
        return part[-1] - part[_first_kept(course)]

    return _each(trainings, of)


def _first_kept(course: Course) -> int:
    return int(np.flatnonzero(course.images > 0)[0])


def turns(trainings: Mapping[str, Course]) -> dict:
    """What `plots.dots` takes: what three claims are about, in doublings, with other choices than theirs; mean over
    trainings, and from the least to the most of them."""

    def doublings(numbers: Mapping[str, float]) -> Interval:
        own = np.log2(list(numbers.values()))
        return Interval(own.mean(), own.min(), own.max())

    later = {size: _each(trainings, lambda c, s=size: _passed(c, 0, s) / _passed(c, -1, s)) for size in (4, 5, 10)}
    return {
        "groups": {
            "later in the first block": {f"at {size} times": doublings(own) for size, own in later.items()},
            "grown since right": {
                f"{fair:.0%} of colours": doublings(grown_since_fair(trainings, fair)) for fair in (0.8, 0.9, 0.95)
            },
            "grown in the decay": {
                name: doublings(left_by_decay(trainings, block))
                for name, block in {"first block": 0, "last block": -1}.items()
            },
        },
        "lines": {"no change": 0.0},
    }


def decided(trainings: Mapping[str, Course]) -> dict:
    """What `plots.dots` takes: how much more is shared with equal weights than with equal data, by how many of the
    largest channels count."""
    rows = {f"k = {k}": weights_over_data(trainings, k) for k in (1, 2, 4, 8, 16, 32)}
    return {"groups": rows, "lines": {"no difference": 0.0}}


def maps(course: Course) -> np.ndarray:
    """[M, P, h, w]: the last block's largest channel at each moment, less its mean, over its deviation."""
    own = course.array("look", "map").astype(np.float64)
    spread = own.std(axis=(-2, -1), keepdims=True)
    return (own - own.mean(axis=(-2, -1), keepdims=True)) / np.where(spread > 0, spread, 1)


def pages(course: Course, drawn: np.ndarray) -> dict:
    """What `Flipbook` takes of a training, but for its words: by moment its pictures, and beneath them their `maps` as
    drawn, uint8 [M, P, H, W, 3]; how right and how large; all channels, those of the end in colour."""
    pictures = course.array("look", "pictures")
    side = drawn.shape[-2] // pictures.shape[-2]
    score = course.array("size", "score").astype(np.float32)
    chosen = np.zeros(score.shape[1:], bool)
    np.put_along_axis(chosen, course.top[-1].astype(int), True, axis=1)
    return {
        "images": np.concatenate([pictures.repeat(side, axis=2).repeat(side, axis=3), drawn], axis=1),
        "axes": {"images seen": course.images.tolist()},
        "numbers": {"named attributes right": _right(course, "right"), "largest over median": course.size[:, -1]},
        "skyline": (score, chosen, [f"block {block}" for block in range(score.shape[1])]),
    }

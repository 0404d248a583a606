"""Readers: the pictures of one condition to numbers, arrays by name with one row a prompt.

    Change()(images, seen)["change"]                       # [P]
    Judged()(images, seen)["agree"]                        # [P, A] over the world's attributes

A reader knows nothing of edits. What it compares with it asks of `Seen`: the group's prompts and their truth, the
pictures without an edit, those of the sources, the subjects' masks. A new one is a class with a name and a call; every
study can be read by it from pictures that were kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ..identity import digest
from ..masks.subjects import upsample
from ..metrics import known_mean, squared_distance
from ..prompts.natural import NaturalPrompt
from ..prompts.pairs import SCENE, SUBJECT, value_of
from ..toyworld.judge import ATTRIBUTES, agreement
from ..toyworld.prompts import Attributes
from .worlds import World

PAIR_ATTRIBUTES = (*SUBJECT, *SCENE)
NATURAL_ATTRIBUTES = ("subject", "scene")
SIDE = 256  # pixels of a picture that is kept to be looked at
GRID = 12  # cells a side, for the coarse part of a change


@dataclass(frozen=True, eq=False)
class Seen:
    """What stands beside the pictures of a condition. group: its prompts, truth, pairs, noise; world: with its judge.
    picture(name): uint8 [P, H, W, 3] of "untouched" or "source"; mask(name): bool [P, h, w], as for a condition."""

    world: World
    group: Any
    picture: Callable[[str], np.ndarray]
    mask: Callable[[str], np.ndarray]


class Reader:
    """name: in tables. needs: the pictures that it compares with. prompts: the groups that it reads; () for all."""

    name = "reader"
    needs: tuple[str, ...] = ()

    def __init__(self, prompts: Sequence[str] = ()):
        self.prompts = tuple(prompts)

    def __call__(self, images: np.ndarray, seen: Seen) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def fits(self, seen: Seen) -> bool:
        """Whether it can read this group at all; what it would give is left out where it cannot."""
        return not self.prompts or seen.group.name in self.prompts

    def hangs_on(self, seen: Seen) -> dict[str, Any]:
        """What its numbers hang on beside the pictures and the group, as JSON values."""
        return {}


class Change(Reader):
    """ "change" [P]: the mean squared difference to the pictures without an edit, colours in 0 to 1."""

    name, needs = "change", ("untouched",)

    def __call__(self, images, seen):
        return {"change": squared_distance(images, seen.picture("untouched")).astype(np.float32)}


class Coarse(Reader):
    """ "coarse" [P]: the part of "change" that is left in the means over 12 x 12 cells. The rest is fine: the same
    scene under grain, or with other edges."""

    name, needs = "coarse", ("untouched",)

    def __call__(self, images, seen):
        before, after = cells_of(seen.picture("untouched")), cells_of(images)
        return {"coarse": squared_distance(after.mean(axis=3), before.mean(axis=3)).astype(np.float32)}


def cells_of(images: np.ndarray) -> np.ndarray:
    """Pictures [P, H, W, 3] as float [P, 12, 12, pixels of a cell, 3], in 0 to 1 where they were uint8; what is
    left over at the right and lower edges is cut off."""
    h, w = (size // GRID for size in images.shape[1:3])
    cut = images[:, : h * GRID, : w * GRID].astype(np.float64) / (255 if images.dtype == np.uint8 else 1)
    split = cut.reshape(len(cut), GRID, h, GRID, w, 3).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(len(cut), GRID, GRID, h * w, 3)


class Tone(Reader):
    """ "colour" [P, 3], the mean colour in 0 to 1, and "detail" [P], the mean square of what a 3 x 3 box filter takes
    away: the energy of edges and fine texture."""

    name = "tone"

    def __call__(self, images, seen):
        unit = np.asarray(images, dtype=np.float32) / 255
        return {"colour": unit.mean(axis=(1, 2)).astype(np.float16), "detail": detail(unit)}


def detail(images: np.ndarray) -> np.ndarray:
    """Mean square [P] of pictures [P, H, W, 3] minus their mean over 3 x 3 px."""
    images = np.asarray(images, dtype=np.float32)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    near = sum(padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    return np.square(images - near).mean(axis=(1, 2, 3))


class ByJudge(Reader):
    """What the world's judge says. A world without one is not read."""

    def fits(self, seen):
        return super().fits(seen) and seen.world.judge is not None

    def hangs_on(self, seen):
        return {"judge": digest(seen.world.judge)}

    def attributes(self, images: np.ndarray, seen: Seen) -> list[Attributes]:
        """What toy-world pictures show."""
        return seen.world.judge.attributes(images)


class Agreement(ByJudge):
    """How well pictures fit their prompts. Toy world: "agree" [P, A] over the judge's ATTRIBUTES, NaN where a prompt
    does not name one. Real world: "agree" [P, 2] over subject and scene, 1 where a judge, choosing among those of all
    P prompts, takes the prompt's own (1 / P is chance), and "score" [P], the judge's score of picture and prompt."""

    name = "judge"

    def __call__(self, images, seen):
        truth, judge = seen.group.truth, seen.world.judge
        if seen.world.exact:
            rows = [agreement(read, own) for read, own in zip(self.attributes(images, seen), truth, strict=True)]
            return {"agree": np.array([[row[name] for name in ATTRIBUTES] for row in rows], dtype=np.float16)}
        found = {"score": judge.scores(images, seen.group.prompts).astype(np.float32)}
        if all(isinstance(one, NaturalPrompt) for one in truth):
            words = [getattr(one, name) for name in NATURAL_ATTRIBUTES for one in truth]
            fits = judge.fits(images, words).reshape(len(images), len(NATURAL_ATTRIBUTES), -1)
            found["agree"] = (fits.argmax(axis=2) == np.arange(len(images))[:, None]).astype(np.float16)
        return found


class Features(ByJudge):
    """ "features" [P, D] of the judge, for distances between sets of pictures."""

    name = "features"

    def __call__(self, images, seen):
        return {"features": seen.world.judge.features(images).astype(np.float16)}


class Distances(Reader):
    """ "to_source" and "to_target" [P]: mean squared distances to a pair's two pictures without a transport."""

    name, needs = "distances", ("untouched", "source")

    def fits(self, seen):
        return super().fits(seen) and bool(seen.group.sources)

    def __call__(self, images, seen):
        sides = {"to_source": "source", "to_target": "untouched"}
        return {name: squared_distance(images, seen.picture(side)).astype(np.float32) for name, side in sides.items()}


class Adoption(ByJudge):
    """What became of each difference of a pair: "adopted" and "retained" [P, A].

    Toy world: over `PAIR_ATTRIBUTES`, 1 where the judge reads the source's word, or the target's; NaN where the two
    words are one. Where it finds two subjects each counts half; where it finds none, no subject attribute is taken or
    kept; "subjects" [P], how many it found. Real world: over subject and scene, a forced choice by a judge that scores
    texts, with "score" [P, 2], by how much the source's words fit better; it never answers "neither", so a broken
    picture is a toss-up. Without a judge a picture that is nearer to the source's counts as adopted, in one column.
    """

    name, needs = "adoption", ("untouched", "source")

    def fits(self, seen):
        return Reader.fits(self, seen) and bool(seen.group.pairs)

    def hangs_on(self, seen):
        return {} if seen.world.judge is None else {"judge": digest(seen.world.judge)}

    def __call__(self, images, seen):
        pairs, judge = seen.group.pairs, seen.world.judge
        if judge is None:
            apart = {side: squared_distance(images, seen.picture(side)) for side in self.needs}
            nearer = (apart["source"] < apart["untouched"])[:, None]
            return {"adopted": nearer.astype(np.float16), "retained": (~nearer).astype(np.float16)}
        if not seen.world.exact:
            return _forced_choice(judge, images, pairs)
        read = self.attributes(images, seen)
        rows = {
            name: [_share(seen_, pair, getattr(pair, side)) for seen_, pair in zip(read, pairs, strict=True)]
            for name, side in (("adopted", "source"), ("retained", "target"))
        }
        found = {name: np.array(row, dtype=np.float16) for name, row in rows.items()}
        return found | {"subjects": np.array([len(one.subjects) for one in read], dtype=np.int8)}


def _forced_choice(judge, images, pairs) -> dict[str, np.ndarray]:
    words = [
        getattr(getattr(pair, side), name)
        for name in NATURAL_ATTRIBUTES
        for side in ("source", "target")
        for pair in pairs
    ]
    cosines = judge.fits(images, words).reshape(len(images), len(NATURAL_ATTRIBUTES), 2, len(images))
    own = np.diagonal(cosines, axis1=0, axis2=3)  # of each pair's own words: [attributes, sides, P]
    score = (own[:, 0] - own[:, 1]).T
    adopted, retained = ((score > 0).astype(np.float16), (score < 0).astype(np.float16))
    return {"adopted": adopted, "retained": retained, "score": score.astype(np.float32)}


def _share(read: Attributes, pair, of: Attributes) -> list[float]:
    row = []
    for name in PAIR_ATTRIBUTES:
        several = range(len(read.subjects)) if name in SUBJECT else range(1)
        hits = [value_of(read, name, i) == value_of(of, name) for i in several]
        row.append((float(np.mean(hits)) if hits else 0.0) if name in pair.differ else np.nan)
    return row


class Regions(Reader):
    """ "subject_apart" [P], the mean squared distance to the reference where its subject is, and "scene_apart" [P], to
    the untouched target outside of both subjects."""

    name, needs = "regions", ("untouched",)

    def fits(self, seen):
        return super().fits(seen) and seen.group.images is not None

    def __call__(self, images, seen):
        size, group = images.shape[1:3], seen.group
        tokens = upsample(seen.mask("union"), size)
        subject = tokens if group.masks is None else upsample(group.masks, size)
        apart = {
            "subject_apart": (group.images, subject),
            "scene_apart": (seen.picture("untouched"), ~(tokens | subject)),
        }
        return {name: _inside(images, *rows).astype(np.float32) for name, rows in apart.items()}


def _inside(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> np.ndarray:
    squares = np.square((a.astype(np.float64) - b) / 255).mean(axis=-1)
    return (squares * where).sum(axis=(1, 2)) / np.maximum(where.sum(axis=(1, 2)), 1)


def mean_over(rows: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
    """The mean [P] over some attributes of rows [P, A], passing over NaN; NaN where nothing else is left.

    A tells which attributes they are: 8 the judge's ATTRIBUTES (by default all but "all"); 6 `PAIR_ATTRIBUTES`; 2,
    subject and scene, where each name stands for the one that it belongs to; or 1, which tells none apart. Raises
    ValueError for another number.
    """
    rows = np.asarray(rows, dtype=np.float64)
    count = rows.shape[-1]
    known = {len(ATTRIBUTES): ATTRIBUTES, len(PAIR_ATTRIBUTES): PAIR_ATTRIBUTES}
    if count in known:
        names = [name for name in known[count] if name != "all"] if names is None else names
        columns = [known[count].index(name) for name in names]
    elif count in (1, 2):
        columns = sorted({min(count - 1, int(name in (*SCENE, "scene"))) for name in names or ("subject", "scene")})
    else:
        raise ValueError(
            f"rows of shape {rows.shape}: expected [prompts, 1, 2, {', '.join(map(str, known))} attributes]"
        )
    return known_mean(rows[..., columns], axis=-1)


def smaller(images: np.ndarray) -> np.ndarray:
    """Pictures [P, H, W, 3], the longer side reduced to 256 pixels where it is longer."""
    height, width = images.shape[1:3]
    if max(height, width) <= SIDE:
        return images
    size = tuple(max(1, round(side * SIDE / max(height, width))) for side in (width, height))
    return np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)) for image in images])

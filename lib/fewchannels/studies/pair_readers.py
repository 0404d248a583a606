"""What became of each difference of a pair, read from a picture: adopted from the source, retained, or neither.

found = PairReader(pairs)(images)                         # the toy world's pairs, by its judge
found = NaturalPairReader(swapped_pairs(16), clip)(images)    # our own prompts, by CLIP
mean_over(found["adopted"], SUBJECT)                      # [P]
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..judges import ImageJudge, ToyJudge
from ..natural_prompts import NaturalPrompt
from ..toyworld.prompts import Attributes, format_prompt

SUBJECT = ("colour", "shape", "size", "position")
SCENE = ("background", "texture")
PAIR_ATTRIBUTES = (*SUBJECT, *SCENE)
NATURAL_ATTRIBUTES = ("subject", "scene")


@dataclass(frozen=True)
class Pair:
    """What a source and a target prompt of the toy world ask for, one subject each."""

    source: Attributes
    target: Attributes

    @property
    def differ(self) -> tuple[str, ...]:
        """Those of `PAIR_ATTRIBUTES` in which the two are not the same."""
        return tuple(name for name in PAIR_ATTRIBUTES if value_of(self.source, name) != value_of(self.target, name))

    @property
    def same_place(self) -> bool:
        return not {"size", "position"} & set(self.differ)


def value_of(attributes: Attributes, name: str, subject: int = 0) -> str:
    """The word for one of `PAIR_ATTRIBUTES`."""
    return getattr(attributes.subjects[subject] if name in SUBJECT else attributes, name)


class PairReader:
    """Pictures uint8 [P, H, W, 3] of P pairs to "adopted" and "retained", float16 [P, A] over `PAIR_ATTRIBUTES`, and
    "subjects" int8 [P], how many the judge found.

    1 where the judge reads the source's word, or the target's; NaN where the two words are one. What is left to 1 is
    neither. Where it finds two subjects each counts half; where it finds none, no subject attribute is taken or kept.
    """

    def __init__(self, pairs: Sequence[Pair], judge: ToyJudge | None = None):
        self.pairs, self.judge = list(pairs), judge or ToyJudge()

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        read = self.judge.attributes(images)
        if len(read) != len(self.pairs):
            raise ValueError(f"{len(read)} pictures of {len(self.pairs)} pairs: expected one a pair, in their order")
        rows = {
            "adopted": [_share(seen, pair, pair.source) for seen, pair in zip(read, self.pairs, strict=True)],
            "retained": [_share(seen, pair, pair.target) for seen, pair in zip(read, self.pairs, strict=True)],
        }
        found = {name: np.array(row, dtype=np.float16) for name, row in rows.items()}
        return found | {"subjects": np.array([len(seen.subjects) for seen in read], dtype=np.int8)}

    @property
    def exchanged(self) -> list[str]:
        """P prompts that ask for the target's scene with the source's subject."""
        return [format_prompt(replace(pair.target, subjects=pair.source.subjects)) for pair in self.pairs]


class NaturalPairReader:
    """Pictures uint8 [P, H, W, 3] of P pairs (source, target) of our own prompts to "adopted" and "retained", float16
    [P, 2] over `NATURAL_ATTRIBUTES`, and "score" float32 [P, 2], by how much the source's words fit better.

    A forced choice by a judge that scores texts (CLIP: cosines): adopted where the source's subject (or scene) fits the
    picture better than the target's, retained where it fits worse. It never answers "neither", so a broken picture is
    a toss-up: 0.5 of each is chance. Without a judge it gives nothing.
    """

    def __init__(self, pairs: Sequence[tuple[NaturalPrompt, NaturalPrompt]], judge: ImageJudge | None = None):
        self.pairs, self.judge = list(pairs), judge

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        if len(images) != len(self.pairs):
            raise ValueError(f"{len(images)} pictures of {len(self.pairs)} pairs: expected one a pair, in their order")
        if self.judge is None:
            return {}
        words = [getattr(pair[side], name) for name in NATURAL_ATTRIBUTES for side in (0, 1) for pair in self.pairs]
        cosines = self.judge.fits(images, words).reshape(len(images), len(NATURAL_ATTRIBUTES), 2, len(images))
        own = np.diagonal(cosines, axis1=0, axis2=3)  # of each pair's own words: [attributes, sides, P]
        score = (own[:, 0] - own[:, 1]).T
        return {
            "adopted": (score > 0).astype(np.float16),
            "retained": (score < 0).astype(np.float16),
            "score": score.astype(np.float32),
        }

    @property
    def exchanged(self) -> list[str]:
        """P prompts that ask for the target's scene with the source's subject."""
        return [str(NaturalPrompt(source.subject, target.scene)) for source, target in self.pairs]


def _share(read: Attributes, pair: Pair, of: Attributes) -> list[float]:
    row = []
    for name in PAIR_ATTRIBUTES:
        several = range(len(read.subjects)) if name in SUBJECT else range(1)
        hits = [value_of(read, name, i) == value_of(of, name) for i in several]
        row.append((float(np.mean(hits)) if hits else 0.0) if name in pair.differ else np.nan)
    return row


class WordsReader:
    """Pictures uint8 [P, H, W, 3] of P prompts of our own to "agree", float16 [P, 2] over `NATURAL_ATTRIBUTES`: 1 where
    a judge (CLIP), choosing among the subjects (or scenes) of all P prompts, takes the prompt's own. 1 / P is chance.
    Without a judge it gives nothing."""

    def __init__(self, prompts: Sequence[NaturalPrompt], judge: ImageJudge | None = None):
        self.prompts, self.judge = list(prompts), judge

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        if len(images) != len(self.prompts):
            raise ValueError(f"{len(images)} pictures of {len(self.prompts)} prompts: expected one a prompt, in order")
        if self.judge is None:
            return {}
        words = [getattr(prompt, name) for name in NATURAL_ATTRIBUTES for prompt in self.prompts]
        fits = self.judge.fits(images, words).reshape(len(images), len(NATURAL_ATTRIBUTES), -1)
        return {"agree": (fits.argmax(axis=2) == np.arange(len(images))[:, None]).astype(np.float16)}


def mean_over(rows: np.ndarray, names: Sequence[str] = PAIR_ATTRIBUTES) -> np.ndarray:
    """The mean [P] over some attributes of "adopted" or "retained" [P, A]; NaN where a pair differs in none of them.

    A is 6, over `PAIR_ATTRIBUTES`; 2, subject and scene, where each name stands for the one that it belongs to; or 1,
    for a reader that tells no attributes apart. Raises ValueError for another number.
    """
    rows = np.asarray(rows, dtype=np.float64)
    count = rows.shape[-1]
    if count not in (1, len(NATURAL_ATTRIBUTES), len(PAIR_ATTRIBUTES)):
        raise ValueError(f"rows of shape {rows.shape}: expected [pairs, 1, 2 or {len(PAIR_ATTRIBUTES)} attributes]")
    if count == len(PAIR_ATTRIBUTES):
        columns = [PAIR_ATTRIBUTES.index(name) for name in names]
    else:
        columns = sorted({min(count - 1, int(name in SCENE)) for name in names})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(rows[..., columns], axis=-1)


def harmonic_mean(a, b):
    """Of two shares, 0 where both are 0: high only where both are.

    >>> float(harmonic_mean(1.0, 0.5)), float(harmonic_mean(0.0, 0.0))
    (0.6666666666666666, 0.0)
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    total = a + b
    return np.divide(2 * a * b, total, out=np.zeros_like(total), where=total > 0)

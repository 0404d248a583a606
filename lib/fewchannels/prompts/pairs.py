"""Pairs of toy-world prompts that differ: source and target, or a reference picture and a new scene for its subject.

    pair = toyworld_pairs(64)[0]                              # settings are chosen on toyworld_pairs(16, "calibration")
    pair.source, pair.target, pair.differ
    subject_pairs(64, place="elsewhere")

The i-th pair depends on the split and i alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..toyworld.prompts import COLOURS, POSITIONS, SHAPES, SIZES, TEXTURES, Attributes, Subject, format_prompt
from .toyworld import SPLITS, toyworld_attributes

SUBJECT = ("colour", "shape", "size", "position")
SCENE = ("background", "texture")
PLACES = ("same", "elsewhere", "nothing")
SAME_PLACE = 4  # every fourth pair has both subjects at one place and in one size
APART = 1_000  # candidates that each pair has to itself


@dataclass(frozen=True)
class Pair:
    """A source and a target prompt: `Attributes` of one subject each, or prompts of the real world."""

    source: Any
    target: Any

    @property
    def differ(self) -> tuple[str, ...]:
        """Those of the toy world's attributes in which the two are not the same."""
        return tuple(name for name in (*SUBJECT, *SCENE) if value_of(self.source, name) != value_of(self.target, name))


def value_of(attributes: Attributes, name: str, subject: int = 0) -> str:
    """The word for one of the toy world's attributes."""
    return getattr(attributes.subjects[subject] if name in SUBJECT else attributes, name)


def toyworld_pairs(n: int, split: str = "evaluation", first: int = 0) -> list[Pair]:
    """`n` pairs of toy-world prompts of one split.

    The two differ in all attributes; of four pairs, the last shares place and size, so that source and target cover
    the same tokens. Neither subject has the colour of the other's background, where it could not be seen, and no
    background names a second colour. Raises ValueError for an unknown split or n < 1.

    >>> pair = toyworld_pairs(1)[0]
    >>> pair.differ
    ('colour', 'shape', 'size', 'position', 'background', 'texture')
    """
    if n < 1:
        raise ValueError(f"n={n}: expected at least 1 pair")
    return [_draw_pair(split, i) for i in range(first, first + n)]


def _draw_pair(split: str, number: int) -> Pair:
    shared = {"size", "position"} if number % SAME_PLACE == SAME_PLACE - 1 else set()
    source, place = None, number * APART
    while True:
        found = toyworld_attributes(1, split, place, subjects=1)[0]
        place += 1
        if found.second is not None:
            continue
        if source is None:
            source = found
            continue
        pair = Pair(source, found)
        crossed = (source.subjects[0].colour, found.subjects[0].colour)
        if {*SUBJECT, *SCENE} - set(pair.differ) == shared and (
            found.background != crossed[0] and source.background != crossed[1]
        ):
            return pair


def subject_pairs(n: int, split: str = "evaluation", place: str = "same") -> list[Pair]:
    """`n` pairs of a reference (source) and a new scene (target), which asks for another subject.

    The two differ in the subject's colour and shape and in the background's colour and texture. place: "same", the
    reference's place and size; "elsewhere", another place and size; "nothing", a background with nothing on it. No
    background has the colour of either subject. References are the same for all places. Raises ValueError for an
    unknown split or place, or n < 1.

    >>> subject_pairs(1)[0].differ
    ('colour', 'shape', 'background', 'texture')
    """
    if place not in PLACES:
        raise ValueError(f"place={place!r}: expected one of {', '.join(PLACES)}")
    pairs, first = [], 0
    while len(pairs) < n or not first:
        reference = toyworld_attributes(1 if n >= 1 else n, split, first, subjects=1)[0]
        first += 1
        if reference.second is None:
            pairs.append(Pair(reference, new_scene(reference, split, place, first)))
    return pairs[:n]


def new_scene(reference: Attributes, split: str, place: str, number: int) -> Attributes:
    """What `subject_pairs` asks for beside a reference, drawn from split and number."""
    own = reference.subjects[0]
    rng = np.random.default_rng((2_005, SPLITS.index(split), number))

    def other(words, *taken):
        return str(rng.choice([word for word in words if word not in taken]))

    while True:
        background = other(COLOURS, own.colour, reference.background)
        subject = Subject(
            other(SIZES, own.size) if place == "elsewhere" else own.size,
            other(COLOURS, own.colour, reference.background, background),
            other(SHAPES, own.shape),
            other(POSITIONS, own.position) if place == "elsewhere" else own.position,
        )
        target = Attributes((subject,), other(TEXTURES, reference.texture), background)
        if zlib.crc32(format_prompt(target).encode()) % len(SPLITS) == SPLITS.index(split):
            return target

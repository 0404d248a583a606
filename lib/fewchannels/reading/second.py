"""A second reader beside the judge, and how far the two agree.

    readers=(Agreement(), AgreementByEye(), Adoption(), AdoptionByEye(), Concord())      # of a study
    concord(judge.attributes(images), by_eye(images))["shape"]                  # [B], 1 where both say the same

A number that is read from pictures is worth as much as its reader. The judge is a network; `toyworld.by_eye` is a page
of rules that shares no code, rule or threshold with it. A headline about what pictures show is read by both, and holds
only if it holds under both; where they agree in less than `ENOUGH` of the pictures of an edit, the attribute is no
headline.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ..toyworld.by_eye import by_eye
from ..toyworld.judge import ATTRIBUTES, EVEN_TEXTURES, checked
from ..toyworld.prompts import Attributes
from .readers import Adoption, Agreement, Reader

FIELDS = ("colour", "size", "position", "shape")
ENOUGH = 0.9


class ByEye:
    """Mixed into a reader of attributes: it reads by rules in place of the judge, and says so in its arrays' names."""

    def fits(self, seen):
        return super().fits(seen) and seen.world.exact

    def hangs_on(self, seen):
        return {}  # but its code, which is looked at for every reader

    def attributes(self, images, seen):
        return by_eye(checked(images))

    def __call__(self, images, seen):
        return {f"{name}_by_eye": values for name, values in super().__call__(images, seen).items()}


class AgreementByEye(ByEye, Agreement):
    """ "agree_by_eye" [P, A], as `Agreement` by the second reader; toy world alone."""

    name = "by eye"


class AdoptionByEye(ByEye, Adoption):
    """ "adopted_by_eye", "retained_by_eye" [P, A] and "subjects_by_eye" [P], as `Adoption` by the second reader; toy
    world alone."""

    name = "adoption by eye"


class Concord(Reader):
    """ "concord" [P, A] over the judge's ATTRIBUTES: 1 where the judge and the second reader give the same answer, of
    which "none" is one; toy world alone."""

    name = "concord"

    def fits(self, seen):
        return super().fits(seen) and seen.world.exact and seen.world.judge is not None

    def hangs_on(self, seen):
        return Agreement().hangs_on(seen)

    def __call__(self, images, seen):
        rows = concord(seen.world.judge.attributes(images), by_eye(checked(images)))
        return {"concord": np.stack([rows[name] for name in ATTRIBUTES], axis=1).astype(np.float16)}


def concord(first: Sequence[Attributes], second: Sequence[Attributes]) -> dict[str, np.ndarray]:
    """How far two readers say the same of B pictures: for each of the judge's ATTRIBUTES values [B] in 0 to 1.

    Subjects are paired so that most attributes agree; then colour, size, position and shape are the share of the
    larger number of subjects whose partner has the same word, 1 where both readers find none and 0 where one does. Two
    even tones have no order. "all" is 1 where nothing differs. Raises ValueError for lists of two lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} readings: expected two of each picture")
    rows = [_same(a, b) for a, b in zip(first, second, strict=True)]
    return {name: np.array([row[name] for row in rows], dtype=float) for name in ATTRIBUTES}


def _same(a: Attributes, b: Attributes) -> dict[str, float]:
    tones = [(one.background, one.second) for one in (a, b)]
    if a.texture == b.texture and a.texture in EVEN_TEXTURES and None not in (a.second, b.second):
        tones = [tuple(sorted(pair)) for pair in tones]
    row = {"texture": a.texture == b.texture, "background": tones[0][0] == tones[1][0]}
    row["second"] = tones[0][1] == tones[1][1]
    few, many = sorted((a.subjects, b.subjects), key=len)
    if not many:
        row |= dict.fromkeys(FIELDS, 1.0)
    else:
        pairings = [
            [[getattr(s, f) == getattr(t, f) for f in FIELDS] for s, t in zip(few, order, strict=True)]
            for order in itertools.permutations(many, len(few))
        ]
        best = np.array(max(pairings, key=lambda pairs: np.sum(pairs)), dtype=float).reshape(-1, len(FIELDS))
        row |= {f: best[:, i].sum() / len(many) for i, f in enumerate(FIELDS)}
    row["all"] = all(value == 1 for value in row.values())
    return {name: float(value) for name, value in row.items()}


def no_headline(agreed: dict[str, np.ndarray]) -> list[str]:
    """Those attributes in which two readers agree in less than `ENOUGH` of the pictures. agreed: as from `concord`."""
    return [name for name, values in agreed.items() if np.mean(values) < ENOUGH]

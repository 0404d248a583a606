"""Conditions and their numbers: selected by fields, compared with intervals. What `Results` are, but for what figures
and files take.

A field that is not named has the study's own value (zero, k, all blocks and steps, ...), but for the draw, of which all
are taken together, and the prompts, of which the largest group is taken. A measure is an array of the readers, or one
of `MEASURES`, which are made of them. Where a model cannot have a condition (`left_out`), its numbers are NaN.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..metrics import UNKNOWN, Interval, attribute_accuracy, bootstrap_interval, known_mean, mean_interval
from ..prompts.pairs import SCENE, SUBJECT
from ..reading.readers import PAIR_ATTRIBUTES, mean_over
from .condition import FIELDS, Condition, checked_fields

Cell = Mapping[str, np.ndarray]
SECOND = " by eye"  # behind the name of a measure: as the second reader has it
READERS = {"judge": "", "by eye": SECOND}
_SEEN: dict[str, Callable[[Cell], np.ndarray]] = {
    "right": lambda cell: mean_over(cell["agree"]),
    "right subject": lambda cell: mean_over(cell["agree"], SUBJECT),
    "right scene": lambda cell: mean_over(cell["agree"], SCENE),
    "taken": lambda cell: mean_over(cell["adopted"]),
    "kept": lambda cell: mean_over(cell["retained"]),
    "subject taken": lambda cell: mean_over(cell["adopted"], SUBJECT),
    "scene taken": lambda cell: mean_over(cell["adopted"], SCENE),
    "subject kept": lambda cell: mean_over(cell["retained"], SUBJECT),
    "scene kept": lambda cell: mean_over(cell["retained"], SCENE),
    "neither": lambda cell: 1 - mean_over(cell["adopted"]) - mean_over(cell["retained"]),
    **{f"{name} taken": lambda cell, name=name: mean_over(cell["adopted"], (name,)) for name in PAIR_ATTRIBUTES},
}


class _ByEye(Mapping):
    """A cell in which the second reader's arrays stand in the judge's places."""

    def __init__(self, cell: Cell):
        self._cell = cell

    def __getitem__(self, name: str) -> np.ndarray:
        return self._cell[f"{name}_by_eye"]

    def __iter__(self):
        return (name.removesuffix("_by_eye") for name in self._cell if name.endswith("_by_eye"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


MEASURES: dict[str, Callable[[Cell], np.ndarray]] = {
    **_SEEN,
    **{name + SECOND: lambda cell, made=made: made(_ByEye(cell)) for name, made in _SEEN.items()},
    "extra gain": lambda cell: 1 / np.sqrt(cell["energy"].astype(np.float64)) - 1,
    "fine": lambda cell: cell["change"].astype(np.float64) - cell["coarse"],
}


@dataclass
class Selection:
    """cells: condition -> arrays by measure, one row a prompt. groups: how many prompts each group has. instruments:
    name -> arrays. left_out: what this model cannot have, and why. shares: (kind, k, draw) -> count, width, energy of
    the set. provenance, prompts: as of a run file. base: what selections take where a field is not named."""

    name: str
    cells: dict[Condition, dict[str, np.ndarray]]
    groups: dict[str, int]
    instruments: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    shares: dict[tuple, dict[str, float]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    base: Condition = field(default_factory=Condition)
    index: dict[str, Any] = field(default_factory=dict)

    def select(self, **fields: Any) -> list[Condition]:
        """The conditions with these fields, draws in their order, of the largest group that has them.

        Raises KeyError that lists the nearest conditions where there is none.
        """
        fields = checked_fields(fields)
        wanted = self._filled(fields)
        alike = [c for c in self.cells if all(getattr(c, name) == value for name, value in wanted.items())]
        if not alike:
            near = sorted(self.cells, key=lambda c: -sum(getattr(c, n) == v for n, v in wanted.items()))[:5]
            raise KeyError(
                f"{self.name} has no condition with {said(fields)}; the nearest of its {len(self.cells)} are: "
                + "; ".join(c.name for c in near)
            )
        largest = max(alike, key=lambda c: self.groups[c.prompts]).prompts
        return sorted((c for c in alike if c.prompts == largest), key=lambda c: c.draw)

    def _filled(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {name: getattr(self.base, name) for name in FIELDS if name not in ("draw", "prompts")} | fields
        if "channels" not in fields and wanted["edit"] not in {c.edit for c in self.cells if c.channels}:
            wanted = {name: value for name, value in wanted.items() if name not in ("channels", "k") or name in fields}
        if "mask" not in fields and not any(c.mask for c in self.cells if c.edit == wanted["edit"]):
            del wanted["mask"]
        return wanted

    def has(self, **fields: Any) -> bool:
        """Whether there is a condition with these fields."""
        try:
            return bool(self.select(**fields))
        except KeyError:
            return False

    def one(self, **fields: Any) -> dict[str, np.ndarray]:
        """The arrays of one condition. Raises KeyError for none, and for several."""
        found = self.select(**fields)
        if len(found) > 1:
            raise KeyError(f"{said(fields)} fits {len(found)} conditions: {'; '.join(c.name for c in found[:5])}")
        return self.cells[found[0]]

    def values(self, measure: str, n: int | None = None, **fields: Any) -> np.ndarray:
        """[P, draws] float64 of a measure, over the first n prompts (None: all that the conditions have). NaN [1, 1]
        where this model cannot have the condition, and `left_out` says why."""
        if self.lacks(**fields):
            return np.full((1, 1), np.nan)
        return np.stack(_of_one_length([self._value(c, measure)[:n] for c in self.select(**fields)]), axis=1)

    def lacks(self, **fields: Any) -> bool:
        """Whether there is no condition with these fields since this model cannot have one (see `left_out`)."""
        if self.has(**fields):
            return False
        fields = checked_fields(fields)
        filled = {name: getattr(self.base, name) for name in FIELDS if name != "prompts"} | fields
        bare = {"channels": fields.get("channels", ""), "mask": fields.get("mask", "")}
        names = {Condition(**filled | dict(some)).name for some in itertools.product(bare.items(), repeat=2)}
        names |= {Condition(**filled).name, Condition(**self._filled(fields) | {"prompts": "all"}).name}
        refused = [name.split(", on ")[0] if "prompts" not in fields else name for name in self.left_out]
        edit = filled["edit"]
        gone = edit not in {c.edit for c in self.cells} and any(name.startswith(edit) for name in refused)
        return gone or not names.isdisjoint({*refused, *self.left_out})

    def _value(self, c: Condition, measure: str) -> np.ndarray:
        cell = self.cells[c]
        if measure in cell:
            return np.asarray(cell[measure], np.float64)
        if measure in MEASURES:
            try:
                return MEASURES[measure](cell)
            except KeyError:  # nobody read that here
                return np.full(len(next(iter(cell.values()))), np.nan)
        raise KeyError(f"{c.name} has no measure {measure!r}; it has {', '.join(cell)}, and {', '.join(MEASURES)}")

    def mean(self, measure: str, n: int | None = None, **fields: Any) -> Interval:
        """The mean over prompts; where a condition has several draws, prompts and draws are resampled."""
        return mean_interval(self.values(measure, n, **fields))

    def there(self, measure: str, n: int | None = None, **fields: Any) -> Interval:
        """As `mean`, and NaN where there is no such condition."""
        return self.mean(measure, n, **fields) if self.has(**fields) else UNKNOWN

    def minus(self, measure: str, one: Mapping, other: Mapping) -> Interval:
        """The mean of one minus other on the same prompts; prompts and draws are resampled.

        Each side is a selection; other may name several draws, one of them may not be of several as well.
        """
        ours, theirs = _of_one_length([self.values(measure, **side) for side in (one, other)])
        if ours.shape[1] > 1 and theirs.shape[1] > 1 and ours.shape != theirs.shape:
            raise ValueError(f"{ours.shape[1]} draws of {said(one)} and {theirs.shape[1]} of {said(other)}: pass one")
        return mean_interval(ours - theirs)

    def ratio(self, measure: str, one: Mapping, other: Mapping) -> Interval:
        """The mean of one over the mean of other, on the same prompts, which are resampled together; NaN over 0."""
        sides = _of_one_length([self.values(measure, **side).mean(axis=1) for side in (one, other)])
        return bootstrap_interval(np.stack(sides, axis=1), _over)

    def goals(self, *measures: str, **fields: Any) -> np.ndarray:
        """[P, M]: several measures of one condition, draws averaged."""
        return np.stack([self.values(measure, **fields).mean(axis=1) for measure in measures], axis=1)

    def harmonic(self, one: str, other: str, **fields: Any) -> Interval:
        """The harmonic mean of the means of two measures: high only where both are."""
        return bootstrap_interval(self.goals(one, other, **fields), _harmonic)

    def ahead(self, one: str, other: str, first: Mapping, second: Mapping) -> Interval:
        """The harmonic mean of two measures in the first condition less that in the second, on the same prompts."""
        sides = _of_one_length([self.goals(one, other, **side) for side in (first, second)])
        both = np.concatenate(sides, axis=1)
        return bootstrap_interval(both, lambda v: _harmonic(v[:, :2]) - _harmonic(v[:, 2:]))

    def best(self, one: str, other: str, **fields: Any) -> Condition:
        """The condition with the highest harmonic mean of two measures; the first of equals. A value of `fields` may be
        a function of the condition, such as edit=("transport", "paste").__contains__."""
        tests = {name: value if callable(value) else value.__eq__ for name, value in fields.items()}
        fit = [c for c in self.cells if all(test(getattr(c, name)) is True for name, test in tests.items())]
        if not fit:
            raise KeyError(f"{self.name} has no condition with {said(fields)}")
        scores = [_harmonic(np.stack([self._value(c, m) for m in (one, other)], axis=1)) for c in fit]
        return fit[int(np.argmax(np.nan_to_num(scores, nan=-1)))]

    def readings(self, measure: str) -> list[str]:
        """What readers call a measure: "right" alone, or, where the second one read as well, "right by eye" too."""
        second = any(name.endswith("_by_eye") for cell in self.cells.values() for name in cell)
        return [measure + added for added in READERS.values() if second or not added]

    def by_both(
        self, compared: str, *measures: str, rows: Sequence[Mapping] = (), **fields: Any
    ) -> dict[str, Interval]:
        """What each reader says, {"judge": Interval, "by eye": Interval}, as a claim about what pictures show takes it.
        The second one reads the toy world alone, and is left out elsewhere.

        compared: "mean", "minus", "ratio", "harmonic" or "ahead", which is asked for `measures` (of "right", "taken",
        "scene kept", ...) with `rows`, or with fields.

            found.by_both("minus", "right", rows=(random, top))
        """
        asked = zip(*map(self.readings, measures), strict=True)
        return {
            reader: getattr(self, compared)(*names, *rows, **fields)
            for reader, names in zip(READERS, asked, strict=False)
        }

    def per_attribute(self, measure: str, names: Sequence[str], **fields: Any) -> dict[str, Interval]:
        """The mean of each column of a measure [P, A], with its interval; columns without a value are left out, and all
        where this model cannot have the condition or nobody told attributes apart."""
        rows = np.empty((1, 0)) if self.lacks(**fields) else np.asarray(self.one(**fields)[measure], np.float64)
        return attribute_accuracy(dict(zip(names, rows.T, strict=True))) if rows.shape[1] == len(names) else {}

    def instrument(self, name: str, part: str) -> Interval:
        """The mean of what an instrument measured, one number a prompt, with its interval; NaN where it is left out.

        Raises KeyError for a part that it does not have.
        """
        if name in self.left_out:
            return UNKNOWN
        return mean_interval(self.instruments[name][part])

    def options(self, name: str, over: str = "", **fields: Any) -> list[Any]:
        """The values that a field has among the conditions that agree in all others (but for `over`)."""
        wanted = {n: v for n, v in self._filled(checked_fields(fields)).items() if n not in (name, over)}
        if "channels" in (name, over) or name == "edit":
            wanted.pop("channels", None) if "channels" not in fields else None
        fit = [c for c in self.cells if all(getattr(c, n) == v for n, v in wanted.items())]
        found = list(dict.fromkeys(getattr(c, name) for c in fit if c.channels or name != "channels"))
        return sorted(found) if name in ("k", "strength", "blocks", "steps") and None not in found else found

    def pictures(self, n: int | None = None, **fields: Any) -> np.ndarray:
        """uint8 [n, h, w, 3] of one condition, where `run(..., pictures=True)` kept them."""
        cell = self.cells[self.select(**fields)[0]]
        if "pictures" not in cell:
            raise KeyError(f"the pictures of {said(fields)} were not kept: run the study with pictures=True")
        return cell["pictures"][:n]


def said(fields: Mapping[str, Any]) -> str:
    """Fields in words, for errors."""
    return ", ".join(f"{name}={value!r}" for name, value in fields.items()) or "the study's own fields"


def _of_one_length(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The prompts that all of them have, which are the first."""
    rows = min(map(len, arrays))
    return [array[:rows] for array in arrays]


def _over(rows: np.ndarray) -> float:
    a, b = known_mean(rows, axis=0)
    return float(a / b) if b else np.nan


def _harmonic(rows: np.ndarray) -> float:
    a, b = known_mean(rows, axis=0)
    return 0.0 if a + b == 0 else float(2 * a * b / (a + b))

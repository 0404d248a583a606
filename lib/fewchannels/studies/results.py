"""What a study found: conditions and their numbers, selected by fields, compared with intervals.

    found.mean("change", channels="top")                                      # Interval over prompts
    found.minus("change", {"channels": "top"}, {"channels": "random"})        # same prompts, draws crossed
    found.ratio("adopted", {"channels": "top"}, {"channels": "all"})
    found.curve("change", over="k", lines="channels"), found.dots("change", rows="channels")
    found                                                                     # prints as a table

A field that is not named has the study's own value (zero, k, all blocks and steps, ...), but for the draw, of which all
are taken together, and the prompts, of which the largest group is taken. A measure is an array of the readers, or one
of `MEASURES`, which are made of them. Where a model cannot have a condition (`left_out`), its numbers are NaN.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..metrics import Interval, bootstrap_interval
from ..prompts.pairs import SCENE, SUBJECT
from ..reading.readers import NATURAL_ATTRIBUTES, PAIR_ATTRIBUTES, mean_over
from ..runfile import Run, RunFileError, load_run, save_run
from ..toyworld.judge import ATTRIBUTES
from .condition import FIELDS, Condition, checked_fields, span
from .edits import OTHER_NOISE, OTHER_PROMPT, UNTOUCHED

Cell = Mapping[str, np.ndarray]
MEASURES: dict[str, Callable[[Cell], np.ndarray]] = {
    "right": lambda cell: mean_over(cell["agree"]),
    "right subject": lambda cell: mean_over(cell["agree"], SUBJECT),
    "right scene": lambda cell: mean_over(cell["agree"], SCENE),
    "starting noise": lambda cell: cell["noise"].astype(np.float64),
    "extra gain": lambda cell: 1 / np.sqrt(cell["energy"].astype(np.float64)) - 1,
    "fine": lambda cell: cell["change"].astype(np.float64) - cell["coarse"],
    "taken": lambda cell: mean_over(cell["adopted"]),
    "kept": lambda cell: mean_over(cell["retained"]),
    "subject taken": lambda cell: mean_over(cell["adopted"], SUBJECT),
    "scene taken": lambda cell: mean_over(cell["adopted"], SCENE),
    "subject kept": lambda cell: mean_over(cell["retained"], SUBJECT),
    "scene kept": lambda cell: mean_over(cell["retained"], SCENE),
    "neither": lambda cell: 1 - mean_over(cell["adopted"]) - mean_over(cell["retained"]),
    **{f"{name} taken": lambda cell, name=name: mean_over(cell["adopted"], (name,)) for name in PAIR_ATTRIBUTES},
}
REFERENCES = {"another seed": {"edit": OTHER_NOISE}, "untouched": {"edit": UNTOUCHED}, "chance": {"edit": OTHER_PROMPT}}


@dataclass
class Results:
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
                f"{self.name} has no condition with {_said(fields)}; the nearest of its {len(self.cells)} are: "
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
            raise KeyError(f"{_said(fields)} fits {len(found)} conditions: {'; '.join(c.name for c in found[:5])}")
        return self.cells[found[0]]

    def values(self, measure: str, n: int | None = None, **fields: Any) -> np.ndarray:
        """[P, draws] float64 of a measure, over the first n prompts (None: all that the conditions have). NaN [1, 1]
        where this model cannot have the condition, and `left_out` says why."""
        if self.lacks(**fields):
            return np.full((1, 1), np.nan)
        return _columns([self._value(c, measure) for c in self.select(**fields)], n)

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
        return interval(self.values(measure, n, **fields))

    def minus(self, measure: str, one: Mapping, other: Mapping, statistic=None) -> Interval:
        """The mean of one minus other on the same prompts; prompts and draws are resampled.

        Each side is a selection; other may name several draws, one of them may not be of several as well.
        """
        ours, theirs = self.values(measure, **one), self.values(measure, **other)
        rows = min(len(ours), len(theirs))
        ours, theirs = ours[:rows], theirs[:rows]
        if ours.shape[1] > 1 and theirs.shape[1] > 1 and ours.shape != theirs.shape:
            raise ValueError(f"{ours.shape[1]} draws of {_said(one)} and {theirs.shape[1]} of {_said(other)}: pass one")
        return interval(ours - theirs)

    def ratio(self, measure: str, one: Mapping, other: Mapping) -> Interval:
        """The mean of one over the mean of other, on the same prompts, which are resampled together; NaN over 0."""
        ours, theirs = (self.values(measure, **side).mean(axis=1) for side in (one, other))
        rows = min(len(ours), len(theirs))
        both = np.stack([ours[:rows], theirs[:rows]], axis=1)
        return bootstrap_interval(both, _over)

    def goals(self, *measures: str, **fields: Any) -> np.ndarray:
        """[P, M]: several measures of one condition, draws averaged."""
        return np.stack([self.values(measure, **fields).mean(axis=1) for measure in measures], axis=1)

    def harmonic(self, one: str, other: str, **fields: Any) -> Interval:
        """The harmonic mean of the means of two measures: high only where both are."""
        return bootstrap_interval(self.goals(one, other, **fields), _harmonic)

    def ahead(self, one: str, other: str, first: Mapping, second: Mapping) -> Interval:
        """The harmonic mean of two measures in the first condition less that in the second, on the same prompts."""
        rows = [self.goals(one, other, **side) for side in (first, second)]
        count = min(map(len, rows))
        both = np.concatenate([row[:count] for row in rows], axis=1)
        return bootstrap_interval(both, lambda v: _harmonic(v[:, :2]) - _harmonic(v[:, 2:]))

    def best(self, one: str, other: str, **fields: Any) -> Condition:
        """The condition with the highest harmonic mean of two measures; the first of equals. A value of `fields` may be
        a function of the condition, such as edit=("transport", "paste").__contains__."""
        tests = {name: value if callable(value) else value.__eq__ for name, value in fields.items()}
        fit = [c for c in self.cells if all(test(getattr(c, name)) is True for name, test in tests.items())]
        if not fit:
            raise KeyError(f"{self.name} has no condition with {_said(fields)}")
        scores = [_harmonic(np.stack([self._value(c, m) for m in (one, other)], axis=1)) for c in fit]
        return fit[int(np.argmax(np.nan_to_num(scores, nan=-1)))]

    def per_attribute(self, measure: str, names: Sequence[str], **fields: Any) -> dict[str, Interval]:
        """The mean of each column of a measure [P, A], with its interval; columns without a value are left out, and all
        where this model cannot have the condition or nobody told attributes apart."""
        rows = np.empty((1, 0)) if self.lacks(**fields) else np.asarray(self.one(**fields)[measure], np.float64)
        told = enumerate(names) if rows.shape[1] == len(names) else ()
        columns = {name: rows[~np.isnan(rows[:, i]), i] for i, name in told}
        return {name: bootstrap_interval(column) for name, column in columns.items() if len(column)}

    def dots(
        self,
        measure: str | Sequence[str],
        rows: str | Mapping[str, Mapping],
        lines: Sequence[str] | Mapping[str, Mapping] = (),
        n: int | None = None,
        **fields: Any,
    ) -> dict:
        """What `plots.dots` takes: {"groups": {row: Interval}, "lines": {name: level}}.

        measure: one, or several, each of which heads a group of all rows. rows: a field, each of whose values is a row;
        or {label: fields}. lines: of `REFERENCES`, or {label: fields}. n: the first n prompts alone.
        """
        if not isinstance(measure, str):
            return {"groups": {one: self.dots(one, rows, (), n, **fields)["groups"] for one in measure}}
        chosen = rows if isinstance(rows, Mapping) else {v or "none": {rows: v} for v in self.options(rows, **fields)}
        found = {label: self.mean(measure, n, **{**fields, **own}) for label, own in chosen.items()}
        known = lines if isinstance(lines, Mapping) else {name: REFERENCES[name] for name in lines}
        return {"groups": found, "lines": {name: self.mean(measure, n, **own).value for name, own in known.items()}}

    def curve(
        self, measure: str | Sequence[str], over: str, lines: str = "", n: int | None = None, **fields: Any
    ) -> dict:
        """What `plots.curves` takes: {"x": values of a field, "lines": {name: (value, low, high)}}.

        measure: one, with a line for each value of the field `lines`; or several, with a line each.
        """
        if not isinstance(measure, str):
            each = {one: self.curve(one, over, n=n, **fields) for one in measure}
            return {"x": each[measure[0]]["x"], "lines": {one: found["lines"][one] for one, found in each.items()}}
        named = self.options(lines, over=over, **fields) if lines else [""]
        x = self.options(over, **({lines: named[0]} if lines else {}), **fields)
        found = {}
        for name in named:
            own = {lines: name} if lines else {}
            row = [
                self.mean(measure, n, **{**fields, **own, over: value})
                if self.has(**{**fields, **own, over: value})
                else (np.nan,) * 3
                for value in x
            ]
            found[name or measure] = tuple(np.array(row).T)
        return {"x": [_tick(value) for value in x], "lines": found}

    def series(
        self, measure: str, x: Mapping[Any, Mapping], lines: Mapping[str, Mapping], n: int | None = None, **fields: Any
    ) -> dict:
        """What `plots.curves` takes, where one field does not say it: the places along the axis and the lines, each as
        {label: fields}. NaN where there is no such condition. n: the first n prompts alone."""
        rows = {
            name: [
                self.mean(measure, n, **place) if self.has(**place) else (np.nan,) * 3
                for place in ({**fields, **own, **where} for where in x.values())
            ]
            for name, own in lines.items()
        }
        return {"x": list(x), "lines": {name: tuple(np.array(row).T) for name, row in rows.items()}}

    def versus(
        self, measures: Sequence[str], one: Mapping, other: Mapping, choices: Mapping[str, Mapping], **fields: Any
    ) -> dict:
        """What `plots.dots` takes: one minus other under each of several choices {label: fields}, for each measure, so
        that a reader sees on which choice a verdict hangs."""
        groups = {
            measure: {
                label: self.minus(measure, {**fields, **choice, **one}, {**fields, **choice, **other})
                for label, choice in choices.items()
            }
            for measure in measures
        }
        return {"groups": groups, "lines": {"no difference": 0.0}}

    def by_attribute(self, rows: Mapping[str, Mapping], measure: str = "agree") -> dict:
        """What `plots.dots` takes: what a judge read, attribute by attribute, for each row {label: fields}; a group
        without a value where nobody read it."""
        known = {len(names): names for names in (ATTRIBUTES, PAIR_ATTRIBUTES, NATURAL_ATTRIBUTES)}
        read = {
            label: self.cells[found[0]].get(measure, np.empty((1, 0)))
            if (found := self._there(own))
            else np.empty((1, 0))
            for label, own in rows.items()
        }
        names = next((known[a.shape[1]] for a in read.values() if a.shape[1] in known), ())
        found = {
            name: {label: interval(np.asarray(a[:, [i]], np.float64)) for label, a in read.items() if a.shape[1] > i}
            for i, name in enumerate(names)
        }
        return {"groups": found or {measure: dict.fromkeys(rows, np.nan)}}

    def _there(self, fields: Mapping[str, Any]) -> list[Condition]:
        return self.select(**fields) if self.has(**fields) else []

    def grid(self, measure: str, axes: Mapping[str, Sequence], n: int | None = None, **fields: Any) -> dict:
        """What `plots.table_of_numbers` takes: {"values": means [R, C], "rows", "columns": labels}.

        axes: {field: values} of two fields, rows first, such as {"blocks": [None, (0, 1)], "steps": [None, (0,)]};
        blocks are counted from 0, steps from 1, as in all figures. NaN where there is no such condition.
        """
        (down, rows), (along, columns) = axes.items()
        places = [[{**fields, down: a, along: b} for b in columns] for a in rows]
        values = [[self.mean(measure, n, **p).value if self.has(**p) else np.nan for p in row] for row in places]
        labels = [[_place(name, value) for value in row] for name, row in ((down, rows), (along, columns))]
        return {"values": np.array(values), "rows": labels[0], "columns": labels[1]}

    def frontier(self, x: str, y: str, methods: Mapping[str, Mapping], **fields: Any) -> dict:
        """What `plots.frontier` takes: the means of two measures, {"points": ..., "labels": ...}.

        methods: {label: fields}. A field whose value is `...` varies along the method's line, and labels its points, as
        in {"transport": {"k": ...}, "paste": {"edit": "paste", "steps": ...}}; of steps their number does.
        """
        points, labels = {}, {}
        for label, given in methods.items():
            own = {**fields, **given}
            over = [name for name, value in own.items() if value is ...]
            fixed = {name: value for name, value in own.items() if value is not ...}
            values = self.options(over[0], **fixed) if over else []
            places = [{**fixed, over[0]: value} for value in values] if over else [fixed]
            points[label] = [tuple(float(np.nanmean(self.values(m, **place))) for m in (x, y)) for place in places]
            labels[label] = [len(value) if isinstance(value, tuple) else value for value in values]
        return {"points": points, "labels": labels}

    def sizes(self, rows: Mapping[str, Mapping]) -> dict:
        """What `plots.dots` takes: how large sets are, as shares of the width and of the energy (of mean squares, on
        calibration prompts, means over blocks). rows: {label: fields}, of which channels, k and draw count."""
        own = {label: self.shares.get((*self._kind(given), given.get("draw", 0)), {}) for label, given in rows.items()}
        parts = {"share of the width": "width", "share of the energy": "energy"}
        return {
            "groups": {
                name: {label: set_.get(part, np.nan) for label, set_ in own.items()} for name, part in parts.items()
            }
        }

    def _kind(self, fields: Mapping[str, Any]) -> tuple[str, int]:
        return fields.get("channels", self.base.channels), fields.get("k", self.base.k)

    def instrument(self, name: str, part: str) -> Interval:
        """The mean of what an instrument measured, one number a prompt, with its interval; NaN where it is left out.

        Raises KeyError for a part that it does not have.
        """
        if name in self.left_out:
            return Interval(np.nan, np.nan, np.nan)
        return interval(np.asarray(self.instruments[name][part], np.float64)[:, None])

    def points(
        self, one: str, other: str, over: str = "", values: Sequence = (), n: int | None = None, **fields: Any
    ) -> list[tuple]:
        """A row of `plots.frontier`, measure against measure: one point with its intervals; or over a field, with the
        values given or all that there are, a line without intervals. Empty where this model cannot have it."""
        if over:
            places = [{**fields, over: value} for value in values or self.options(over, **fields)]
            there = [place for place in places if self.has(**place)]
            return [tuple(self.mean(measure, n, **place).value for measure in (one, other)) for place in there]
        if self.lacks(**fields):
            return []
        x, y = (self.mean(measure, n, **fields) for measure in (one, other))
        return [(x.value, y.value, x[1:], y[1:])]

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
            raise KeyError(f"the pictures of {_said(fields)} were not kept: run the study with pictures=True")
        return cell["pictures"][:n]

    def album(self, axes: Mapping[str, Mapping[str, Mapping]], n: int | None = None, measures: Sequence[str] = ()):
        """What `Flipbook` takes: (pictures uint8 [A1, ..., n, h, w, 3], {measure: means [A1, ...]}).

        axes: {axis: {label: fields}}, the fields of a place being those of all its labels together. White, and NaN,
        where there is no such condition.
        """
        shape = tuple(len(labels) for labels in axes.values())
        places = [
            dict(pair for part in parts for pair in {**part}.items())
            for parts in itertools.product(*(labels.values() for labels in axes.values()))
        ]
        shown = [self.pictures(n, **place) if self.has(**place) else None for place in places]
        some = next(one for one in shown if one is not None)
        images = np.stack([np.full_like(some, 255) if one is None else one for one in shown])
        numbers = {
            measure: np.array([self.values(measure, n, **p).mean() if self.has(**p) else np.nan for p in places])
            for measure in measures
        }
        return images.reshape(*shape, *some.shape), {name: row.reshape(shape) for name, row in numbers.items()}

    def rows(self, *measures: str) -> list[dict[str, Any]]:
        """A dict a condition, as pandas.DataFrame takes them: its fields, n, and mean, low and high of each measure."""
        listed = []
        for c in self.cells:
            row = dataclasses.asdict(c) | {"n": self.groups[c.prompts]}
            for measure in measures or self.measures:
                if self._knows(measure, c):
                    names = (measure, f"{measure} low", f"{measure} high")
                    row |= dict(zip(names, self._interval(c, measure), strict=True))
            listed.append(row)
        return listed

    def _interval(self, c: Condition, measure: str) -> Interval:
        return interval(self._value(c, measure)[:, None])

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures with one number a prompt that some condition has."""
        return tuple(dict.fromkeys(name for cell in self.cells.values() for name, a in cell.items() if a.ndim == 1))

    def __repr__(self) -> str:
        return f"<Results of {self.name}: {len(self.cells)} conditions, {max(self.groups.values(), default=0)} prompts>"

    def _repr_markdown_(self) -> str:
        return self.table()

    def table(self, *measures: str) -> str:
        """A Markdown table: a row a condition, its prompts, and each measure's mean with its interval."""
        measures = measures or tuple(name for name in ("change", "right", "taken", "kept") if self._knows(name))
        rows = [f"| condition | prompts | {' | '.join(measures)} |", "|---|--:|" + "--:|" * len(measures)]
        for c in self.cells:
            numbers = [_number(self._interval(c, m)) if self._knows(m, c) else "" for m in measures]
            rows.append(f"| {c.name} | {self.groups[c.prompts]} | {' | '.join(numbers)} |")
        return "\n".join(rows)

    def _knows(self, measure: str, c: Condition | None = None) -> bool:
        for one in self.cells if c is None else [c]:
            try:
                if not np.isnan(self._value(one, measure)).all():
                    return True
            except KeyError:
                continue
        return False

    def source(self) -> str:
        """A line for under a figure: what made these numbers."""
        p = self.provenance
        told = ", ".join(
            f"{name} {version}" for name, version in p["versions"].items() if name in ("torch", "diffusers")
        )
        return (
            f"From a study of {max(self.groups.values())} prompts: {p['model']} ({str(p['revision'])[:19]}), seed "
            f"{p['seed']}, {p['steps']} steps, {p['dtype']}, {told}, {str(p['date'])[:10]}."
        )

    def save(self, path: str | os.PathLike) -> Path:
        """Write a run file, without pictures, several numbers a prompt in 16 bit; errors as for `save_run`."""
        rows = [{name: a for name, a in cell.items() if name != "pictures"} for cell in self.cells.values()]
        stats = {f"{i}/{name}": _small(a) for i, cell in enumerate(rows) for name, a in cell.items()}
        stats |= {f"{name}/{part}": _small(a) for name, cell in self.instruments.items() for part, a in cell.items()}
        index = {
            "study": self.name,
            "conditions": [_sparse(c) for c in self.cells],
            "groups": self.groups,
            "instruments": list(self.instruments),
            "left_out": self.left_out,
            "base": _sparse(self.base),
            "shares": [[*key, shares] for key, shares in self.shares.items()],
            **self.index,
        }
        return save_run(path, Run(self.provenance, self.prompts, stats, index=index))

    @classmethod
    def read(cls, path: str | os.PathLike) -> Results:
        """What `save` wrote. Raises FileNotFoundError, or RunFileError for what holds no study."""
        run = load_run(path)
        index = dict(run.index)
        if not {"study", "conditions", "groups", "base"} <= set(index):
            raise RunFileError(f"{path} holds no study, but a run: read it with fewchannels.load_run")
        conditions = [Condition(**checked_fields(c)) for c in index.pop("conditions")]
        cells: dict[str, dict[str, np.ndarray]] = {}
        for name, array in run.stats.items():
            cell, _, part = name.rpartition("/")
            cells.setdefault(cell, {})[part] = array
        return cls(
            index.pop("study"),
            {c: cells[str(i)] for i, c in enumerate(conditions)},
            index.pop("groups"),
            {name: cells[name] for name in index.pop("instruments")},
            index.pop("left_out"),
            {tuple(row[:3]): row[3] for row in index.pop("shares")},
            run.provenance,
            run.prompts,
            Condition(**checked_fields(index.pop("base"))),
            index,
        )


def interval(values: np.ndarray) -> Interval:
    """Mean with its interval over prompts [P, 1], or [P, draws] with draws resampled too. NaN are passed over."""
    values = np.asarray(values, np.float64)
    if np.isnan(values).all():
        return Interval(np.nan, np.nan, np.nan)
    if values.shape[1] == 1:
        return bootstrap_interval(values[:, 0], statistic=np.nanmean)
    return bootstrap_interval(values, statistic=np.nanmean, crossed=True)


def _columns(columns: list[np.ndarray], n: int | None) -> np.ndarray:
    rows = min(len(column[:n]) for column in columns)
    return np.stack([column[:rows] for column in columns], axis=1)


def _over(rows: np.ndarray) -> float:
    if np.isnan(rows).all(axis=0).any():
        return np.nan
    a, b = np.nanmean(rows, axis=0)
    return float(a / b) if b else np.nan


def _harmonic(rows: np.ndarray) -> float:
    if np.isnan(rows).all(axis=0).any():
        return np.nan
    a, b = np.nanmean(rows, axis=0)
    return 0.0 if a + b == 0 else float(2 * a * b / (a + b))


def _said(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in fields.items()) or "the study's own fields"


def _tick(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else "all" if value is None else value


def _place(name: str, value: Any) -> str:
    """A block, a step or another value of a field as a label."""
    if value is None:
        return "all"
    if name not in ("blocks", "steps"):
        return str(value)
    return span([one + (name == "steps") for one in value])


def _number(found: Interval) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _sparse(c: Condition) -> dict[str, Any]:
    return {f.name: getattr(c, f.name) for f in dataclasses.fields(c) if getattr(c, f.name) != f.default}


def _small(array: np.ndarray) -> np.ndarray:
    """Arrays of more than one number a prompt in float16, where that holds them: three digits are more than an interval
    over prompts can use."""
    small = array.ndim > 1 and array.dtype == np.float32 and not (np.abs(array) > 6e4).any()
    return array.astype(np.float16) if small else array

"""What plots, tables and pictures take of a study's numbers: the same selections, in the form that each wants.

found.curve("change", over="k", lines="channels")             # what plots.curves takes
found.dots("change", rows="channels", lines=["another seed"])     # what plots.dots takes
found.table("change", "right")                                # Markdown
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..metrics import Interval, known_mean, mean_interval
from ..reading.readers import NATURAL_ATTRIBUTES, PAIR_ATTRIBUTES
from ..toyworld.judge import ATTRIBUTES
from .condition import Condition, span
from .edits import OTHER_NOISE, OTHER_PROMPT, UNTOUCHED
from .selection import Selection

REFERENCES = {"another seed": {"edit": OTHER_NOISE}, "untouched": {"edit": UNTOUCHED}, "chance": {"edit": OTHER_PROMPT}}


class Table(str):
    """Markdown that a notebook shows as a table."""

    @classmethod
    def of(cls, head: Sequence[str], rows: Iterable[Sequence], words: int = 1) -> Table:
        """Rows under their head; the first `words` columns stand left, numbers right."""
        rule = ["---"] * words + ["--:"] * (len(head) - words)
        return cls("\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows)))

    def _repr_markdown_(self) -> str:
        return str(self)


class Views(Selection):
    """Selections, drawn and printed."""

    def dots(
        self,
        measure: str | Sequence[str],
        rows: str | Mapping[str, Mapping],
        lines: Sequence[str] | Mapping[str, Mapping] = (),
        n: int | None = None,
        **fields: Any,
    ) -> dict:
        """What `plots.dots` takes: {"groups": {row: Interval}, "lines": {name: level}}.

        measure: one, or several, each of which heads a group of all rows, and the first of which the lines are of.
        rows: a field, each of whose values is a row; or {label: fields}. lines: of `REFERENCES`, or {label: fields}.
        n: the first n prompts alone.
        """
        if not isinstance(measure, str):
            each = {one: self.dots(one, rows, lines, n, **fields) for one in measure}
            return {"groups": {one: own["groups"] for one, own in each.items()}, "lines": each[measure[0]]["lines"]}
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
        shown = {name or measure: {lines: name} if lines else {} for name in named}
        return self.series(measure, {_tick(value): {over: value} for value in x}, shown, n, **fields)

    def series(
        self, measure: str, x: Mapping[Any, Mapping], lines: Mapping[str, Mapping], n: int | None = None, **fields: Any
    ) -> dict:
        """What `plots.curves` takes, where one field does not say it: the places along the axis and the lines, each as
        {label: fields}. NaN where there is no such condition. n: the first n prompts alone."""
        rows = {
            name: [self.there(measure, n, **{**fields, **own, **where}) for where in x.values()]
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
        """What `plots.dots` takes: what a judge read, attribute by attribute, for each row {label: fields}, all
        draws of it together; a group without a value where nobody read it."""
        known = {len(names): names for names in (ATTRIBUTES, PAIR_ATTRIBUTES, NATURAL_ATTRIBUTES)}
        read = {label: self._of_all_draws(measure, own) for label, own in rows.items()}
        names = next((known[a.shape[2]] for a in read.values() if a.shape[2] in known), ())
        labels = {"all": "all of these"}  # which is no set of channels
        found = {
            labels.get(name, name): {label: mean_interval(a[:, :, i]) for label, a in read.items() if a.shape[2] > i}
            for i, name in enumerate(names)
        }
        return {"groups": found or {measure: dict.fromkeys(rows, np.nan)}}

    def _of_all_draws(self, measure: str, fields: Mapping) -> np.ndarray:
        """[P, draws, A] of an array with several numbers a prompt; [1, 1, 0] where there is none."""
        nothing = np.empty((1, 0))
        conditions = self.select(**fields) if self.has(**fields) else []
        rows = [np.asarray(self.cells[c].get(measure, nothing), np.float64) for c in conditions]
        return np.stack(rows or [nothing], axis=1)

    def grid(self, measure: str, axes: Mapping[str, Sequence], n: int | None = None, **fields: Any) -> dict:
        """What `plots.table_of_numbers` takes: {"values": means [R, C], "rows", "columns": labels}.

        axes: {field: values} of two fields, rows first, such as {"blocks": [None, (0, 1)], "steps": [None, (0,)]};
        blocks are counted from 0, steps from 1, as in all figures. NaN where there is no such condition.
        """
        (down, rows), (along, columns) = axes.items()
        values = [[self.there(measure, n, **{**fields, down: a, along: b}).value for b in columns] for a in rows]
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
            points[label] = [tuple(float(known_mean(self.values(m, **place))) for m in (x, y)) for place in places]
            labels[label] = [len(value) if isinstance(value, tuple) else value for value in values]
        return {"points": points, "labels": labels}

    def sizes(self, rows: Mapping[str, Mapping]) -> dict:
        """What `plots.dots` takes: how large sets are, as shares of the width and of the energy (of mean squares, on
        calibration prompts, means over blocks). rows: {label: fields}, of which channels, k and draw count."""
        own = {label: self.shares.get(self._set(**given), {}) for label, given in rows.items()}
        parts = {"share of the width": "width", "share of the energy": "energy"}
        return {
            "groups": {
                name: {label: set_.get(part, np.nan) for label, set_ in own.items()} for name, part in parts.items()
            }
        }

    def _set(self, channels: str | None = None, k: int | None = None, draw: int = 0, **more: Any) -> tuple:
        return self.base.channels if channels is None else channels, self.base.k if k is None else k, draw

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
                    row |= dict(zip(names, mean_interval(self._value(c, measure)), strict=True))
            listed.append(row)
        return listed

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures with one number a prompt that some condition has."""
        return tuple(dict.fromkeys(name for cell in self.cells.values() for name, a in cell.items() if a.ndim == 1))

    def __repr__(self) -> str:
        return f"<Results of {self.name}: {len(self.cells)} conditions, {max(self.groups.values(), default=0)} prompts>"

    def _repr_markdown_(self) -> str:
        return self.table()

    def table(self, *measures: str) -> Table:
        """A Markdown table: a row a condition, its prompts, and each measure's mean with its interval."""
        measures = measures or tuple(name for name in ("change", "right", "taken", "kept") if self._knows(name))

        def told(c: Condition, measure: str) -> str:
            return _number(mean_interval(self._value(c, measure))) if self._knows(measure, c) else ""

        rows = [(c.name, self.groups[c.prompts], *(told(c, one) for one in measures)) for c in self.cells]
        return Table.of(("condition", "prompts", *measures), rows)

    def _knows(self, measure: str, c: Condition | None = None) -> bool:
        for one in self.cells if c is None else [c]:
            try:
                if not np.isnan(self._value(one, measure)).all():
                    return True
            except KeyError:
                continue
        return False


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

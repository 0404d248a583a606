"""A condition is one row of data: which edit, on which channels, where, how strongly, on which prompts.

    Condition(channels="top")                                          # the top 8 of every block at zero
    each(Condition(), k=(1, 2, 4), channels=("top", "random"))         # six of them
    each(Condition(), blocks=one_at_a_time(6))                         # one block after the other

What a study does is a list of these, and what it found is selected by their fields. A name is for display only.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Indices = tuple[int, ...] | None


@dataclass(frozen=True)
class Condition:
    """One row of a study.

    edit: a name of `studies.edits.EDITS`; "" leaves the model alone. channels: a kind of `studies.sets.KINDS`, k of
    each block; draw: of a kind that is drawn, 0, 1, ...: draws of one kind are resampled together. blocks, steps: int
    tuples, None for all. mask: "" for all tokens, or whose subject's: "source", "target", "union", "truth", "judge".
    strength: share of the way to the edit; of a blend its weight. through: "stream", the block's output, or what is
    read of it: "both", "content", "gain" (see fewchannels.edit). into: which reads, such as "mlp", or several as in
    "attention, mlp"; "" for all. stream: "image" or "text". source: where a transport takes from: "pair" or "another
    pair". prompts: a group of the study.
    """

    edit: str = "zero"
    channels: str = ""
    k: int = 8
    draw: int = 0
    blocks: Indices = None
    steps: Indices = None
    mask: str = ""
    strength: float = 1.0
    through: str = "stream"
    into: str = ""
    stream: str = "image"
    source: str = ""
    prompts: str = "all"

    @property
    def name(self) -> str:
        """What the condition is called in tables, such as "zero, random 2, k 8, block 3"."""
        parts = [self.edit or "untouched"]
        if self.channels:
            parts.append(set_name(self.channels, self.k, self.draw))
        parts += [f"{word} {span(where)}" for word, where in (("block", self.blocks), ("step", self.steps)) if where]
        parts += [f"mask of {self.mask}"] * bool(self.mask) + [f"strength {self.strength:g}"] * (self.strength != 1)
        parts += [f"through {self.through}"] * (self.through != "stream") + [f"into {self.into}"] * bool(self.into)
        parts += [f"{self.stream} stream"] * (self.stream != "image")
        parts += [f"from {self.source}"] * bool(self.source) + [f"on {self.prompts}"] * (self.prompts != "all")
        return ", ".join(parts)

    def keys(self) -> tuple[str, ...]:
        """With the brackets, what lets a condition be a selection: `found.mean("change", **condition)`."""
        return FIELDS

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def but(self, **fields: Any) -> Condition:
        """The same condition with other values of some fields. Raises ValueError for a field that does not exist."""
        return dataclasses.replace(self, **checked_fields(fields))


FIELDS = tuple(field.name for field in dataclasses.fields(Condition))


def checked_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a condition by name, lists of blocks and steps as tuples. Raises ValueError for an unknown one.

    >>> checked_fields({"blocks": [0, 1]})
    {'blocks': (0, 1)}
    """
    for name in fields:
        if name not in FIELDS:
            raise ValueError(f"a condition has no field {name!r}; it has {', '.join(FIELDS)}")
    return {name: _indices(value) if name in ("blocks", "steps") else value for name, value in fields.items()}


def _indices(value: Any) -> Indices:
    if value is None or isinstance(value, tuple):
        return value
    return (int(value),) if isinstance(value, (int, np.integer)) else tuple(int(one) for one in value)


def set_name(channels: str, k: int, draw: int = 0) -> str:
    """What a set is called.

    >>> set_name("random", 8, 1)
    'random 2, k 8'
    """
    return f"{channels}{f' {draw + 1}' if draw else ''}, k {k}"


def span(indices: Sequence[int]) -> str:
    """Numbers as they are read, such as "3" or "0 to 2" or "0, 2".

    >>> span((3,)), span((0, 1, 2)), span((0, 2))
    ('3', '0 to 2', '0, 2')
    """
    row = sorted(indices)
    if len(row) > 1 and row == list(range(row[0], row[-1] + 1)):
        return f"{row[0]} to {row[-1]}"
    return ", ".join(map(str, row))


def each(base: Condition, **axes: Iterable) -> list[Condition]:
    """Every combination of the values given for some fields, the first field varying slowest.

    >>> [c.name for c in each(Condition(k=2), channels=("top", "bottom"), blocks=((0,), None))]
    ['zero, top, k 2, block 0', 'zero, top, k 2', 'zero, bottom, k 2, block 0', 'zero, bottom, k 2']
    """
    rows = [list(values) for values in axes.values()]
    return [base.but(**dict(zip(axes, values, strict=True))) for values in itertools.product(*rows)]


def one_at_a_time(count: int, most: int = 8) -> list[tuple[int, ...]]:
    """Each of `count` blocks (or steps) alone; of more than `most`, as many spread over the whole.

    >>> one_at_a_time(3)
    [(0,), (1,), (2,)]
    """
    places = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    return [(int(place),) for place in places]


def parts(count: int, pieces: int = 3) -> list[tuple[int, ...]]:
    """`count` blocks or steps in consecutive pieces of about equal length, none of them empty.

    >>> parts(8), parts(2)
    ([(0, 1, 2), (3, 4, 5), (6, 7)], [(0,), (1,)])
    """
    return [tuple(map(int, piece)) for piece in np.array_split(np.arange(count), pieces) if len(piece)]

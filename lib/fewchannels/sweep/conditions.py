"""The table of conditions: plain dicts, one a condition, and what each hangs on.

    table = grid(
        {"prompts": prompts, "seed": 0, "generation": {"steps": 8}},
        channels={"top": top, "random": drawn}, edit=["zero", "shuffle"], blocks=[None, [0], [1]],
    )
    table[0]                     # {"name": "top, zero", "prompts": [...], "channels": ChannelSet, "edit": "zero", ...}

The columns are those of `COLUMNS`; all but prompts have a default.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..choices import listed
from ..identity import NoContent, content

COLUMNS = {  # column -> default
    "name": None,  # in the results
    "model": "toyworld",  # what fewchannels.load takes
    "revision": None,  # of a hub model: the commit
    "prompts": None,
    "samples": None,  # the number of each prompt, which decides its noise; 0, 1, ...
    "seed": 0,
    "generation": {},  # more arguments of Model.generate: steps, guidance_scale, height, width, ...
    # how= of fewchannels.ablate; "transport"; "alone", where options={"by": object} draws by itself; None: no edit
    "edit": None,
    "channels": None,  # a ChannelSet, what its to_json gives, Directions, channel numbers, or one of these a prompt
    "blocks": None,  # layers= of ablate; None for all
    "steps": None,  # of the edit, from 0; None for all
    # more arguments of ablate (strength, factor, values, reference, match, branch, stream, through, into, tokens,
    # seed), or of inject (source, sources, strength, tokens, part, branch, stream, through, into), source and reference
    # as a Recording or a Trajectory
    "options": {},
}


def grid(*tables: Mapping | Sequence[Mapping], **axes: Iterable) -> list[dict]:
    """Every combination of what is given, as conditions with a name made of what varies.

    tables: a dict of columns that all share, or a list of dicts (as from `pieces`) of which each is combined with all
    else. axes: column=values, a list, or a dict of label -> value. Raises ValueError for a column that does not exist,
    and for an axis without values.

    >>> [c["name"] for c in grid({"prompts": ["a red dog"]}, edit=["zero", "shuffle"], blocks={"all": None, "0": [0]})]
    ['zero, all', 'zero, 0', 'shuffle, all', 'shuffle, 0']
    """
    rows = [[table] if isinstance(table, Mapping) else list(table) for table in tables]
    for column, values in axes.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise ValueError(f"{column}={values!r}: expected a list of values, or a dict of label -> value")
        labelled = values.items() if isinstance(values, Mapping) else ((_label(column, v), v) for v in values)
        rows.append([{"name": label, column: value} for label, value in labelled])
    for row, name in zip(rows, [*(["a table"] * len(tables)), *axes], strict=True):
        if not row:
            raise ValueError(f"{name} is empty: the grid would have no condition")
    table = []
    for parts in itertools.product(*rows):
        name = ", ".join(str(part["name"]) for part in parts if part.get("name"))
        table.append({**{c: v for part in parts for c, v in part.items()}, "name": name})
    for condition in table:
        _known_columns(condition)
    return table


def pieces(prompts: Sequence[str], size: int) -> list[dict]:
    """Many prompts as tables of `size` for `grid`, each prompt with the noise that it has in the whole.

    >>> pieces(["a", "b", "c"], 2)[1]
    {'name': 'prompts 2 to 2', 'prompts': ['c'], 'samples': [2]}
    """
    if size < 1:
        raise ValueError(f"size={size}: expected at least 1 prompt a piece")
    parts = [range(start, min(start + size, len(prompts))) for start in range(0, len(prompts), size)]
    return [
        {"name": f"prompts {p[0]} to {p[-1]}", "prompts": [prompts[i] for i in p], "samples": list(p)} for p in parts
    ]


def complete(condition: Mapping, number: int) -> dict:
    """A condition with every column, checked. Raises ValueError, TypeError that name it and what was expected."""
    _known_columns(condition)
    row = {**COLUMNS, **condition}
    row["name"] = str(row["name"] or f"condition {number}")
    name = f"condition {row['name']!r}"
    prompts = [row["prompts"]] if isinstance(row["prompts"], str) else row["prompts"]
    if not isinstance(prompts, Sequence) or not prompts or not all(isinstance(p, str) for p in prompts):
        raise ValueError(f"{name}: prompts={row['prompts']!r}: expected a list of at least one text")
    row["prompts"] = list(prompts)
    row["samples"] = list(range(len(prompts))) if row["samples"] is None else [int(s) for s in row["samples"]]
    if len(row["samples"]) != len(prompts) or len(set(row["samples"])) < len(prompts):
        raise ValueError(f"{name}: samples={row['samples']}: expected {len(prompts)} different numbers, one a prompt")
    if not isinstance(row["seed"], int) or isinstance(row["seed"], bool):
        raise TypeError(f"{name}: seed={row['seed']!r}: expected a whole number")
    for column in ("generation", "options"):
        if not isinstance(row[column], Mapping):
            raise TypeError(f"{name}: {column}={row[column]!r}: expected a dict of arguments by name")
        row[column] = dict(row[column])
    if row["edit"] is None and (row["channels"] is not None or row["blocks"] is not None):
        raise ValueError(f"{name}: it has channels or blocks, but no edit: name one, such as 'zero'")
    if row["edit"] not in (None, "alone") and row["channels"] is None:
        raise ValueError(f"{name}: edit={row['edit']!r} needs channels")
    if row["edit"] == "resample" and row["options"].get("reference") is None:
        raise ValueError(
            f"{name}: edit='resample' needs options={{'reference': Trajectory}}: the next sample of the "
            "batch, which stands in elsewhere, is another one in another batch"
        )
    row["channels"] = _channels(row["channels"])
    row["blocks"], row["steps"] = (_indices(name, column, row[column]) for column in ("blocks", "steps"))
    return row


def shared(condition: Mapping) -> str:
    """What conditions have in common that run in one batch, as text: equal prompts, noise and model."""
    model = condition["model"]
    parts = [model if isinstance(model, str) else id(model)]
    parts += [_shared(condition[column]) for column in ("revision", "prompts", "samples", "seed", "generation")]
    return json.dumps(parts, sort_keys=True)


def _shared(value: Any) -> Any:
    try:
        return content(value)
    except NoContent:  # a store will refuse it
        return id(value)


def _known_columns(condition: Mapping) -> None:
    for column in condition:
        if column not in COLUMNS:
            raise ValueError(f"a condition has no column {column!r}; the columns are {', '.join(COLUMNS)}")


def _label(column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    listed = value if isinstance(value, (list, tuple, range)) else [value]
    return f"{column} {' '.join(str(getattr(one, 'label', one)) for one in listed)}"


def _channels(given: Any) -> Any:
    from ..channels import ChannelSet

    if isinstance(given, Mapping):
        return ChannelSet.from_json(given)
    if isinstance(given, list) and any(isinstance(one, Mapping) for one in given):
        return [_channels(one) for one in given]
    return given


def _indices(name: str, column: str, given: Any) -> list | None:
    if given is None:
        return None
    found = listed(f"{name}: {column}", given, names=column == "blocks")
    if not found or not all(isinstance(one, (int, str)) for one in found):
        raise ValueError(f"{name}: {column}={given!r}: expected a list of numbers, or None for all")
    return found

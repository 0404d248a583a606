"""A table of conditions, carried out: batched, with their common beginnings computed once, kept as they come."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..identity import code_digest, content, digest
from ..store.cells import Store
from ..store.running import carry_out, digest_of
from ..store.tasks import Task
from ..store.workers import files_of, identity, source_of
from .conditions import complete, shared

ROWS, TOY_ROWS = 4, 16  # pictures at once: more of them do not stay in the caches of a CPU (bench/sharing.py)
A_FORWARD = 2  # what a forward costs beside its rows, in rows: so on the toy world, on two cores


def sweep_conditions(
    conditions: Iterable[Mapping],
    store: str | Path | None = None,
    report: Callable[[str], None] | None = None,
    *,
    measure: Callable[[np.ndarray, np.ndarray], Mapping[str, np.ndarray]] | None = None,
    jobs: int | None = None,
    on_error: str = "finish",
    rows: int | None = None,
    share: bool = True,
) -> dict[str, dict[str, np.ndarray]]:
    """What each condition of a table (see `grid`) does to the pictures: arrays by name, by the condition's name.

    measure: function(images, untouched) of uint8 [P, H, W, 3] -> arrays by name, with one row a prompt (default:
    "change", the mean squared difference). Added to it: "moved" and "energy" [P], the edit's norm over that of the
    hidden state and the energy after over before, as means over the blocks and steps edited.
    rows: pictures at once (16 of the toy world, else 4); halved where memory runs out. share: the steps before a
    condition's edit, and in its first step the blocks up to the first edited one, are taken from the run without an
    edit, which gives the same bits at the same number of rows.
    Another number of rows gives the same results to 1e-4 of the range of a picture's values. The outputs of the
    transformer in those steps are held in memory: see `pieces` for many prompts.
    store, report, jobs, on_error, errors: as for `sweep`; a cell's key is all columns of its condition, what its model
    is known by (the numbers in it now, or the files that a name stands for), `measure` with all that it holds, and the
    code of both. What cannot be known, such as a `measure` that holds a lock, is refused with a store (NoContent, a
    TypeError). A cell is kept by what it is about: under another name it is still there. A model that was changed since
    it was loaded, or made in memory, is sent to other processes as it is.
    """
    from .batches import Batch, change, forget

    measure = measure or change
    table = [complete(condition, number) for number, condition in enumerate(conditions)]
    names = [condition["name"] for condition in table]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two conditions are called {sorted(doubled)[0]!r}: give each its own name")
    if rows is not None and rows < 1:
        raise ValueError(f"rows={rows}: expected at least 1 picture at once")
    sweep = uuid.uuid4().hex
    table = [{**condition, "model": source_of(condition["model"])} for condition in table]
    known = None if store is None else {"measure": content(measure), "code": code_digest(Batch)}
    tasks = [task for group in _groups(table) for task in _tasks(group, sweep, measure, known, rows, share)]
    try:
        found = carry_out(tasks, None if store is None else Store(store), report, jobs, on_error)
    finally:
        forget(sweep)
    return {name: found[name] for name in names}


def columns_of(condition: Mapping) -> dict:
    """All of a complete condition but its name and its model, as JSON values. Raises NoContent for what has none."""
    return {column: content(one) for column, one in condition.items() if column not in ("name", "model", "revision")}


def model_key(model: Any, revision: str | None) -> dict:
    """What a condition's model is known by, as JSON values: of a Model the digest of all that it is now; of a name or a
    folder, which is not loaded here, its commit or the digest of its files."""
    name, revision, dtype = identity(model, revision)
    by = {"files": files_of(model)} if isinstance(model, str) else {"digest": digest(model)}
    return {"model": name, "revision": revision, "dtype": dtype, **by}


def _groups(table: list[dict]) -> list[list[dict]]:
    """Conditions with equal prompts, noise and model, in the order of the table."""
    groups: dict[str, list[dict]] = {}
    for condition in table:
        groups.setdefault(shared(condition), []).append(condition)
    return list(groups.values())


def _tasks(group: list[dict], sweep: str, measure, known, rows, share) -> list[Task]:
    from .batches import Batch

    first = {condition["name"]: first_step(condition) if share else 0 for condition in group}
    model, revision = group[0]["model"], group[0]["revision"]
    rows = rows or (TOY_ROWS if (model if isinstance(model, str) else model.name) == "toyworld" else ROWS)
    name = hashlib.sha256(json.dumps([c["name"] for c in group]).encode()).hexdigest()
    known = known and known | model_key(model, revision)
    if isinstance(model, str):
        model = model, revision, known and known["files"]
    starts = {(first[c["name"]], tuple(c["blocks"] or [0])) for c in group if c["edit"] is not None and share}
    tasks = []
    for some in batched(group, first, rows):
        keys = {c["name"]: known | columns_of(c) for c in some} if known else {}
        cells = {c["name"]: digest_of("", keys[c["name"]]) if keys else None for c in some}
        batch = Batch(sweep, name, model, some, rows, max(first.values()), starts, measure)
        tasks.append(Task(cells, batch, keys))
    return tasks


def first_step(condition: Mapping) -> int:
    """The first step that a complete condition edits, as far as the table tells; 0 where it does not."""
    steps, total = condition["steps"], condition["generation"].get("steps")
    if not steps or (min(steps) < 0 and total is None):
        return 0
    return max(0, min(step if step >= 0 else step + total for step in steps))


def _depth(condition: Mapping) -> int:
    """The first block that a complete condition edits, as far as its numbers tell; else 0."""
    blocks = condition["blocks"] or [0]
    return min(blocks) if all(isinstance(block, int) and block >= 0 for block in blocks) else 0


def batched(group: list[dict], first: Mapping[str, int], rows: int) -> list[list[dict]]:
    """Conditions of a group in batches of at most `rows` pictures. first: name -> first step edited.

    A batch begins at the earliest of its conditions, so those that begin later compute some steps that they could have
    taken over: they join one only where that costs less than a batch of their own. Those that begin in a like block
    stand together, since a batch can leave out the blocks before the earliest alone.
    """
    count = len(group[0]["prompts"])
    most = max(1, rows // count)
    batches: list[list[dict]] = []
    for condition in sorted(group, key=lambda c: (-first[c["name"]], -_depth(c))):
        if batches and len(batches[-1]) < most:
            begun = first[batches[-1][0]["name"]]
            earliest = min(first[c["name"]] for c in batches[-1])
            now = first[condition["name"]]
            if (earliest - now) * len(batches[-1]) * count <= A_FORWARD * (1 + begun - now):
                batches[-1].append(condition)
                continue
        batches.append([condition])
    return batches

"""A table of conditions, carried out: batched, with their common beginnings computed once, kept as they come."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from .conditions import code_digest, complete, content
from .running import Task, carry_out, digest_of
from .store import Store

ROWS, TOY_ROWS = 4, 16  # pictures at once: more of them do not stay in the caches of a CPU (bench/sharing.py)
A_FORWARD = 2  # what a forward costs beside its rows, in rows: so on the toy world, on two cores
SHARED = ("model", "revision", "prompts", "samples", "seed", "generation")
CODE = (
    "ablation", "edits", "hooks", "layouts.branches", "layouts.frames", "layouts.tokens", "models.model", "origins",
    "subspaces", "sweep.batches", "sweep.depth", "sweep.prefix", "toyworld.pipeline",
)  # fmt: skip


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
    store, report, jobs, on_error, errors: as for `sweep`; a cell's key is all columns of its condition, the revision
    of the model, the code that computes it, and `measure`'s. A cell is kept by what it is about: under another name it
    is still there.
    """
    from .batches import change, forget

    measure = measure or change
    table = [complete(condition, number) for number, condition in enumerate(conditions)]
    names = [condition["name"] for condition in table]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two conditions are called {sorted(doubled)[0]!r}: give each its own name")
    if rows is not None and rows < 1:
        raise ValueError(f"rows={rows}: expected at least 1 picture at once")
    sweep = uuid.uuid4().hex
    tasks = [task for group in _groups(table) for task in _tasks(group, sweep, measure, store, rows, share)]
    try:
        found = carry_out(tasks, None if store is None else Store(store), report, jobs, on_error)
    finally:
        forget(sweep)
    return {name: found[name] for name in names}


def key_of(condition: Mapping, measure: Callable) -> dict:
    """What the result of a complete condition hangs on, as JSON values. Raises ValueError for a model that has no
    revision to tell it by."""
    from .workers import identity

    name, revision, dtype = identity(condition["model"], condition["revision"])
    if revision is None:
        raise ValueError(
            f"{name} was made in memory, and a store cannot tell its weights from others: give the condition a "
            "revision of your own, or save the pipeline to a folder and load that"
        )
    columns = {c: content(v) for c, v in condition.items() if c not in ("name", "model", "revision")}
    return {"model": name, "revision": revision, "dtype": dtype, **columns,
            "measure": content(measure), "code": _code()}  # fmt: skip


@functools.cache
def _code() -> str:
    package = __package__.rpartition(".")[0]
    return code_digest(*(importlib.import_module(f"{package}.{name}") for name in CODE))


def _groups(table: list[dict]) -> list[list[dict]]:
    """Conditions with equal prompts, noise and model, in the order of the table."""
    groups: dict[str, list[dict]] = {}
    for condition in table:
        shared = {c: condition[c] if isinstance(condition[c], str) else _plain(condition[c]) for c in SHARED}
        groups.setdefault(json.dumps(shared, sort_keys=True), []).append(condition)
    return list(groups.values())


def _plain(value):
    return id(value) if not isinstance(value, (list, dict, int, str, type(None))) else content(value)


def _tasks(group: list[dict], sweep: str, measure, store, rows, share) -> list[Task]:
    from .batches import Batch
    from .workers import source_of

    first = {condition["name"]: first_step(condition) if share else 0 for condition in group}
    rows = rows or (TOY_ROWS if source_of(group[0]["model"]) == "toyworld" else ROWS)
    name = hashlib.sha256(json.dumps([c["name"] for c in group]).encode()).hexdigest()
    model = group[0]["model"]
    if isinstance(model, str):
        model = model, group[0]["revision"]
    starts = {(first[c["name"]], tuple(c["blocks"] or [0])) for c in group if c["edit"] is not None and share}
    tasks = []
    for some in batched(group, first, rows):
        keys = {} if store is None else {c["name"]: key_of(c, measure) for c in some}
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

"""Cells of a sweep, one after the other or many at a time, each kept as soon as it exists.

A cell is a name and a function without arguments that gives arrays by name. Cells that are best computed together
(conditions in one batch) form a `Task`; what is kept, claimed, counted and failed is always a cell.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..identity import code_digests
from .cells import CODE, Store, StoreError
from .processes import elsewhere, in_workers
from .tasks import Failure, SweepFailed, Task, attempt

VERSION = 1
ON_ERROR = ("stop", "finish")
PATIENCE = 0.2  # seconds between looks at a cell that another process computes


def sweep(
    cells: Mapping[str, Callable[[], Mapping[str, np.ndarray]]],
    store: str | Path | None = None,
    key: Mapping | None = None,
    report: Callable[[str], None] | None = None,
    *,
    jobs: int | None = None,
    on_error: str = "stop",
) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of every condition, by its name, in the order given.

    store: a folder (made where it is missing); None keeps nothing. A condition that is there is read and not computed
    again: its file is named by the digest of its name and of `key`, JSON values that say all that the result hangs on
    (`identity.digest` of the model and of what reads its pictures, prompts, seed, steps). What the same function gave
    when its code was another, or that of any module that it reaches, is computed anew. Several processes may share a
    store: what one of them computes, the others wait for. report: is told a line for each condition that was computed
    or failed, with the rate and the time left.
    jobs: how many processes compute (-1: one a core); None for this one, or for what joblib.parallel_config says.
    on_error: "stop" raises what a condition raised, at once; "finish" does all the others first, and then raises
    SweepFailed. What was done stays in the store either way, also after Ctrl-C.

    Raises ValueError for a store without a key, and StoreError where the store cannot be written.
    """
    if store is not None and not key:
        raise ValueError("a sweep with a store needs key=: the model's digest, prompts, seed and steps, as JSON values")
    if store is None:
        tasks = [Task({name: None}, _Alone(name, compute)) for name, compute in cells.items()]
    else:
        tasks = [
            Task({name: digest_of(name, key)}, _Alone(name, compute), {name: {**key, CODE: {_called(compute): code}}})
            for (name, compute), code in zip(cells.items(), code_digests(cells.values()), strict=True)
        ]
    return carry_out(tasks, None if store is None else Store(store), report, jobs, on_error)


@dataclass(frozen=True)
class _Alone:
    """A task of one cell, whose errors reach the sweep as they are."""

    name: str
    function: Callable[[], Mapping[str, np.ndarray]]

    def __call__(self, names: list[str]) -> dict[str, Mapping]:
        return {self.name: self.function()}


def _called(function: Callable) -> str:
    """The name of a function, or of the one that a partial or a method stands for."""
    while isinstance(function, functools.partial):
        function = function.func
    function = function if hasattr(function, "__qualname__") else type(function)
    return f"{function.__module__}.{function.__qualname__}"


def digest_of(name: str, key: Mapping) -> str:
    """The name under which a condition is kept: 32 hexadecimal digits.

    >>> digest_of("top 8", {"seed": 0}) == digest_of("top 8", {"seed": 0}) != digest_of("top 8", {"seed": 1})
    True
    """
    text = json.dumps({"name": name, "key": key, "version": VERSION}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def carry_out(
    tasks: Iterable[Task],
    store: Store | None,
    report: Callable[[str], None] | None = None,
    jobs: int | None = None,
    on_error: str = "stop",
) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of all cells of all tasks, in their order. Arguments and errors as for `sweep`."""
    if on_error not in ON_ERROR:
        raise ValueError(f"on_error={on_error!r}: expected {' or '.join(map(repr, ON_ERROR))}")
    return _Progress(list(tasks), store, report or (lambda line: None), on_error).run(jobs)


class _Progress:
    """What is found, what failed, and what this process holds, while the tasks are carried out."""

    def __init__(self, tasks, store, report, on_error):
        self.tasks, self.store, self.report, self.on_error = tasks, store, report, on_error
        self.names = [name for task in tasks for name in task.cells]
        self.found: dict[str, dict[str, np.ndarray]] = {}
        self.failures: dict[str, Failure] = {}
        self.held: dict[str, object] = {}
        self.computed, self.began = 0, time.monotonic()

    def run(self, jobs):
        try:
            for task in self.tasks:
                self._read(task)
            while pending := [task for task in self.tasks if self._open(task)]:
                before = len(self.found) + len(self.failures)
                with contextlib.closing(_carried(self._claimed(pending), jobs)) as carried:
                    for task, outcomes in carried:
                        self._keep(task, outcomes)
                if len(self.found) + len(self.failures) == before:
                    time.sleep(PATIENCE)  # others hold all that is left
        except (KeyboardInterrupt, StoreError) as stop:
            self._say_where(stop)
            raise
        finally:
            for lock in self.held.values():
                lock.release()
        if self.failures:
            where = f" and kept in {self.store.folder}" if self.store else ""
            raise SweepFailed(self.failures, self.found, where)
        return {name: self.found[name] for name in self.names}

    def _open(self, task) -> list[str]:
        return [name for name in task.cells if name not in self.found and name not in self.failures]

    def _read(self, task) -> None:
        if self.store is None:
            return
        for name in self._open(task):
            count = len(self.store.damaged)
            kept = self.store.read(task.cells[name], task.keys.get(name, {}).get(CODE))
            if kept is not None:
                self.found[name] = kept
            elif len(self.store.damaged) > count:
                self.report(f"{name}: {self.store.path(task.cells[name]).name} is damaged; it is computed again")

    def _claimed(self, tasks) -> Iterator[tuple[Task, list[str]]]:
        """Tasks with those of their cells that no other process computes."""
        for task in tasks:
            if self.store is None:
                yield task, self._open(task)
                continue
            for name in self._open(task):
                lock = self.store.take(task.cells[name])
                if lock is not None:
                    self.held[name] = lock
            self._read(task)  # another process may have finished one since we looked
            for name in set(self.found) & set(self.held):
                self.store.give_back(self.held.pop(name), True)
            if mine := [name for name in self._open(task) if name in self.held]:
                yield task, mine

    def _keep(self, task, outcomes) -> None:
        for name, outcome in outcomes.items():
            if not isinstance(outcome, Failure):
                try:
                    outcome = self._kept(task, name, outcome)
                except StoreError:
                    raise
                except Exception as error:  # what was computed is no mapping of arrays
                    outcome = Failure(error, traceback.format_exc())
            self.computed += 1
            if isinstance(outcome, Failure):
                self.failures[name] = outcome
                self._tell(f"{name} failed, {outcome}")
                if self.on_error == "stop":
                    if outcome.error.__traceback__ is None and outcome.trace:
                        outcome.error.add_note(f"In the worker:\n{outcome.trace}")
                    raise outcome.error
            else:
                self.found[name] = outcome
                self._tell(name)
            if name in self.held:
                self.store.give_back(self.held.pop(name), name in self.found)

    def _kept(self, task, name, outcome) -> dict[str, np.ndarray]:
        arrays = {part: np.asarray(array) for part, array in outcome.items()}
        if self.store is not None:
            self.store.write(task.cells[name], name, arrays, task.keys.get(name))
        return arrays

    def _tell(self, what: str) -> None:
        done = len(self.found) + len(self.failures)
        pace = (time.monotonic() - self.began) / self.computed
        left = pace * (len(self.names) - done)
        told = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min" if left < 6000 else f"{left / 3600:.1f} h"
        self.report(f"[{done}/{len(self.names)}] {what}: {pace:.1f} s each, {told} left")

    def _say_where(self, stop: BaseException) -> None:
        kept = f"are kept in {self.store.folder}; run it again to go on" if self.store else "were done; none is kept"
        line = f"stopped: {len(self.found)} of {len(self.names)} conditions {kept}"
        stop.add_note(line)
        self.report(line)


def _carried(claimed: Iterator[tuple[Task, list[str]]], jobs) -> Iterator[tuple[Task, dict]]:
    """(task, outcomes) as they come, from here or from joblib's workers."""
    if elsewhere(jobs):
        yield from in_workers(claimed, jobs)
    else:
        for task, names in claimed:
            yield task, attempt(task, names)

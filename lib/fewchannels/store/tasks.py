"""Cells that are computed together, and how they fail: what running.py carries out here, and processes.py elsewhere."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Failure:
    """Why a cell has no result. error: the exception; trace: its traceback as text."""

    error: BaseException
    trace: str = ""

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {' '.join(str(self.error).split())}"


class SweepFailed(RuntimeError):
    """Some cells failed, and all others are done. failures: name -> Failure; found: name -> arrays of the others."""

    def __init__(self, failures: Mapping[str, Failure], found: Mapping[str, Mapping], where: str = ""):
        self.failures, self.found = dict(failures), dict(found)
        reasons: dict[str, list[str]] = {}
        for name, failure in self.failures.items():
            reasons.setdefault(str(failure), []).append(name)
        told = [f"  {', '.join(n[:4])}{f' and {len(n) - 4} more' * (len(n) > 4)}: {why}" for why, n in reasons.items()]
        total = len(self.failures) + len(self.found)
        super().__init__(
            f"{len(self.failures)} of {total} conditions failed; the other {len(self.found)} are done{where}:\n"
            + "\n".join(told)
        )


@dataclass
class Task:
    """Cells that are computed together. cells: name -> digest, None without a store. compute: function(names) of those
    that are wanted -> {name: arrays or Failure}. keys: name -> what the cell hangs on, kept beside its arrays."""

    cells: dict[str, str | None]
    compute: Callable[[list[str]], Mapping[str, Mapping | Failure]]
    keys: dict[str, Mapping] = field(default_factory=dict)


def attempt(task: Task, names: list[str]) -> dict[str, Mapping | Failure]:
    """The task's arrays by name; whatever it raises becomes the Failure of all its cells. Ctrl-C passes."""
    try:
        outcomes = dict(task.compute(names))
        if missing := set(names) - set(outcomes):
            raise RuntimeError(f"the function of the conditions gave nothing for {', '.join(sorted(missing))}")
        return outcomes
    except Exception as error:
        return dict.fromkeys(names, Failure(error, traceback.format_exc()))

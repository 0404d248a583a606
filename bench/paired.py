"""Runs that are compared in pairs, so that other work on the machine falls on both.

found = paired(METHODS, "bare", work, repeats=3)
found["ours"].ratio                     # Spread(median, low, high) of its time over that of the run beside it
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Spread(NamedTuple):
    """The median of a few runs, and the lowest and highest of them."""

    median: float
    low: float
    high: float


class Timing(NamedTuple):
    """ratio: time over that of the baseline's run beside it. seconds: of the runs."""

    ratio: Spread
    seconds: Spread


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def paired(
    methods: Mapping[str, Callable[[Any], Any]],
    baseline: str,
    work: Any,
    repeats: int,
    clock: str | Callable[[], float] = "wall",
    warm: bool = False,
) -> dict[str, Timing]:
    """Each method `repeats` times on `work`, next to a run of the baseline each time, in changing order. All are run
    once before, unless they are warm already. clock: a name of CLOCKS, or a function that gives seconds. The baseline's
    own ratio is 1."""
    ratios: dict[str, list[float]] = {name: [] for name in methods}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for method in () if warm else methods.values():
        method(work)
    for turn in range(repeats):
        for name in methods:
            if name == baseline:
                continue
            order = [name, baseline] if turn % 2 else [baseline, name]
            took = {each: timed(methods[each], work, clock) for each in order}
            ratios[name].append(took[name] / took[baseline])
            for each in order:
                seconds[each].append(took[each])
    ratios[baseline] = [1.0]
    return {name: Timing(spread(ratios[name]), spread(seconds[name])) for name in methods}


def timed(function: Callable[[Any], Any], work: Any, clock: str | Callable[[], float] = "wall") -> float:
    now = clock if callable(clock) else CLOCKS[clock]
    start = now()
    function(work)
    return now() - start

"""Several models in one figure, each on an axis of its own length; and things beside their twins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from .effects import MARKERS
from .style import CYCLE, FAINT, PALETTE, blank, plain_log, styled


@styled
def lines(
    given: Mapping[str, tuple],
    xlabel: str,
    ylabel: str,
    levels: Mapping[str, float] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    most_marked: int = 80,
) -> Figure:
    """Curves that do not share their places: {name: (x [X], y [X])}, or (x, y, low, high) with an interval as a band.

    levels: dashed lines to compare with, by name. A curve of more than `most_marked` points has no markers. NaN leaves
    a gap. Raises ValueError for nothing to draw, and for a curve whose parts are not of one length.
    """
    if not given:
        raise ValueError("nothing to draw: expected at least one curve")
    figure, axes = blank(height=3.5 + 0.2 * ((len(given) + (len(levels or {}) > 0) + 1) // 2))
    for number, (name, parts) in enumerate(given.items()):
        x, y, *ends = (np.atleast_1d(np.asarray(part, np.float64)) for part in parts)
        if x.ndim != 1 or any(part.shape != x.shape for part in (y, *ends)) or len(ends) not in (0, 2):
            raise ValueError(f"{name!r}: expected (x, y) or (x, y, low, high), all [X]")
        colour = CYCLE[number % len(CYCLE)]
        marker = MARKERS[number % len(MARKERS)] if len(x) <= most_marked else None
        axes.plot(x, y, marker=marker, markersize=4.5, color=colour, label=name)
        if ends and np.isfinite(ends[0]).any():
            axes.fill_between(x, *ends, color=colour, alpha=0.18, linewidth=0)
    for name, level in (levels or {}).items():
        axes.axhline(level, color=FAINT, linestyle="--", linewidth=1, zorder=0, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    for log, axis in ((log_x, "x"), (log_y, "y")):
        if log:
            getattr(axes, f"set_{axis}scale")("log")
            plain_log(getattr(axes, f"{axis}axis"), *getattr(axes, f"get_{axis}lim")())
    figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=1.8)
    return figure


@styled
def twins(held: np.ndarray, given: np.ndarray, without: np.ndarray, names: tuple[str, str], xlabel: str, ylabel: str):
    """Sets beside their twins, which differ in one thing alone: given [N] over how much of it each holds [N], joined
    with without [N], which hold none of it. names: of the two."""
    held, given, without = (np.asarray(part, np.float64) for part in (held, given, without))
    if held.ndim != 1 or held.shape != given.shape or held.shape != without.shape:
        raise ValueError(f"{held.shape}, {given.shape} and {without.shape}: expected [N] each")
    figure, axes = blank(height=3.6)
    axes.plot([np.zeros_like(held), held], [without, given], color="#bbbbbb", linewidth=1, zorder=1)
    axes.plot(np.zeros_like(held), without, "s", color=PALETTE["random"], markersize=6, label=names[1])
    axes.plot(held, given, "o", color=PALETTE["warning"], markersize=6, label=names[0])
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, None))
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside lower center", ncols=2)
    return figure

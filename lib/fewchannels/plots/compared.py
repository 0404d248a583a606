"""Several models in one figure, each on an axis of its own length; things beside their twins; before and after."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from .effects import MARKERS
from .style import CYCLE, FAINT, PALETTE, blank, in_rows, plain_log, styled


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


@styled
def before_after(
    rows: Mapping[str, tuple], xlabel: str, level: tuple[str, float] | None = None, title: str = ""
) -> Figure:
    """A row for each thing that was measured twice: {name: ((value, low, high) before, (value, low, high) after)}.

    An open square is before and a dot after, with a line from the one to the other and intervals beside each other.
    The axis runs from 0 to 1. level: a name and a share to compare with, dashed. Raises ValueError for no rows, and for
    a row that is not of three numbers twice.
    """
    if not rows:
        raise ValueError("nothing to draw: expected at least one row")
    figure, axes = blank(height=1.3 + 0.33 * len(rows))
    for at, (name, given) in enumerate(rows.items()):
        pair = np.asarray(given, np.float64)
        if pair.shape != (2, 3):
            raise ValueError(f"{name!r}: shape {pair.shape}; expected (value, low, high) before, and the same after")
        axes.plot(pair[:, 0], [at, at], color="#bbbbbb", linewidth=1.4, zorder=1)
        looks = (
            ("before", "s", PALETTE["random"], "white", -0.16),
            ("after", "o", PALETTE["top"], PALETTE["top"], 0.16),
        )
        for (value, low, high), (label, marker, colour, face, aside) in zip(pair, looks, strict=True):
            axes.plot([low, high], [at + aside] * 2, color=colour, linewidth=2, solid_capstyle="butt", zorder=2)
            shown = {"label": label} if at == 0 else {}
            axes.plot([value], [at], marker, color=colour, markerfacecolor=face, markersize=6, clip_on=False, **shown)
    if level is not None:
        axes.axvline(level[1], color=FAINT, linestyle="--", linewidth=1, zorder=0)
        axes.annotate(level[0], (level[1], -0.75), color=FAINT, fontsize=8.5, ha="center", annotation_clip=False)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel=xlabel)
    axes.set_title(title, pad=18 if level else 6)
    in_rows(axes)
    axes.xaxis.set_major_formatter("{x:.0%}")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure

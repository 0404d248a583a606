"""Effects of conditions: dots with intervals, curves over a dose, the frontier of two goals, a table of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import (
    CYCLE,
    FAINT,
    INK,
    PALETTE,
    SEQUENTIAL,
    WIDTH,
    blank,
    colours,
    expect,
    in_palette,
    in_rows,
    plain_log,
    styled,
)

MARKERS = "os^Dv<>pXh*"


def _row(name: str, given) -> tuple[float, float, float]:
    values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    if values.shape not in ((1,), (3,)):
        raise ValueError(f"{name!r}: {values.shape} numbers; expected a value, or (value, low, high)")
    return tuple(values) if len(values) == 3 else (values[0], np.nan, np.nan)


@styled
def dots(
    groups: Mapping[str, Mapping[str, object]] | Mapping[str, object],
    xlabel: str,
    lines: Mapping[str, float] | None = None,
    log: bool = False,
    title: str = "",
) -> Figure:
    """A row for each condition, a dot with its interval: {condition: value or (value, low, high)}.

    Two levels, {group: {condition: ...}}, put a heading above each group. A condition of the palette ("top",
    "random 2", "energy-matched", ...) has its colour, and others that of their group. lines: levels to compare with,
    dashed, by name. NaN draws no dot.
    """
    if not groups:
        raise ValueError("nothing to draw: expected at least one condition")
    nested = all(isinstance(value, Mapping) for value in groups.values())
    parts = groups if nested else {"": groups}
    rows, labels, headings, y = [], [], [], 0.0
    for heading, conditions in parts.items():
        if heading:
            headings.append((y, heading))
            y += 1
        for name, given in conditions.items():
            rows.append((y, heading, name, _row(name, given)))
            labels.append((y, name))
            y += 1
        y += 0.3
    figure, axes = blank(height=0.75 + 0.24 * y)
    any_known = any(in_palette(heading) or in_palette(name) for _, heading, name, _ in rows)
    plain, alone = CYCLE[3 if any_known else 0], colours(name for _, _, name, _ in rows)  # not the top's colour
    for at, heading, name, (value, low, high) in rows:
        known = in_palette(name) or in_palette(heading)
        colour = alone[name] if not nested else PALETTE[known] if known else plain
        if np.isfinite(low):
            axes.plot([low, high], [at, at], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot([value], [at], "o", color=colour, markersize=6, clip_on=False)  # whole at the very edge as well
    for name, level in (lines or {}).items():
        axes.axvline(level, color=FAINT, linestyle="--", linewidth=1, zorder=0)
        axes.annotate(name, (level, -0.9), color=FAINT, fontsize=8.5, ha="center", annotation_clip=False)
    for at, heading in headings:
        axes.annotate(
            heading,
            (0, at),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            weight="bold",
            fontsize=9.5,
            annotation_clip=False,
        )
    axes.set_yticks([at for at, _ in labels], [name for _, name in labels])
    axes.set(ylim=(y - 0.3, -0.6 if not lines else -0.7), xlabel=xlabel)
    if not any(np.isfinite(value) for *_, (value, _, _) in rows):
        axes.text(0.5, 0.5, "not measured on this model", transform=axes.transAxes, ha="center", color=FAINT)
    if title:
        axes.set_title(title, pad=16 if lines else 6)
    in_rows(axes)
    if log:
        axes.set_xscale("log")
        plain_log(axes.xaxis, *axes.get_xlim())
        return figure
    if min((np.nanmin(ends) for *_, ends in rows if np.isfinite(ends[0])), default=0) >= 0:
        axes.set_xlim(left=0)  # no interval is cut off there
    axes.xaxis.set_major_locator(MaxNLocator(5))  # more, and their numbers touch each other
    return figure


@styled
def replicates(
    kinds: Mapping[str, Mapping[str, Sequence[float]]],
    xlabel: str,
    levels: Mapping[str, float] | None = None,
    log: bool = False,
) -> Figure:
    """A row for each condition, with each of its repetitions as a dot on the way between the least and the most, and
    their mean as a stroke: {kind: {condition: values [S]}}.

    Up to three kinds lie under each other in a row, each with its colour and marker. log: a logarithmic axis, and the
    geometric mean. levels: dashed, by name. NaN draws no dot; a condition may lack a kind. Raises ValueError for
    nothing to draw.
    """
    rows = list(dict.fromkeys(name for values in kinds.values() for name in values))
    if not rows:
        raise ValueError("nothing to draw: expected at least one condition")
    figure, axes = blank(height=1.2 + (0.2 + 0.105 * len(kinds)) * len(rows))
    offsets = np.linspace(-0.22, 0.22, len(kinds)) if len(kinds) > 1 else [0.0]
    for number, (kind, values) in enumerate(kinds.items()):
        colour, marker = CYCLE[number % len(CYCLE)], MARKERS[number % len(MARKERS)]
        label = kind
        for name, given in values.items():
            known = np.asarray(given, np.float64)
            known = known[np.isfinite(known)]
            if not known.size:
                continue
            at = rows.index(name) + offsets[number]
            mean = np.exp(np.log(known).mean()) if log else known.mean()
            axes.plot([known.min(), known.max()], [at, at], color=colour, linewidth=1.2)
            axes.plot(known, np.full(len(known), at), marker, color=colour, markersize=4.5, alpha=0.75, label=label)
            axes.plot([mean], [at], "|", color=colour, markersize=11, markeredgewidth=2)
            label = None
    for name, level in (levels or {}).items():
        axes.axvline(level, color=FAINT, linestyle="--", linewidth=1, zorder=0, label=name)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=xlabel)
    in_rows(axes)
    if len(kinds) > 1 or levels:
        figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=1.8)
    if log:
        axes.set_xscale("log")
        plain_log(axes.xaxis, *axes.get_xlim())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    return figure


@styled
def curves(
    x: Sequence[float],
    lines: Mapping[str, object],
    xlabel: str,
    ylabel: str,
    levels: Mapping[str, float] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    title: str = "",
) -> Figure:
    """Values over a dose: {name: [X]} or {name: (value, low, high) of [X] each}; x [X], as numbers or as words.

    An interval is drawn as a band. levels: dashed lines to compare with, by name. NaN leaves a gap.
    """
    words = any(isinstance(value, str) for value in x)
    at = np.arange(len(x)) if words else np.asarray(x, dtype=np.float64)
    columns = min(3, max(1, 52 // (max(map(len, lines), default=0) + 5)))  # about 52 characters lie side by side
    figure, axes = blank(height=3.4 + 0.2 * -(-len(lines) // columns))
    given_to = colours(lines)
    for number, (name, given) in enumerate(lines.items()):
        value, low, high = given if isinstance(given, tuple) else (given, None, None)
        value = expect(f"lines[{name!r}]", value, 1, "[X], or (value, low, high) of [X] each")
        if len(value) != len(at):
            raise ValueError(f"lines[{name!r}] has {len(value)} values for {len(at)} places on the axis")
        colour = given_to[name]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(at, value, marker=marker, markersize=4.5, color=colour, label=name)
        if low is not None:
            axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
    for name, level in (levels or {}).items():
        axes.axhline(level, color=FAINT, linestyle="--", linewidth=1, zorder=0)
        axes.annotate(name, (at[0], level), xytext=(2, 3), textcoords="offset points", color=FAINT, fontsize=8.5)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    measured = any(np.isfinite(line.get_ydata()).any() for line in axes.lines)
    if not measured:
        axes.text(0.5, 0.5, "not measured on this model", transform=axes.transAxes, ha="center", color=FAINT)
    if log_x:
        axes.set_xscale("log")
        plain_log(axes.xaxis, *axes.get_xlim())
    if words or len(at) <= 12:
        axes.set_xticks(at, [str(value) if words else f"{value:g}" for value in x])
        axes.minorticks_off()
    if log_y and measured:
        axes.set_yscale("log")
        plain_log(axes.yaxis, *axes.get_ylim())
    if len(lines) > 1:
        figure.legend(loc="outside lower center", ncols=min(columns, len(lines)), columnspacing=1.2, handlelength=1.6)
    return figure


@styled
def frontier(
    points: Mapping[str, Sequence[tuple]],
    xlabel: str,
    ylabel: str,
    labels: Mapping[str, Sequence] | None = None,
    title: str = "",
    unit: bool = True,
) -> Figure:
    """Two goals against each other: {method: points}, a point (x, y) or (x, y, (x_low, x_high), (y_low, y_high)).

    Points of a method are joined in their order; the upper right corner is where both goals are met. labels: a short
    text for each point, by method. unit: both axes run from 0 to 1. A method without points is left out; "best: " and a
    method's name have its colour.
    """
    points = {name: row for name, row in points.items() if len(row)}
    given_to = colours(name.removeprefix("best: ") for name in points)
    figure, axes = blank(height=4.4 + 0.2 * ((len(points) + 1) // 2))
    for number, (name, row) in enumerate(points.items()):
        colour = given_to[name.removeprefix("best: ")]
        xs, ys = [p[0] for p in row], [p[1] for p in row]
        axes.plot(
            xs, ys, marker=MARKERS[number % len(MARKERS)], markersize=5.5, linewidth=1.2, color=colour, label=name
        )
        for point in row:
            if len(point) == 4:
                axes.plot(point[2], [point[1]] * 2, color=colour, alpha=0.35, linewidth=1)
                axes.plot([point[0]] * 2, point[3], color=colour, alpha=0.35, linewidth=1)
        texts: dict[tuple, list[str]] = {}  # points that fall on one another share a label
        for text, place in zip((labels or {}).get(name, ()), zip(xs, ys, strict=True), strict=False):
            texts.setdefault(place, []).append(str(text))
        for place, several in texts.items():
            axes.annotate(
                ", ".join(several), place, xytext=(4, 3), textcoords="offset points", fontsize=8.5, color=colour
            )
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if unit:
        axes.set(xlim=(-0.03, 1.08), ylim=(-0.03, 1.08))
    axes.grid(color="#ececec", linewidth=0.7)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=1.8)
    return figure


@styled
def table_of_numbers(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    xlabel: str = "",
    ylabel: str = "",
    form: str = "{:.2f}",
    title: str = "",
) -> Figure:
    """A grid of numbers in colour: values [R, C], such as depth zone by step window. NaN is left blank."""
    values = expect("values", values, 2, "[R, C], rows and columns")
    if values.shape != (len(rows), len(columns)):
        raise ValueError(f"values of shape {values.shape} for {len(rows)} rows and {len(columns)} columns")
    figure, axes = blank(height=1.5 + 0.42 * len(rows), width=WIDTH)
    drawn = axes.imshow(values, cmap=SEQUENTIAL, aspect="auto")
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for r, c in np.ndindex(values.shape):
        if np.isfinite(values[r, c]):
            axes.text(
                c,
                r,
                form.format(values[r, c]),
                ha="center",
                va="center",
                fontsize=9,
                color="white" if values[r, c] < middle else INK,
            )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.colorbar(drawn, ax=axes, label=label, pad=0.02).outline.set_visible(False)
    return figure

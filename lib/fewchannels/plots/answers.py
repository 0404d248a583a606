"""What was expected beside what a learner has: arrays, a number, one of several choices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import FAINT, INK, PALETTE, SEQUENTIAL, blank, styled

EXPECTED, OBTAINED = PALETTE["top"], PALETTE["warning"]


@styled
def expected_obtained(expected: np.ndarray, obtained: np.ndarray, axes: tuple[str, ...]) -> Figure:
    """Two arrays, one above the other, on one scale: of one axis as bars, of two as colours; of an array with more axes
    the first entry along those before the last two. axes: the names of the axes that are drawn, last of all the
    horizontal one. Above each stands its whole shape; two of one shape get their difference below. Colours and heights
    are roots of |value|, signs are dropped in colours and kept in bars."""
    parts = {"expected": np.asarray(expected, np.float64), "yours": np.asarray(obtained, np.float64)}
    inks = {"expected": EXPECTED, "yours": OBTAINED}
    if parts["expected"].shape == parts["yours"].shape:
        parts["yours minus expected"], inks["yours minus expected"] = parts["yours"] - parts["expected"], INK
    drawn = {name: _last_two(part, len(axes)) for name, part in parts.items()}
    high = max(float(np.abs(part[np.isfinite(part)]).max(initial=0)) for part in drawn.values()) ** 0.5 or 1.0
    figure, panels = blank(len(parts), 1, height=(1.7 if len(axes) == 1 else 2.2) * len(parts) + 0.3)
    for axis, (name, colour) in zip(panels, inks.items(), strict=True):
        part = drawn[name]
        rooted = np.sign(part) * np.sqrt(np.abs(part))
        if part.ndim == 1:
            axis.bar(np.arange(len(part)), rooted, width=1.0, color=colour)
            axis.axhline(0, color=FAINT, linewidth=0.8)
            low = min(0.0, *(float(np.nanmin(other)) for other in drawn.values() if other.ndim == 1))
            axis.set(xlim=(-1, len(part)), ylim=(-((-low) ** 0.5) * 1.05, high * 1.05), yticks=[])
        else:
            axis.imshow(np.abs(rooted), vmin=0, vmax=high, cmap=SEQUENTIAL, aspect="auto", interpolation="nearest")
            axis.set_ylabel(axes[-2] if len(axes) > 1 else "")
            axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axis.spines[:].set_visible(False)
        axis.set_title(f"{name}: {_shape(parts[name])}", fontsize=10, color=colour)
    panels[-1].set_xlabel(axes[-1])
    return figure


def _last_two(part: np.ndarray, wanted: int) -> np.ndarray:
    while part.ndim > max(wanted, 1) and part.ndim > 2:
        part = part[0]
    return part.reshape(1) if part.ndim == 0 else part


def _shape(part: np.ndarray) -> str:
    return " x ".join(map(str, part.shape)) or "one number"


@styled
def number_line(expected: float, obtained: float) -> Figure:
    """How far a number is from the one expected, and on which side. Only the learner's own bears its value: the line
    shows the way, and not the answer."""
    figure, axis = blank(height=1.25)
    ends = sorted((float(expected), float(obtained)))
    room = max(0.35 * (ends[1] - ends[0]), 0.1 * abs(ends[1]), 1e-9)
    axis.axhline(0, color=FAINT, linewidth=1, zorder=0)
    for value, colour, name in ((expected, EXPECTED, "expected"), (obtained, OBTAINED, f"yours: {obtained:.4g}")):
        axis.plot([value], [0], "o", markersize=9, color=colour)
        axis.annotate(name, (value, 0), xytext=(0, 10), textcoords="offset points", ha="center", color=colour)
    axis.set(xlim=(ends[0] - room, ends[1] + room), ylim=(-0.5, 1), yticks=[], xticks=[])
    axis.spines[:].set_visible(False)
    return figure


@styled
def chosen(values: Mapping[object, float], choice: object, best: object, ylabel: str) -> Figure:
    """A bar for each of several choices, with the learner's own and the expected one in colour. A choice that is not
    among them is not drawn."""
    names = list(values)
    figure, axis = blank(height=2.6)
    for at, name in enumerate(names):
        colour = EXPECTED if name == best else OBTAINED if name == choice else "#c9c9c9"
        axis.bar(at, values[name], color=colour)
        label = "expected" if name == best else "yours" if name == choice else ""
        if label:
            axis.annotate(
                label,
                (at, max(0.0, values[name])),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                color=colour,
            )
    long = len("  ".join(map(str, names))) > 50 or max(len(str(name)) for name in names) > 6
    axis.set_xticks(
        range(len(names)), list(map(str, names)), rotation=35 if long else 0, ha="right" if long else "center"
    )
    axis.set_ylabel(ylabel, color=INK)
    axis.margins(y=0.18)
    return figure

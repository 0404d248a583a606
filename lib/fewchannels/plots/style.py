"""The one place where figures get their looks: palette, type sizes, and a blank figure to draw on."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from .fonts import complete

PALETTE = {
    "top": "#0072B2",
    "bottom": "#999999",
    "random": "#E69F00",
    "energy-matched": "#009E73",
    "matched": "#009E73",
    "all": "#56B4E9",
    "complement": "#56B4E9",
    "PCA": "#000000",
    "untouched": "#000000",
    "warning": "#D55E00",
    "accent": "#CC79A7",
}
CYCLE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#999999", "#000000")
SEQUENTIAL, DIVERGING = "cividis", "PuOr"
INK, FAINT = "#222222", "#6b6b6b"
WIDTH = 4.8  # inches; a phone of 390 px shows about 80 px an inch, so type of 8.5 points is still 9 px high

STYLE = {
    "font.size": 10.5,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 11,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlelocation": "left",
    "axes.prop_cycle": matplotlib.cycler(color=CYCLE),
    "image.cmap": SEQUENTIAL,
    "image.interpolation": "nearest",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 1.8,
    "figure.dpi": 110,
    "savefig.dpi": 220,
    "figure.constrained_layout.use": True,
}


# a prompt is no formula: a "$" in a title, a label or a name is a dollar sign
LITERAL = {"text.parse_math": False, "text.usetex": False}


def in_palette(name: str) -> str | None:
    """The name of the palette that a name is or begins with, or None.

    >>> in_palette("random, one draw"), in_palette("energy-matched 2"), in_palette("first alone")
    ('random', 'energy-matched', None)
    """
    return next((known for known in (name, re.split("[ ,]", name)[0]) if known in PALETTE), None)


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name: the palette's for one that it holds or that begins with one ("random 2"), and for all
    others the next of `CYCLE` that nothing else in the figure has.

    >>> colours(["prompts mixed", "top by k", "wrong source"])
    {'prompts mixed': '#E69F00', 'top by k': '#0072B2', 'wrong source': '#009E73'}
    """
    names = list(dict.fromkeys(names))
    found = {name: PALETTE[known] for name in names if (known := in_palette(name))}
    free = [colour for colour in CYCLE if colour not in found.values()] or list(CYCLE)
    others = (name for name in names if name not in found)
    found |= {name: free[number % len(free)] for number, name in enumerate(others)}
    return {name: found[name] for name in names}


def use_style() -> None:
    """Make matplotlib's own figures look like the book's, until the process ends. `notebook.start` calls it."""
    matplotlib.rcParams.update(STYLE)


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the book's style whatever the caller has set, and leave the caller's settings as they were. Text is
    drawn as it stands, in every script that a font here has."""

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        with matplotlib.rc_context(STYLE | LITERAL):
            figure = draw(*args, **kwargs)
        complete(figure)
        return figure

    return drawn


def blank(rows: int = 1, columns: int = 1, height: float = 3.2, width: float = WIDTH, **options):
    """A figure outside pyplot (nothing is shown twice, nothing has to be closed) and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def expect(name: str, array, ndim: int, axes: str) -> np.ndarray:
    """The array as floats, or a ValueError that says which axes were expected."""
    array = np.asarray(array)
    if array.ndim != ndim or not array.size:
        raise ValueError(f"{name} of shape {array.shape}: expected {axes}")
    return array.astype(np.float64) if array.dtype.kind in "fiub" else array


def short_names(layers, count: int) -> list[str]:
    """Names of L layers for an axis: given names shortened to their number where they differ only in it.

    >>> short_names(["transformer_blocks.0", "transformer_blocks.1"], 2)
    ['0', '1']
    """
    if layers is None:
        return [str(i) for i in range(count)]
    layers = [str(name) for name in layers]
    if len(layers) != count:
        raise ValueError(f"{len(layers)} layer names for {count} layers")
    stems = {name.rpartition(".")[0] for name in layers}
    return [name.rpartition(".")[2] for name in layers] if len(stems) == 1 else [str(i) for i in range(count)]


def few_ticks(axis, labels: list[str], most: int = 8) -> None:
    """Label at most `most` of the places 0, 1, ... on an axis, the first and evenly spaced ones."""
    stride = max(1, -(-len(labels) // most))
    axis.set_ticks(range(0, len(labels), stride), labels[::stride])


def in_rows(axes) -> None:
    """The looks of axes whose rows have names: lines for the values to stand by, and none along the names."""
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def plain_log(axis, low: float, high: float) -> None:
    """Numbers such as 0.5 and 200 on a logarithmic axis, closer together where it spans little."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 150 * low else (1,)))
    axis.set_major_formatter("{x:,.7g}")
    axis.set_minor_formatter(NullFormatter())

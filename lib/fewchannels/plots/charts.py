"""Charts of scores and measures over channels, layers and steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm
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
    few_ticks,
    plain_log,
    short_names,
    styled,
)


@styled
def scores_by_rank(scores: np.ndarray, k: int = 8, title: str = "", ylabel: str = "score") -> Figure:
    """One block's channels, largest first: scores [D]; the top k in colour with their channel numbers.

    The dashed line is the median channel. Both axes are logarithmic, so a tower stands out at the left.
    """
    scores = expect("scores", scores, 1, "[D], the channels of one layer and step")
    if not 1 <= k <= len(scores):
        raise ValueError(f"k={k}: expected 1 to {len(scores)}, the number of channels")
    order = np.argsort(-scores, kind="stable")
    rank, ranked, median = np.arange(1, len(scores) + 1), scores[order], np.median(scores)
    figure, axes = blank()
    axes.plot(rank[k:], ranked[k:], ".", color=PALETTE["bottom"], markersize=5, label=f"the other {len(scores) - k}")
    axes.plot(rank[:k], ranked[:k], "o", color=PALETTE["top"], markersize=6, label=f"top {k}")
    axes.set(xscale="log", xlabel="rank of the channel", ylabel=ylabel, title=title)
    if ranked[-1] > 0:
        axes.set_yscale("log")
        plain_log(axes.yaxis, ranked[-1], ranked[0])
    axes.axhline(median, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    axes.annotate("median", (1, median), xytext=(0, 3), textcoords="offset points", color=FAINT, fontsize=9)
    for i in range(min(k, 3)):  # more numbers would lie over each other
        axes.annotate(f"{order[i]}", (rank[i], ranked[i]), xytext=(6, 2), textcoords="offset points", fontsize=9)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(loc="upper right")
    return figure


@styled
def depth_heatmap(
    scores: np.ndarray,
    layers: Sequence[str] | None = None,
    mark: np.ndarray | None = None,
    title: str = "",
    label: str = "score",
) -> Figure:
    """Channels along, depth down: scores [L, D] on a logarithmic scale of colour.

    mark: channel numbers that get a tick and their number on top, e.g. those that are massive in most layers.
    """
    scores = expect("scores", scores, 2, "[L, D], layers and channels")
    names = short_names(layers, len(scores))
    figure, axes = blank(height=1.5 + min(0.14 * len(scores), 4))
    low = max(np.quantile(scores, 0.05), scores.max() * 1e-6, np.finfo(float).tiny)
    shown = np.clip(scores, low, None)
    norm = LogNorm(low, max(scores.max(), low * 1.001))
    # a bar and not a pixel a channel: a page shows fewer pixels than a model has channels, and a lone one would vanish
    image = axes.imshow(
        _widened(shown, 320),
        aspect="auto",
        norm=norm,
        cmap=SEQUENTIAL,
        extent=(-0.5, scores.shape[1] - 0.5, len(scores) - 0.5, -0.5),
    )
    axes.set(xlabel="channel", ylabel="block", title=title)
    few_ticks(axes.yaxis, names)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, label=label, pad=0.02)
    plain_log(bar.ax.yaxis, norm.vmin, norm.vmax)
    if mark is not None and len(mark):
        top = axes.secondary_xaxis("top")
        top.set_xticks(np.sort(mark), [str(c) for c in np.sort(mark)], fontsize=8.5, rotation=90)
        top.spines[:].set_visible(False)
    return figure


def _widened(scores: np.ndarray, columns: int) -> np.ndarray:
    """Each column the largest of its neighbours within one column of a picture that many columns wide."""
    reach = scores.shape[1] // columns
    if reach < 1:
        return scores
    padded = np.pad(scores, ((0, 0), (reach, reach)), constant_values=0)
    return np.max([padded[:, i : i + scores.shape[1]] for i in range(2 * reach + 1)], axis=0)


@styled
def concentration_by_depth(
    measures: Mapping[str, np.ndarray | tuple],
    layers: Sequence[str] | None = None,
    chance: float | None = None,
    ylabel: str = "share of energy",
    title: str = "",
    log: bool = False,
    chance_label: str = "chance",
) -> Figure:
    """One line a measure over depth, with its interval as a band.

    measures: by name, values [L], or (value, low, high) of [L] each. A name of the palette ("top", "random", ...) or
    one that begins with it gets that colour. chance: a level to compare with, drawn dashed
    and called chance_label.
    """
    if not measures:
        raise ValueError("measures is empty: expected at least one name with values [L]")
    figure, axes = blank()
    given_to = colours(measures)
    for i, (name, given) in enumerate(measures.items()):
        value, low, high = given if isinstance(given, tuple) else (given, None, None)
        value = expect(f"measures[{name!r}]", value, 1, "[L], or (value, low, high) of [L] each")
        colour = given_to[name]
        depth = np.arange(len(value))
        # marker shapes tell the lines apart where colour does not
        axes.plot(depth, value, marker="os^Dv<>p"[i % 8], markersize=4.5, color=colour, label=name)
        if low is not None:
            axes.fill_between(depth, low, high, color=colour, alpha=0.2, linewidth=0)
    if chance is not None:
        axes.axhline(chance, color=FAINT, linestyle="--", linewidth=1)
        axes.annotate(chance_label, (0, chance), xytext=(2, 3), textcoords="offset points", color=FAINT, fontsize=9)
    axes.set(xlabel="block", ylabel=ylabel, title=title)
    if log:
        axes.set_yscale("log")
        plain_log(axes.yaxis, *axes.get_ylim())
    few_ticks(axes.xaxis, short_names(layers, len(value)), most=12)
    if len(measures) > 1:  # below, where it lies on no line
        figure.legend(loc="outside lower center", ncols=min(3, len(measures)), columnspacing=1.2, handlelength=1.6)
    return figure


@styled
def overlap_matrix(
    matrix: np.ndarray, names: Sequence[str] | None = None, chance: float | None = None, title: str = "", axis: str = ""
) -> Figure:
    """Jaccard overlap [n, n] of every two sets, from 0 to 1; a mark on the colour bar shows what chance would give."""
    matrix = expect("matrix", matrix, 2, "[n, n], the overlap of every two sets")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix of shape {matrix.shape}: expected [n, n], the overlap of every two sets")
    figure, axes = blank(height=3.9)
    image = axes.imshow(matrix, vmin=0, vmax=1, cmap=SEQUENTIAL)
    labels = [str(n) for n in names] if names is not None else [str(i) for i in range(len(matrix))]
    few_ticks(axes.xaxis, labels)
    few_ticks(axes.yaxis, labels)
    axes.set(title=title, xlabel=axis, ylabel=axis)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, label="overlap (Jaccard)")
    if chance is not None:
        bar.ax.axhline(chance, color=PALETTE["warning"], linewidth=2)
        bar.ax.annotate(
            "chance",
            (0, chance),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8.5,
            color=PALETTE["warning"],
            annotation_clip=False,
        )
    if len(matrix) <= 8:
        for (i, j), value in np.ndenumerate(matrix):
            ink = "white" if value < 0.6 else INK
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color=ink)
    return figure


@styled
def score_disagreement(abs_mean: np.ndarray, mean_abs: np.ndarray, k: int = 8, title: str = "") -> Figure:
    """The two scores of each channel against each other: abs_mean [D], mean_abs [D].

    On the diagonal a channel keeps one sign over the whole picture; far below it the sign changes. Colour and shape
    say in whose top k a channel is; those that only one score ranks there bear their number.
    """
    x = expect("mean_abs", mean_abs, 1, "[D], the channels of one layer")
    y = expect("abs_mean", abs_mean, 1, "[D], the channels of one layer")
    if x.shape != y.shape:
        raise ValueError(f"abs_mean {y.shape} and mean_abs {x.shape} are not of the same channels")
    kinds = disagreement_kinds(y, x, k)
    figure, axes = blank(height=3.9)
    low = max(min(x[x > 0].min(initial=1), np.quantile(y, 0.02)), x.max() * 1e-5)
    axes.plot([low, x.max()], [low, x.max()], color=FAINT, linewidth=1, linestyle="--", zorder=0)
    for name, (chosen, colour, marker) in kinds.items():
        if chosen.any():
            shown, size = np.clip(y[chosen], low, None), 4 if marker == "." else 5
            axes.plot(x[chosen], shown, marker, color=colour, markersize=size, label=f"{name} ({chosen.sum()})")
    odd = np.flatnonzero(kinds["only in abs of mean"][0] | kinds["only in mean of abs"][0])
    for i, channel in enumerate(odd):
        here = np.log([x[channel], max(y[channel], low)])
        others = np.log([[x[c], max(y[c], low)] for c in odd[:i]]).reshape(-1, 2)
        if (
            (np.abs(others - here) > np.log([1.2, 1.08])).any(axis=1).all()
        ):  # numbers that would lie on another are left out
            axes.annotate(f"{channel}", np.exp(here), xytext=(4, 3), textcoords="offset points", fontsize=8.5)
    axes.set(xscale="log", yscale="log", xlabel="mean of |x| (mean_abs)", ylabel="|mean of x| (abs_mean)", title=title)
    plain_log(axes.xaxis, *axes.get_xlim())
    plain_log(axes.yaxis, *axes.get_ylim())
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def disagreement_kinds(abs_mean: np.ndarray, mean_abs: np.ndarray, k: int) -> dict[str, tuple[np.ndarray, str, str]]:
    """Who ranks a channel among its top k: {name: (bool [D], colour, marker)}."""
    if not 1 <= k <= len(abs_mean):
        raise ValueError(f"k={k}: expected 1 to {len(abs_mean)}, the number of channels")
    first, second = (np.isin(np.arange(len(s)), np.argsort(-s, kind="stable")[:k]) for s in (abs_mean, mean_abs))
    return {
        "in neither top": (~first & ~second, PALETTE["bottom"], "."),
        "in both tops": (first & second, PALETTE["top"], "o"),
        "only in abs of mean": (first & ~second, PALETTE["random"], "^"),
        "only in mean of abs": (~first & second, PALETTE["accent"], "s"),
    }


@styled
def growth_over_steps(
    scores: np.ndarray,
    channels: Sequence[int],
    steps: Sequence[int] | None = None,
    title: str = "",
    ylabel: str = "score",
) -> Figure:
    """One layer over the denoising steps: scores [T, D]; one line a chosen channel, the median channel dashed."""
    scores = expect("scores", scores, 2, "[T, D], steps and channels of one layer")
    channels = np.asarray(channels)
    if not channels.size or channels.min() < 0 or channels.max() >= scores.shape[1]:
        raise ValueError(f"channels {channels.tolist()}: expected some of 0 to {scores.shape[1] - 1}")
    steps = np.arange(len(scores)) if steps is None else np.asarray(steps)
    figure, axes = blank()
    for i, channel in enumerate(channels):
        axes.plot(
            steps, scores[:, channel], marker="os^Dv<>p"[i % 8], markersize=4, color=CYCLE[i % 7], label=f"{channel}"
        )
    axes.plot(steps, np.median(scores, axis=1), "--", color=FAINT, label="median")
    axes.set(xlabel="denoising step (0 is noise)", ylabel=ylabel, title=title)
    if scores[:, channels].min() > 0 and np.median(scores, axis=1).min() > 0:
        axes.set_yscale("log")
        plain_log(axes.yaxis, *axes.get_ylim())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.set_size_inches(WIDTH, 3.5)
    figure.legend(loc="outside lower center", ncols=5, title="channel", columnspacing=1.2, handlelength=1.5)
    return figure

"""Channels that tower over the rest: by number in one block, and as training goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import CYCLE, FAINT, PALETTE, blank, expect, plain_log, short_names, styled


@styled
def channel_bars(scores: np.ndarray, highlight: Sequence[int] = (), ylabel: str = "|mean over tokens|") -> Figure:
    """One layer's scores [D] as bars in the order of the channel numbers; the highlighted ones in colour, numbered."""
    scores = expect("scores", scores, 1, "[D], the channels of one layer")
    highlight = np.asarray(highlight, dtype=int)
    if highlight.size and (highlight.min() < 0 or highlight.max() >= len(scores)):
        raise ValueError(f"highlight {highlight.tolist()}: expected channels from 0 to {len(scores) - 1}")
    figure, axes = blank(height=2.6, width=5.6)
    colours = np.full(len(scores), PALETTE["bottom"], dtype=object)
    colours[highlight] = PALETTE["top"]
    axes.bar(np.arange(len(scores)), scores, width=1.0, color=colours)
    for channel in highlight:
        axes.annotate(
            str(channel), (channel, scores[channel]), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=9
        )
    axes.axhline(np.median(scores), color=FAINT, linestyle="--", linewidth=1)
    axes.annotate(
        "median",
        (len(scores) - 1, np.median(scores)),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        color=FAINT,
        fontsize=9,
    )
    axes.set(xlabel="channel", ylabel=ylabel, xlim=(-1, len(scores)))
    return figure


@styled
def growth_over_training(
    images: np.ndarray,
    values: np.ndarray,
    layers: Sequence[str] | None = None,
    ylabel: str = "largest / median channel",
) -> Figure:
    """A measure at moments of training: images seen [M], values [M, L], a line a layer; moment 0 at the left."""
    images, values = expect("images", images, 1, "[M]"), expect("values", values, 2, "[M, L]")
    if len(images) != len(values):
        raise ValueError(f"{len(images)} moments and values {values.shape}: expected [M] and [M, L]")
    figure, axes = blank(height=3.5)
    begun = images > 0
    untrained = images[begun].min() / 2.5  # a logarithmic axis has no zero
    for layer, name in enumerate(short_names(layers, values.shape[1])):
        colour = CYCLE[layer % len(CYCLE)]
        axes.plot(
            images[begun], values[begun, layer], marker="os^Dv<>p"[layer % 8], markersize=4, color=colour, label=name
        )
        axes.plot(np.full((~begun).sum(), untrained), values[~begun, layer], marker="_", color=colour, markersize=9)
    axes.set(xlabel="images seen in training (left: untrained)", ylabel=ylabel)
    if np.isfinite(values).any():
        axes.set(xscale="log", yscale="log")
        plain_log(axes.xaxis, *axes.get_xlim())
        plain_log(axes.yaxis, *axes.get_ylim())
    figure.legend(loc="outside lower center", ncols=6, title="block", columnspacing=1.2, handlelength=1.5)
    return figure

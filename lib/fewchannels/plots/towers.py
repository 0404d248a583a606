"""Channels that tower over the rest: of all blocks side by side, and as training goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import CYCLE, PALETTE, WIDTH, blank, expect, plain_log, short_names, styled

FINEST = 256  # bars side by side: of a wider model, one stands for the largest of several channels
MOST_ROWS = 12


@styled
def skyline(scores: np.ndarray, highlight: Sequence | None = None, layers: Sequence[str] | None = None) -> Figure:
    """All channels of all blocks: scores [L, D], a row a block, in multiples of that block's median channel.

    highlight: what is in colour, by block: a ChannelSet, L lists of channels, or bool [L, D]; over each row's largest
    stands its number. Heights are square roots, so that the many can be seen beside the few. Of more than `MOST_ROWS`
    blocks some are drawn, evenly spread. Raises ValueError for scores below zero, and a highlight that does not fit.
    """
    scores = expect("scores", scores, 2, "[L, D], blocks and channels")
    count, width = scores.shape
    names = short_names(layers, count)
    if not (scores >= 0).all():
        raise ValueError(f"scores from {scores.min():.3g}: expected sizes of channels, none below zero")
    chosen = np.zeros(scores.shape, bool)
    if highlight is not None:
        if len(highlight) != count:
            raise ValueError(f"highlight of {len(highlight)} blocks for scores of {count}")
        for block in range(count):
            channels = np.asarray(highlight[block])
            if channels.dtype != bool:
                channels = channels.astype(int)
                if out := [c for c in channels.tolist() if not 0 <= c < width]:
                    raise ValueError(f"block {block}: channels {out}, expected some of 0 to {width - 1}")
            chosen[block, channels] = True
    median = np.median(scores, axis=1, keepdims=True)
    tall = scores / np.where(median > 0, median, 1)
    shown = np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).round().astype(int))
    level = _round_below(0.8 * tall[shown].max())
    figure, axes = blank(len(shown), height=0.75 + 0.5 * len(shown), width=WIDTH, squeeze=False, sharex=True)
    for axis, block in zip(axes[:, 0], shown, strict=True):
        heights = np.sqrt(tall[block])
        _bars(axis, np.where(chosen[block], 0, heights))
        few = np.flatnonzero(chosen[block])
        axis.bar(few, heights[few], width=max(1.2, width / 160), color=PALETTE["top"], zorder=3)
        largest = int(tall[block].argmax())
        axis.annotate(
            str(largest),
            (largest, heights[largest]),
            xytext=(-3 if largest > width / 2 else 3, 0),
            textcoords="offset points",
            ha="right" if largest > width / 2 else "left",
            va="top",
        )
        axis.axhline(np.sqrt(level), color="#d4d0c4", linewidth=0.8, zorder=0)
        axis.set_facecolor("#f6f4ee")
        axis.set(ylim=(0, 1.06 * np.sqrt(tall[shown].max()) or 1), xlim=(-1, width))
        axis.set_yticks([np.sqrt(level)], [f"{level:g} ×"])
        axis.yaxis.tick_right()
        axis.tick_params(length=0)
        axis.set_ylabel(f"block {names[block]}", rotation=0, ha="right", va="center", fontsize=9.5)
        axis.spines[:].set_visible(False)
    axes[0, 0].set_title("in multiples of the block's median channel", fontsize=10)
    axes[-1, 0].set_xlabel("channel")
    return figure


def _bars(axis, heights: np.ndarray) -> None:
    """Bars that are each at least a FINEST-th of the row wide, as one shape."""
    step = -(-len(heights) // FINEST)
    tall = np.pad(heights, (0, -len(heights) % step)).reshape(-1, step).max(axis=1)
    left = np.arange(len(tall)) * step - 0.5
    ends = np.stack([left, left + 0.8 * step], axis=1).ravel()
    axis.stairs(
        np.stack([tall, np.zeros_like(tall)], axis=1).ravel()[:-1], ends, fill=True, color=PALETTE["bottom"], zorder=2
    )


def _round_below(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is not above the value; 1 below that."""
    if value < 1:
        return 1
    power = 10.0 ** np.floor(np.log10(value))
    return power * max(m for m in (1, 2, 5) if m * power <= value)


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

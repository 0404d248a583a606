"""Pictures: grids of images, maps of channels on the token grid, and the strip that tells the story."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import DIVERGING, WIDTH, blank, expect, styled


@styled
def images_grid(images: np.ndarray, titles: Sequence[str] | None = None, columns: int = 4) -> Figure:
    """Images uint8 [n, H, W, 3] in rows, each with its title above, broken into lines where it is long."""
    images = _pixels("images", images, 4)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    lines = max(_wrapped(t, columns).count("\n") + 1 for t in titles) if titles is not None else 0
    side = WIDTH / columns
    figure, axes = blank(
        rows, columns, height=rows * (side * images.shape[1] / images.shape[2] + 0.17 * lines + 0.12), squeeze=False
    )
    for axis, i in zip(axes.flat, range(rows * columns), strict=True):
        axis.axis("off")
        if i < len(images):
            axis.imshow(images[i])
            if titles is not None:
                axis.set_title(_wrapped(titles[i], columns), fontsize=8.5, loc="center")
    return figure


@styled
def channel_maps(
    image: np.ndarray, maps: np.ndarray, channels: Sequence[int], columns: int = 3, title: str = ""
) -> Figure:
    """An image uint8 [H, W, 3] and the values of k channels on the token grid, maps [k, h, w].

    Every map has its own scale around its mean over tokens, in its own deviations: a massive channel's mean is so large
    that on a scale from zero its picture would be one flat colour. The mean stands in the title.
    """
    image, maps = _pixels("image", image, 3), expect("maps", maps, 3, "[k, h, w], k channels on the token grid")
    if len(channels) != len(maps):
        raise ValueError(f"{len(channels)} channel numbers for {len(maps)} maps")
    columns = min(columns, len(maps) + 1)
    rows = -(-(len(maps) + 1) // columns)
    side = WIDTH / columns
    figure, axes = blank(
        rows, columns, height=rows * (side * maps.shape[1] / maps.shape[2] + 0.32) + 0.6, squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    axes.flat[0].imshow(image)
    axes.flat[0].set_title("image", fontsize=9.5, loc="center")
    for axis, values, channel in zip(axes.flat[1:], maps, channels, strict=False):
        spread = values.std()
        drawn = axis.imshow((values - values.mean()) / (spread if spread > 0 else 1), cmap=DIVERGING, vmin=-3, vmax=3)
        axis.set_title(f"{channel}: mean {values.mean():.3g}", fontsize=9, loc="center")
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.6, aspect=30, pad=0.02)
    bar.set_label("deviations from the channel's mean")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def _wrapped(title: str, columns: int) -> str:
    width, lines = max(8, 64 // columns), []
    for line in textwrap.wrap(str(title), width):
        start = taken = 0
        for at, letter in enumerate(line):  # Chinese, Japanese and Korean letters are two wide, and have no spaces
            wide = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            if taken + wide > width:
                lines.append(line[start:at].rstrip())
                start, taken = at, 0
            taken += wide
        lines.append(line[start:])
    return "\n".join(lines)


def _pixels(name: str, images: np.ndarray, ndim: int) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != ndim or images.shape[-1] != 3 or not images.size:
        shape = "[n, H, W, 3]" if ndim == 4 else "[H, W, 3]"
        raise ValueError(f"{name} of {images.dtype} {images.shape}: expected uint8 {shape}")
    return images

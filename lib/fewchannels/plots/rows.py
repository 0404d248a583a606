"""Figures with a row for each picture: the claim in one view, one channel's map through the steps."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .pictures import _pixels
from .style import DIVERGING, INK, blank, expect, styled


@styled
def claim_rows(
    images: np.ndarray, heat: np.ndarray, masks: np.ndarray, without: np.ndarray, names: Sequence[str]
) -> Figure:
    """The claim, a row a picture: image, strength of the few channels, the mask they give, the image without them.

    images, without: uint8 [n, H, W, 3]; heat: [n, h, w]; masks: bool [n, h, w]; names: the four columns' titles.
    """
    images, without = _pixels("images", images, 4), _pixels("without", without, 4)
    heat, masks = expect("heat", heat, 3, "[n, h, w]"), np.asarray(masks, dtype=bool)
    if len(names) != 4 or not len(images) == len(heat) == len(masks) == len(without):
        raise ValueError(
            f"{len(images)} images, {len(heat)} heat maps, {len(masks)} masks, {len(without)} images without and "
            f"{len(names)} names: expected as many of each, and four names"
        )
    figure, axes = blank(len(images), 4, height=1.42 * len(images) + 0.25, width=5.6, squeeze=False)
    for row, cells in zip(axes, zip(images, heat, masks, without, strict=True), strict=True):
        for axis, cell in zip(row, cells, strict=True):
            axis.imshow(cell, cmap="gray" if cell.dtype == bool else None)
            _frame(axis)
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name, fontsize=10, loc="center", color=INK)
    return figure


@styled
def map_rows(images: np.ndarray, maps: np.ndarray, columns: Sequence[str]) -> Figure:
    """One channel through the steps, a row a picture: image [n, H, W, 3], then its maps [n, T, h, w] with T titles.

    All maps share one scale, symmetric around zero, so that both growth and sign can be read.
    """
    images, maps = _pixels("images", images, 4), expect("maps", maps, 4, "[n, T, h, w]")
    if len(images) != len(maps) or maps.shape[1] != len(columns):
        raise ValueError(f"{len(images)} images, maps {maps.shape}, {len(columns)} titles: they do not fit together")
    count = maps.shape[1] + 1
    figure, axes = blank(len(images), count, height=5.6 / count * len(images) + 0.45, width=5.6, squeeze=False)
    reach = np.abs(maps).max()
    for row, image, steps in zip(axes, images, maps, strict=True):
        row[0].imshow(image)
        for axis, values in zip(row[1:], steps, strict=True):
            drawn = axis.imshow(values, cmap=DIVERGING, vmin=-reach, vmax=reach)
        for axis in row:
            _frame(axis)
    for axis, name in zip(axes[0], ("picture", *columns), strict=True):
        axis.set_title(name, fontsize=10, loc="center", color=INK)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.01, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=10)
    return figure


@styled
def images_rows(rows: dict[str, np.ndarray], titles: Sequence[str] | None = None) -> Figure:
    """The same n pictures in several versions: {name of the version: uint8 [n, H, W, 3]}, a row a version."""
    pictures = {name: _pixels(name, images, 4) for name, images in rows.items()}
    count = len(next(iter(pictures.values())))
    if any(len(images) != count for images in pictures.values()) or (titles is not None and len(titles) != count):
        raise ValueError(f"versions with {[len(i) for i in pictures.values()]} pictures: expected as many in each")
    side = 5.0 / max(count, 3)
    size = {"height": (side + 0.06) * len(rows) + 0.1, "width": side * count + 0.6}
    figure, axes = blank(len(rows), count, **size, squeeze=False)
    for row, (name, images) in zip(axes, pictures.items(), strict=True):
        for axis, image in zip(row, images, strict=True):
            axis.imshow(image)
            _frame(axis)
        row[0].set_ylabel(name if "\n" in name else _wrapped(name, side), fontsize=10, color=INK)
    if titles is not None:
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title, fontsize=10, loc="center", color=INK)
    return figure


def _wrapped(name: str, inches: float) -> str:
    """A name in lines that are no longer than a row is high, at 10 points, so that it leaves its neighbours alone."""
    return "\n".join(textwrap.wrap(name, max(8, int(inches * 12)), break_long_words=False))


def _frame(axis) -> None:
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(True)
    axis.spines[:].set_linewidth(0.5)

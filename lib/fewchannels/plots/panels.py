"""Several grids of numbers on one scale, and pictures that are made for a widget rather than for a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from .style import DIVERGING, INK, SEQUENTIAL, WIDTH, blank, expect, styled

MASK_VIEWS = ("summed map", "largest channel", "mask on what it sees")
YELLOW = (255, 255, 0)


@styled
def panels_of_numbers(
    panels: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    xlabel: str = "",
    ylabel: str = "",
    per_row: int = 2,
    high: float = 1.0,
) -> Figure:
    """Grids of shares in colour, {title: [R, C]}, all on one scale from 0 to `high`; hundredths stand in the cells.

    NaN is left blank. Raises ValueError for a panel that is not [R, C].
    """
    lines = -(-len(panels) // per_row)
    figure, axes = blank(
        lines, per_row, height=lines * (0.6 + 0.27 * len(rows)) + 0.2, width=WIDTH, squeeze=False, sharey=True
    )
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for number, (axis, (title, values)) in enumerate(zip(axes.flat, panels.items(), strict=False)):
        values = expect(title, values, 2, "[R, C], rows and columns")
        if values.shape != (len(rows), len(columns)):
            raise ValueError(f"{title!r} of shape {values.shape} for {len(rows)} rows and {len(columns)} columns")
        axis.imshow(values, cmap=SEQUENTIAL, vmin=0, vmax=high, aspect="auto")
        for r, c in np.ndindex(values.shape):
            if np.isfinite(values[r, c]):
                ink = INK if values[r, c] > 0.55 * high else "white"
                axis.text(c, r, f"{100 * values[r, c]:.0f}", ha="center", va="center", fontsize=8.5, color=ink)
        axis.set_title(title, fontsize=10)
        axis.set_xticks(range(len(columns)), columns, fontsize=8.5)
        axis.set_yticks(range(len(rows)), rows, fontsize=8.5)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        if xlabel and number + per_row >= len(panels):
            axis.set_xlabel(xlabel, fontsize=9.5)
        if ylabel and number % per_row == 0:
            axis.set_ylabel(ylabel, fontsize=9.5)
    return figure


def coloured(maps: np.ndarray, colours: str, low: float, high: float, side: int = 1) -> np.ndarray:
    """Maps [..., h, w] as pictures uint8 [..., h * side, w * side, 3], coloured by a map of matplotlib."""
    scaled = np.clip((np.asarray(maps, np.float64) - low) / (high - low), 0, 1)
    pictures = np.rint(matplotlib.colormaps[colours](scaled)[..., :3] * 255).astype(np.uint8)
    return pictures.repeat(side, axis=-3).repeat(side, axis=-2)


def outlined(
    images: np.ndarray,
    masks: np.ndarray,
    colour: tuple[int, int, int] = (255, 255, 255),
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Pictures uint8 [n, H, W, 3] with the outline of their masks bool [n, h, w], what lies outside darkened.

    size: height and width that the pictures are brought to before. Raises ValueError where the grid does not divide
    the pictures.
    """
    images, masks = np.asarray(images), np.asarray(masks, bool)
    if size is not None and images.shape[1:3] != tuple(size):
        resized = (Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BOX) for image in images)
        images = np.stack([np.asarray(image) for image in resized])
    side, rest = divmod(images.shape[1], masks.shape[1])
    if rest or images.shape[2] != side * masks.shape[2] or len(images) != len(masks):
        raise ValueError(f"masks {masks.shape} do not divide pictures {images.shape} into equal tokens")
    inside = masks.repeat(side, axis=1).repeat(side, axis=2)
    padded = np.pad(inside, ((0, 0), (1, 1), (1, 1)))
    core = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    shown = np.where(inside[..., None], images, (images * 0.4).astype(np.uint8))
    shown[inside & ~core] = colour
    return shown


def mask_views(heat: np.ndarray, largest: np.ndarray, masks: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Pictures of S samples' maps [S, L, T, h, w] as a flipbook takes them: uint8 [L, T, 3, S, H, W, 3], the third axis
    that of `MASK_VIEWS`.

    heat: 0 to 1. largest: in deviations from its mean, orange below it and purple above. masks: bool, drawn upon seen,
    uint8 [S, T, h, w, 3].
    """
    side = max(1, 48 // max(heat.shape[-2:]))
    behind = np.broadcast_to(seen[:, None], (*heat.shape, 3)).reshape(-1, *seen.shape[2:])
    drawn = outlined(behind.repeat(side, axis=1).repeat(side, axis=2), masks.reshape(-1, *masks.shape[3:]), YELLOW)
    views = coloured(heat, SEQUENTIAL, 0, 1, side), coloured(largest, DIVERGING, -3, 3, side)
    return np.stack([*views, drawn.reshape(views[0].shape)]).transpose(2, 3, 0, 1, 4, 5, 6)

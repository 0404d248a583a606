"""`ChannelBrowser`: which channels are largest, in any block and step, and what they look like on the token grid.

    stats, tokens = fc.ChannelStats(), fc.KeepTokens(channels=massive)
    with fc.capture(model, stats, tokens):
        images = model.generate(prompts, seed=0)
    ChannelBrowser.from_capture(stats, tokens, images=images, prompts=prompts, top=massive)

Scores of all channels travel with the page, maps of those that were kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .host import PageWidget
from .packing import LEVELS, RELATIVE_ERROR, Block, sheet


class ChannelBrowser(PageWidget):
    """Explore P prompts x L blocks x T steps x D channels.

    scores_abs_mean, scores_mean_abs: float [P, L, T, D], none below zero (`channel_scores`).
    maps: token maps of C kept channels: [P, L, T, C, h, w], or [P, L, T, N, C] with grid=(h, w) as `KeepTokens`
        stores them, or a dict {channel: [P, L, T, h, w]}; None for none.
    map_channels: the C channel numbers, [C] or one row a block [L, C] (not with a dict). A channel may stand in one
        block's row and be missing in another's.
    images: uint8 [P, H, W, 3], the final pictures. prompts: P strings. layers: L block names.
    steps: T step numbers (default 0, 1, ...). sigmas: T noise levels, shown beside them.
    energy: float [P, L, T, D], mean of squares; then shares are of the block's energy, else of its summed score.
    k: how many channels are marked as top. Default: largest score over all prompts and steps, as `top_channels` ranks.
    top: mark these instead: a ChannelSet, or anything with L rows of channel numbers.
    rows: length of the ranked list. start: first view, for instance {"layer": 3, "step": 2, "channel": 57}.
    title: a line above. key: the name of this widget in links to a view; give each on a page its own.

    In a live notebook `browser.state` follows the page, and setting it moves the page.
    Raises ValueError for shapes that do not agree, naming what was given and what is expected.
    """

    def __init__(
        self,
        *,
        scores_abs_mean: np.ndarray,
        scores_mean_abs: np.ndarray,
        maps: np.ndarray | dict[int, np.ndarray] | None = None,
        map_channels: Sequence[int] | np.ndarray | None = None,
        grid: tuple[int, int] | None = None,
        images: np.ndarray | None = None,
        prompts: Sequence[str],
        layers: Sequence[str],
        steps: Sequence[int] | None = None,
        sigmas: Sequence[float] | None = None,
        energy: np.ndarray | None = None,
        k: int = 8,
        top: Any = None,
        rows: int = 24,
        start: dict | None = None,
        title: str = "",
        key: str = "channels",
    ) -> None:
        abs_mean, mean_abs = np.asarray(scores_abs_mean), np.asarray(scores_mean_abs)
        if abs_mean.ndim != 4 or 0 in abs_mean.shape:
            raise ValueError(f"scores_abs_mean of shape {abs_mean.shape}: expected [prompts, blocks, steps, channels]")
        prompts_n, layers_n, steps_n, width = shape = abs_mean.shape
        for name, array in (("scores_mean_abs", mean_abs), ("energy", energy)):
            if array is not None and np.shape(array) != shape:
                raise ValueError(f"{name} of shape {np.shape(array)}: expected {shape}, the shape of scores_abs_mean")
        _length("prompts", prompts, prompts_n)
        _length("layers", layers, layers_n)
        steps = [int(s) for s in (range(steps_n) if steps is None else steps)]
        _length("steps", steps, steps_n)
        if sigmas is not None:
            _length("sigmas", sigmas, steps_n)
        if not 1 <= k <= width:
            raise ValueError(f"k={k}: expected 1 to {width}, the number of channels")

        block = Block()
        data: dict[str, Any] = {
            "label": "Channel browser",
            "key": key,
            "title": title,
            "prompts": [str(p) for p in prompts],
            "layers": [str(name) for name in layers],
            "steps": steps,
            "sigmas": None if sigmas is None else [round(float(s), 4) for s in sigmas],
            "k": int(k),
            "rows": int(min(max(rows, 1), width)),
            "scores": {
                "abs_mean": block.log(abs_mean, name="scores_abs_mean"),
                "mean_abs": block.log(mean_abs, name="scores_mean_abs"),
            },
            "energy": None if energy is None else block.log(energy, name="energy"),
            "grid": [1, 1] if grid is None else [int(n) for n in grid],
            "precision": f"Scores are kept to {100 * RELATIVE_ERROR:g} %",
        }
        if maps is not None:
            maps, channels = _maps(maps, map_channels, grid, shape)
            data["maps"] = block.linear(maps)
            data["map_channels"] = block.plain(channels.astype(np.int32))
            data["grid"] = list(maps.shape[-2:])
            data["precision"] += f", map values to {50 / (LEVELS - 1):.1f} % of each map's range"
        data["precision"] += ". Channels closer than that may swap ranks."
        if images is not None:
            _length("images", images, prompts_n)
            data["images"] = sheet(images)
        if top is not None:
            data["top"] = _top_rows(top, layers_n, width)
            data["top_label"] = str(getattr(top, "label", None) or "chosen channels")
        super().__init__("browser", data, block.tobytes(), start)

    @classmethod
    def from_capture(cls, stats: Any, tokens: Any = None, *, prompts: Sequence[str], **options: Any) -> ChannelBrowser:
        """From `ChannelStats(per_sample=True)` and, for the maps, `KeepTokens` of the same capture.

        Where tokens were kept at some of the steps, the browser shows those steps. tokens have to be kept in all
        layers that stats has. Their channels are read from them; options are those of `ChannelBrowser`.
        """
        steps = list(stats.steps) if np.ndim(stats.steps) else list(range(int(stats.steps)))
        chosen = steps if tokens is None else [int(step) for step in tokens.steps]
        missing = [step for step in chosen if step not in steps]
        if missing:
            raise ValueError(f"tokens were kept at steps {missing}, which stats does not have (it has {steps})")
        at = [steps.index(step) for step in chosen]
        layers = [str(name) for name in stats.layers]
        if tokens is not None:
            if [str(name) for name in tokens.layers] != layers:
                raise ValueError(f"tokens were kept in {list(tokens.layers)}, stats has {layers}: keep the same layers")
            options.setdefault("maps", tokens.array)
            options.setdefault("grid", tokens.grid)
            options.setdefault("map_channels", _kept_channels(tokens, len(layers)))
        if options.get("sigmas") is not None and len(options["sigmas"]) == len(steps):
            options["sigmas"] = [options["sigmas"][i] for i in at]
        return cls(
            scores_abs_mean=np.abs(np.asarray(stats.mean)[:, :, at]),
            scores_mean_abs=np.asarray(stats.mean_abs)[:, :, at],
            energy=np.asarray(stats.energy)[:, :, at],
            prompts=prompts,
            layers=layers,
            steps=chosen,
            **options,
        )


def _kept_channels(tokens: Any, layers: int) -> np.ndarray:
    channels = getattr(tokens, "channels", None)
    if channels is None:
        channels = getattr(tokens, "_channels", None)
    if channels is None:
        return np.arange(np.shape(tokens.array)[-1])
    if hasattr(channels, "indices"):
        return np.stack([np.asarray(channels[layer]) for layer in range(layers)])
    return np.asarray(channels)


def _length(name: str, given: Sequence, count: int) -> None:
    if len(given) != count:
        raise ValueError(f"{len(given)} {name}: expected {count}, as in scores_abs_mean")


def _maps(maps, map_channels, grid, shape) -> tuple[np.ndarray, np.ndarray]:
    """Any of the three forms -> maps [P, L, T, C, h, w] and channels [L, C]."""
    prompts, layers, steps, width = shape
    if isinstance(maps, dict):
        if map_channels is not None:
            raise ValueError("map_channels: not with maps as a dict, whose keys are the channels")
        map_channels = list(maps)
        maps = np.stack([np.asarray(maps[channel]) for channel in map_channels], axis=3)
    maps = np.asarray(maps)
    if maps.ndim == 5 and grid is not None and maps.shape[3] == grid[0] * grid[1]:
        maps = np.moveaxis(maps, 4, 3).reshape(*maps.shape[:3], maps.shape[4], *grid)
    if maps.ndim != 6 or maps.shape[:3] != (prompts, layers, steps):
        raise ValueError(
            f"maps of shape {maps.shape}: expected [{prompts}, {layers}, {steps}, C, h, w], "
            f"or [{prompts}, {layers}, {steps}, N, C] with grid=(h, w) and N = h * w"
        )
    if map_channels is None:
        raise ValueError(f"map_channels is missing: expected the numbers of the {maps.shape[3]} channels in maps")
    channels = np.asarray(map_channels, dtype=np.int64)
    if channels.ndim == 1:
        channels = np.broadcast_to(channels, (layers, len(channels)))
    if channels.shape != (layers, maps.shape[3]):
        raise ValueError(
            f"map_channels of shape {channels.shape}: expected ({maps.shape[3]},) or ({layers}, {maps.shape[3]}), "
            f"for maps of shape {maps.shape}"
        )
    if channels.size and not (0 <= channels.min() and channels.max() < width):
        raise ValueError(f"map_channels from {channels.min()} to {channels.max()}: expected 0 to {width - 1}")
    return maps, channels


def _top_rows(top: Any, layers: int, width: int) -> list[list[int]]:
    rows = [[int(c) for c in np.ravel(top[layer])] for layer in range(layers)] if len(top) == layers else None
    if rows is None:
        raise ValueError(f"top has {len(top)} rows: expected {layers}, one a block, as a ChannelSet has")
    outside = sorted({c for row in rows for c in row if not 0 <= c < width})
    if outside:
        raise ValueError(f"top names the channels {outside}: expected 0 to {width - 1}")
    return rows

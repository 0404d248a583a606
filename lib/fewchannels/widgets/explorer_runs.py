"""A run made small for a page: scores on a logarithmic scale, token maps in levels, pictures as WebP, all in one block.

block = Block()
header = pack_run(block, run, key="untouched")      # JSON values; js/packed_run.js reads header and block
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image

from ..names import SHOWN
from .packing import LEVELS, RELATIVE_ERROR, Block

AXES = ["sample", "layer", "step", "row", "column", "channel"]


def pack_run(block: Block, run: Any, key: str, error: float = RELATIVE_ERROR, levels: int = LEVELS) -> dict:
    """Append a run's arrays to `block`; returns its header, which states the precision in words.

    run: a Run whose `stats` has mean, mean_abs, max_abs or var, float [S, L, T, D]; the maps whose axes its index
    names (`AXES`) come along, and its pictures. error: relative, of scores. levels: how many values a map has, 2 to
    256. Raises ValueError where shapes and index disagree, naming both.
    """
    scores = run_scores(run)
    samples, layers, steps, width = shape = next(iter(scores.values())).shape
    index, provenance = run.index, run.provenance
    prompts = [str(p) for p in run.prompts] or [f"sample {i}" for i in range(samples)]
    if samples not in (1, len(prompts)):
        raise ValueError(
            f"statistics of {samples} samples for {len(prompts)} prompts: expected one each, or 1 (merged)"
        )
    names = _named(index, "layers", layers, [f"block {i}" for i in range(layers)])
    numbers = [int(step) for step in _named(index, "steps", steps, list(range(steps)))]
    channels = {
        str(name): _channel_set(name, given, layers, width) for name, given in index.get("channels", {}).items()
    }
    maps = [_maps(block, name, run, shape, channels, numbers, levels) for name in run.maps if _is_shown(index, name)]
    pictures = run.images if isinstance(run.images, dict) else {"": run.images} if run.images is not None else {}
    precision = f"Scores are kept to {100 * error:g} %"
    if maps:
        precision += f", map values to {50 / (levels - 1):.1f} % of each map's range"
    return {
        "about": {
            "key": key,
            "label": str(index.get("label") or provenance.get("model") or "run"),
            "model": provenance.get("model"),
            "revision": provenance.get("revision"),
            "seed": provenance.get("seed"),
            "edit": _edit_of(provenance),
            "provenance": provenance,
            "prompts": prompts,
            "layers": [str(name) for name in names],
            "steps": numbers,
            "sigmas": index.get("sigmas"),
            "grid": index.get("grid"),
            "k": max((len(row) for row in channels["top"]["indices"]), default=8)
            if "top" in channels
            else min(8, width),
            "score": index.get("score", "abs_mean"),
            "channels": channels,
            "precision": precision + ". Channels closer than that may swap ranks.",
        },
        "shape": list(shape),
        "per_prompt": samples == len(prompts),
        "scores": {name: block.log(values, name=name, error=error) for name, values in scores.items()},
        "maps": maps,
        "images": {str(name): _pictures(block, batch) for name, batch in pictures.items()},
    }


def run_scores(run: Any) -> dict[str, np.ndarray]:
    """The scores that a run's statistics allow, float32 [S, L, T, D] by name, in the order of `names.SHOWN`.

    abs_mean is |mean|, energy is var + mean². Raises ValueError where there is none of them, or shapes differ.
    """
    stats = {
        name: np.asarray(run.stats[name], np.float32)
        for name in ("mean", "mean_abs", "max_abs", "var")
        if name in run.stats
    }
    shapes = {array.shape for array in stats.values()}
    if not {"mean", "mean_abs"} & set(stats):
        raise ValueError(f"the run has the statistics {sorted(run.stats)}: an explorer needs mean or mean_abs")
    if len(shapes) != 1 or len(next(iter(shapes))) != 4 or 0 in next(iter(shapes)):
        found = {name: array.shape for name, array in stats.items()}
        raise ValueError(f"statistics of shapes {found}: expected one shape [samples, blocks, steps, channels] for all")
    scores = {"mean_abs": stats.get("mean_abs"), "max_abs": stats.get("max_abs")}
    if "mean" in stats:
        scores["abs_mean"] = np.abs(stats["mean"])
        if "var" in stats:
            scores["energy"] = stats["var"] + stats["mean"] ** 2
    return {name: scores[name] for name in SHOWN if scores.get(name) is not None}


def _named(index: dict, axis: str, count: int, otherwise: list) -> list:
    names = index.get(axis) or otherwise
    if len(names) != count:
        raise ValueError(f"the index names {len(names)} {axis}, the statistics have {count}")
    return names


def _edit_of(provenance: dict) -> str:
    edit = provenance.get("edit")
    return str(edit.get("label", "edited") if isinstance(edit, dict) else edit or "")


def _channel_set(name: str, given: dict, layers: int, width: int) -> dict:
    rows = [[int(channel) for channel in row] for row in given["indices"]]
    if len(rows) != layers or any(not 0 <= channel < width for row in rows for channel in row):
        raise ValueError(
            f"the channels {name!r} are {len(rows)} rows up to {width}: expected {layers} rows of 0 to {width - 1}"
        )
    return {"indices": rows, "width": width, "label": str(given.get("label", name))}


def _is_shown(index: dict, name: str) -> bool:
    return index.get("maps", {}).get(name, {}).get("axes") == AXES


def _maps(block: Block, name: str, run: Any, shape: tuple, channels: dict, numbers: list[int], levels: int) -> dict:
    entry, maps = run.index["maps"][name], np.asarray(run.maps[name], np.float32)
    rows = channels.get(entry["channels"], {}).get("indices")
    samples, steps = [int(i) for i in entry["samples"]], [int(step) for step in entry["steps"]]
    if rows is None or not set(steps) <= set(numbers) or not all(0 <= i < len(run.prompts) for i in samples):
        raise ValueError(
            f"maps {name!r} are of channels {entry['channels']!r}, samples {samples} and steps {steps}, "
            "which the run's index does not have"
        )
    count = {len(row) for row in rows}
    expected = (len(samples), shape[1], len(steps))
    if maps.ndim != 6 or maps.shape[:3] != expected or {maps.shape[5]} != count:
        raise ValueError(
            f"maps {name!r} of shape {maps.shape}: the index says {expected} x rows x columns x {sorted(count)}"
        )
    return {
        "values": block.linear(np.moveaxis(maps, 5, 3), name=f"maps {name!r}", levels=levels, along=2),
        "channels": rows,
        "prompts": samples,
        "steps": [numbers.index(step) for step in steps],
    }


def _pictures(block: Block, batch: np.ndarray) -> dict:
    packed = []
    for picture in batch:
        out = io.BytesIO()
        PIL.Image.fromarray(picture).save(out, "WEBP", method=6, quality=85)
        packed.append(block.plain(np.frombuffer(out.getvalue(), np.uint8)))
    return {"height": int(batch.shape[1]), "width": int(batch.shape[2]), "bytes": packed}

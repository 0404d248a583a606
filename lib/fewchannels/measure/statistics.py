"""Channel statistics of many prompts, kept batch by batch where there is a store, so that a stopped run goes on.

    stats = measure_channels(model, prompts, seed=1, steps=8, store="results/klein")

`key_of` says what a result of a model hangs on, for `sweep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..choices import listed
from ..identity import content, digest
from ..models.arguments import of_rows, texts
from ..reading.worlds import world_of
from ..sweep import sweep
from ..watch.hooks import capture
from ..watch.statistics import ChannelStats
from .recording import stored

# of a model's provenance, what no result hangs on
PASSING = ("versions", "date", "device", "steps", "pipeline", "offload", "overflow")


def measure_channels(
    model: Any,
    prompts: Sequence[str],
    *,
    seed: int = 0,
    steps: int | None = None,
    at: Sequence[int] | None = None,
    stream: str = "image",
    batch_size: int | None = None,
    store: str | Path | None = None,
    **generation: Any,
) -> ChannelStats:
    """Statistics [S, L, T, D] of `model.generate(prompts, seed=seed, steps=steps, **generation)`, samples apart.

    at: the steps to measure, as for capture (None: all). stream: "image" or "text". batch_size: prompts at once (None:
    the model's preset). store: a folder in which every batch is kept as it is done. The same numbers with and without
    it. Raises what capture and generate raise.
    """
    prompts, size = texts("prompts", prompts), batch_size or model.preset.batch_size
    at = listed("at", at)
    if not store:
        with capture(model, stats := ChannelStats(), stream=stream, steps=at):
            model.generate(prompts, seed=seed, steps=steps, batch_size=size, **generation)
        return stats

    measured_at = at and [one if isinstance(one, int) else repr(one) for one in at]
    told = {"seed": seed, "steps": steps, "at": measured_at, "stream": stream, "batch": size}
    key, parts = key_of(model, prompts, generation, **told), []
    for first in range(0, len(prompts), size):
        part = prompts[first : first + size]
        own = of_rows(model.pipeline, generation, slice(first, first + size), len(prompts))

        def measure(first=first, part=part, own=own) -> dict[str, np.ndarray]:
            with capture(model, stats := ChannelStats(), stream=stream, steps=at):
                model.generate(
                    part, seed=seed, steps=steps, batch_size=size, samples=list(range(first, first + len(part))), **own
                )
            return stored(stats) | {"layers": np.array([model.layers.index(name) for name in stats.layers])}

        name = f"statistics from prompt {first}"
        parts.append(sweep({name: measure}, store, key | of_prompts(part))[name])
    return _together(parts, model.layers)


def _together(parts: list[dict[str, np.ndarray]], names: Sequence[str]) -> ChannelStats:
    """Batches of samples as one."""
    joined = ["mean", "mean_abs", "max_abs", "var", "count"]
    if any("nonfinite" in part for part in parts):
        joined.append("nonfinite")
        parts = [{"nonfinite": np.zeros(part["mean"].shape, np.int64), **part} for part in parts]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in joined}
    whole |= {name: parts[0][name] for name in ("steps", "grid")}
    return ChannelStats.from_arrays(whole, tuple(names[i] for i in parts[0]["layers"]))


def key_of(
    model: Any, prompts: Sequence[str], generation: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """What results of a model hang on, as JSON values for `sweep`: its name and revision, the digest of all that it is
    now, and unless it is the toy world class, dtype and all else that its provenance says; digest and number of the
    prompts; all arguments of `generate`, where some are given; and `more`. Raises NoContent (a TypeError) for a model
    that holds what cannot be known."""
    found = {"model": model.name, "revision": model.revision, "digest": digest(model), **of_prompts(prompts), **more}
    if generation is not None:
        found["generation"] = content({**model.defaults, **generation})
    if world_of(model).exact:
        return found
    return {name: part for name, part in model.provenance().items() if name not in PASSING} | found


def of_prompts(prompts: Sequence[str]) -> dict[str, Any]:
    """Digest and number of prompts, for a key."""
    return {"prompts": digest(list(prompts))[:16], "n": len(prompts)}


def spread(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, evenly spread, the first and the last among them.

    >>> spread(6, 8), spread(57, 4)
    ([0, 1, 2, 3, 4, 5], [0, 19, 37, 56])
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()

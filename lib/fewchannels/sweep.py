"""Many conditions, each kept as soon as it exists, so that a study of hours survives being stopped.

    cells = sweep({"top 8": lambda: {"change": ...}, "bottom 8": ...}, store=folder, key=case.key())
    cells["top 8"]["change"]                        # [n], one value a prompt

A condition is a name and a function without arguments that gives arrays by name. With a store, one that is there is
read and not computed again: its file is named by the digest of its name and of `key`, which says all that the result
hangs on (model revision, prompts, seed, steps, and `VERSION`, raised whenever the computation changes its meaning).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from .runfile import write_whole

VERSION = 1


def sweep(
    cells: Mapping[str, Callable[[], Mapping[str, np.ndarray]]],
    store: str | Path | None = None,
    key: Mapping | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of every condition, by its name, in the order given.

    store: a folder (made where it is missing); None keeps nothing. key: JSON values; needed with a store. report: is
    told a line for each condition that was computed, with the time left at the rate so far. A file in the store that
    cannot be read is computed again. Raises ValueError for a store without a key; what a condition raises ends the
    sweep, and what was done before it stays in the store.
    """
    if store is not None and not key:
        raise ValueError(
            "a sweep with a store needs key=: the model's revision, prompts, seed and steps, as JSON values"
        )
    folder = None if store is None else Path(store).expanduser()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, np.ndarray]] = {}
    began, computed = time.monotonic(), 0
    for number, (name, compute) in enumerate(cells.items(), 1):
        path = None if folder is None else folder / f"{digest_of(name, key)}.safetensors"
        kept = None if path is None else _read(path)
        if kept is None:
            kept = {part: np.asarray(array) for part, array in compute().items()}
            computed += 1
            if path is not None:
                _write(path, name, kept)
            if report is not None:
                pace = (time.monotonic() - began) / computed
                left = pace * (len(cells) - number) / 60
                report(f"[{number}/{len(cells)}] {name}: {pace:.1f} s each, {left:.0f} min left")
        found[name] = kept
    return found


def digest_of(name: str, key: Mapping) -> str:
    """The name under which a condition is kept: 32 hexadecimal digits.

    >>> digest_of("top 8", {"seed": 0}) == digest_of("top 8", {"seed": 0}) != digest_of("top 8", {"seed": 1})
    True
    """
    text = json.dumps({"name": name, "key": key, "version": VERSION}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _write(path: Path, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    stored = {part: np.ascontiguousarray(array) for part, array in arrays.items()}
    write_whole(path, save(stored, metadata={"condition": name}))


def _read(path: Path) -> dict[str, np.ndarray] | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (FileNotFoundError, SafetensorError):
        return None

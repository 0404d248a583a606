"""Sweeps that run in processes of their own and are killed there; what they did is in a log that survives them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from fewchannels.sweep import sweep

KEY = {"model": "none", "seed": 0}
COUNT = 12


def note(log: Path, line: str) -> None:
    """One write to a file opened for appending is whole, whoever else writes and whoever is killed."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def result(name: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(int(name.split()[1]))
    return {"change": rng.standard_normal(2000).astype(np.float32), "right": rng.random((5, 3)) > 0.5}


def cells(log: Path, seconds: float, count: int = COUNT, broken: tuple[str, ...] = ()) -> dict:
    def one(name):
        def compute():
            note(log, f"begin {name} {os.getpid()}")
            time.sleep(seconds)
            if name in broken:
                raise ArithmeticError(f"{name} has no result")
            return result(name)

        return compute

    return {f"cell {i}": one(f"cell {i}") for i in range(count)}


def run(store: Path, log: Path, seconds: float = 0.004, count: int = COUNT) -> None:
    note(log, f"start {os.getpid()}")
    sweep(cells(log, seconds, count), store, KEY)


def begun(log: Path) -> list[str]:
    """Names of the cells that were begun, as often as they were."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [" ".join(line.split()[1:3]) for line in lines if line.startswith("begin")]


def toy_table(prompts: list[str], steps: int = 2) -> list[dict]:
    """Six conditions of the toy world, four of them with a common first step."""
    from fewchannels.sweep import grid

    shared = {"prompts": prompts, "generation": {"steps": steps}, "edit": "zero"}
    return grid(shared, channels={"low": [0, 1], "high": [100, 101]}, steps=[[0], [1], [0, 1]])


def run_toy(store: Path, prompts: list[str], log: Path) -> None:
    import torch
    from fewchannels.sweep import sweep_conditions

    torch.set_num_threads(1)
    sweep_conditions(toy_table(prompts), store, lambda line: note(log, line), rows=len(prompts))

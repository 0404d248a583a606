"""Run files of several models side by side: what can be compared between networks of other widths and depths.

found, refused = read_folder("results/real")              # {name: ModelRun}, {file name: why not}
own = ModelRun.of(measured_run(model, prompts), "toyworld")
channels_for_share(own.scores, own.energy, 0.5)           # [L]: how many of the largest hold half of the energy

k channels are another thing in 192 than in 3,072, so every comparison at k stands beside one at an equal share of the
energy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..channels import (
    ChannelSet,
    expected_jaccard,
    largest_over_median,
    overlap,
    rank_channels,
    top_channels,
    top_share,
)
from ..disk import beside_the_code
from ..origins import made_by
from ..runfile import Run, RunFileError, load_run, read_header
from ..watch.hooks import capture
from ..watch.tokens import KeepTokens
from .recording import run_of
from .statistics import measure_channels, spread
from .survey import overlap_of_prompts, per_layer

LARGEST = 2_000_000_000  # bytes of a file that is read into memory whole
MOST_STEPS = 8  # looked at of a run, evenly spread


@dataclass(frozen=True, eq=False)
class ModelRun:
    """A run of P prompts, L blocks, T steps (at most 8 of the run's, evenly spread) and D channels.

    scores, energy: float32 [P, L, T, D], |mean over tokens| and mean square; P is 1 where the file holds statistics
    over all prompts together, `merged`. k: the number of channels that the run calls top.
    """

    name: str
    run: Run
    scores: np.ndarray
    energy: np.ndarray
    steps: tuple[int, ...]
    k: int

    @classmethod
    def of(cls, run: Run, name: str = "") -> ModelRun:
        """Raises RunFileError where statistics are missing, of another shape than the index says, or not finite."""
        arrays = {part: np.asarray(run.stats[part]) for part in ("mean", "var") if part in run.stats}
        if len(arrays) < 2:
            raise RunFileError("it holds no statistics (stats/mean and stats/var), such as `fewchannels run` writes")
        mean, var = arrays["mean"], arrays["var"]
        layers, steps = run.index.get("layers"), run.index.get("steps")
        if not isinstance(layers, list) or not isinstance(steps, list):
            raise RunFileError("its index names no layers and steps")
        if mean.ndim != 4 or mean.shape != var.shape or mean.shape[1:3] != (len(layers), len(steps)):
            raise RunFileError(
                f"statistics of shape {list(mean.shape)} and {list(var.shape)} for {len(layers)} layers and "
                f"{len(steps)} steps: expected [prompts, layers, steps, channels]"
            )
        if mean.shape[0] not in (1, len(run.prompts)) or not mean.size:
            raise RunFileError(f"statistics of {mean.shape[0]} samples for {len(run.prompts)} prompts")
        if not (np.isfinite(mean).all() and np.isfinite(var).all()) or np.any(run.stats.get("nonfinite", 0)):
            raise RunFileError("statistics with inf or nan: run the model again in float32 or bfloat16")
        chosen = spread(len(steps), MOST_STEPS)
        mean, var = (array[:, :, chosen].astype(np.float32) for array in (mean, var))
        return cls(
            name or str(run.index.get("label") or run.provenance.get("model") or "run"),
            run,
            np.abs(mean),
            var + mean**2,
            tuple(int(steps[i]) for i in chosen),
            _top_of(run, mean.shape),
        )

    @property
    def merged(self) -> bool:
        return self.scores.shape[0] == 1

    @property
    def width(self) -> int:
        return self.scores.shape[-1]

    @property
    def depth(self) -> np.ndarray:
        """[L] from 0, the first block, to 1, the last."""
        return np.linspace(0, 1, self.scores.shape[1])

    def source(self) -> str:
        """A line for under a figure: what made these numbers."""
        count = len(self.run.prompts)
        return f"{made_by(self.run.provenance)}, {count} prompt{'s' * (count != 1)}."

    def ratio(self) -> np.ndarray:
        """[L, 3]: largest over median score, mean over prompts and steps, with its interval over prompts."""
        return _rows(largest_over_median(self.scores))

    def share(self, k: int | None = None) -> np.ndarray:
        """[L, 3]: the share of energy of the k largest (its own k), ranked for each prompt and step."""
        return _rows(top_share(self.energy, k or self.k, by=self.scores))

    def frozen(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores and energies [L, D] over all prompts and steps."""
        scores, energy = (array.mean(axis=(0, 2), dtype=np.float64) for array in (self.scores, self.energy))
        return scores, energy

    def over_prompts(self, k: int | None = None) -> np.ndarray | None:
        """[L, 3]: overlap of the top k between prompts; None where the file holds no prompt apart."""
        if self.scores.shape[0] < 2:
            return None
        return overlap_of_prompts(rank_channels(self.scores, k or self.k), self.width)

    def over_steps(self, k: int | None = None) -> np.ndarray | None:
        """[L, 3]: overlap of the top k between steps; None for a single one."""
        if self.scores.shape[2] < 2:
            return None
        return _rows(overlap(rank_channels(self.scores, k or self.k), self.width, axis=2).mean)

    def chance(self, k: int | None = None) -> float:
        return expected_jaccard(k or self.k, self.width)

    def maps(self, count: int = 3) -> tuple[np.ndarray, np.ndarray, list[int], int, int] | None:
        """(picture uint8 [H, W, 3], maps [n, h, w], their channels, layer, step) of the first prompt in the middle
        block at the last step that is kept; None where the file holds none."""
        for name, entry in self.run.index.get("maps", {}).items():
            array, images = self.run.maps.get(name), self.run.images
            chosen = self.run.index.get("channels", {}).get(entry.get("channels") if isinstance(entry, dict) else None)
            images = next(iter(images.values()), None) if isinstance(images, dict) else images
            if array is None or images is None or chosen is None or array.ndim != 6 or not array.size:
                continue
            layer, sample = array.shape[1] // 2, int(entry.get("samples", [0])[0])
            channels = [int(c) for c in ChannelSet.from_json(chosen)[layer]][:count]
            shown = np.moveaxis(array[0, layer, -1].astype(np.float64), -1, 0)[:count]
            return images[sample], shown, channels, layer, int(entry.get("steps", [-1])[-1])
        return None


def measured_run(
    model, prompts: Sequence[str], seed: int = 0, steps: int | None = None, k: int = 8, store: str | Path | None = None
) -> Run:
    """A run file's content, small: statistics of at most 8 steps, the first prompt's picture, and the maps of its top
    channels at the last step. store: a folder that keeps the statistics as they come. Errors as for measure_channels.
    """
    steps, prompts = steps or model.steps, [str(prompt) for prompt in prompts]
    stats = measure_channels(model, prompts, seed=seed, steps=steps, at=spread(steps, MOST_STEPS), store=store)
    top, last = top_channels(stats, k), stats.steps[-1]
    with capture(model, kept := KeepTokens(channels=top, dtype="float32"), steps=[last]):
        images = model.generate(prompts[:1], seed=seed, steps=steps)
    made = {**model.provenance(), "seed": seed, "steps": steps, "command": "notebook 08_your_model"}
    run = run_of(made, prompts, stats, images, {"top": top}, maps={"top": kept})
    run.stats.pop("nonfinite", None)
    return run


def _rows(values: np.ndarray) -> np.ndarray:
    """Rows [L, 3] of value, low, high; where there is one prompt, or statistics of all as one, NaN for the ends."""
    values = np.asarray(values, np.float64)
    if len(values) > 1:
        return per_layer(values)
    means = values.mean(axis=(0, 2)) if values.ndim == 3 else values[0]
    return np.stack([means, *[np.full_like(means, np.nan)] * 2], axis=1)


def _top_of(run: Run, shape: tuple[int, ...]) -> int:
    rows = (run.index.get("channels") or {}).get("top", {}).get("indices") or [[0] * 8]
    return int(max(1, min(shape[-1], max(len(row) for row in rows))))


def channels_for_share(scores: np.ndarray, energy: np.ndarray, share: float) -> np.ndarray:
    """[L]: how many of the largest channels it takes to hold a share of the energy; scores and energy [L, D].

    >>> channels_for_share(np.array([[3.0, 2.0, 1.0, 0.0]]), np.array([[6.0, 3.0, 1.0, 0.0]]), 0.8)
    array([2])
    """
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: expected more than 0 and at most 1")
    held = energy_held(scores, energy)
    return (held < share - 1e-12).sum(axis=1) + 1


def energy_held(scores: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """[L, D]: the share of the energy in the 1, 2, ... D channels with the largest scores."""
    ordered = np.take_along_axis(energy, np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return np.cumsum(ordered, axis=1) / ordered.sum(axis=1, keepdims=True)


def read_folder(folder: str | os.PathLike) -> tuple[dict[str, ModelRun], dict[str, str]]:
    """All run files of a folder, by name, and for each file that is not one of a model the reason why.

    A folder that is not there is an empty one. Two runs of one name are told apart by their files' names.
    """
    found: dict[str, ModelRun] = {}
    refused: dict[str, str] = {}
    folder = Path(folder)
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else []:
        try:
            if path.stat().st_size > LARGEST:
                raise RunFileError(f"it has {path.stat().st_size / 1e9:.1f} GB: record fewer prompts, or use --merge")
            read_header(path)
            run = ModelRun.of(load_run(path))
        except (RunFileError, OSError, TypeError, KeyError, AttributeError) as error:
            refused[path.name] = str(error).removeprefix(f"{path} ")
            continue
        found[run.name if run.name not in found else f"{run.name} ({path.stem})"] = run
    return found, refused


def results_folder(given: Any = "") -> Path:
    """The folder that is given, or results/real of the repository around the working folder, else of the package."""
    return Path(given).expanduser() if given else beside_the_code("results", "results") / "real"

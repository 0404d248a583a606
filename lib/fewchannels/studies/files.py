"""A study on disk: one run file with an array for each condition and measure, and what it takes to trust it.

save_study("results/critical.safetensors", case, cells, index={"k": [1, 2, 4, 8]})
study = load_study("results/critical.safetensors")
study["top 8"]["change"]                               # [n]
agrees(fresh["top 8"]["change"], study["top 8"]["change"])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..identity import digest
from ..metrics import bootstrap_interval
from ..runfile import Run, load_run, save_run
from .cases import Case


@dataclass(frozen=True)
class Study:
    """`cells[condition][measure]` arrays, with prompts, provenance and index (JSON values) of the run file."""

    cells: dict[str, dict[str, np.ndarray]]
    prompts: list[str]
    provenance: dict
    index: dict

    def __getitem__(self, condition: str) -> dict[str, np.ndarray]:
        if condition not in self.cells:
            raise KeyError(f"the study has no condition {condition!r}; it has {', '.join(self.cells)}")
        return self.cells[condition]

    def source(self) -> str:
        """A line for under a figure: what made these numbers."""
        p = self.provenance
        versions = ", ".join(
            f"{name} {version}" for name, version in p["versions"].items() if name in ("torch", "diffusers")
        )
        return (
            f"From a study of {len(self.prompts)} prompts: {p['model']} ({str(p['revision'])[:19]}), seed {p['seed']}, "
            f"{p['steps']} steps, {p['dtype']}, {versions}, {str(p['date'])[:10]}."
        )


def save_study(path: str | Path, case: Case, cells: Mapping[str, Mapping[str, np.ndarray]], index: dict) -> Path:
    """Write a study's cells as a run file; errors as for `runfile.save_run`."""
    provenance = case.model.provenance() | {"seed": case.seed, "steps": case.steps}
    stats = {f"{name}/{part}": array for name, cell in cells.items() for part, array in cell.items()}
    return save_run(path, Run(provenance, case.prompts, stats, index={"conditions": list(cells), **index}))


def load_study(path: str | Path) -> Study:
    """Read what `save_study` wrote. Raises FileNotFoundError, or RunFileError for what is no such file."""
    run = load_run(path)
    cells: dict[str, dict[str, np.ndarray]] = {name: {} for name in run.index["conditions"]}
    for name, array in run.stats.items():
        condition, _, part = name.rpartition("/")
        cells[condition][part] = array
    return Study(cells, run.prompts, run.provenance, run.index)


def agrees(fresh: np.ndarray, kept: np.ndarray) -> bool:
    """Does a slice that was computed again agree with the study? fresh [m, ...], kept [n, ...]: the first m prompts.

    True where the mean over the m prompts differs by no more than half the width of the study's 95 % interval over
    all n: another processor may round otherwise, but must not tell another story.
    """
    fresh, kept = np.asarray(fresh, np.float64), np.asarray(kept, np.float64)
    interval = bootstrap_interval(kept, statistic=np.nanmean)
    apart = abs(np.nanmean(fresh) - np.nanmean(kept[: len(fresh)]))
    return bool(apart <= max((interval.high - interval.low) / 2, 1e-6))


def fitting_study(name: str, case: Case, **index) -> Study | None:
    """The study `name` in a folder "results" here or above, where it is of the case's model, revision, noise and steps
    and its index holds what is given, such as k=8; else None. A model that was changed since it was loaded has none."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        path = folder / "results" / f"{name}.safetensors"
        if path.is_file():
            study, this = load_study(path), case.model.provenance() | {"seed": case.seed, "steps": case.steps}
            same = all(study.provenance[part] == this[part] for part in ("model", "revision", "seed", "steps"))
            same = same and all(study.index.get(part) == value for part, value in index.items())
            return study if same and digest(case.model) == case.model.as_loaded else None
    return None

"""What a study found: conditions and their numbers, selected by fields, compared with intervals.

    found.mean("change", channels="top")                                      # Interval over prompts
    found.minus("change", {"channels": "top"}, {"channels": "random"})        # same prompts, draws crossed
    found.ratio("adopted", {"channels": "top"}, {"channels": "all"})
    found.curve("change", over="k", lines="channels"), found.dots("change", rows="channels")
    found                                                                     # prints as a table

`selection` has what is selected and compared, `views` what figures and tables take of it; here it goes to a file and
comes back.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..origins import made_by
from ..runfile import Run, RunFileError, load_run, save_run
from .condition import Condition, checked_fields
from .views import Views


class Results(Views):
    """The numbers of one study on one model; fields as of `Selection`, a run file to keep them in."""

    def source(self) -> str:
        """A line for under a figure: what made these numbers."""
        return f"From a study of {max(self.groups.values())} prompts: {made_by(self.provenance)}."

    def save(self, path: str | os.PathLike) -> Path:
        """Write a run file, without pictures, several numbers a prompt in 16 bit; errors as for `save_run`."""
        rows = [{name: a for name, a in cell.items() if name != "pictures"} for cell in self.cells.values()]
        stats = {f"{i}/{name}": _small(a) for i, cell in enumerate(rows) for name, a in cell.items()}
        stats |= {f"{name}/{part}": _small(a) for name, cell in self.instruments.items() for part, a in cell.items()}
        index = {
            "study": self.name,
            "conditions": [_sparse(c) for c in self.cells],
            "groups": self.groups,
            "instruments": list(self.instruments),
            "left_out": self.left_out,
            "base": _sparse(self.base),
            "shares": [[*key, shares] for key, shares in self.shares.items()],
            **self.index,
        }
        return save_run(path, Run(self.provenance, self.prompts, stats, index=index))

    @classmethod
    def read(cls, path: str | os.PathLike) -> Results:
        """What `save` wrote. Raises FileNotFoundError, or RunFileError for what holds no study."""
        run = load_run(path)
        index = dict(run.index)
        if not {"study", "conditions", "groups", "base"} <= set(index):
            raise RunFileError(f"{path} holds no study, but a run: read it with fewchannels.load_run")
        conditions = [Condition(**checked_fields(c)) for c in index.pop("conditions")]
        cells: dict[str, dict[str, np.ndarray]] = {}
        for name, array in run.stats.items():
            cell, _, part = name.rpartition("/")
            cells.setdefault(cell, {})[part] = array
        return cls(
            index.pop("study"),
            {c: cells[str(i)] for i, c in enumerate(conditions)},
            index.pop("groups"),
            {name: cells[name] for name in index.pop("instruments")},
            index.pop("left_out"),
            {tuple(row[:3]): row[3] for row in index.pop("shares")},
            run.provenance,
            run.prompts,
            Condition(**checked_fields(index.pop("base"))),
            index,
        )


def _sparse(c: Condition) -> dict[str, Any]:
    return {f.name: getattr(c, f.name) for f in dataclasses.fields(c) if getattr(c, f.name) != f.default}


def _small(array: np.ndarray) -> np.ndarray:
    """Arrays of more than one number a prompt in float16, where that holds them: three digits are more than an interval
    over prompts can use."""
    small = array.ndim > 1 and array.dtype == np.float32 and not (np.abs(array) > 6e4).any()
    return array.astype(np.float16) if small else array

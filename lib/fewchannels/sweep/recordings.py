"""What an edit takes from another run, as data: how that run is made again, on whichever machine computes the edit.

    source = Recording(prompts=sources, seed=0, generation={"steps": 8})
    source.of(model).trajectory                       # made when it is first asked for, and kept for the next condition
    Recording(prompts=captions, images=pictures, ...)  # the trajectory of given pictures

A condition that holds a recording can be keyed, sent to another process and done again; a Trajectory could not. What
recordings hold is kept up to `BUDGET` bytes a process; beyond it the one that was not used for longest goes. All that
are of a model go when it is no more what it was: it is read before each use, or once for all inside `unchanged`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..edits.blending import Steps, record_steps
from ..edits.inversion import image_trajectory
from ..identity import NoContent, content, digest
from ..watch.trajectories import Trajectory, record

BUDGET = 4 * 2**30
WHAT = ("tokens", "steps")
_made: WeakKeyDictionary[Any, OrderedDict[str, Recorded]] = WeakKeyDictionary()
_states: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # what each model was when they were made
_unchanged: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()  # inside `unchanged`: whether it was read already


@dataclass
class Recorded:
    """images uint8 [S, H, W, 3] of the run; its trajectory, or what its scheduler was given and gave at each step."""

    images: np.ndarray
    trajectory: Trajectory | None = None
    steps: Steps | None = None

    @property
    def nbytes(self) -> int:
        if self.trajectory is not None:
            return self.trajectory.nbytes
        return sum(tensor.nbytes for tensor in (*self.steps.velocities, *self.steps.latents))


@dataclass(frozen=True, eq=False)
class Recording:
    """A run to be recorded. prompts, samples, seed, generation: as for Model.generate; samples: 0, 1, ... by default.

    what: "tokens", hidden states on `channels` (None: all) of `layers` and `steps` (None: all) in `dtype`; or "steps",
    the scheduler's. images: pictures whose trajectory it is, the prompts being their captions; way, iterations: as for
    `image_trajectory`.
    """

    prompts: Sequence[str]
    seed: int = 0
    samples: Sequence[int] | None = None
    generation: dict[str, Any] = field(default_factory=dict)
    what: str = "tokens"
    channels: Any = None
    layers: Sequence[int] | None = None
    steps: Sequence[int] | None = None
    dtype: str | None = None
    images: np.ndarray | None = None
    way: str = "renoise"
    iterations: int = 1

    def of(self, model) -> Recorded:
        """What the run left; computed once a model and process. Errors as of record, image_trajectory, generate."""
        _forget_changed(model)
        kept = _made.setdefault(model, OrderedDict())
        key = json.dumps(content(vars(self)), sort_keys=True)
        if key not in kept:
            made = self._make(model)
            while kept and sum(one.nbytes for one in kept.values()) + made.nbytes > BUDGET:
                kept.popitem(last=False)
            kept[key] = made
        kept.move_to_end(key)
        return kept[key]

    def _make(self, model) -> Recorded:
        given = {**self.generation, "seed": self.seed}
        if self.what == "steps":
            with record_steps(model) as steps:
                return Recorded(model.generate(list(self.prompts), samples=self.samples, **given), steps=steps)
        where = {"channels": self.channels, "dtype": self.dtype}
        if self.images is not None:
            made = image_trajectory(
                model, list(self.images), list(self.prompts), how=self.way, iterations=self.iterations, **where, **given
            )
            return Recorded(made.images, made)
        with record(model, **where, layers=self.layers, steps=self.steps) as trajectory:
            images = model.generate(list(self.prompts), samples=self.samples, **given)
        return Recorded(images, trajectory)


def forget_recordings(model) -> None:
    """Drop what is kept of a model."""
    _made.pop(model, None)
    _states.pop(model, None)


@contextmanager
def unchanged(model) -> Iterator[None]:
    """Inside, the model is taken to stay as it is, so that it is read once, at the first use, and not at each."""
    if model in _unchanged:
        yield
        return
    _unchanged[model] = False
    try:
        yield
    finally:
        del _unchanged[model]


def _forget_changed(model) -> None:
    if _unchanged.get(model):
        return
    try:
        state: Any = digest(model)
    except NoContent:  # nobody can tell: never what it was
        state = object()
    if _states.get(model) != state:
        forget_recordings(model)
        _states[model] = state
    if model in _unchanged:
        _unchanged[model] = True

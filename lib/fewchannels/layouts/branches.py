"""Labels each forward of a transformer with step, guidance branches, samples and grid, never by "the last forward".

A new step begins when the scheduler has stepped or the `timestep` argument has changed; the same moment again is the
next guidance branch. (The timestep alone is not enough: in bf16 neighbouring timesteps can be equal.) A doubled batch
is split by rows in the order that the pipeline uses. Passes beyond the branches (skip-layer guidance) have no label.
"""

from __future__ import annotations

import inspect

from .table import Layout
from .tokens import Frame, frame_of

NO_ROWS: dict[str, slice] = {}


class Labels:
    """The labels of the forward that runs now, kept up to date by `forward_begins` (a pre-hook of the transformer).

    step: index within the trajectory. rows: branch name -> slice of the batch, empty for a pass that is no branch.
    samples: range of sample numbers, counting on over trajectories. frame: the grid and counts. total: the steps of
    the trajectory, None where nothing tells.
    """

    def __init__(self, model):
        self.model = model
        self.layout: Layout = model.layout
        self.step = -1
        self.rows = NO_ROWS
        self.samples = range(0)
        self.frame: Frame | None = None
        self.total: int | None = None
        self.forwards = 0
        self.trajectories = 0
        self._signature = inspect.signature(type(model.transformer).forward)
        self._trajectory = None
        self._moment = None
        self._turn = 0
        self._ids = (None, None, None)

    def forward_begins(self, transformer, args, kwargs):
        """Read the labels of the forward that is about to run from its arguments."""
        arguments = self._signature.bind(transformer, *args, **kwargs).arguments
        self.frame = self._frame(transformer, arguments)
        self.forwards += 1
        scheduler = getattr(self.model.pipeline, "scheduler", None)
        # Schedulers make a new tensor of timesteps for every call of a pipeline, so its identity marks a trajectory.
        run, timesteps = self.model.run, getattr(scheduler, "timesteps", None)
        trajectory = (run, timesteps)
        moment = (getattr(scheduler, "step_index", None), _first_value(arguments.get("timestep")))
        if self._trajectory is None or any(a is not b for a, b in zip(trajectory, self._trajectory, strict=True)):
            self._trajectory, self._moment, self._turn, self.step = trajectory, moment, 0, 0
            self.trajectories += 1
            self.total = run.steps if run is not None and run.steps is not None else _length(timesteps)
            self._count(arguments)
        elif moment != self._moment:
            self._moment, self._turn = moment, 0
            self.step += 1
        else:
            self._turn += 1
        self.rows = self._branches()

    def _frame(self, transformer, arguments) -> Frame:
        source = arguments.get(self.layout.grid)
        shape = tuple(arguments["hidden_states"].shape)
        if source is None or self._ids[0] is not source or self._ids[1] != shape:
            self._ids = (source, shape, frame_of(self.layout, transformer, arguments))
        return self._ids[2]

    def _count(self, arguments):
        rows, run = self.frame.rows, self.model.run
        if run is not None:
            count = run.samples
        elif self.model.pipeline is None or not self.layout.batched:
            count = rows
        else:
            guided = getattr(self.model.pipeline, "do_classifier_free_guidance", None)
            if guided is None:
                raise RuntimeError(
                    f"{type(self.model.pipeline).__name__} does not tell whether guidance is on, so a batch of {rows} "
                    f"may be {rows} samples or {rows // 2} with both branches: call model.generate(...) instead"
                )
            count = rows // len(self.layout.batched) if guided else rows
        self.samples = range(self.samples.stop, self.samples.stop + count)

    def _branches(self) -> dict[str, slice]:
        rows, count = self.frame.rows, len(self.samples)
        if rows == count:
            if self._turn == 0:
                return {"cond": slice(0, rows)}
            turns = self.layout.turns
            return {turns[self._turn]: slice(0, rows)} if self._turn < len(turns) else NO_ROWS
        order = self.layout.batched
        if order and rows == len(order) * count:
            if self._turn:
                return NO_ROWS
            return {name: slice(i * count, (i + 1) * count) for i, name in enumerate(order)}
        raise RuntimeError(
            f"{self.layout.name} was called with a batch of {rows} for {count} samples; expected {count}"
            + (f" or {len(order) * count} (branches {', '.join(order)})" if order else "")
            + ". Generate through model.generate(...), one image a prompt, so that branches and samples are known"
        )


def _first_value(timestep) -> float | None:
    if timestep is None:
        return None
    return float(timestep.flatten()[0]) if hasattr(timestep, "flatten") else float(timestep)


def _length(timesteps) -> int | None:
    return None if timesteps is None else len(timesteps)

"""Labels each forward of a transformer with step, guidance branches, samples and grid, never by "the last forward".

A new step begins when the scheduler has stepped or the `timestep` argument has changed; the same moment again is the
next guidance branch. (The timestep alone is not enough: in bf16 neighbouring timesteps can be equal, and PNDM comes
twice to one of its own.) Where a pipeline names its passes (`transformer.cache_context("uncond")`), its word counts. A
doubled batch is split by rows in the order that the pipeline uses; a second transformer is a branch of its own. Rows
and passes beyond the branches (perturbed attention, skip-layer guidance) are "perturbed"; the filling of a cache has no
label.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ..scheduler import Clock, around_step, refuse_late_start, scheduler_of, step_count
from ..wrapping import around, refuse_other_thread
from .calls import signature_of
from .forms import Layout
from .frames import TENSORS, Frame, frame_of, shape_of
from .guards import refuse_kept_keys

NO_ROWS: dict[str, slice] = {}
PERTURBED = "perturbed"
# What pipelines and guiders of diffusers call their passes; any other name is of a pass that is no branch.
CONTEXTS = {"cond": "cond", "uncond": "uncond", "pred_cond": "cond", "pred_uncond": "uncond"}


class Labels:
    """The labels of the forward that runs now, kept up to date by `forward_begins` (a pre-hook of the transformers).

    step: index within the trajectory, which begins with the first step that runs. rows: branch name -> slice of the
    batch, empty for a pass that draws nothing. samples: range of sample numbers, counting on over trajectories. frame:
    the grid and counts. total: the steps of the trajectory, None where nothing tells. transformers: the model's, and
    the one of the unconditional branch where that is another.
    """

    def __init__(self, model):
        self.model = model
        self.layout: Layout = model.layout
        second = getattr(model.pipeline, self.layout.second, None) if self.layout.second else None
        self.transformers = (model.transformer,) if second is None else (model.transformer, second)
        self.step = -1
        self.rows = NO_ROWS
        self.samples = range(0)
        self.frame: Frame | None = None
        self.total: int | None = None
        self.forwards = 0
        self.trajectories = 0
        self._signature = signature_of(type(model.transformer), "forward")
        self._clock, self._thread = Clock(model), threading.current_thread()
        self._listening: ExitStack | None = None
        self._heard = None
        self._stepped = 0
        self._unproved = False
        self._trajectory = None
        self._moment = None
        self._turn = 0
        self._context: str | None = None
        self._seen: set[str] = set()
        self._frames: list[tuple] = []

    def known_by(self) -> str:
        """Labels change no number, and what they have seen meanwhile is nothing that one could hang on."""
        return self.layout.name

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear when the scheduler steps, and by what names the pipeline announces its passes, while open."""
        with ExitStack() as self._listening:
            for transformer in self.transformers:
                if callable(getattr(transformer, "cache_context", None)):
                    self._listening.enter_context(around(transformer, "cache_context", self._overheard))
            self._hear(scheduler_of(self.model))
            yield

    def _hear(self, scheduler):
        """Another scheduler may be set while the context is open."""
        if self._listening is not None and scheduler is not self._heard and callable(getattr(scheduler, "step", None)):
            self._heard = scheduler
            self._listening.enter_context(around_step(scheduler, self._scheduler_steps))

    def _scheduler_steps(self, take, output, timestep, sample):
        if self._unproved:
            self._unproved = False
            refuse_late_start(self._heard, timestep)
        self._stepped += 1
        return take(output)

    @contextmanager
    def _overheard(self, cache_context, name, *args, **kwargs):
        self._context = name
        try:
            with cache_context(name, *args, **kwargs):
                yield
        finally:
            self._context = None

    def forward_begins(self, transformer, args, kwargs):
        """Read the labels of the forward that is about to run from its arguments."""
        refuse_other_thread(self._thread, transformer)
        arguments = self._signature.bind_partial(transformer, *args, **kwargs).arguments
        refuse_kept_keys(self.layout, arguments)
        self.frame = self._frame(transformer, arguments)
        self.forwards += 1
        if _fills_a_cache(arguments):
            self.rows = NO_ROWS
            return
        scheduler = scheduler_of(self.model)
        self._hear(scheduler)
        # Schedulers make a new tensor of timesteps for every call of a pipeline, so its identity marks a trajectory.
        trajectory = (self.model.run, getattr(scheduler, "timesteps", None))
        time = _first_value(arguments.get(self.layout.time))
        moment = (getattr(scheduler, "step_index", None), self._stepped, time)
        if self._trajectory is None or any(a is not b for a, b in zip(trajectory, self._trajectory, strict=True)):
            self._trajectory, self._moment, self._turn, self.step = trajectory, moment, 0, self._clock.place()
            self._unproved = self.step == 0
            self._seen = set()
            self.trajectories += 1
            self.total = step_count(self.model)
            self._count()
        elif moment != self._moment:
            self._moment, self._turn = moment, 0
            self._seen = set()
            self.step += 1
        else:
            self._turn += 1
        self.rows = self._branches(transformer)
        self._seen.update(self.rows)

    def _frame(self, transformer, arguments) -> Frame:
        shape = shape_of(arguments[self.layout.hidden])
        sources = [arguments.get(name) for name in TENSORS.get(self.layout.grid, ())]
        if not sources:
            return frame_of(self.layout, transformer, arguments)
        for known, at, frame in self._frames:
            if at == shape and all(a is b for a, b in zip(known, sources, strict=True)):
                return frame
        frame = frame_of(self.layout, transformer, arguments)
        self._frames = [*self._frames[-3:], (sources, shape, frame)]
        return frame

    def _count(self):
        rows, run, pipeline = self.frame.rows, self.model.run, self.model.pipeline
        if run is not None:
            count = run.samples
        elif pipeline is None or not self.layout.batched:
            count = rows
        else:
            guided = getattr(pipeline, "do_classifier_free_guidance", None)
            if guided is None:
                raise RuntimeError(
                    f"{type(pipeline).__name__} does not tell whether guidance is on, so a batch of {rows} "
                    f"may be {rows} samples or {rows // 2} with both branches: call model.generate(...) instead"
                )
            count = rows // ((2 if guided else 1) + self._perturbs)
        self.samples = range(self.samples.stop, self.samples.stop + count)

    @property
    def _perturbs(self) -> bool:
        """Perturbed-attention guidance adds rows behind the branches."""
        return bool(getattr(self.model.pipeline, "do_perturbed_attention_guidance", False))

    def _branches(self, transformer) -> dict[str, slice]:
        rows, count = self.frame.rows, len(self.samples)
        if rows == count:
            name = self._name(transformer)
            return {PERTURBED if name is None or name in self._seen else name: slice(0, rows)}
        order = self._order(rows // count if count and rows % count == 0 else 0)
        if order:
            if self._turn:
                return {PERTURBED: slice(0, rows)}
            return {name: slice(i * count, (i + 1) * count) for i, name in enumerate(order)}
        orders = [order for n in (2, 3) if (order := self._order(n))]
        raise RuntimeError(
            f"{self.layout.name} was called with a batch of {rows} for {count} samples; expected {count}"
            + "".join(f" or {len(order) * count} (branches {', '.join(order)})" for order in orders)
            + ". Generate through model.generate(...), one image a prompt, so that branches and samples are known"
        )

    def _name(self, transformer) -> str | None:
        """The branch of a pass with one row a sample."""
        if len(self.transformers) > 1:
            return "cond" if transformer is self.transformers[0] else "uncond"
        if self._context is not None:
            return CONTEXTS.get(self._context)
        if self._turn == 0:
            return "cond"
        return self.layout.turns[self._turn] if self._turn < len(self.layout.turns) else None

    def _order(self, times: int) -> tuple[str, ...]:
        """The names of the rows in a batch of so many times the samples, () where there is no such batch."""
        batched = self.layout.batched
        if self._perturbs and batched:
            plain = ("cond",) if times == 2 else batched[:2]
            return (*plain, PERTURBED) if times in (2, 3) else ()
        return batched[:times] if 2 <= times <= len(batched) else ()


def _fills_a_cache(arguments) -> bool:
    """GLM-Image runs each condition image through the transformer before the first step, to keep its keys."""
    caches = arguments.get("kv_caches")
    return caches is not None and getattr(caches[0], "mode", None) == "write"


def _first_value(timestep) -> float | None:
    if timestep is None:
        return None
    return float(timestep.flatten()[0]) if hasattr(timestep, "flatten") else float(timestep)

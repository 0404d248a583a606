"""What a transformer gave in the steps before any edit, so that many conditions need it only once.

    with prefix.recorded(model, samples):           # one run without an edit
        model.generate(prompts, samples=samples)
    with prefix.replayed(model, [0, 1, 0, 1], steps=4):
        ...                                         # in its first four steps the transformer does not run

The pipeline itself runs as ever, its scheduler and its guidance included: only the transformer's outputs in those
steps are the recorded ones, row by row, and so the same bits. Before an output is used, the latents and the time that
it was computed from are compared with those at hand, bit for bit; where they differ, the transformer runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch.utils import _pytree as pytree

from ..layouts import Labels, signature_of


@dataclass
class _Forward:
    """One forward. times: rows a sample (2 where guidance doubles the batch). latents, outputs: [times, S, ...]."""

    step: int
    time: float
    times: int
    latents: torch.Tensor
    outputs: list
    shape: object  # how the outputs are nested


class Prefix:
    """Outputs in the first `steps` steps of one trajectory of S samples.

    why: None, or why nothing could be recorded, as text; conditions then run in full. hits, misses: forwards that
    were replayed, and that had to run since they had other inputs.
    """

    def __init__(self, steps: int):
        self.steps = steps
        self.why: str | None = None
        self.hits = self.misses = 0
        self.total: int | None = None
        self._parts: list[tuple[list[int], list[_Forward]]] = []
        self._where: dict[int, tuple[int, int]] = {}
        self._forwards: list[_Forward] | None = None

    @contextmanager
    def recorded(self, model, samples: Sequence[int]) -> Iterator[None]:
        """Record what the transformer gives while open; `samples` are those of the one batch that runs inside."""
        kept: list[_Forward] = []

        def run(labels, transformer, arguments, forward):
            output = forward()
            self.total = labels.total
            if labels.step < self.steps and self.why is None:
                kept.append(self._seen(labels, arguments, output, len(samples)))
            return output

        with wrapped(model, run):
            yield
        if self.why is None:
            self._parts.append((list(samples), kept))

    @contextmanager
    def replayed(self, model, samples: Sequence[int], steps: int) -> Iterator[None]:
        """Give out what was recorded of `samples`, one a row of the batch, in the first `steps` steps."""
        if self.why is not None or not steps:
            yield
            return
        forwards = self._joined()
        rows = torch.tensor([self._where[sample] for sample in samples])
        count = iter(range(len(forwards)))

        def run(labels, transformer, arguments, forward):
            number = next(count, None)
            known = None if number is None else forwards[number]
            if known is None or known.step >= steps:
                return forward()
            latents = arguments[labels.layout.hidden]
            if not same_input(known, labels, arguments, rows):
                self.misses += 1
                return forward()
            self.hits += 1
            return given_again(known.outputs, known.shape, rows, latents.device)

        with wrapped(model, run):
            yield

    def _seen(self, labels, arguments, output, samples) -> _Forward | None:
        latents = arguments.get(labels.layout.hidden)
        leaves, shape = pytree.tree_flatten(output)
        times = rows_a_sample(latents, leaves, samples)
        if times is None:
            self.why = f"{labels.layout.name} has no row a sample in what it takes and gives"
            return None
        outputs = [samples_apart(leaf, times, samples) for leaf in leaves]
        latents = samples_apart(latents, times, samples)
        return _Forward(labels.step, time_of(labels, arguments), times, latents, outputs, shape)

    def _joined(self) -> list[_Forward]:
        """The forwards of all recorded batches, side by side."""
        if self._forwards is None:
            samples = [sample for listed, _ in self._parts for sample in listed]
            self._where = {sample: row for row, sample in enumerate(samples)}
            self._forwards = [_beside(forwards) for forwards in zip(*(kept for _, kept in self._parts), strict=True)]
            self._parts = []
        return self._forwards


def _beside(forwards: Sequence[_Forward]) -> _Forward:
    first = forwards[0]
    outputs = leaves_beside([one.outputs for one in forwards])
    latents = torch.cat([one.latents for one in forwards], dim=1)
    return _Forward(first.step, first.time, first.times, latents, outputs, first.shape)


def leaves_beside(recorded: Sequence[list]) -> list:
    """The leaves of one output, recorded in several batches, as of one batch of all their samples."""
    columns = zip(*recorded, strict=True)
    return [torch.cat(column, dim=1) if torch.is_tensor(column[0]) else column[0] for column in columns]


def rows_a_sample(latents, leaves: list, samples: int) -> int | None:
    """How many rows a sample has in the latents and in every tensor of an output; None where that is no one number."""
    tensors = [leaf for leaf in [latents, *leaves] if torch.is_tensor(leaf)]
    rows = {len(leaf) if leaf.ndim else 0 for leaf in tensors}
    if not torch.is_tensor(latents) or len(rows) != 1 or (count := rows.pop()) % samples:
        return None
    return count // samples


def same_input(known, labels, arguments, rows: torch.Tensor) -> bool:
    """Whether a forward has the latents and the time of a recorded one, bit for bit."""
    latents = arguments[labels.layout.hidden]
    return known.time == time_of(labels, arguments) and torch.equal(
        rows_of(known.latents, rows).to(latents.device), latents
    )


def samples_apart(leaf, times: int, samples: int):
    """A copy of a tensor [times * S, ...] as [times, S, ...], off the GPU; anything else as it is."""
    return leaf.detach().cpu().clone().unflatten(0, (times, samples)) if torch.is_tensor(leaf) else leaf


def rows_of(leaf: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The rows of a batch from [times, S, ...]: [times * rows, ...]."""
    return leaf[:, rows].flatten(0, 1)


def given_again(leaves: list, shape, rows: torch.Tensor, device):
    """An output from its recorded leaves, for the rows of a batch."""
    return pytree.tree_unflatten([rows_of(x, rows).to(device) if torch.is_tensor(x) else x for x in leaves], shape)


def time_of(labels, arguments) -> float | None:
    """The moment in the trajectory that a forward is told."""
    time = arguments.get(labels.layout.time)
    return None if time is None else float(torch.as_tensor(time).flatten()[0])


@contextmanager
def wrapped(model, run) -> Iterator[None]:
    """run(labels, transformer, arguments, forward) stands in for the forward of the model's transformers while open."""
    labels = Labels(model)
    with ExitStack() as stack:
        for transformer in labels.transformers:
            handle = transformer.register_forward_pre_hook(labels.forward_begins, with_kwargs=True)
            stack.callback(handle.remove)
            stack.callback(restored, transformer, vars(transformer).get("forward"))
            transformer.forward = _standing_in(transformer, labels, run)
        stack.enter_context(labels.listening())
        yield


def _standing_in(transformer, labels, run):
    own, signature = transformer.forward, signature_of(type(transformer), "forward")

    def forward(*args, **kwargs):
        arguments = signature.bind_partial(transformer, *args, **kwargs).arguments
        return run(labels, transformer, arguments, lambda: own(*args, **kwargs))

    return forward


def restored(transformer, before) -> None:
    if before is None:
        del transformer.forward
    else:
        transformer.forward = before

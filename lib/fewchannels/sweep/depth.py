"""What the blocks up to the first edited one gave in the first edited step, so that many conditions need it only once.

    depth = Depth([(4, 2), (4, 7)], count=2)        # two samples; conditions begin at step 4, in block 2 or in block 7
    with depth.recorded(model, [0, 1]):             # one run without an edit
        model.generate(prompts, samples=[0, 1])
    with depth.replayed(model, [0, 1, 0, 1], step=4, block=7):
        ...                                         # in step 4 the blocks 0 to 7 do not compute; their hooks run

An edit changes what a block gives, so that block itself need not compute either: what it gave is handed to the edit.
All else in the transformer runs as ever. Where blocks pass something on beside what they return (long skips), leaving
them out would be wrong; so each depth is tried once: the transformer must give the same bits with it as without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch.utils import _pytree as pytree

from ..layouts import blocks_of
from .prefix import given_again, leaves_beside, restored, rows_a_sample, same_input, samples_apart, time_of, wrapped

BUDGET = 2**30  # bytes of block outputs that are held; fewer depths where all would be more
_sound: WeakKeyDictionary[torch.nn.Module, dict[int, bool]] = WeakKeyDictionary()


@dataclass
class _Moment:
    """One forward. latents [times, S, ...]; outputs: block -> its leaves [times, S, ...] and how they are nested;
    depths: up to which blocks may be left out."""

    time: float | None
    latents: torch.Tensor
    outputs: dict[int, tuple[list, object]]
    depths: list[int]


class Depth:
    """Outputs of blocks in one trajectory of `count` samples. starts: (step, block) in which conditions begin.

    hits, misses: forwards in which blocks were left out, and in which they had to run.
    """

    def __init__(self, starts: Iterable[tuple[int, int]], count: int):
        self.starts, self.count = set(starts), count
        self.hits = self.misses = 0
        self._parts: list[tuple[list[int], dict[int, list[_Moment | None]]]] = []
        self._where: dict[int, int] = {}
        self._moments: dict[int, list[_Moment | None]] | None = None

    @contextmanager
    def recorded(self, model, samples: Sequence[int]) -> Iterator[None]:
        """Record what blocks give while open; `samples` are those of the one batch that runs inside."""
        if not self.starts:
            yield
            return
        kept: dict[int, list[_Moment | None]] = {}
        budget = BUDGET * len(samples) / self.count / len({step for step, _ in self.starts})

        def run(labels, transformer, arguments, forward):
            wanted = sorted(block for step, block in self.starts if step == labels.step)
            if not wanted:
                return forward()
            blocks = blocks_of(labels.layout, transformer)
            with _listening(blocks, wanted, budget) as heard:
                output = forward()
            moment = _moment(labels, arguments, heard, len(samples))
            if moment is not None:
                moment.depths = [d for d in wanted if _is_sound(transformer, blocks, d, heard, forward, output)]
            kept.setdefault(labels.step, []).append(moment)
            return output

        with wrapped(model, run):
            yield
        self._parts.append((list(samples), kept))

    @contextmanager
    def replayed(self, model, samples: Sequence[int], step: int, block: int) -> Iterator[None]:
        """In `step`, leave out the blocks up to `block`, as far as they were recorded for `samples`, one a row."""
        if not self.starts:
            yield
            return
        coming = iter(self._joined().get(step, []))
        rows = torch.tensor([self._where[sample] for sample in samples])

        def run(labels, transformer, arguments, forward):
            if labels.step != step:
                return forward()
            moment = next(coming, None)
            depth = None if moment is None else max((d for d in moment.depths if d <= block), default=None)
            if depth is None or not same_input(moment, labels, arguments, rows):
                self.misses += 1
                return forward()
            self.hits += 1
            device = arguments[labels.layout.hidden].device
            blocks = blocks_of(labels.layout, transformer)
            needed = set(_last_of_families(blocks, depth).values())
            given = {i: given_again(*moment.outputs[i], rows, device) for i in needed}
            with _left_out(blocks, depth, given):
                return forward()

        with wrapped(model, run):
            yield

    def _joined(self) -> dict[int, list[_Moment | None]]:
        """The moments of all recorded batches, side by side, by step."""
        if self._moments is None:
            self._where = {s: row for row, s in enumerate(s for samples, _ in self._parts for s in samples)}
            batches = [kept for _, kept in self._parts]
            common = set.intersection(*map(set, batches)) if batches else set()
            self._moments = {
                step: [_beside(same) for same in zip(*(kept[step] for kept in batches), strict=True)] for step in common
            }
            self._parts = []
        return self._moments


def _last_of_families(blocks, depth: int) -> dict[int, int]:
    """For the blocks 0 to depth: whose output stands in for each. Blocks of another list return another structure."""
    found, last = {}, {}
    for i in range(depth, -1, -1):
        found[i] = last.setdefault(blocks[i][1].path, i)
    return found


@contextmanager
def _listening(blocks, wanted: list[int], budget: float) -> Iterator[dict[int, object]]:
    """Block -> a copy of what it returns, of those that the wanted depths need. Depths beyond the budget are taken out
    of `wanted`, evenly."""
    heard: dict[int, object] = {}
    needed: set[int] = set()

    def hook(index):
        def hear(module, args, output):
            if not needed:
                size = sum(leaf.nbytes for leaf in pytree.tree_leaves(output) if torch.is_tensor(leaf))
                fit = max(1, int(budget // max(1, size)))
                if len(wanted) > fit:
                    wanted[:] = [wanted[(i * len(wanted)) // fit] for i in range(fit)]
                needed.update(i for depth in wanted for i in _last_of_families(blocks, depth).values())
            if index in needed:
                heard[index] = pytree.tree_map(lambda x: x.detach().clone() if torch.is_tensor(x) else x, output)

        return hear

    with ExitStack() as stack:
        for index, (_, _, block) in enumerate(blocks):
            stack.callback(block.register_forward_hook(hook(index)).remove)
        yield heard


def _moment(labels, arguments, heard: Mapping[int, object], samples: int) -> _Moment | None:
    """What was heard, by sample; None where it has no row a sample."""
    latents = arguments.get(labels.layout.hidden)
    flat = {index: pytree.tree_flatten(output) for index, output in heard.items()}
    times = rows_a_sample(latents, [leaf for leaves, _ in flat.values() for leaf in leaves], samples)
    if not times:
        return None
    outputs = {i: ([samples_apart(x, times, samples) for x in leaves], shape) for i, (leaves, shape) in flat.items()}
    return _Moment(time_of(labels, arguments), samples_apart(latents, times, samples), outputs, [])


def _is_sound(transformer, blocks, depth: int, heard: Mapping[int, object], forward, output) -> bool:
    """Whether the transformer gives the same without the blocks up to `depth`; tried once a transformer and depth."""
    if not set(_last_of_families(blocks, depth).values()) <= set(heard):
        return False  # a pass that leaves blocks out by itself
    known = _sound.setdefault(transformer, {})
    if depth not in known:
        try:
            with _left_out(blocks, depth, heard):
                again = forward()
            pairs = zip(pytree.tree_leaves(again), pytree.tree_leaves(output), strict=True)
            known[depth] = all(torch.equal(a, b) if torch.is_tensor(a) else a == b for a, b in pairs)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception:  # such as a structure that another block does not take
            known[depth] = False
    return known[depth]


@contextmanager
def _left_out(blocks, depth: int, given: Mapping[int, object]) -> Iterator[None]:
    """The blocks 0 to `depth` return what is given instead of computing; their hooks run on it."""
    with ExitStack() as stack:
        for index, source in _last_of_families(blocks, depth).items():
            block = blocks[index][2]
            stack.callback(restored, block, vars(block).get("forward"))
            block.forward = lambda *args, _given=given[source], **kwargs: _given
        yield


def _beside(moments: Sequence[_Moment | None]) -> _Moment | None:
    if None in moments:
        return None
    first = moments[0]
    common = set.intersection(*(set(one.outputs) for one in moments))
    outputs = {i: (leaves_beside([one.outputs[i][0] for one in moments]), first.outputs[i][1]) for i in common}
    depths = sorted(set.intersection(*(set(one.depths) for one in moments)))
    return _Moment(first.time, torch.cat([one.latents for one in moments], dim=1), outputs, depths)

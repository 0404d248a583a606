"""What a transformer adds to its tokens between two blocks: the residuals of a ControlNet.

A hook on a block sees what the block returns, and diffusers adds the residual after that. So, while a context is open,
residuals are taken out of the call, and a hook on the block adds them before all others: what is read is then what the
next block reads, and what is written reaches it. The sum is the transformer's own, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from ..wrapping import hooked
from .calls import signature_of
from .forms import Added, Blocks
from .tokens import blocks_of, image_of


class Residuals:
    """The residuals of one context, for the transformers of `labels`. writes: whether the context changes tokens."""

    def __init__(self, model, labels, writes: bool):
        self.labels, self.writes = labels, writes
        self.elsewhere = False
        self._controlnet = getattr(model.pipeline, "controlnet", None)
        self._given: dict[str, tuple[Added, object]] = {}
        self._repeated = False

    @contextmanager
    def attached(self, transformer) -> Iterator[None]:
        """Hooks on a transformer and its blocks, to be put on before those that look at the blocks, and after those
        that read the call."""
        layout = self.labels.layout
        with ExitStack() as stack:
            if isinstance(self._controlnet, torch.nn.Module):
                own = {id(block) for _, _, block in blocks_of(layout, transformer)}
                if any(id(module) in own for module in self._controlnet.modules()):
                    stack.enter_context(hooked(self._controlnet, self._begins_elsewhere, pre=True))
                    stack.enter_context(hooked(self._controlnet, self._ends_elsewhere, always=True))
            if layout.added:
                self._signature = signature_of(type(transformer), "forward")
                stack.enter_context(hooked(transformer, self._forward_begins, pre=True))
                counts: dict[str, int] = {}
                for _, group, block in blocks_of(layout, transformer):
                    number = counts.get(group.path, 0)
                    counts[group.path] = number + 1
                    stack.enter_context(hooked(block, self._of_block(group, number, counts)))
            yield

    def _begins_elsewhere(self, *_):
        self.elsewhere = True  # Z-Image's ControlNet runs the transformer's own refiner, on tokens of its own

    def _ends_elsewhere(self, *_):
        self.elsewhere = False

    def _forward_begins(self, transformer, args, kwargs):
        """Take the residuals out of the call."""
        self._given = {}
        arguments = self._signature.bind_partial(transformer, *args, **kwargs).arguments
        for one in self.labels.layout.added:
            samples = arguments.get(one.argument)
            if samples is None:
                continue
            self._refuse(one, arguments)
            if one.rule == "skips":
                continue
            self._given[one.path] = one, samples
            if one.argument in kwargs:
                kwargs = {**kwargs, one.argument: None}
            else:
                place = list(self._signature.parameters).index(one.argument) - 1
                args = (*args[:place], None, *args[place + 1 :])
        self._repeated = bool(arguments.get("controlnet_blocks_repeat"))
        return (args, kwargs) if self._given else None

    def _refuse(self, one: Added, arguments):
        name = self.labels.layout.name
        if one.refused:
            raise RuntimeError(f"{name} was called with {one.argument}, and {one.refused}: call it without")
        if one.rule == "skips" and self.writes:
            raise RuntimeError(
                f"{name} was called with {one.argument}, which are added to copies of earlier tokens on their way to "
                f"later blocks, out of reach of an edit: call it without a ControlNet, or only capture"
            )
        if arguments.get("skip_layers"):
            raise RuntimeError(
                f"{name} was called with {one.argument} and skip_layers={arguments['skip_layers']!r}: residuals of "
                f"layers that do not run cannot be followed. Leave one of them out"
            )

    def _of_block(self, group: Blocks, number: int, counts: dict[str, int]):
        def returned(block, args, output):
            if group.path not in self._given:
                return None
            one, samples = self._given[group.path]
            residual = RULES[one.rule](samples, number, counts[group.path], block, self._repeated)
            return None if residual is None else _plus(group, output, residual)

        return returned


def _plus(group: Blocks, output, residual: torch.Tensor):
    """The output of a block with a residual on its image tokens, or on all of a fused row where it is as long."""
    hidden = image_of(group, output)
    length = residual.shape[1]
    if length == hidden.shape[1] or group.returns != "fused":
        hidden = hidden + residual
    else:
        hidden = torch.cat([hidden[:, :-length], (hidden[:, -length:] + residual).to(hidden.dtype)], dim=1)
    return image_of(group, output, hidden)


def _ceil(samples, number, count, block, repeated):
    return samples[number // math.ceil(count / len(samples))]


def _repeat(samples, number, count, block, repeated):
    return samples[number % len(samples)] if repeated else _ceil(samples, number, count, block, repeated)


def _floor(samples, number, count, block, repeated):
    return None if block.context_pre_only else samples[int(number / (count / len(samples)))]


def _after_first(samples, number, count, block, repeated):
    return samples[number - 1] if 0 < number <= len(samples) else None


def _by_number(samples, number, count, block, repeated):
    return samples.get(number)


RULES = {"ceil": _ceil, "repeat": _repeat, "floor": _floor, "after_first": _after_first, "by_number": _by_number}

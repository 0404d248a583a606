"""Detail Guidance: steer away from what the model says without its massive channels.

    with detail_guidance(model, massive, weight=1.0):
        model.generate(prompts, seed=0)

At each step velocity <- velocity + weight (velocity - velocity with the channels at zero), at the cost of a second pass
(Gan et al., arXiv 2510.11538, "DG: D + w (D - D_masked)", there in one layer). Written from the abstract and its
formula: their layers, weights and schedules are not ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from ..choices import chosen_layers
from ..layouts.calls import signature_of
from ..layouts.frames import frame_of
from ..layouts.tokens import blocks_of, read, write
from ..scheduler import stepping
from ..watch.subspaces import Subspaces
from ..wrapping import hooked


@contextmanager
def detail_guidance(model, channels, weight: float = 1.0, layers=None) -> Iterator[None]:
    """While open, each step is guided away from the same step with `channels` at zero after each of `layers`.

    channels, layers: as for ablate, one set for all samples. weight: 0 changes no bit. Raises ValueError where the
    scheduler is not given what the transformer said, as under classifier-free guidance, which is to be off.
    """
    spaces, said, weak = Subspaces(channels, model.layers), {}, None
    if spaces.listed:
        raise ValueError("channels is a list, one set a sample: Detail Guidance takes one set for all samples")
    signature = signature_of(type(model.transformer), "forward")

    def begins(transformer, args, kwargs):
        if weak is None:
            said.update(args=args, kwargs=kwargs)

    def ends(transformer, args, output):
        if weak is None:
            said["output"] = first_of(output)

    def at_zero(index, group):
        def block_returned(block, args, output):
            tokens = None if weak is None else read(group, output, weak)
            if tokens is None:
                return None
            part = spaces.at(spaces.key(0), index, tokens.shape[-1], tokens.device)
            if part is None:
                return None
            old = part.read(tokens)
            return write(group, output, weak, part.write(tokens.clone(), old, torch.zeros_like(old)))

        return block_returned

    def visit(take, step, output, sample):
        nonlocal weak
        if said["output"].shape != output.shape or not torch.equal(said["output"].to(output.dtype), output):
            raise ValueError(
                f"{type(model.pipeline).__name__} gave its scheduler something else than its transformer's output, as "
                f"under classifier-free guidance: Detail Guidance needs guidance off, such as guidance_scale=1"
            )
        args, kwargs = said["args"], said["kwargs"]
        arguments = signature.bind_partial(model.transformer, *args, **kwargs).arguments
        weak = frame_of(model.layout, model.transformer, arguments)
        try:
            without = first_of(model.transformer(*args, **kwargs)).to(output.dtype)
        finally:
            weak = None
        return take(output + weight * (output - without))

    with ExitStack() as stack:
        stack.enter_context(hooked(model.transformer, begins, pre=True))
        stack.enter_context(hooked(model.transformer, ends))
        chosen = chosen_layers(model.layers, layers)
        for index, (_, group, block) in enumerate(blocks_of(model.layout, model.transformer)):
            if index in chosen:
                stack.enter_context(hooked(block, at_zero(index, group)))
        stack.enter_context(stepping(model, visit))
        yield


def first_of(output) -> torch.Tensor:
    """The tensor that a transformer returns, alone, as the first of a tuple, or in a ModelOutput."""
    return output if torch.is_tensor(output) else output[0]

"""What a pipeline adds: a real forward to run the checks on, and its guidance branches."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..layouts import signature_of
from ..watch.hooks import capture

PIXELS = {"height": 256, "width": 384}


def sized(model, generation: dict) -> dict:
    taken = signature_of(type(model.pipeline), "__call__").parameters
    own = {name: side for name, side in PIXELS.items() if name in taken}
    if "use_resolution_binning" in taken:
        own["use_resolution_binning"] = False  # it would draw another size than the one that is asked for
    return {**own, "steps": 2, **generation}


def recorded(model, prompts: list[str], generation: dict) -> Callable:
    """The first forward that the pipeline makes, to be run again."""
    seen: list[tuple] = []
    handle = model.transformer.register_forward_pre_hook(lambda *given: seen.append(given), with_kwargs=True)
    try:
        model.generate(prompts, seed=0, output="latent", batch_size=len(prompts), **generation)
    finally:
        handle.remove()
    _, args, kwargs = seen[0]

    @torch.no_grad()
    def call():
        out = model.transformer(*args, **kwargs)[0]
        return torch.stack(list(out)) if isinstance(out, (list, tuple)) else out

    return call


def branches_of(model, prompts: list[str], generation: dict):
    """At the first step all runs have the same latents, so what differs between two prompts is the prompt's doing."""
    found: dict[str, list[torch.Tensor]] = {"cond": [], "uncond": []}
    layer = len(model.layers) // 2
    for prompt in prompts[:2]:
        kept = {branch: _First() for branch in found}
        with capture(model, kept["cond"], layers=layer):
            try:
                with capture(model, kept["uncond"], layers=layer, branch="uncond"):
                    model.generate([prompt], seed=0, output="latent", **generation)
            except RuntimeError as error:
                if "branch 'uncond'" not in str(error):
                    raise
        for branch, first in kept.items():
            found[branch].append(first.tokens)
    apart = {name: None if None in each else float((each[0] - each[1]).abs().max()) for name, each in found.items()}
    if not apart["cond"]:
        return False, "the conditional branch is the same for two prompts"
    if apart["uncond"] is None:
        return None, "the conditional one follows the prompt; the other did not run: pass arguments that turn it on"
    if apart["uncond"] > 0.02 * apart["cond"]:
        return False, "the branch called unconditional follows the prompt as well: the order is another"
    return True, "the conditional one follows the prompt, and the unconditional one does not"


class _First:
    """A sink that keeps the tokens of the first step."""

    tokens: torch.Tensor | None = None

    def add(self, tokens, *, layer, step, samples, grid):
        if step == 0 and self.tokens is None:
            self.tokens = tokens.detach().float().cpu().clone()

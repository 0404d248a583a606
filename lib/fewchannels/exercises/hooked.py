"""What exercises share in which the learner hangs a hook into a model: what a block returns, in words; drawing with
guidance on; and hooks that were left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..layouts import blocks_of
from .asked import Unread

GUIDANCE = 2.0
STEPS = 4
SAYS = {
    "txt_img": "a pair of tensors, the text tokens and then the image tokens",
    "img_txt": "a pair of tensors, the image tokens and then the text tokens",
    "img": "one tensor, the image tokens",
    "fused": "one tensor that holds text and image tokens in a row",
}


def returned(dit, block: int) -> str:
    """What a block returns, and in which rows the prompts are."""
    _, group, _ = blocks_of(dit.layout, dit.transformer)[block]
    axes = "[tokens, rows, channels]" if group.axes == "SBD" else "[rows, tokens, channels]"
    where = f", with the image {group.image}" if group.returns == "fused" else ""
    if dit.is_toy:
        first, second = ("the empty prompt", "the prompts")
        if dit.layout.batched != ("uncond", "cond"):
            first, second = second, first
        rows = f"Guidance is on, in one batched pass: the first half of the rows has {first}, the second half {second}."
    else:
        rows = "Guidance is as this model has it by default; what counts are the rows of the prompts themselves."
    return f"A block returns {SAYS[group.returns]}{where}, {axes}. {rows}"


def drawing(dit, prompts: Sequence[str], seed: int = 0) -> Callable[[], np.ndarray]:
    """A function that draws these prompts, with guidance on where that is ours to say."""
    guided = {"guidance_scale": GUIDANCE} if dit.is_toy else {}
    return lambda: dit.generate(list(prompts), seed=seed, steps=STEPS, **guided)


@contextmanager
def no_hook_left(dit):
    """Take away what hooks the code inside leaves behind; Unread as the mistake "hook left on" where it did."""
    before = {key for _, _, key in _hooks(dit)}
    try:
        yield
    finally:
        left = [(hooks, key) for _, hooks, key in _hooks(dit) if key not in before]
        for hooks, key in left:
            hooks.pop(key, None)
    if left:
        raise Unread(mistake="hook left on")


def _hooks(dit) -> list[tuple[str, Any, int]]:
    return [
        (name, hooks, key)
        for name, module in dit.transformer.named_modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks)
        for key in list(hooks)
    ]

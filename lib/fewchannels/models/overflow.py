"""Does a model overflow in float16? One prompt, two steps, and a count over all that its blocks return.

Values are counted where they lie, in both streams and every guidance branch, by plain forward hooks: this is below
capture in the library's order, and asks less.
"""

from __future__ import annotations

import torch

from ..layouts import blocks_of, signature_of

FP16_MAX = 65504.0  # where float16 ends; blocks of FLUX and others clip to it
PROMPT = "a large red star at the center on a plain white background"
STEPS, SIDE = 2, 512


def count_overflow(model) -> dict:
    """Draw one picture, of at most 512 px, in 2 steps, and count what the model's blocks return.

    As JSON values: dtype; prompts, steps; values: how many were seen; nonfinite: inf and nan among them; saturated:
    |x| >= 65504; first: the first block with one of these, or None; picture: whether the picture's values are finite.
    """
    device = model.device
    counts = torch.zeros(3, dtype=torch.int64, device=device)
    bad: list[tuple[str, torch.Tensor]] = []  # in the order in which blocks ran; read when all have run

    def watched(name):
        def look(block, arguments, output):
            for tensor in output if isinstance(output, (tuple, list)) else (output,):
                if not isinstance(tensor, torch.Tensor):
                    continue
                nonfinite = (~torch.isfinite(tensor)).sum()
                saturated = (tensor.abs() >= FP16_MAX).sum() - torch.isinf(tensor).sum()
                counts.add_(torch.stack([torch.full_like(nonfinite, tensor.numel()), nonfinite, saturated]).to(device))
                bad.append((name, nonfinite + saturated))

        return look

    seconds = [model.layout.second] if model.layout.second else []
    transformers = [model.transformer, *(getattr(model.pipeline, name) for name in seconds)]
    handles = [
        block.register_forward_hook(watched(name))
        for transformer in transformers
        for text_only in (False, True)
        for name, _, block in blocks_of(model.layout, transformer, text_only)
    ]
    try:
        model.generate([PROMPT], seed=0, steps=STEPS, output="float", **_small(model))
        finite = True
    except FloatingPointError:
        finite = False
    finally:
        for handle in handles:
            handle.remove()
    values, nonfinite, saturated = counts.tolist()
    first = next((name for name, count in bad if bool(count)), None)
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "prompts": 1,
        "steps": STEPS,
        "values": values,
        "nonfinite": nonfinite,
        "saturated": saturated,
        "first": first,
        "picture": finite,
    }


def _small(model) -> dict[str, int]:
    """SIDE by SIDE, where the pipeline takes a size and its own is larger; nothing where that is not known."""
    pipeline, accepted = model.pipeline, signature_of(type(model.pipeline), "__call__").parameters
    usual = getattr(pipeline, "default_sample_size", None) or 0
    usual = usual * getattr(pipeline, "vae_scale_factor", 8) if isinstance(usual, int) else 0
    own = {
        side: model.defaults.get(side) or accepted[side].default or usual
        for side in ("height", "width")
        if side in accepted
    }
    return dict.fromkeys(own, SIDE) if any(isinstance(side, int) and side > SIDE for side in own.values()) else {}


def overflowed(count: dict) -> bool:
    """Whether such a count says that float16 does not hold the model's values."""
    return bool(count["nonfinite"] or count["saturated"] or not count["picture"])

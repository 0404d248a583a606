"""What a norm puts out, with the mean and the divisor of other tokens than those that it norms.

    normed(norm, values, sizes)        # normed(norm, x, x) is norm(x), up to rounding

For values y and sizes x of a LayerNorm it is weight (y - mean(x)) / sqrt(var(x) + eps) + bias, over channels; of an
RMSNorm the same without the mean. So one can change what is read in a channel while the divisor is held, or the
divisor alone; the method is that of Stolfo et al. (2024, arXiv 2406.16254), who tell a neuron's total effect from the
direct one with the last norm's scale held.
"""

from __future__ import annotations

import torch

CENTRED = {"LayerNorm": True, "FP32LayerNorm": True, "RMSNorm": False, "Krea2RMSNorm": False}
STORED_LESS_ONE = ("Krea2RMSNorm",)


def is_known(norm: torch.nn.Module) -> bool:
    """Whether it is a norm over the last axis whose formula is known here: of just these classes, since another that is
    made from one of them may compute something else."""
    return type(norm).__name__ in CENTRED and len(getattr(norm, "normalized_shape", (0,))) == 1


def normed(norm: torch.nn.Module, values: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """values [..., D] as the norm would put them out with the mean and the divisor of `sizes` [..., D]; in float32 at
    least. Raises RuntimeError where the norm's weight lies on another device meanwhile, as in an offloaded model."""
    wide = torch.promote_types(values.dtype, torch.float32)
    values, sizes = values.to(wide), sizes.to(wide)
    if CENTRED[type(norm).__name__]:
        mean = sizes.mean(dim=-1, keepdim=True)
        values, sizes = values - mean, sizes - mean
    eps = torch.finfo(values.dtype).eps if norm.eps is None else norm.eps
    out = values * torch.rsqrt(sizes.square().mean(dim=-1, keepdim=True) + eps)
    for name, plus in (("weight", float(type(norm).__name__ in STORED_LESS_ONE)), ("bias", 0.0)):
        parameter = getattr(norm, name, None)
        if parameter is None:
            continue
        if parameter.device != out.device:
            raise RuntimeError(
                f"the {name} of a {type(norm).__name__} is on {parameter.device} while its tokens are on {out.device}, "
                f"as in a model that is offloaded piece by piece: load it without offload='sequential'"
            )
        out = out * (parameter.to(wide) + plus) if name == "weight" else out + parameter.to(wide)
    return out

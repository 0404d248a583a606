"""Arms of the study of ingredients: the toy world's training with one thing changed in each, and the base recipe.

    arm = ARMS["softmax1"]
    arm.change(pipeline.transformer)                                   # before the first step, in place
    arm.optimiser(parameters, groups, lr)                              # parameters by name

The network stays the SD3Transformer2DModel of `diffusers`; what is changed hangs on its parts as hooks,
parametrisations and another start. Left out: a tanh at the gate (constant and missing gates bound it), post-norm (with
AdaLN-zero a block that ends in a norm is no longer the identity, so two things would change; sandwich norms stand for
it), a bias on keys and sigmoid attention (softmax-1 is the one control of attention), SGD (it does not train this
network in 50,000 images), Adam's eps, and the number of tokens (another picture size is another task).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from .optimisers import Muon, RotatedAdamW, random_rotation
from .recipe import fitting_precision

SHIFT_SCALE_GATE = 3  # what an AdaLN layer gives of each channel, for attention and again for the MLP
BETAS = (0.9, 0.95)
BALANCE = 0.3  # weight of a branch in a magnitude-preserving sum (Karras et al. 2024, arXiv 2312.02696, eq. 88)
ROTATION = 11  # seed of rotated_adam's basis, one for all trainings
RMS_OF_GELU = 0.652  # of GELU on a standard normal
# Where the residual streams lie in the parameters: names that end so write to a stream, or scale it channel by channel
WRITING = (
    "pos_embed.proj",
    "context_embedder",
    "attn.to_out.0",
    "attn.to_add_out",
    "net.2",
    "norm1.linear",
    "norm1_context.linear",
    "norm_out.linear",
)
READING = tuple(f"attn.{part}" for part in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj"))
READING += ("net.0.proj", "proj_out")

Parameters = Mapping[str, nn.Parameter]


def keep(transformer) -> None:
    """Change nothing."""


def adamw(parameters: Parameters, groups: list[dict], lr: float) -> torch.optim.Optimizer:
    """The recipe's."""
    return torch.optim.AdamW(groups, lr=lr, betas=BETAS, fused=True)


@dataclass(frozen=True)
class Arm:
    """change(transformer): in place, before the first step; draws from torch's generator. optimiser(parameters, groups,
    lr). rate: times the recipe's learning rate. about: what is changed, in a few words."""

    about: str
    change: Callable[[nn.Module], None] = keep
    optimiser: Callable[[Parameters, list[dict], float], torch.optim.Optimizer] = adamw
    rate: float = 1.0


# Networks


def without_final_norm(transformer) -> None:
    """The last scale and shift are of the stream as it is."""
    transformer.norm_out.norm = nn.Identity()


def with_constant_gate(transformer) -> None:
    """A gate is a learned vector, the bias of its layer, whatever the noise level and the prompt."""
    for layer in filter(_has_gates, _adaptive(transformer)):
        layer.register_forward_hook(_constant_gate)


def without_gate(transformer) -> None:
    for layer in filter(_has_gates, _adaptive(transformer)):
        layer.register_forward_hook(_open_gate)


def with_sandwich_norm(transformer) -> None:
    """What attention and MLP give is normalised too, before its gate, as in Lumina and Z-Image."""
    for block in transformer.transformer_blocks:
        for branch in filter(None, (block.attn, block.ff, block.ff_context)):
            branch.register_forward_hook(_normalised)


def with_softmax1(transformer) -> None:
    """Attention may look nowhere: one more key of zeros, with a value of zeros, behind those of the text, which a query
    sees as the 1 in the softmax's divisor alone (Miller 2023, "Attention is off by one")."""
    for block in transformer.transformer_blocks:
        for part in (block.attn.norm_added_k, block.attn.add_v_proj):
            part.register_forward_hook(_with_a_zero)


def without_zero_start(transformer) -> None:
    """The AdaLN layers start as any layer does, and not at zero; the output layer still starts at zero."""
    for layer in _adaptive(transformer):
        layer.reset_parameters()


def with_rotated_stream(transformer) -> None:
    """Each read and each write of the image stream has a basis of its own, by a fixed random rotation behind the norm
    and behind the gate (Elhage et al. 2023): no two layers share an axis of the stream, and none is learnt along it."""
    width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
    reads, writes = [transformer.norm_out.norm], [transformer.pos_embed]
    for block in transformer.transformer_blocks:
        reads += [block.norm1.norm, block.norm2]
        writes += [block.attn, block.ff]
        block.norm1.register_forward_hook(_hold_gates)
        block.attn.register_forward_hook(functools.partial(_gated, block.norm1, 0))
        block.ff.register_forward_hook(functools.partial(_gated, block.norm1, 1))
    for part in (*reads, *writes):
        part.register_buffer("rotation", random_rotation(width), persistent=False)
        part.register_forward_hook(_rotated)


def magnitude_preserving(transformer) -> None:
    """Layers that cannot make their output larger than their input: rows of norm 1, no bias, no shift and no gate, and
    sums of stream and branch at a fixed balance (Karras et al. 2024, arXiv 2312.02696).

    The sum is left unscaled and its branch made larger instead, block by block: each read of the stream is a LayerNorm,
    so its scale is never seen. Layers that started at zero start as any other.
    """
    for layer in (*_adaptive(transformer), transformer.proj_out):
        layer.reset_parameters()
    for layer in [part for part in transformer.modules() if isinstance(part, (nn.Linear, nn.Conv2d))]:
        layer.bias = None
        parametrize.register_parametrization(layer, "weight", UnitRows())
    weight = BALANCE / (1 - BALANCE)
    grown = (1 + weight**2) ** 0.5  # by which a sum of two that are unlike is larger than its first part
    for number, block in enumerate(transformer.transformer_blocks):
        of_attention, of_mlp = (weight * grown ** (2 * number + branch) for branch in (0, 1))
        for norm in (block.norm1, block.norm1_context):
            of = functools.partial(_scale_alone, (of_attention, of_mlp / RMS_OF_GELU))
            norm.linear.register_forward_hook(of if _has_gates(norm.linear) else _no_shift)
    transformer.norm_out.linear.register_forward_hook(_no_shift)


class UnitRows(nn.Module):
    """A weight [rows, ...] as its rows divided by their norms."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return functional.normalize(weight.flatten(1), dim=1).view_as(weight)


def _adaptive(transformer) -> list[nn.Linear]:
    """The AdaLN layers, all of which start at zero in the recipe."""
    norms = [norm for block in transformer.transformer_blocks for norm in (block.norm1, block.norm1_context)]
    return [norm.linear for norm in (*norms, transformer.norm_out)]


def _has_gates(layer: nn.Linear) -> bool:
    """Those before the last norm, and of the last block's text, which is read and not written, give none."""
    return layer.out_features == 2 * SHIFT_SCALE_GATE * layer.in_features


def _parts(out: torch.Tensor) -> torch.Tensor:
    """What an AdaLN layer gives, [B, 6 D], as [B, attention or MLP, shift or scale or gate, D]."""
    return out.unflatten(-1, (2, SHIFT_SCALE_GATE, -1))


def _constant_gate(layer, given, out):
    shift, scale, _ = _parts(out).unbind(-2)
    gate = _parts(layer.bias)[:, 2].to(out.dtype).expand_as(scale)
    return torch.stack([shift, scale, gate], dim=-2).flatten(1)


def _open_gate(layer, given, out):
    shift, scale, gate = _parts(out).unbind(-2)
    return torch.stack([shift, scale, torch.ones_like(gate)], dim=-2).flatten(1)


def _scale_alone(gates: tuple[float, float], layer, given, out):
    shift, scale, _ = _parts(out).unbind(-2)
    gate = scale.new_tensor(gates)[:, None].expand_as(scale)
    return torch.stack([torch.zeros_like(shift), scale, gate], dim=-2).flatten(1)


def _no_shift(layer, given, out):
    scale, shift = out.chunk(2, dim=-1)  # these layers give the scale first
    return torch.cat([scale, torch.zeros_like(shift)], dim=-1)


def _normalised(branch, given, out):
    if isinstance(out, tuple):  # attention's: image and text
        return tuple(_normalised(branch, given, one) for one in out)
    return functional.layer_norm(out, out.shape[-1:]).to(out.dtype)


def _with_a_zero(layer, given, out):
    """One more token of zeros: out [..., tokens, channels]."""
    return functional.pad(out, (0, 0, 0, 1))


def _hold_gates(norm, given, out):
    """Keep the gates from the block, which would put them on in the stream's basis."""
    x, attention, shift, scale, mlp = out
    norm.gates = attention, mlp
    return x, torch.ones_like(attention), shift, scale, torch.ones_like(mlp)


def _gated(norm, number: int, branch, given, out):
    if isinstance(out, tuple):
        return _gated(norm, number, branch, given, out[0]), *out[1:]
    return norm.gates[number][:, None] * out


def _rotated(part, given, out):
    if isinstance(out, tuple):  # attention's: image and text
        return _rotated(part, given, out[0]), *out[1:]
    return out @ part.rotation


# Optimisers


def muon(parameters: Parameters, groups: list[dict], lr: float) -> torch.optim.Optimizer:
    """Muon on the matrices between the network's input and output layers, AdamW on those, on biases and on the text."""
    inside = {id(p) for name, p in parameters.items() if is_inner_matrix(name, p)}
    split = []
    for group in groups:
        for orthogonal in (True, False):
            some = [p for p in group["params"] if (id(p) in inside) == orthogonal]
            split += [{**group, "params": some, "orthogonal": orthogonal}] * bool(some)
    device = next(iter(parameters.values())).device.type
    dtype = torch.bfloat16 if fitting_precision(device) == "bf16" else torch.float32
    return Muon(split, lr=lr, dtype=dtype, betas=BETAS, fused=True)


def is_inner_matrix(name: str, parameter: torch.Tensor) -> bool:
    outer = ("text_encoder.", "transformer.context_embedder.", "transformer.proj_out.")
    return parameter.ndim == 2 and not name.startswith(outer)


def rotated_adam(parameters: Parameters, groups: list[dict], lr: float) -> torch.optim.Optimizer:
    """AdamW that sees the residual streams in one random basis, wherever they lie in a parameter."""
    axes = {p: axis for name, p in parameters.items() if (axis := stream_axis(name)) is not None}
    some = next(p for name, p in parameters.items() if name.endswith("pos_embed.proj.bias"))
    rotation = random_rotation(len(some), torch.Generator().manual_seed(ROTATION)).to(some.device)
    return RotatedAdamW(groups, axes, rotation, lr=lr, betas=BETAS, fused=True)


def stream_axis(name: str) -> int | None:
    """The axis of a parameter along which a residual stream lies; None where it touches none.

    >>> stream_axis("transformer.transformer_blocks.0.attn.to_q.weight")
    1
    """
    layer, _, kind = name.rpartition(".")
    if layer.endswith(WRITING):
        return 0
    return 1 if layer.endswith(READING) and kind == "weight" else None


def rmsprop(parameters: Parameters, groups: list[dict], lr: float) -> torch.optim.Optimizer:
    """AdamW without its first moment, which is RMSProp with its running mean corrected for the start."""
    return torch.optim.AdamW(groups, lr=lr, betas=(0.0, BETAS[1]), fused=True)


ARMS = {
    "base": Arm("the recipe as it is"),
    "muon": Arm("Muon on matrices", optimiser=muon),
    "rotated_adam": Arm("Adam in a rotated basis", optimiser=rotated_adam),
    "rotated_stream": Arm("rotated reads and writes", with_rotated_stream),
    "no_final_norm": Arm("no final norm", without_final_norm),
    "constant_gate": Arm("gates independent of t", with_constant_gate),
    "no_gate": Arm("no gates", without_gate),
    "sandwich_norm": Arm("sandwich norms", with_sandwich_norm),
    "softmax1": Arm("softmax-1 attention", with_softmax1),
    "magnitude_preserving": Arm("magnitude-preserving layers", magnitude_preserving),
    "double_rate": Arm("twice the learning rate", rate=2.0),
    "half_rate": Arm("half the learning rate", rate=0.5),
    "no_zero_start": Arm("no AdaLN-zero start", without_zero_start),
    "rmsprop": Arm("RMSProp", optimiser=rmsprop),
}

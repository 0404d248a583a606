"""Where and in which numbers a model is loaded: device, dtype, offloading to main memory, 8- and 4-bit transformers.

Offloading is accelerate's, through the pipeline's own methods. Its hooks wrap a module's forward, and hooks on blocks
still see what comes out.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import torch

from ..layouts import layout_of

OFFLOADS = (None, "model", "sequential")
BITS = (None, 8, 4)
NO_GPU = "and there is no GPU here. In Colab: Runtime, Change runtime type, a GPU; otherwise leave it out"


@dataclass(frozen=True)
class Placing:
    """device, dtype: where and in what it computes. own_dtype: whether the dtype was chosen here, not asked for.
    only_cpu: whether the CPU was chosen here, for want of a GPU."""

    device: torch.device
    dtype: torch.dtype
    own_dtype: bool
    only_cpu: bool
    offload: str | None = None
    quantize: int | None = None


def placing_of(device=None, dtype=None, offload: str | None = None, quantize: int | None = None) -> Placing:
    """What was asked for, completed. Raises ValueError for a word that is not known, ImportError for a library that is
    missing, and RuntimeError for what takes a GPU where there is none."""
    if offload not in OFFLOADS:
        raise ValueError(f"offload={offload!r}: expected None, 'model' or 'sequential'")
    if quantize not in BITS:
        raise ValueError(f"quantize={quantize!r}: expected None, 8 or 4")
    if quantize and offload == "sequential":
        raise ValueError("offload='sequential' cannot move quantised weights: use offload='model' with quantize")
    if offload and importlib.util.find_spec("accelerate") is None:
        raise ImportError(f"offload={offload!r} takes accelerate, which is not installed: pip install accelerate")
    if quantize:
        _check_quantiser(quantize)
    found = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if found.type == "cpu" and (offload or quantize):
        what = f"offload={offload!r} moves weights between main memory and a GPU"
        raise RuntimeError(f"{what if offload else f'quantize={quantize} computes on a GPU'}, {NO_GPU}")
    if found.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(f"device={str(device)!r} asks for a GPU, {NO_GPU}")
    return Placing(
        found, dtype or fitting_dtype(found), dtype is None, device is None and found.type == "cpu", offload, quantize
    )


def fitting_dtype(device: torch.device) -> torch.dtype:
    """float32 on a CPU; on a GPU bfloat16 from compute capability 8.0, else float16."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def _check_quantiser(bits: int) -> None:
    # bitsandbytes, as it is the one of diffusers' quantisers that holds 4-bit weights in half a byte on a T4, Colab's
    # free GPU: torchao's int4 kernels want compute capability 8.0, and quanto is no longer developed.
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ImportError(f"quantize={bits} takes bitsandbytes, which is not installed: pip install bitsandbytes")
    if importlib.util.find_spec("diffusers.quantizers.pipe_quant_config") is None:
        raise ImportError(f"quantize={bits} takes a newer diffusers (0.42.1 will do): pip install -U diffusers")


def quantisation(transformer: str, bits: int, dtype: torch.dtype):
    """diffusers' configuration for a pipeline whose transformer of this class is in 8 or 4 bit (NF4), computing in
    dtype; text encoders and autoencoder stay as they are."""
    from diffusers import BitsAndBytesConfig
    from diffusers.quantizers import PipelineQuantizationConfig

    if bits == 8:
        config = BitsAndBytesConfig(load_in_8bit=True)
    else:
        config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    parts = ["transformer", layout_of(transformer).second]
    return PipelineQuantizationConfig(quant_mapping={part: config for part in parts if part})


def place(pipeline, device: torch.device, offload: str | None):
    """Move a pipeline to its device, or have its parts moved there while they run."""
    if offload is None:
        return pipeline.to(device)
    (pipeline.enable_model_cpu_offload if offload == "model" else pipeline.enable_sequential_cpu_offload)(device=device)
    return pipeline


def computing_device(module: torch.nn.Module) -> torch.device:
    """Where a module computes: of an offloaded one, whose weights lie elsewhere meanwhile, the GPU of its hooks."""
    for part in module.modules():
        device = getattr(getattr(part, "_hf_hook", None), "execution_device", None)
        if device is not None:
            return torch.device(device)
    return next(module.parameters()).device


def computing_dtype(module: torch.nn.Module) -> torch.dtype:
    """What a module computes in: the dtype of its weights, of a quantised one that of the parts that stay as they
    are."""
    found = [parameter.dtype for parameter in module.parameters()]
    return next((dtype for dtype in found if dtype.is_floating_point and dtype.itemsize > 1), found[0])

"""What a model wants of a machine, by stated formulas: memory, the least GPU, minutes; and whether this machine has it.

    weights = Weights(transformer=23.8e9, others=9.9e9)              # bytes, all counted as 16 bit
    wanted(weights, torch.bfloat16, offload="model").gpu             # 27.8e9

On the GPU stand: without offload all weights; with offload="model" the larger of the transformer and all the rest,
which run in turn; with offload="sequential" a layer at a time. To that come 4 GB (WORKING), or as much as the weights
where that is less, for the CUDA context, one picture's activations and the autoencoder at 1,024 px. An 8-bit
transformer takes 0.55 of its 16-bit bytes and a 4-bit one 0.3 (a scale for each 64 weights, and the parts that stay in
16 bit). Weights pass through main memory on their way to the GPU, and with offload they stay there; a quantised
transformer goes to the GPU piece by piece. One GB is 1e9 bytes throughout.

A picture takes 2 x parameters x image tokens x passes x steps operations, and a GPU does UTILISATION of its nominal
16-bit rate. Attention and text tokens are left out of the count, which is part of why that share is low.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from ..layouts import TABLE
from .preset import Preset

GB = 1e9
WORKING = 4 * GB
SHARE = {None: 1.0, 8: 0.55, 4: 0.3}  # of the transformer's 16-bit bytes
UTILISATION = 0.3
PICTURES = 100
LARGE = 4 * GB  # of weights that nobody wants to wait for on a CPU


@dataclass(frozen=True)
class Gpu:
    """gigabytes of memory; tflops: nominal dense rate in 16 bit; bf16: whether it computes in bfloat16."""

    name: str
    gigabytes: int
    tflops: int
    bf16: bool = True


GPUS = (Gpu("T4", 16, 65, bf16=False), Gpu("L4", 24, 121), Gpu("A100 40 GB", 40, 312), Gpu("A100 80 GB", 80, 312))
WAYS = {"whole": (None, None), "offload": ("model", None), "4-bit": ("model", 4)}


@dataclass(frozen=True)
class Weights:
    """Bytes of a model's weights in 16 bit: the transformer (the largest, where there are two), and all the rest."""

    transformer: float
    others: float


@dataclass(frozen=True)
class Wanted:
    """Bytes of GPU memory and of main memory."""

    gpu: float
    main: float


class NotEnough(RuntimeError):
    """The machine has less than the model wants; the message says how much of what, and what to do next."""


def weights_of(preset: Preset) -> Weights | None:
    """A checkpoint's weights; None where a part of them is not known."""
    if preset.billions is None or preset.others is None:
        return None
    return Weights(2 * preset.billions * GB, preset.others * GB)


def wanted(weights: Weights, dtype=torch.bfloat16, offload=None, quantize=None, on_gpu: bool = True) -> Wanted:
    """Memory that loading and drawing one picture take, by this module's formulas.

    >>> round(wanted(Weights(23.8e9, 9.9e9), offload="model", quantize=4).gpu / 1e9, 1)
    13.9
    """
    scale = dtype.itemsize / 2
    transformer = weights.transformer * (SHARE[quantize] if quantize else scale)
    others = weights.others * scale
    working = min(WORKING, transformer + others)
    if not on_gpu:
        return Wanted(0, transformer + others + working)
    held = {None: transformer + others, "model": max(transformer, others), "sequential": 0}[offload]
    return Wanted(held + working, others + (0 if quantize else transformer))


def least_gpu(preset: Preset) -> dict[str, Gpu | None] | None:
    """For each of WAYS the smallest of GPUS that holds the model, None where none does; None where it is not known."""
    weights = weights_of(preset)
    if weights is None:
        return None
    wants = {way: wanted(weights, offload=offload, quantize=bits).gpu for way, (offload, bits) in WAYS.items()}
    return {way: next((gpu for gpu in GPUS if gpu.gigabytes * GB >= bytes_), None) for way, bytes_ in wants.items()}


def tokens_of(preset: Preset) -> int | None:
    """Image tokens of a picture at the checkpoint's size; None where that is not known."""
    layout = TABLE.get(preset.transformer)
    pixels = preset.pixels or (layout.pixels if layout else None)
    return (preset.size // pixels) ** 2 if preset.size and pixels else None


def minutes(preset: Preset, gpu: Gpu, pictures: int = PICTURES) -> float | None:
    """Minutes of computing for so many pictures, estimated by this module's formula; None where a part of it is not
    known. What offloading copies and 4-bit weights cost comes on top.

    >>> flux = Preset(transformer="FluxTransformer2DModel", steps=28, size=1024, billions=12, passes=1)
    >>> round(minutes(flux, GPUS[2]))
    49
    """
    billions = preset.active if preset.sparse else preset.billions
    tokens = tokens_of(preset)
    if billions is None or tokens is None or preset.steps is None:
        return None
    operations = 2 * billions * 1e9 * tokens * preset.passes * preset.steps * pictures
    return operations / (gpu.tflops * 1e12 * UTILISATION) / 60


def check_memory(name, weights: Weights, device, dtype, offload=None, quantize=None) -> None:
    """Raise NotEnough where the model does not fit into what is free on the device, or into main memory."""
    import psutil

    on_gpu = device.type == "cuda"
    free = Wanted(torch.cuda.mem_get_info(device)[0] if on_gpu else 0, psutil.virtual_memory().available)
    wants = wanted(weights, dtype, offload, quantize, on_gpu)
    if wants.gpu <= free.gpu and wants.main <= free.main:
        return
    kind = "GPU memory" if wants.gpu > free.gpu else "main memory"
    much, there = (wants.gpu, free.gpu) if wants.gpu > free.gpu else (wants.main, free.main)
    raise NotEnough(
        f"{name} wants about {_gb(much)} of {kind} in {str(dtype).removeprefix('torch.')}"
        f"{_how(offload, quantize)}, and {_gb(there)} are free. {_next(weights, dtype, free, on_gpu)} Or load it with "
        f"check=False to try regardless"
    )


def check_disk(name, wants: float, folder: Path) -> None:
    """Raise NotEnough where the folder's disk has less than `wants` bytes free."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if wants > free:
        raise NotEnough(
            f"{name} wants {_gb(wants)} of disk for what is not in the cache yet, and {_gb(free)} are free under "
            f"{there}. Clear what is no longer needed (`hf cache ls`, `hf cache rm`), put the cache on a larger disk "
            f"(the environment variable HF_HOME), or take a smaller model (`fewchannels models`)"
        )


def check_gpu(name, weights: Weights) -> None:
    """Raise RuntimeError for a large model where the CPU was chosen only because there is no GPU."""
    whole = weights.transformer + weights.others
    if whole > LARGE:
        raise RuntimeError(
            f"{name} has {_gb(whole)} of weights in 16 bit, and there is no GPU here: a picture would take very long. "
            f"In Colab: Runtime, Change runtime type, a GPU. Otherwise take a smaller model (`fewchannels models`), or "
            f'pass device="cpu" to wait for it'
        )


def _next(weights, dtype, free: Wanted, on_gpu: bool) -> str:
    """Ways to load the model that would fit, for an error to name."""
    fitting = []
    for offload, quantize in (("model", None), (None, 4), ("model", 4), ("sequential", None)) if on_gpu else ():
        wants = wanted(weights, dtype, offload, quantize)
        if wants.gpu <= free.gpu and wants.main <= free.main:
            asked = [f'offload="{offload}"'] * bool(offload) + [f"quantize={quantize}"] * bool(quantize)
            fitting.append(f"{' with '.join(asked)} ({_gb(wants.gpu)} of GPU memory)")
    if fitting:
        return f"What fits: {', '.join(fitting)}; or a smaller model (`fewchannels models`)."
    return "No way of loading it fits: take a smaller model (`fewchannels models`) or a larger machine."


def _how(offload, quantize) -> str:
    return (f' with offload="{offload}"' if offload else "") + (f" with quantize={quantize}" if quantize else "")


def _gb(amount: float) -> str:
    return f"{amount / GB:.1f} GB"

"""Where a result comes from: the noise that a sample starts from, the weights and versions that computed it, and the
form in which its pictures are handed over."""

from __future__ import annotations

import hashlib
import importlib.metadata
import operator
import platform
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

OTHER_NOISE = "Noise is told by it alone; for another each time draw one, such as random.randrange(2**32)"
READ = {".safetensors", ".json", ".txt", ".model", ".jinja"}
PACKAGES = ("torch", "diffusers", "transformers", "numpy")


def whole(name: str, given, least: int, more: str = "") -> int:
    """A whole number of at least `least`. Raises TypeError or ValueError; more: what else the message says."""
    more = more and f". {more}"
    try:
        number = operator.index(given)
    except TypeError:
        raise TypeError(f"{name}={reprlib.repr(given)}: expected a whole number of at least {least}{more}") from None
    if number < least:
        raise ValueError(f"{name}={number}: expected a whole number of at least {least}{more}")
    return number


def generator_of(seed: int, sample: int) -> torch.Generator:
    """A CPU generator whose state depends on (seed, sample) alone, by NumPy's SeedSequence hash.

    Raises TypeError or ValueError for a seed or sample that is no whole number of at least 0.

    >>> float(torch.randn((), generator=generator_of(0, 3))) == float(torch.randn((), generator=generator_of(0, 3)))
    True
    """
    seed, sample = whole("seed", seed, 0, OTHER_NOISE), whole("sample", sample, 0, OTHER_NOISE)
    low, high = np.random.SeedSequence((seed, sample)).generate_state(2)
    return torch.Generator().manual_seed((int(high) << 32 | int(low)) & (2**63 - 1))


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that results depend on.

    >>> sorted(versions())
    ['diffusers', 'fewchannels', 'numpy', 'python', 'torch', 'transformers']
    """
    from . import __version__

    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"fewchannels": __version__, "python": platform.python_version(), **installed}


def digest_of(folder: Path) -> str:
    """sha256 of a folder's safetensors files in the order of their names, as "sha256:" and its first 16 digits. Raises
    FileNotFoundError where it holds none."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no safetensors file: it is gone, or was never a model's folder")
    digest = hashlib.sha256()
    for file in files:
        _add(digest, file)
    return f"sha256:{digest.hexdigest()[:16]}"


def files_digest(folder: Path) -> str:
    """As `digest_of`, of every file of a pipeline's folder that `load` may read, weights of all parts, configurations
    and vocabularies, with their names."""
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.suffix in READ and file.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()} {file.stat().st_size}\n".encode())
        _add(digest, file)
    return f"sha256:{digest.hexdigest()[:16]}"


def _add(digest, file: Path) -> None:
    with file.open("rb") as opened:
        for piece in iter(lambda: opened.read(2**24), b""):
            digest.update(piece)


def as_output(found: list, output: str) -> np.ndarray | list | torch.Tensor:
    """What a pipeline's batches gave, as one: for "latent" tensors as they are, else arrays [B, H, W, 3] in 0 to 1, on
    white where they are transparent, as "float" (float32), "np" (uint8) or "pil". Raises FloatingPointError for values
    that are not finite, ValueError where latents are asked for and there are none."""
    if output == "latent":
        if not all(isinstance(part, torch.Tensor) for part in found):
            raise ValueError("output='latent': this pipeline hands over pictures alone, so pass 'np', 'float' or 'pil'")
        return torch.cat(list(found))
    images = np.concatenate([np.asarray(part, dtype=np.float32) for part in found])
    if not np.isfinite(images).all():
        raise FloatingPointError(
            "the images hold values that are not finite: the model overflowed. Load it with dtype=torch.bfloat16 or "
            "torch.float32, or weaken the edit"
        )
    if images.shape[-1] == 4:  # Qwen-Image 2.1 draws transparent pictures
        images = images[..., :3] * images[..., 3:] + (1 - images[..., 3:])
    if output == "float":
        return images
    images = np.rint(images.clip(0, 1) * 255).astype(np.uint8)
    if output == "pil":
        import PIL.Image

        return [PIL.Image.fromarray(image) for image in images]
    return images


def made_by(provenance: Mapping[str, Any]) -> str:
    """What made a run, in words: model and revision (none of a training in memory), seed, steps, dtype, versions where
    they are known, the day.

    >>> run = {"model": "ToyWorldPipeline", "revision": None, "seed": 0, "steps": 8, "dtype": "float32"}
    >>> made_by(run | {"date": "2026-01-02T03:04:05Z"})
    'ToyWorldPipeline, seed 0, 8 steps, float32, 2026-01-02'
    """
    p = provenance
    versions = p["versions"] if isinstance(p.get("versions"), Mapping) else {}
    tools = [f"{name} {versions[name]}" for name in ("torch", "diffusers") if name in versions]
    revision = f" (revision {str(p['revision'])[:19]})" if p["revision"] else ""
    parts = [f"{p['model']}{revision}", f"seed {p['seed']}", f"{p['steps']} steps"]
    return ", ".join([*parts, str(p["dtype"]), *tools, str(p["date"])[:10]])

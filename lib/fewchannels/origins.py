"""Where a result comes from: the noise that a sample starts from, and the versions of what computed it."""

from __future__ import annotations

import importlib.metadata
import platform

import numpy as np
import torch

PACKAGES = ("torch", "diffusers", "transformers", "numpy")


def generator_of(seed: int, sample: int) -> torch.Generator:
    """A CPU generator whose state depends on (seed, sample) alone, by NumPy's SeedSequence hash.

    >>> float(torch.randn((), generator=generator_of(0, 3))) == float(torch.randn((), generator=generator_of(0, 3)))
    True
    """
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

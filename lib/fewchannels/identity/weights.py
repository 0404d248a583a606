"""Numbers as content: sums over all bytes of a tensor, taken where it lies, so that a model on a GPU is read there.

Every part of 65,536 words of 32 bits gives two sums of 64 bits, of its words times two sequences of fixed odd-looking
weights, so that what is moved counts as well as what is changed: two different parts agree by chance once in 2^64.
The sums are whole numbers, exact and the same on every device. All is read anew each time, since a tensor does not
tell that it was written to through `.data`, NumPy or in inference mode.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np
import torch

WORDS = 2**16
ROWS = 64  # parts at a time on a GPU: 32 MiB of words in 64 bits


def of_tensor(tensor: torch.Tensor) -> str:
    """Digest of a tensor's bytes, without its shape and type. Raises TypeError for one that holds no numbers (of the
    meta device), or not in one piece (sparse)."""
    if tensor.device.type == "meta" or tensor.layout != torch.strided:
        raise TypeError(f"a tensor on {tensor.device}, {tensor.layout}, has no numbers to read")
    with torch.no_grad():
        plain = tensor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
        raw = plain.contiguous().reshape(-1).view(torch.uint8)
        words = raw[: len(raw) // 4 * 4]
        words = (words if words.storage_offset() % 4 == 0 else words.clone()).view(torch.int32)
        whole = words[: len(words) // WORDS * WORDS].view(-1, WORDS)
        sums = []
        for row in range(0, len(whole), rows := 1 if raw.device.type == "cpu" else ROWS):
            sums.append(_sums(whole[row : row + rows]))
        if len(words) % WORDS:
            sums.append(_sums(words[len(whole) * WORDS :][None]))
        total = hashlib.sha256(f"{len(raw)}".encode())
        if sums:
            total.update(torch.cat(sums).cpu().numpy().astype("<i8").tobytes())
        total.update(raw[len(words) * 4 :].cpu().numpy().tobytes())
    return total.hexdigest()[:32]


def _sums(words: torch.Tensor) -> torch.Tensor:
    """Two sums of each row of words: int64 [rows, 2], which overflow as whole numbers do."""
    wide = words.to(torch.int64)
    return torch.stack([(wide * weights[: words.shape[1]]).sum(dim=1) for weights in _weights(words.device)], dim=1)


@functools.cache
def _weights(device: torch.device) -> tuple[torch.Tensor, ...]:
    """Two sequences of fixed numbers that look drawn: Steele et al.'s SplitMix64 (2014)."""
    found = []
    for first in (1, WORDS + 1):
        state = np.arange(first, first + WORDS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found.append(torch.from_numpy((state ^ (state >> np.uint64(31))).view(np.int64)).to(device))
    return tuple(found)


def tensors_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers of a module, those that are never saved and the parts of quantised ones too, by name.

    What accelerate holds elsewhere meanwhile is taken from there.
    """
    found = {name: value for name, value in module.state_dict().items() if isinstance(value, torch.Tensor)}
    found |= dict(module.named_buffers())
    for path, part in module.named_modules():
        elsewhere = getattr(getattr(part, "_hf_hook", None), "weights_map", None)
        for name in (*part._parameters, *part._buffers) if elsewhere is not None else ():
            full = f"{path}.{name}" if path else name
            if full in found and found[full].device.type == "meta":
                found[full] = elsewhere[name]
    return found

"""Reads and writes the tokens of one stream in what a block returns.

    tokens = read(group, output, frame, stream="image")        # [B, N, D], a view wherever they stand together
    output = write(group, output, frame, tokens, stream="image")

Nothing is ever changed in place: several blocks of diffusers return views of one tensor, so that an edit in place
would change the other stream too.
"""

from __future__ import annotations

import torch

from .forms import Blocks, Layout
from .frames import Frame


def blocks_of(layout: Layout, transformer, text_only: bool = False) -> list[tuple[str, Blocks, torch.nn.Module]]:
    """(name, form, module) of every block that holds image tokens, in the order in which they run; with text_only
    those that hold text tokens alone. Raises AttributeError where a list is missing."""
    found = []
    for group in layout.blocks:
        if (group.returns == "txt") != text_only:
            continue
        try:
            blocks = transformer.get_submodule(group.path)
        except AttributeError as error:
            raise AttributeError(
                f"{layout.name} has no {group.path!r} in the installed diffusers; the layout was read from diffusers "
                f"0.42.1. Install a version near it, or correct the entry in fewchannels/layouts/table.py"
            ) from error
        found += [(f"{group.path}.{i}", group, block) for i, block in enumerate(blocks)]
    return found


def read(group: Blocks, output, frame: Frame, stream: str = "image") -> torch.Tensor | None:
    """The tokens [B, N, D] of a stream in a block's output; None where the block returns no such stream.

    >>> pair = (torch.zeros(2, 3, 8), torch.ones(2, 4, 8))
    >>> read(Blocks("blocks", "txt_img"), pair, Frame((2, 2), 4, 4, 2)).shape
    torch.Size([2, 4, 8])
    """
    tensor, where = _place(group, output, frame, stream)
    return None if tensor is None else _taken(_batch_first(group, tensor), where)


def write(group: Blocks, output, frame: Frame, tokens: torch.Tensor, stream: str = "image"):
    """A new output of the same form, in which the stream's tokens are `tokens` [B, N, D] and all else is as it was.

    Raises ValueError for another shape than read gives, and where the block returns no such stream.
    """
    tensor, where = _place(group, output, frame, stream)
    if tensor is None:
        raise ValueError(f"a block of {group.path} returns no {stream} tokens, so there is nothing to write")
    whole = _batch_first(group, tensor)
    expected = _taken(whole, where).shape
    if tokens.shape != expected:
        raise ValueError(
            f"tokens of shape {tuple(tokens.shape)}: expected {tuple(expected)}, the {stream} "
            f"tokens that a block of {group.path} returned"
        )
    tokens = tokens.to(device=whole.device, dtype=whole.dtype)
    if not isinstance(where, slice):
        tokens = whole.scatter(1, _spread(where, whole), tokens)
    elif tokens.shape[1] < whole.shape[1]:
        tokens = torch.cat([whole[:, : where.start], tokens, whole[:, where.stop :]], dim=1)
    tokens = _batch_first(group, tokens).contiguous()
    if isinstance(output, torch.Tensor):
        return tokens
    return _replaced(output, _index(group, stream), tokens)


def image_of(group: Blocks, output, new: torch.Tensor | None = None):
    """The whole tensor of a block's output that holds the image tokens; or, with a new one, the output that has it."""
    if isinstance(output, torch.Tensor):
        return output if new is None else new
    place = _index(group, "image")
    return output[place] if new is None else _replaced(output, place, new)


def _replaced(output, place: int, new: torch.Tensor):
    parts = list(output)
    parts[place] = new
    return type(output)(parts)


def _index(group: Blocks, stream: str) -> int:
    return int((group.returns == "txt_img") == (stream == "image"))


def _batch_first(group: Blocks, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.transpose(0, 1) if group.axes == "SBD" else tensor


def _taken(whole: torch.Tensor, where: slice | torch.Tensor) -> torch.Tensor:
    if not isinstance(where, slice):
        return whole.gather(1, _spread(where, whole))
    return whole if where.stop - where.start == whole.shape[1] else whole[:, where]


def _spread(where: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    """Indices [n] or [B, n] as [B, n, D], without copies."""
    where = where.to(whole.device)
    return where.reshape(-1, where.shape[-1], 1).expand(whole.shape[0], -1, whole.shape[2])


def _place(group: Blocks, output, frame: Frame, stream: str) -> tuple[torch.Tensor | None, slice | torch.Tensor]:
    """(the tensor that holds the stream, where it stands in the sequence)."""
    if stream not in ("image", "text"):
        raise ValueError(f"stream={stream!r}: expected 'image' or 'text'")
    if group.returns in ("txt_img", "img_txt"):
        if not isinstance(output, (tuple, list)) or len(output) < 2:
            raise TypeError(
                f"a block of {group.path} returned {type(output).__name__}, expected {group.returns}. Before diffusers "
                f"0.35 FLUX.1 has another form: pip install -U diffusers"
            )
        tensor = output[_index(group, stream)]
        if tensor is None:
            return None, slice(0, 0)
        length = tensor.shape[0 if group.axes == "SBD" else 1]
        if stream == "text":
            return tensor, slice(group.registers, length - frame.trailing)
        return tensor, _checked(group, frame, length)
    tensor = output[0] if isinstance(output, (tuple, list)) else output
    length = tensor.shape[0 if group.axes == "SBD" else 1]
    if group.returns in ("img", "txt"):
        if (group.returns == "img") != (stream == "image"):
            return None, slice(0, 0)
        return tensor, slice(0, length) if stream == "text" else _checked(group, frame, length)
    if length < group.registers + group.gap + frame.packed + frame.trailing:
        raise ValueError(
            f"a block of {group.path} returned {length} tokens, fewer than the {frame.packed} image tokens of the "
            f"grid {frame.grid} and {group.registers} registers: a cache that keeps part of the sequence is likely on"
        )
    varying = frame.image_at if stream == "image" else frame.text_at
    if varying is not None:
        return tensor, varying
    if stream == "image":
        start = 0 if group.image == "first" else length - frame.packed
        return tensor, slice(start, start + frame.tokens)
    if group.image == "first":
        return tensor, slice(frame.packed, length - frame.trailing)
    return tensor, slice(group.registers, length - frame.packed - group.gap)


def _checked(group: Blocks, frame: Frame, length: int) -> slice:
    if length not in (frame.packed, frame.packed + frame.joined):
        raise ValueError(
            f"a block of {group.path} returned {length} image tokens; the grid {frame.grid} and the inputs of this "
            f"forward say {frame.packed}. The layout does not fit this model: see fewchannels/layouts/table.py"
        )
    return slice(0, frame.tokens)

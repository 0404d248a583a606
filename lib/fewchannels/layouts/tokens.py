"""Reads and writes the tokens of one stream in what a block returns, and reads the grid from a forward's inputs.

    frame = frame_of(layout, transformer, {"hidden_states": ..., "img_ids": ...})
    tokens = read(group, output, frame, stream="image")        # [B, N, D], a view
    output = write(group, output, frame, tokens, stream="image")

Nothing is ever changed in place: several blocks of diffusers return views of one tensor, so that an edit in place
would change the other stream too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .table import Blocks, Layout


@dataclass(frozen=True)
class Frame:
    """Counts of one forward. grid: (height, width) in tokens. tokens: their product, the tokens of the image that
    is drawn. packed: image tokens in the sequence, reference images appended behind the drawn one included. rows:
    the batch of the forward, guidance branches included."""

    grid: tuple[int, int]
    tokens: int
    packed: int
    rows: int


def blocks_of(layout: Layout, transformer) -> list[tuple[str, Blocks, torch.nn.Module]]:
    """(name, form, module) of every block in depth order. Raises AttributeError where a list is missing."""
    found = []
    for group in layout.blocks:
        if not hasattr(transformer, group.path):
            raise AttributeError(
                f"{layout.name} has no attribute {group.path!r} in the installed diffusers; the layout was read from "
                f"diffusers 0.42.1. Install a version near it, or correct the entry in fewchannels/layouts/table.py"
            )
        found += [(f"{group.path}.{i}", group, block) for i, block in enumerate(getattr(transformer, group.path))]
    return found


def frame_of(layout: Layout, transformer, arguments: dict) -> Frame:
    """The frame of a forward from the arguments by name that the transformer was called with.

    Raises ValueError where the inputs do not say how the tokens lie on a grid.
    """
    hidden = arguments["hidden_states"]
    if layout.grid == "latent":
        patch = transformer.config.patch_size
        down, across = patch if isinstance(patch, (tuple, list)) else (patch, patch)
        grid = (hidden.shape[-2] // down, hidden.shape[-1] // across)
        return Frame(grid, grid[0] * grid[1], grid[0] * grid[1], hidden.shape[0])
    packed = hidden.shape[1]
    if layout.grid == "img_ids":
        grid, tokens = _grid_of_ids(layout, arguments["img_ids"])
    elif layout.grid == "img_shapes":
        shapes = arguments["img_shapes"][0]
        frames, height, width = shapes[0] if isinstance(shapes, (list, tuple)) and not _is_shape(shapes) else shapes
        grid, tokens = (int(height), int(width)), int(frames * height * width)
    else:
        raise ValueError(f"layout of {layout.name}: grid={layout.grid!r} is not 'latent', 'img_ids' or 'img_shapes'")
    if grid[0] * grid[1] != tokens or tokens > packed:
        raise ValueError(
            f"{layout.name} was called with {packed} packed image tokens, but {layout.grid} describes "
            f"{tokens} tokens on a grid of {grid[0]} x {grid[1]}: pass ids that belong to the latents"
        )
    return Frame(grid, tokens, packed, hidden.shape[0])


def _is_shape(value) -> bool:
    return len(value) == 3 and all(isinstance(side, int) for side in value)


def _grid_of_ids(layout: Layout, ids: torch.Tensor) -> tuple[tuple[int, int], int]:
    """Ids are rows of (time or image index, row, column, ...): the drawn image is the first index."""
    if ids is None:
        raise ValueError(f"{layout.name} was called without img_ids, which say how the tokens lie on the grid")
    ids = ids[0] if ids.ndim == 3 else ids
    drawn = ids[ids[:, 0] == ids[0, 0]]
    span = (drawn[:, 1:3].amax(0) - drawn[:, 1:3].amin(0) + 1).tolist()
    return (round(span[0]), round(span[1])), drawn.shape[0]


def read(group: Blocks, output, frame: Frame, stream: str = "image") -> torch.Tensor | None:
    """The tokens [B, N, D] of a stream in a block's output, as a view; None where the block returns no such stream.

    >>> pair = (torch.zeros(2, 3, 8), torch.ones(2, 4, 8))
    >>> read(Blocks("blocks", "txt_img"), pair, Frame((2, 2), 4, 4, 2)).shape
    torch.Size([2, 4, 8])
    """
    tensor, start, stop = _place(group, output, frame, stream)
    if tensor is None:
        return None
    tensor = _batch_first(group, tensor)
    return tensor if stop - start == tensor.shape[1] else tensor[:, start:stop]


def write(group: Blocks, output, frame: Frame, tokens: torch.Tensor, stream: str = "image"):
    """A new output of the same form, in which the stream's tokens are `tokens` [B, N, D] and all else is as it was.

    Raises ValueError for another shape than read gives, and where the block returns no such stream.
    """
    tensor, start, stop = _place(group, output, frame, stream)
    if tensor is None:
        raise ValueError(f"a block of {group.path} returns no {stream} tokens, so there is nothing to write")
    whole = _batch_first(group, tensor)
    if tokens.shape != whole[:, start:stop].shape:
        raise ValueError(
            f"tokens of shape {tuple(tokens.shape)}: expected {tuple(whole[:, start:stop].shape)}, the {stream} "
            f"tokens that a block of {group.path} returned"
        )
    tokens = tokens.to(device=whole.device, dtype=whole.dtype)
    if tokens.shape[1] < whole.shape[1]:
        tokens = torch.cat([whole[:, :start], tokens, whole[:, stop:]], dim=1)
    tokens = _batch_first(group, tokens).contiguous()
    if isinstance(output, torch.Tensor):
        return tokens
    parts = list(output)
    parts[_index(group, stream)] = tokens
    return type(output)(parts)


def _index(group: Blocks, stream: str) -> int:
    return int((group.returns == "txt_img") == (stream == "image"))


def _batch_first(group: Blocks, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.transpose(0, 1) if group.axes == "SBD" else tensor


def _place(group: Blocks, output, frame: Frame, stream: str) -> tuple[torch.Tensor | None, int, int]:
    """(the tensor that holds the stream, first token, one past the last)."""
    if stream not in ("image", "text"):
        raise ValueError(f"stream={stream!r}: expected 'image' or 'text'")
    if group.returns in ("txt_img", "img_txt"):
        if not isinstance(output, (tuple, list)) or len(output) < 2:
            raise TypeError(f"a block of {group.path} returned {type(output).__name__}, expected {group.returns}")
        tensor = output[_index(group, stream)]
        if tensor is None:
            return None, 0, 0
        length = tensor.shape[0 if group.axes == "SBD" else 1]
        if stream == "text":
            return tensor, group.registers, length
        return tensor, 0, _checked(group, frame, length)
    tensor = output[0] if isinstance(output, (tuple, list)) else output
    length = tensor.shape[0 if group.axes == "SBD" else 1]
    if group.returns in ("img", "txt"):
        if (group.returns == "img") != (stream == "image"):
            return None, 0, 0
        return tensor, 0, length if stream == "text" else _checked(group, frame, length)
    if length < frame.packed + group.registers:
        raise ValueError(
            f"a block of {group.path} returned {length} tokens, fewer than the {frame.packed} image tokens of the "
            f"grid {frame.grid} and {group.registers} registers: a cache that keeps part of the sequence is likely on"
        )
    if stream == "image":
        start = 0 if group.image == "first" else length - frame.packed
        return tensor, start, start + frame.tokens
    if group.image == "first":
        return tensor, frame.packed, length
    return tensor, group.registers, length - frame.packed


def _checked(group: Blocks, frame: Frame, length: int) -> int:
    if length != frame.packed:
        raise ValueError(
            f"a block of {group.path} returned {length} image tokens; the grid {frame.grid} and the inputs of this "
            f"forward say {frame.packed}. The layout does not fit this model: see fewchannels/layouts/table.py"
        )
    return frame.tokens

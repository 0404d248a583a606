"""Reads from the arguments of a forward how its image tokens lie on a grid, and where they stand if that varies.

    frame = frame_of(layout, transformer, {"hidden_states": ..., "img_ids": ...})

Nothing is square-rooted: packed latents come with ids or shapes, and the others have a height and a width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from .forms import Layout

Z_IMAGE_MULTIPLE = 32  # Z-Image pads image and text apart to multiples of this (SEQ_MULTI_OF)
IDEOGRAM_IMAGE = 2  # OUTPUT_IMAGE_INDICATOR


@dataclass(frozen=True)
class Frame:
    """Counts of one forward.

    grid: (height, width) in tokens. tokens: their product, the tokens of the image that is drawn. packed: image
    tokens in the sequence, with what stands behind the drawn ones (reference images, padding). rows: the batch of
    the forward, guidance branches included. joined: tokens of reference images that only some blocks hold, behind
    the others. trailing: tokens at the end of a sequence with text that belong to neither stream. image_at, text_at:
    indices [B, n] or [n] of a stream in a fused sequence, where it is no slice.
    """

    grid: tuple[int, int]
    tokens: int
    packed: int
    rows: int
    joined: int = 0
    trailing: int = 0
    image_at: torch.Tensor | None = field(default=None, compare=False)
    text_at: torch.Tensor | None = field(default=None, compare=False)


def frame_of(layout: Layout, transformer, arguments: dict) -> Frame:
    """The frame of a forward from the arguments by name that the transformer was called with.

    Raises ValueError where the inputs do not say how the tokens lie on a grid.
    """
    if layout.grid not in READERS:
        raise ValueError(f"layout of {layout.name}: grid={layout.grid!r} is not one of {', '.join(READERS)}")
    return READERS[layout.grid](layout, transformer, arguments)


def shape_of(hidden) -> tuple[int, ...]:
    """The shape of the image input, of a list of images the number of images before that of the first."""
    if isinstance(hidden, (list, tuple)):
        return (len(hidden), *(shape_of(hidden[0]) if isinstance(hidden[0], (list, tuple)) else hidden[0].shape))
    return tuple(hidden.shape)


def _patched(transformer, height: int, width: int) -> tuple[int, int]:
    patch = transformer.config.patch_size
    down, across = patch[-2:] if isinstance(patch, (tuple, list)) else (patch, patch)
    return height // down, width // across


def _of_grid(grid, rows: int, packed: int | None = None, **more) -> Frame:
    tokens = grid[0] * grid[1]
    return Frame(grid, tokens, tokens if packed is None else packed, rows, **more)


def _one_picture(layout, frames: int):
    if frames != 1:
        raise ValueError(f"{layout.name} was called with {frames} frames: this library reads pictures, not films")


def _latent(layout, transformer, arguments) -> Frame:
    """[B, C, H, W] or [B, C, 1, H, W] over the patch size."""
    hidden = arguments[layout.hidden]
    if hidden.ndim == 5:
        _one_picture(layout, hidden.shape[2])
    return _of_grid(_patched(transformer, *hidden.shape[-2:]), hidden.shape[0])


def _latent_channels_last(layout, transformer, arguments) -> Frame:
    """Kandinsky 5: [B, 1, H, W, C]."""
    rows, frames, height, width, _ = arguments[layout.hidden].shape
    _one_picture(layout, frames)
    if (arguments.get("sparse_params") or {}).get("to_fractal"):
        raise ValueError(f"{layout.name} runs with sparse attention in blocks, which reorders its tokens: turn it off")
    return _of_grid(_patched(transformer, height, width), rows)


def _latent_items(layout, transformer, arguments) -> Frame:
    """JoyImage: [B, C, 1, H, W], or [B, items, C, 1, H, W] with the drawn picture last; its tokens come first."""
    hidden = arguments[layout.hidden]
    _one_picture(layout, hidden.shape[-3])
    grid = _patched(transformer, *hidden.shape[-2:])
    return _of_grid(grid, hidden.shape[0], grid[0] * grid[1] * (hidden.shape[1] if hidden.ndim == 6 else 1))


def _latent_list(layout, transformer, arguments) -> Frame:
    """Z-Image: a list of [C, 1, H, W]; each is padded at its end."""
    shapes = {shape_of(image) for image in arguments[layout.hidden]}
    if isinstance(arguments[layout.hidden][0], (list, tuple)):
        raise ValueError(f"{layout.name} was called with lists of reference images, whose places are not known here")
    if len(shapes) > 1:
        raise ValueError(f"{layout.name} was called with images of several sizes {sorted(shapes)}: generate one size")
    _, frames, height, width = shapes.pop()
    _one_picture(layout, frames)
    side = arguments.get("patch_size", 2)
    grid = (height // side, width // side)
    packed = -(-grid[0] * grid[1] // Z_IMAGE_MULTIPLE) * Z_IMAGE_MULTIPLE
    return _of_grid(grid, len(arguments[layout.hidden]), packed)


def _latent_padded(layout, transformer, arguments) -> Frame:
    """HiDream: pictures that are not square are padded to the longest sequence; llama tokens, anew in each block,
    stand behind the text and are cut off after the block."""
    hidden = arguments[layout.hidden]
    trailing = arguments["encoder_hidden_states_llama3"][0].shape[-2]
    if hidden.ndim == 3:
        sizes = arguments["img_sizes"]
        grid = tuple(int(side) for side in sizes[0])
        packed = hidden.shape[1]
    else:
        grid = _patched(transformer, *hidden.shape[-2:])
        packed = None if hidden.shape[-2] == hidden.shape[-1] else transformer.max_seq
    return _of_grid(grid, hidden.shape[0], packed, trailing=trailing)


def _latent_masked(layout, transformer, arguments) -> Frame:
    """Lumina 2: in the joint sequence each sample's image follows its own text, without that text's padding."""
    frame = _latent(layout, transformer, arguments)
    mask = arguments["encoder_attention_mask"]
    lengths = mask.sum(dim=1).tolist()
    if len(set(lengths)) == 1:
        return frame
    whole = torch.arange(int(max(lengths)) + frame.tokens, device=mask.device).expand(len(lengths), -1)
    starts = torch.tensor(lengths, device=mask.device)[:, None]
    image = (whole >= starts) & (whole < starts + frame.tokens)
    places = {"image_at": whole[image].reshape(frame.rows, -1), "text_at": whole[~image].reshape(frame.rows, -1)}
    return _of_grid(frame.grid, frame.rows, **places)


def _latent_gist(layout, transformer, arguments) -> Frame:
    """FIBO 2: images to edit, each of its own size, stand behind the drawn one; the gist tokens of the text before
    both, but behind them where samples have several numbers of them, by the lengths of their texts."""
    frame = _latent(layout, transformer, arguments)
    side = transformer.config.patch_size
    others = arguments.get("context_latents") or ()
    packed = frame.tokens + sum((each.shape[-2] // side) * (each.shape[-1] // side) for each in others)
    mask = arguments.get("encoder_attention_mask")
    gists = set() if mask is None else {_gist(transformer.config, length) for length in mask.sum(dim=1).tolist()}
    places = {}
    if len(gists) > 1:
        places = {"image_at": torch.arange(frame.tokens), "text_at": torch.arange(packed, packed + max(gists))}
    return _of_grid(frame.grid, frame.rows, packed, **places)


def _gist(config, length: int) -> int:
    """How many gist tokens FIBO 2 makes of a text, as its compute_gist_count says."""
    least, most, step = config.min_num_gist_tokens, config.max_num_gist_tokens, config.gist_step
    share = (length - config.gist_min_text_len) / (config.gist_max_text_len - config.gist_min_text_len)
    wanted = least + min(1.0, max(0.0, share)) * (most - least)
    return max(least, min(most, math.ceil(wanted / step) * step))


def _shape_list(layout, transformer, arguments) -> Frame:
    """JoyImage-Edit Plus: [B, tokens, C, 1, h, w] and each sample's (time, height, width) of the drawn picture and then
    of those that are given; what is shorter is padded at its end."""
    rows, packed = arguments[layout.hidden].shape[:2]
    drawn = {tuple(int(side) for side in shapes[0]) for shapes in arguments["shape_list"]}
    if len(drawn) > 1:
        raise ValueError(f"{layout.name} was called with images of several sizes {sorted(drawn)}: generate one size")
    frames, height, width = drawn.pop()
    _one_picture(layout, frames)
    return _checked(layout, (height, width), height * width, packed, rows)


def _img_ids(layout, transformer, arguments) -> Frame:
    """Rows of (time or image index, row, column, ...): the drawn image is the first index."""
    rows, packed = arguments[layout.hidden].shape[:2]
    ids = arguments.get("img_ids")
    if ids is None:
        raise ValueError(f"{layout.name} was called without img_ids, which say how the tokens lie on the grid")
    ids = ids[0] if ids.ndim == 3 else ids
    drawn = ids[ids[:, 0] == ids[0, 0]]
    references = arguments.get("image_cond_hidden_states")
    joined = 0 if references is None else references.shape[1]
    return _checked(layout, _spanned(drawn), drawn.shape[0], packed, rows, joined=joined)


def _img_shapes(layout, transformer, arguments) -> Frame:
    """(time, height, width) for the drawn image, then for reference images."""
    rows, packed = arguments[layout.hidden].shape[:2]
    shapes = arguments["img_shapes"]
    shapes = shapes if _is_shape(shapes) else shapes[0]
    frames, height, width = shapes if _is_shape(shapes) else shapes[0]
    return _checked(layout, (int(height), int(width)), int(frames * height * width), packed, rows)


def _img_shapes_last(layout, transformer, arguments) -> Frame:
    """Qwen-Image 2.1: condition images stand amid the text, four tokens to a slot of it; the drawn image is last."""
    frames, height, width = (int(side) for side in arguments["img_shapes"][0][-1])
    _one_picture(layout, frames)
    rows, packed = arguments[layout.hidden].shape[:2]
    text = None
    if packed > height * width:
        slots = arguments["img_mask"][0].bool()
        text = torch.repeat_interleave(~slots, torch.where(slots, 4, 1)).nonzero(as_tuple=True)[0]
    return _of_grid((height, width), rows, text_at=text)


def _position_ids(layout, transformer, arguments) -> Frame:
    """Krea 2: rows of (0, row, column) for text and then image."""
    rows, packed = arguments[layout.hidden].shape[:2]
    ids = arguments["position_ids"][-packed:]
    return _checked(layout, _spanned(ids), ids.shape[0], packed, rows)


def _indicator(layout, transformer, arguments) -> Frame:
    """Ideogram 4: padding, text and image share one input, and an indicator tells them apart."""
    image = arguments["indicator"] == IDEOGRAM_IMAGE
    count = int(image[0].sum())
    if not image[:, -count:].all() or int(image.sum()) != count * len(image):
        raise ValueError(f"{layout.name} was called with images of several sizes, or that do not end the sequence")
    return _checked(layout, _spanned(arguments["position_ids"][0, -count:]), count, count, len(image))


def _is_shape(value) -> bool:
    return len(value) == 3 and all(isinstance(side, int) for side in value)


def _spanned(ids: torch.Tensor) -> tuple[int, int]:
    span = (ids[:, 1:3].amax(0) - ids[:, 1:3].amin(0) + 1).tolist()
    return round(span[0]), round(span[1])


def _checked(layout, grid, tokens: int, packed: int, rows: int, **more) -> Frame:
    if grid[0] * grid[1] != tokens or tokens > packed:
        raise ValueError(
            f"{layout.name} was called with {packed} packed image tokens, but {layout.grid} describes "
            f"{tokens} tokens on a grid of {grid[0]} x {grid[1]}: pass ids that belong to the latents"
        )
    return Frame(grid, tokens, packed, rows, **more)


READERS = {
    "latent": _latent,
    "latent_channels_last": _latent_channels_last,
    "latent_items": _latent_items,
    "latent_list": _latent_list,
    "latent_padded": _latent_padded,
    "latent_masked": _latent_masked,
    "latent_gist": _latent_gist,
    "shape_list": _shape_list,
    "img_ids": _img_ids,
    "img_shapes": _img_shapes,
    "img_shapes_last": _img_shapes_last,
    "position_ids": _position_ids,
    "indicator": _indicator,
}
# Readers of tensors, whose values must come from the device: a frame is read anew only where one of these is new.
TENSORS = {
    "latent_masked": ("encoder_attention_mask",),
    "img_ids": ("img_ids",),
    "position_ids": ("position_ids",),
    "indicator": ("indicator", "position_ids"),
    "img_shapes_last": ("img_mask",),
}

"""Arrays made small for a page: a few bytes a value, one deflated block, with the precision stated.

    block = Block()
    header = {"maps": block.linear(maps), "scores": block.log(scores)}
    blob = block.tobytes()                  # bytes; `js/arrays.js` reads the same layout

Token maps keep `LEVELS` values between each map's own smallest and largest value, so no value is further from the
truth than half a level (0.5 % of that map's range). Scores span decades, so they are kept on a logarithmic scale
with a relative error of at most `RELATIVE_ERROR`. Pictures are WebP sheets.
"""

from __future__ import annotations

import base64
import io
import math
import zlib

import numpy as np
import PIL.Image

LEVELS = 100
RELATIVE_ERROR = 0.005
_SPAN = 1e6  # the largest score over the smallest that is kept
# Differences of codes, with a sign, are kept in 16 bits: both signs of the whole span have to fit.
SMALLEST_ERROR = math.expm1(math.log(_SPAN) / (2 * (2**15 - 2)))
_LOSSLESS_UP_TO = (
    48_000  # bytes; sheets of small pictures with flat colours are sharper, and often smaller, without loss
)
_WEBP_MAX = 16383


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """`array` as float32 of the same shape. Raises ValueError where a value is not finite, naming the first."""
    array = np.asarray(array, dtype=np.float32)
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name}: {int(bad.sum())} of {array.size} values are not finite, the first at index {where}; "
            "a page cannot draw them. Replace them (np.nan_to_num) or leave that channel out."
        )
    return array


class Block:
    """Collects arrays, each with a small JSON header, into one deflated block of bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def _append(self, array: np.ndarray) -> dict:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        offset = self._length
        self._parts.append(little.tobytes())
        self._length += little.nbytes
        pad = -self._length % 8
        self._parts.append(bytes(pad))
        self._length += pad
        return {"offset": offset, "dtype": array.dtype.name, "shape": list(array.shape)}

    def plain(self, array: np.ndarray) -> dict:
        """An array of integers or float32, as it is."""
        return self._append(array)

    def linear(self, maps: np.ndarray, name: str = "maps", levels: int = LEVELS, along: int | None = None) -> dict:
        """maps [..., h, w] -> uint8 codes with an offset and a scale of its own for each map.

        along: keep differences (modulo 256) along this axis, that of the steps, where neighbours are alike.
        A value is `offset + scale * code`; it is within half a scale, at most 1 / (2 (levels - 1)) of the map's range.
        """
        if not 2 <= levels <= 256:
            raise ValueError(f"levels={levels}: expected 2 to 256, as codes have 8 bits")
        maps = finite(name, maps)
        low = maps.min((-2, -1))
        scale = (maps.max((-2, -1)).astype(np.float64) - low) / (levels - 1)
        codes = np.rint((maps - low[..., None, None]) / np.where(scale > 0, scale, 1)[..., None, None])
        codes = codes.astype(np.uint8)
        return {
            "kind": "linear",
            "codes": self._append(codes if along is None else np.diff(codes, axis=along, prepend=np.uint8(0))),
            "along": None if along is None else along % maps.ndim,
            "low": self._append(low),
            "scale": self._append(scale.astype(np.float32)),
        }

    def log(self, scores: np.ndarray, axis: int = -2, name: str = "scores", error: float = RELATIVE_ERROR) -> dict:
        """scores >= 0, any shape -> differences along `axis` of rounded logarithms, low and high bytes apart, and
        stored with that axis last: a channel's series of steps stays together, which deflates better.

        A value is within the relative `error` of the truth. What is below a 1e-6th of the largest value becomes zero.
        Raises ValueError for an error below `SMALLEST_ERROR`, whose codes 16 bits do not hold.
        """
        if not SMALLEST_ERROR <= error < 0.5:
            raise ValueError(f"error={error:g}: expected {SMALLEST_ERROR:.3g} to 0.5, as codes have 16 bits")
        scores = finite(name, scores).astype(np.float64)
        if (scores < 0).any():
            raise ValueError(f"{name}: scores are absolute values, expected none below zero, got {scores.min():g}")
        top = float(scores.max(initial=0)) or 1.0
        floor = top / _SPAN
        step = 2 * math.log1p(error)
        codes = 1 + np.rint(np.log(np.maximum(scores, floor) / floor) / step)
        delta = np.diff(np.where(scores < floor, 0, codes).astype(np.int32), axis=axis, prepend=0)
        zigzag = np.moveaxis((delta << 1) ^ (delta >> 31), axis, -1).astype(np.uint16)
        planes = np.stack([zigzag & 0xFF, zigzag >> 8]).astype(np.uint8)
        return {
            "kind": "log",
            "codes": self._append(planes),
            "floor": floor,
            "step": step,
            "axis": axis % scores.ndim,
            "shape": list(scores.shape),
        }

    def tobytes(self) -> bytes:
        """Everything appended so far, in the zlib format."""
        return zlib.compress(b"".join(self._parts), 9)


def sheet(images: np.ndarray, quality: int = 90) -> dict:
    """images uint8 [n, H, W, 3] -> one WebP sheet: a data URL, where each picture is, its size.

    A sheet is kept without loss up to 96 kB, beyond that at `quality` (100: always without loss). Cells are padded to a
    multiple of 16 px by repeating the edge, so that WebP's blocks never mix two pictures. Raises ValueError for another
    dtype or shape, or more pictures than one sheet can hold.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            f"images of dtype {images.dtype} and shape {images.shape}: expected uint8 [n, H, W, 3], as "
            "model.generate(...) gives by default"
        )
    # A picture that comes again (an edit of nothing, say) is kept once; `order` leads to it.
    seen: dict[bytes, int] = {}
    order = [seen.setdefault(image.tobytes(), len(seen)) for image in images]
    images = images[[order.index(i) for i in range(len(seen))]]
    count, height, width, _ = images.shape
    cell_height, cell_width = height + -height % 16, width + -width % 16
    columns = min(count, max(1, round(math.sqrt(count * cell_height / cell_width))))
    rows = -(-count // columns)
    if max(columns * cell_width, rows * cell_height) > _WEBP_MAX:
        raise ValueError(f"{count} pictures of {width} x {height} px do not fit one WebP sheet: give fewer or smaller")
    padded = np.pad(images, ((0, 0), (0, cell_height - height), (0, cell_width - width), (0, 0)), mode="edge")
    padded = np.concatenate([padded, np.zeros((rows * columns - count, *padded.shape[1:]), np.uint8)])
    picture = padded.reshape(rows, columns, cell_height, cell_width, 3).swapaxes(1, 2)
    picture = picture.reshape(rows * cell_height, columns * cell_width, 3)
    packed = _webp(picture, lossless=True, quality=100)
    if quality < 100 and len(packed) > _LOSSLESS_UP_TO:
        packed = min(packed, _webp(picture, lossless=False, quality=quality), key=len)
    return {
        "url": "data:image/webp;base64," + base64.b64encode(packed).decode("ascii"),
        "columns": columns,
        "count": len(order),
        "order": order,
        "width": width,
        "height": height,
        "cell": [cell_width, cell_height],
    }


def _webp(picture: np.ndarray, **options) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(picture).save(out, "WEBP", method=4, **options)
    return out.getvalue()

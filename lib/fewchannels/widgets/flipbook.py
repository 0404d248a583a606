"""`Flipbook`: pictures and numbers that were made for every setting, turned over with one to three controls.

    Flipbook(images, axes={"channels set to zero": [0, 1, 2, 4, 8], "which": ["top", "random"]},
             numbers={"shape still right": share}, tile_labels=prompts, reference=untouched)

images has one leading axis for each control, and may have one more of n pictures that are seen together. Beneath them
may stand the sizes of all channels, which move along (`skyline`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .host import PageWidget
from .packing import Block, sheet

SIZE_ERROR = 0.02  # of a bar's height: less than a pixel
_CONTROLS = ("slider", "dropdown", "buttons")


class Flipbook(PageWidget):
    """Step through pictures [A1, ..., H, W, 3] or, n at a time, [A1, ..., n, H, W, 3] (uint8).

    axes: one to three names with the labels of their A1, A2, ... positions; the order is that of the array's axes.
    controls: {axis name: "slider" | "dropdown" | "buttons"}; default: a slider where all labels are numbers, buttons
        for up to four short labels, else a dropdown.
    captions: an array (or nested list) of strings [A1, ...], shown under the pictures.
    numbers: {name: values [A1, ...]} or {name: (values, low, high)} with intervals; each also as a small line along
        the first slider. nan means unknown and is shown as a dash.
    tile_labels: n strings under the pictures. reference: [n, H, W, 3] or [H, W, 3], shown above for comparison.
    quality: of WebP, where a sheet is too large to be kept without loss; 100 keeps every pixel.
    marks: {axis name: {label: words}}, words that stand below a slider at some of its positions.
    skyline: (sizes [A1, ..., R, D], chosen bool [R, D], R names), bars of D channels in R rows (blocks) under the
        pictures, the chosen ones in colour. A row is as high as at the start setting its largest channel and a little
        more; what grows beyond is cut off. Beside it stands its largest channel in multiples of the median one.
    onward: (text, addresses [A1, ...]), a link below that goes on from the cell that is shown.
    start: {axis name: position or label}. title, note: a line above and below. key: this widget's name in links.

    Raises ValueError for shapes that do not agree, naming what was given and what is expected.
    """

    def __init__(
        self,
        images: np.ndarray,
        axes: Mapping[str, Sequence],
        *,
        captions: Any = None,
        numbers: Mapping[str, Any] | None = None,
        tile_labels: Sequence[str] | None = None,
        reference: np.ndarray | None = None,
        reference_label: str = "Untouched",
        images_label: str = "Edited",
        controls: Mapping[str, str] | None = None,
        marks: Mapping[str, Mapping] | None = None,
        skyline: tuple[np.ndarray, np.ndarray, Sequence[str]] | None = None,
        onward: tuple[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
        title: str = "",
        note: str = "",
        label: str = "Flipbook",
        key: str = "flipbook",
        quality: int = 90,
    ) -> None:
        images = np.asarray(images)
        lead = tuple(len(labels) for labels in axes.values())
        if not 1 <= len(lead) <= 3 or 0 in lead:
            raise ValueError(f"axes with {len(lead)} names of lengths {lead}: expected one to three, none empty")
        if images.ndim not in (len(lead) + 3, len(lead) + 4) or images.shape[: len(lead)] != lead:
            wanted = ", ".join(str(n) for n in lead)
            raise ValueError(f"images of shape {images.shape}: expected [{wanted}, H, W, 3] or [{wanted}, n, H, W, 3]")
        tiles = images.shape[len(lead)] if images.ndim == len(lead) + 4 else 1
        if tile_labels is not None and len(tile_labels) != tiles:
            raise ValueError(f"{len(tile_labels)} tile_labels: expected {tiles}, one a picture seen together")
        pictures = images.reshape(-1, *images.shape[-3:])
        block = Block()
        data: dict[str, Any] = {
            "label": label,
            "key": key,
            "title": title,
            "note": note,
            "axes": [_axis(name, labels, controls or {}, marks or {}) for name, labels in axes.items()],
            "tiles": tiles,
            "tile_labels": None if tile_labels is None else [str(text) for text in tile_labels],
            "images_label": images_label,
            "captions": None,
            "numbers": [_number(block, name, values, lead) for name, values in (numbers or {}).items()],
        }
        state = _start(data["axes"], start or {})
        if skyline is not None:
            first = np.ravel_multi_index([state.get(f"axis{i}", 0) for i in range(len(lead))], lead)
            data["skyline"] = _skyline(block, *skyline, lead) | {"first": int(first)}
        if onward is not None:
            addresses = np.asarray(onward[1], dtype=object)
            if addresses.shape != lead:
                raise ValueError(f"onward with addresses of shape {addresses.shape}: expected {lead}, one a cell")
            data["onward"] = {"text": str(onward[0]), "addresses": [str(one) for one in addresses.ravel()]}
        if captions is not None:
            captions = np.asarray(captions, dtype=object)
            if captions.shape != lead:
                raise ValueError(f"captions of shape {captions.shape}: expected {lead}, one a cell")
            data["captions"] = [str(text) for text in captions.ravel()]
        if reference is not None:
            reference = np.asarray(reference)
            reference = reference[None] if reference.ndim == 3 else reference
            if len(reference) not in (1, tiles):
                raise ValueError(f"{len(reference)} reference pictures: expected {tiles}, one a picture seen together")
            data["reference"] = {"first": len(pictures), "count": len(reference), "label": reference_label}
            if reference.shape[1:] != pictures.shape[1:]:
                raise ValueError(f"reference of shape {reference.shape}: expected pictures of {pictures.shape[1:]}")
            pictures = np.concatenate([pictures, reference])  # one sheet, so that both are compressed alike
        data["images"] = sheet(pictures, quality)
        super().__init__("flipbook", data, block.tobytes(), state)


def _axis(name: str, labels: Sequence, controls: Mapping[str, str], marks: Mapping[str, Mapping]) -> dict:
    texts = [f"{label:g}" if isinstance(label, (float, np.floating)) else str(label) for label in labels]
    numeric = all(isinstance(label, (int, float, np.number)) and not isinstance(label, bool) for label in labels)
    short = len(texts) <= 4 and sum(map(len, texts)) <= 40
    control = controls.get(name, "slider" if numeric else "buttons" if short else "dropdown")
    if control not in _CONTROLS:
        raise ValueError(f"controls[{name!r}] = {control!r}: expected one of {', '.join(_CONTROLS)}")
    words = [[labels.index(label), str(text)] for label, text in marks.get(name, {}).items()]
    return {"name": str(name), "labels": texts, "control": control, "marks": words}


def _skyline(block: Block, sizes: np.ndarray, chosen: np.ndarray, names: Sequence[str], lead: tuple[int, ...]) -> dict:
    sizes, chosen = np.asarray(sizes, dtype=np.float32), np.asarray(chosen)
    rows = len(names)
    if sizes.ndim != len(lead) + 2 or sizes.shape[:-1] != (*lead, rows):
        wanted = ", ".join(str(n) for n in (*lead, rows))
        raise ValueError(f"skyline sizes of shape {sizes.shape}: expected [{wanted}, D], {rows} named rows a cell")
    if chosen.shape != sizes.shape[-2:] or chosen.dtype != bool:
        raise ValueError(f"skyline chosen of {chosen.dtype} {chosen.shape}: expected bool {sizes.shape[-2:]}")
    return {
        "sizes": block.log(sizes.reshape(-1, *chosen.shape), axis=0, name="skyline sizes", error=SIZE_ERROR),
        "chosen": block.plain(chosen.astype(np.uint8)),
        "names": [str(name) for name in names],
    }


def _number(block: Block, name: str, values: Any, lead: tuple[int, ...]) -> dict:
    given = values if isinstance(values, tuple) else (values,)
    if len(given) not in (1, 3):
        raise ValueError(f"numbers[{name!r}] has {len(given)} arrays: expected values, or (values, low, high)")
    header: dict[str, Any] = {"name": str(name)}
    for part, array in zip(("value", "low", "high"), given, strict=False):
        array = np.asarray(array, dtype=np.float32)
        if array.shape != lead:
            raise ValueError(f"numbers[{name!r}] of shape {array.shape}: expected {lead}, one a cell")
        header[part] = block.plain(array.ravel())
    return header


def _start(axes: list[dict], start: Mapping[str, Any]) -> dict[str, int]:
    state = {}
    names = [axis["name"] for axis in axes]
    for name, where in start.items():
        if name not in names:
            raise ValueError(f"start names the axis {name!r}: expected one of {names}")
        labels = axes[names.index(name)]["labels"]
        place = labels.index(str(where)) if str(where) in labels else where
        if not isinstance(place, (int, np.integer)) or not 0 <= place < len(labels):
            raise ValueError(f"start[{name!r}] = {where!r}: expected a label of {labels} or 0 to {len(labels) - 1}")
        state[f"axis{names.index(name)}"] = int(place)
    return state

"""Results on disk with their provenance: one safetensors file, never pickle.

    save_run("run.safetensors", Run(provenance={**model.provenance(), "seed": 0, "steps": 16}, prompts=prompts,
                                    stats=stats.to_arrays(), images=images))
    run = load_run("run.safetensors")

Written whole or not at all (disk.py). The format (version 1) is documented byte by byte in book/runfile.md, so that a
browser or another language can read it.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .disk import check_place, write_whole

FORMAT = "fewchannels.run"
VERSION = 1
KEY = "fewchannels"
MAX_JSON = 10_000_000  # bytes of the JSON string
MAX_HEADER = 100_000_000  # safetensors' own limit
MAX_SIDE = 16383  # pixels; WebP's own limit
PROVENANCE = ("model", "revision", "seed", "steps", "dtype", "versions", "date")
DTYPES = {  # bytes an element
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "I16": 2,
    "U16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


class RunFileError(ValueError):
    """The file is no run file, is damaged, or comes from a newer version. The message says which and what to do."""


@dataclass
class Run:
    """What a run leaves behind.

    provenance: JSON values, at least those of `PROVENANCE` (null where unknown). prompts: one text a sample.
    stats: arrays by name, [S, L, T, D] as `ChannelStats.to_arrays` gives them. maps: token maps by name, e.g.
    [S, L, T, h, w, k] in any number type. masks: bool arrays by name. images: uint8 [n, H, W, 3], or a dict of such
    arrays by condition ("full", "top 8 zeroed"). index: JSON values that name the axes (layers, steps, channels, grid).
    """

    provenance: dict[str, Any]
    prompts: list[str]
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    images: np.ndarray | dict[str, np.ndarray] | None = None
    index: dict[str, Any] = field(default_factory=dict)


def save_run(path: str | os.PathLike, run: Run, quality: int | None = 90) -> Path:
    """Write a run and return its path; an existing file is replaced only when the new one is complete.

    quality: of the WebP images, 1 to 100; None for lossless. Raises RunFileError for what cannot be written (a missing
    provenance key, values that are no JSON, a wrong type), OSError as `disk.check_place` and `disk.write_whole` do. A
    link is followed, and stays.
    """
    from safetensors.numpy import save

    path = Path(path)
    check_place(path)
    missing = [key for key in PROVENANCE if key not in run.provenance]
    if missing:
        raise RunFileError(f"the provenance lacks {', '.join(missing)}: give each, null where it is unknown")
    if not all(isinstance(p, str) for p in run.prompts):
        raise RunFileError("prompts: expected a list of texts")
    tensors: dict[str, np.ndarray] = {}
    for group in ("stats", "maps", "masks"):
        for name, array in getattr(run, group).items():
            tensors[f"{_name(group, name)}"] = _storable(group, name, array)
    listed = _encode_images(run.images, quality, tensors)
    text = _json(
        {
            "format": FORMAT,
            "version": VERSION,
            "provenance": run.provenance,
            "prompts": list(run.prompts),
            "index": run.index,
            "images": listed,
        }
    )
    if not tensors:  # a file of safetensors needs no tensor, but a run without any result is a mistake
        raise RunFileError("nothing to write: the run has no stats, maps, masks or images")
    write_whole(path, save(tensors, metadata={KEY: text}))
    return path


def load_run(path: str | os.PathLike, images: bool = True) -> Run:
    """Read a run. images=False leaves the pictures undecoded and `run.images` None.

    Raises FileNotFoundError, or RunFileError that says what is wrong: no safetensors file, cut short, no run, written
    by a newer version, a key missing, a tensor of the wrong type.
    """
    from safetensors.numpy import load_file

    record, _ = read_header(path)
    loaded = load_file(path)
    run = Run(record["provenance"], record["prompts"], index=record["index"])
    for name, array in loaded.items():
        group, _, rest = name.partition("/")
        if group in ("stats", "maps", "masks"):
            getattr(run, group)[rest] = array
    if images:
        run.images = _decode_images(path, record["images"], loaded)
    return run


def read_header(path: str | os.PathLike) -> tuple[dict[str, Any], dict[str, tuple[str, tuple[int, ...]]]]:
    """The record (the JSON in the metadata) and {tensor name: (dtype, shape)}, without reading the tensors.

    Checks everything that `load_run` relies on, and raises as it does.
    """
    path = Path(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if len(start) < 8 or not 2 <= length <= MAX_HEADER:
            raise RunFileError(f"{path} is no safetensors file: its first 8 bytes give no header length")
        if 8 + length > size:
            raise RunFileError(f"{path} is cut short or no safetensors file: {size} bytes, but a header of {length}")
        raw = file.read(length)
    try:
        header = json.loads(raw)
        metadata = header.pop("__metadata__", {})
        tensors = {name: (t["dtype"], tuple(t["shape"]), _offsets(t["data_offsets"])) for name, t in header.items()}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise RunFileError(f"{path} is no safetensors file: its header is not the JSON expected ({error})") from None
    record = _read_record(path, metadata)
    place = 0
    for name, (_, _, (begin, end)) in sorted(tensors.items(), key=lambda item: item[1][2]):
        if begin != place and 8 + length + end <= size:
            what = "overlaps the one before it" if begin < place else "leaves a gap before it"
            raise RunFileError(f"{path}: tensor {name!r} {what}; the file is damaged: copy or compute it again")
        place = max(place, end)
    expected = 8 + length + place
    if size != expected:
        what = "cut short" if size < expected else "longer than its header says"
        raise RunFileError(f"{path} is {what}: {size} bytes, expected {expected}; copy or compute it again")
    for name, (dtype, shape, (begin, end)) in tensors.items():
        _check_tensor(path, name, dtype, shape, end - begin)
    return record, {name: (dtype, shape) for name, (dtype, shape, _) in tensors.items()}


def _offsets(given: Any) -> tuple[int, int]:
    begin, end = given
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end:
        raise ValueError(f"data_offsets {given}: expected two whole numbers, the smaller first")
    return begin, end


def _read_record(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise RunFileError(f"{path} is a safetensors file but no run: its metadata has no {KEY!r} entry")
    if len(metadata[KEY].encode()) > MAX_JSON:
        raise RunFileError(f"{path}: the {KEY!r} entry is {len(metadata[KEY])} bytes, at most {MAX_JSON} are read")
    try:
        record = json.loads(metadata[KEY])
    except (ValueError, RecursionError) as error:
        raise RunFileError(f"{path}: the {KEY!r} entry is no JSON ({error})") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise RunFileError(f"{path}: the {KEY!r} entry is no run record (format {FORMAT!r} expected)")
    version = record.get("version")
    if not isinstance(version, int) or version < 1:
        raise RunFileError(f"{path}: version {version!r} is no version number")
    if version > VERSION:
        raise RunFileError(
            f"{path} has version {version} of the run format; this fewchannels reads up to {VERSION}: please upgrade it"
        )
    for key, kind in (("provenance", dict), ("prompts", list), ("index", dict), ("images", dict)):
        if not isinstance(record.get(key), kind):
            raise RunFileError(f"{path}: the record's {key!r} is missing or no {kind.__name__}")
    if not all(isinstance(prompt, str) for prompt in record["prompts"]):
        raise RunFileError(f"{path}: the record's 'prompts' are no list of texts")
    missing = [key for key in PROVENANCE if key not in record["provenance"]]
    if missing:
        raise RunFileError(f"{path}: the provenance lacks {', '.join(missing)}")
    return record


def _check_tensor(path: Path, name: str, dtype: str, shape: tuple[int, ...], stored: int) -> None:
    group = name.partition("/")[0]
    wanted = {"images": ("U8",), "masks": ("BOOL",)}.get(group, tuple(DTYPES))
    if group not in ("stats", "maps", "masks", "images") or not name.partition("/")[2]:
        raise RunFileError(f"{path}: tensor {name!r} is in no known group (stats, maps, masks, images)")
    if dtype not in wanted or (group == "images" and len(shape) != 1):
        raise RunFileError(f"{path}: tensor {name!r} is {dtype} {list(shape)}; expected {' or '.join(wanted)}")
    if stored != int(np.prod(shape, dtype=np.int64)) * DTYPES[dtype]:
        raise RunFileError(f"{path}: tensor {name!r} has {stored} bytes, which {dtype} {list(shape)} does not take")


def _storable(group: str, name: str, array: Any) -> np.ndarray:
    array = np.asarray(array)
    if group == "masks" and array.dtype != bool:
        raise RunFileError(f"masks[{name!r}] is {array.dtype}: expected bool")
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise RunFileError(f"{group}[{name!r}] is {array.dtype}: expected float16 to float64, an integer type or bool")
    # not ascontiguousarray, which makes a list of a single number
    return np.asarray(array.astype(array.dtype.newbyteorder("="), copy=False), order="C")


def _name(group: str, name: str) -> str:
    if not isinstance(name, str) or not name:
        raise RunFileError(f"{group}: the name {name!r} is no text")
    return f"{group}/{name}"


def _encode_images(images: Any, quality: int | None, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Put each picture as WebP bytes into `tensors`; the record's "images" entry is returned."""
    from PIL import Image

    if images is None:
        return {}
    if quality is not None and not 1 <= quality <= 100:
        raise RunFileError(f"quality={quality}: expected 1 to 100, or None for lossless")
    listed = {}
    for condition, batch in (images if isinstance(images, Mapping) else {"": images}).items():
        batch = np.asarray(batch)
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[-1] != 3:
            raise RunFileError(f"images {condition!r}: expected uint8 [n, H, W, 3], got {batch.dtype} {batch.shape}")
        if len(batch) and not 1 <= min(batch.shape[1:3]) <= max(batch.shape[1:3]) <= MAX_SIDE:
            size = f"{batch.shape[1]} x {batch.shape[2]} px"
            raise RunFileError(f"images {condition!r} of {size}: a picture has 1 to {MAX_SIDE} px a side")
        listed[condition] = {
            "count": len(batch),
            "height": batch.shape[1],
            "width": batch.shape[2],
            "lossless": quality is None,
        }
        for i, pixels in enumerate(batch):
            buffer = io.BytesIO()
            # "exact" and method 4: lossless means every byte, and the same bytes at every writing
            options = {"lossless": True, "exact": True} if quality is None else {"quality": quality}
            Image.fromarray(pixels).save(buffer, "WEBP", method=4, **options)
            tensors[image_key(condition, i)] = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
    return listed


def image_key(condition: str, i: int) -> str:
    """Name of the tensor with picture i: "images/00003", or "images/<condition>/00003"."""
    return f"images/{condition}/{i:05d}" if condition else f"images/{i:05d}"


def _decode_images(path: Any, listed: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
    from PIL import Image

    found = {}
    for condition, entry in listed.items():
        try:
            count, height, width = (int(entry[key]) for key in ("count", "height", "width"))
        except (KeyError, TypeError, ValueError):
            raise RunFileError(f"{path}: images {condition!r} lack count, height or width") from None
        keys = [image_key(condition, i) for i in range(min(count, len(tensors) + 1))]
        missing = [key for key in keys if key not in tensors]
        if missing or not (0 <= height <= MAX_SIDE and 0 <= width <= MAX_SIDE):
            what = f"{missing[0]!r} is missing" if missing else f"{height} x {width} px is no size of a WebP picture"
            raise RunFileError(f"{path}: the record lists {count} images {condition!r}, but {what}")
        batch = np.empty((count, height, width, 3), dtype=np.uint8)
        for i, key in enumerate(keys):
            try:
                picture = Image.open(io.BytesIO(tensors[key].tobytes()), formats=["WEBP"])
                if picture.size != (width, height):
                    raise RunFileError(f"{path}: {key!r} is {picture.size} px, listed as {(width, height)}")
                batch[i] = np.asarray(picture.convert("RGB"))
            except OSError as error:
                raise RunFileError(f"{path}: {key!r} is no readable WebP picture ({error})") from None
        found[condition] = batch
    return found.get("") if set(found) <= {""} else found


def _json(record: dict[str, Any]) -> str:
    try:
        text = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise RunFileError(
            f"provenance, prompts and index must be JSON values: {error} (nan and inf are none)"
        ) from None
    if len(text.encode()) > MAX_JSON:
        raise RunFileError(
            f"provenance, prompts and index take {len(text.encode())} bytes of JSON; at most {MAX_JSON} fit"
        )
    return text

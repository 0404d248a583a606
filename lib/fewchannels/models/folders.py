"""What lies in a pipeline's folder: which weight files are read, how large they are, and whether all is whole.

check_files(folder, read_json(folder / "model_index.json"))     # OSError that names the file, and what to do

A clone without Git LFS leaves pointers of three lines in the place of files, and a copy that broke off leaves files
empty or cut short. The libraries that read them say so in many ways, a MemoryError among them, and seldom which file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from .needs import Weights

POINTER = b"version https://git-lfs"
LARGEST_POINTER = 1024  # bytes, by its specification
# Weights in forms that are not read, and may lie there as pointers.
OTHER_WEIGHTS = {
    ".safetensors",
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".h5",
    ".msgpack",
    ".onnx",
    ".onnx_data",
    ".pb",
    ".gguf",
    ".xml",
}
AGAIN = "download it again"


def variant_of(sizes: Mapping[str, int]) -> str | None:
    """The precision to ask diffusers for: None where the transformer has plain files, else one that it has."""
    found = {variant_in(file) for file in sizes if file.startswith("transformer/") and file.endswith(".safetensors")}
    return None if None in found else next((variant for variant in ("bf16", "fp16") if variant in found), None)


def parts_of(config: Mapping) -> list[str]:
    """The parts that a pipeline's index names and that are not left out."""
    return [part for part, kind in config.items() if isinstance(kind, (list, tuple)) and kind and kind[0]]


def weight_files(config: Mapping, sizes: Mapping[str, int]) -> dict[str, int]:
    """The weight files that diffusers reads for the parts of a pipeline, of one precision each.

    >>> sizes = {"vae/a.safetensors": 5, "vae/a.fp16.safetensors": 3, "transformer/b.safetensors": 9, "c": 7}
    >>> weight_files({"vae": ["diffusers", "X"], "transformer": ["diffusers", "Y"]}, sizes)
    {'vae/a.safetensors': 5, 'transformer/b.safetensors': 9}
    """
    wanted, chosen = variant_of(sizes), {}
    for part in parts_of(config):
        own = {file: variant_in(file) for file in sizes if re.fullmatch(rf"{re.escape(part)}/[^/]+\.safetensors", file)}
        variant = wanted if wanted in own.values() else None
        chosen |= {file: sizes[file] for file in own if own[file] == variant}
    return chosen


def variant_in(file: str) -> str | None:
    """The precision that a file's name gives, such as "fp16"; None where it gives none."""
    found = re.search(r"\.(bf16|fp16|fp32|fp8|ema|non_ema)[.-]", file)
    return found[1] if found else None


def weights_by_files(files: Mapping[str, int], transformers=("transformer",)) -> Weights:
    """Weights from the bytes of their files, taken as 16 bit: of files in 32 bit that is twice what they are."""
    held = {part: sum(s for f, s in files.items() if f.startswith(f"{part}/")) for part in transformers}
    largest = max(held.values())
    return Weights(largest, sum(files.values()) - largest)


def local_sizes(folder: Path, config: Mapping) -> dict[str, int]:
    """Bytes in 16 bit of the weight files that are read of a local folder, by their headers; 0 of the others.

    Raises OSError as `check_files` does.
    """
    names = {file.relative_to(folder).as_posix(): 0 for file in folder.glob("*/*.safetensors")}
    return names | {file: 2 * _parameters(folder / file) for file in weight_files(config, names)}


def read_json(file: Path) -> dict:
    """The object that a JSON file holds. Raises OSError that names the file where it is not whole."""
    _refuse_pointer(file)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise OSError(f"{file} is cut short or no JSON ({error}): {AGAIN}") from None
    if not isinstance(found, dict):
        raise OSError(f"{file} holds a {type(found).__name__}, and no JSON object: {AGAIN}")
    return found


def check_files(folder: Path, config: Mapping, thorough: bool = False) -> None:
    """Raises OSError for the first file of a pipeline's parts that is a Git LFS pointer, empty or cut short, and
    FileNotFoundError for a shard that an index names and a configuration without which weights cannot be read.

    config: the pipeline's index. Weights are judged by their headers; of those in several precisions only what is
    read. thorough: parse all other JSON files too, which takes a moment.
    """
    names = {file.relative_to(folder).as_posix(): 0 for file in folder.glob("*/*.safetensors")}
    weights = weight_files(config, names)
    for part in parts_of(config):
        own = [name for name in weights if name.startswith(f"{part}/")]
        variants = {variant_in(name) for name in own}
        for file in sorted((folder / part).glob("*")):
            if file.suffix in OTHER_WEIGHTS or not file.is_file():
                continue
            _refuse_pointer(file)
            if ".safetensors.index." in file.name:
                if variant_in(f"{part}/{file.name}") in variants or not own:
                    _check_index(file)
            elif file.suffix == ".json" and thorough:
                read_json(file)
        for name in own:
            tensors_of(folder / name)
        if own and not (folder / part / "config.json").is_file():
            raise FileNotFoundError(f"{folder / part / 'config.json'} is missing, without which weights are not read")


def _check_index(file: Path) -> None:
    shards = read_json(file).get("weight_map")
    if not isinstance(shards, dict):
        raise OSError(f"{file} names no shards: {AGAIN}")
    for shard in sorted(set(map(str, shards.values()))):
        if not (file.parent / shard).is_file():
            raise FileNotFoundError(f"{file.parent / shard} is missing, which {file.name} names: {AGAIN}")


def tensors_of(file: Path) -> dict[str, tuple[int, ...]]:
    """{name: shape} of the tensors of a safetensors file, by its header. Raises OSError where the file is not whole."""
    _refuse_pointer(file)
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if 8 + length > size:
            raise OSError(f"{file} is cut short or no safetensors file ({size} bytes): {AGAIN}")
        raw = opened.read(length)
    try:
        header = {name: entry for name, entry in json.loads(raw).items() if name != "__metadata__"}
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in header.items()}
        whole = 8 + length + max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError) as error:
        raise OSError(f"{file} is damaged or no safetensors file ({error}): {AGAIN}") from None
    if size != whole:
        what = "cut short" if size < whole else "longer than it says"
        raise OSError(f"{file} is {what} ({size} bytes, by its header {whole}): {AGAIN}")
    return shapes


def _parameters(file: Path) -> int:
    """Numbers that a safetensors file holds."""
    return sum(map(math.prod, tensors_of(file).values()))


def _refuse_pointer(file: Path) -> None:
    size = file.stat().st_size
    if size <= LARGEST_POINTER and file.read_bytes().startswith(POINTER):
        raise OSError(
            f"{file} is a pointer of Git LFS, and not the file itself: run `git lfs install` and `git lfs pull` in the "
            f"clone, or {AGAIN}"
        )
    if not size and file.suffix in (".json", ".safetensors"):
        raise OSError(f"{file} is empty: {AGAIN}")

"""Run files as a page may be given them: broken, cut, oversized and hostile, made from one good file.

    paths = write_bad_files(folder, good.read_bytes())      # -> {name: path}
    write_hostile(folder / "hostile.safetensors", good)     # well formed; its texts are markup

Every file of `write_bad_files` has to end in a message, with the page alive. The large ones are sparse on the disk.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
GIBIBYTE = 2**30


def parts(data: bytes) -> tuple[dict, bytes]:
    """A run file's header and its data."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header: dict | bytes, data: bytes) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def changed(good: bytes, change) -> bytes:
    """The good file after `change(header, record)`."""
    header, data = parts(good)
    record = json.loads(header["__metadata__"]["fewchannels"])
    change(header, record)
    if "fewchannels" in header.get("__metadata__", {}):
        header["__metadata__"]["fewchannels"] = json.dumps(record)
    return joined(header, data)


def tensor(header: dict, group: str) -> dict:
    """The first entry of a group that has data."""
    return next(entry for name, entry in header.items() if name.startswith(group) and entry["data_offsets"][1])


def _changes(good: bytes) -> dict[str, bytes]:
    def offsets_out_of_range(header, record):
        tensor(header, "stats/mean")["data_offsets"] = [2**40, 2**40 + 16]

    def offsets_overlap(header, record):
        first, second = (entry for name, entry in header.items() if name in ("stats/mean", "stats/mean_abs"))
        second["data_offsets"] = list(first["data_offsets"])

    def offsets_backwards(header, record):
        tensor(header, "stats/mean")["data_offsets"].reverse()

    def unknown_dtype(header, record):
        tensor(header, "stats/mean")["dtype"] = "BF16"

    def shape_disagrees(header, record):
        tensor(header, "stats/mean")["shape"] = [1, 1, 1, 3]

    def shape_enormous(header, record):
        tensor(header, "stats/mean")["shape"] = [2**31, 2**31, 2**31, 2]

    def shape_negative(header, record):
        tensor(header, "stats/mean")["shape"][0] *= -1

    def newer_version(header, record):
        record["version"] = 2

    def another_format(header, record):
        record["format"] = "somebody.else"

    def no_record(header, record):
        header["__metadata__"] = {"made by": "another program"}

    def prompts_no_list(header, record):
        record["prompts"] = {"length": 1e9}

    def no_provenance(header, record):
        del record["provenance"]

    def no_statistics(header, record):
        for name in [name for name in header if name.startswith("stats/")]:
            del header[name]

    def layers_disagree(header, record):
        record["index"]["layers"] = ["only one"]

    def prototype(header, record):
        header["__proto__"] = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}

    return {
        change.__name__: changed(good, change)
        for change in (
            offsets_out_of_range,
            offsets_overlap,
            offsets_backwards,
            unknown_dtype,
            shape_disagrees,
            shape_enormous,
            shape_negative,
            newer_version,
            another_format,
            no_record,
            prompts_no_list,
            no_provenance,
            no_statistics,
            layers_disagree,
            prototype,
        )
    }


def write_bad_files(folder: Path, good: bytes) -> dict[str, Path]:
    """Write one file of each kind into a folder. -> {what is wrong with it: its path}"""
    header, data = parts(good)
    raw = json.dumps(header).encode()
    contents = {
        "empty": b"",
        "five_bytes": good[:5],
        "cut_in_the_data": good[: len(good) - len(data) // 2],
        "cut_in_the_header": good[: 8 + len(raw) // 2],
        "one_byte_too_many": good + b"\0",
        "another_magic": b"\x89PNG\r\n\x1a\n" + bytes(500),
        "zip": b"PK\x03\x04" + bytes(26) + good[:2000],
        "text": b"prompt,layer,step\na red star,3,4\n" * 40,
        "header_longer_than_the_file": struct.pack("<Q", len(good) * 4) + good[8:],
        "header_too_long": struct.pack("<Q", 2**62) + good[8:],
        "header_no_json": joined(raw[:-40] + b"}" * 40, data),
        "header_a_list": joined(b'["not", "an", "object"]', b""),
        "header_nested": joined(b"[" * 200_000 + b"]" * 200_000, b""),
        "record_no_json": joined({**header, "__metadata__": {"fewchannels": "{'single': 'quotes'}"}}, data),
        **_changes(good),
    }
    paths = {}
    for name, content in contents.items():
        paths[name] = folder / f"{name}.safetensors"
        paths[name].write_bytes(content)
    for name, start in (("a_gibibyte_of_nothing", b""), ("a_gibibyte_after_a_good_file", good)):
        paths[name] = folder / f"{name}.safetensors"
        with open(paths[name], "wb") as file:
            file.write(start)
            file.truncate(GIBIBYTE)
    return paths


def write_hostile(path: Path, good: bytes) -> Path:
    """A well-formed run whose every text is markup: it opens, and its texts are seen as text."""

    def change(header, record):
        record["prompts"] = [HOSTILE for _ in record["prompts"]]
        record["provenance"]["model"] = HOSTILE
        record["index"]["layers"] = [f"{HOSTILE}{i}" for i, _ in enumerate(record["index"]["layers"])]
        record["index"]["channels"] = {HOSTILE: next(iter(record["index"]["channels"].values()))}
        record["index"].pop("maps", None)

    path.write_bytes(changed(good, change))
    return path

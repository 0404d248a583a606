"""`fewchannels export`: what a run file or the store of a sweep holds, as CSV, JSON or PNG pictures."""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..disk import check_place, try_folder, write_whole

FORMATS = ("csv", "json", "png")
HELP = """\
Write what a run file, or the store of a sweep, holds in a form that other programs read.

  fewchannels export run.safetensors --to run.csv         statistics: a row a sample, block, step and channel
  fewchannels export study --to study.csv                 a sweep: a row a condition and prompt
  fewchannels export study --to study.json                with all arrays, and what each condition is
  fewchannels export run.safetensors --to pictures --format png

The form is that of the name given to --to, or --format says it; png wants a folder. A file is written whole or not at
all. Exit status: 0 done, 1 it could not be done, 2 not understood.
"""


def add_export(commands: Any) -> None:
    """Add the command to the parser's commands."""
    export = commands.add_parser(
        "export",
        help="run file or sweep to CSV, JSON or PNG",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = export.add_argument
    add("source", type=Path, metavar="FILE_OR_STORE", help="a run file, or the folder of a sweep")
    add("--to", type=Path, required=True, metavar="FILE_OR_FOLDER", help="where to write")
    add("--format", choices=FORMATS, help="csv, json or png (from the name)")
    add("--json", action="store_true", help="what was written, as JSON")
    add("--debug", action="store_true", help="show the traceback of an error")
    export.set_defaults(command=run_export)


def run_export(options: argparse.Namespace) -> None:
    """Write the export and print its name. Raises ValueError for a source or a format that does not fit."""
    form = options.format or options.to.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise ValueError(f"--to {options.to} ends in none of .csv, .json: name one so, or give --format")
    if not options.source.exists():
        raise FileNotFoundError(f"{options.source} is not there: expected a run file, or the folder of a sweep")
    _check_folder(options.to) if form == "png" else check_place(options.to)
    read = _of_store if options.source.is_dir() else _of_run
    rows, record, pictures = read(options.source, form)
    if form == "png":
        written = _write_pictures(options.to, pictures)
    else:
        text = _as_csv(rows) if form == "csv" else json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False)
        write_whole(options.to, text.encode())
        written = 1
    if options.json:
        print(json.dumps({"to": str(options.to), "format": form, "files": written}))
    else:
        print(options.to)


def _of_run(path: Path, form: str):
    from ..runfile import load_run

    run = load_run(path, images=form == "png")
    images = run.images if isinstance(run.images, dict) else {"": run.images}
    record = {
        "provenance": run.provenance,
        "prompts": run.prompts,
        "index": run.index,
        "stats": {n: _json(a) for n, a in run.stats.items()} if form == "json" else {},
    }
    return _rows_of_run(run), record, {name: batch for name, batch in images.items() if batch is not None}


def _rows_of_run(run) -> Iterator[dict]:
    arrays = {name: array for name, array in run.stats.items() if array.ndim == 4}
    if not arrays:
        raise ValueError("the run holds no statistics [S, L, T, D] to list: see `fewchannels inspect`")
    layers = run.index.get("layers") or list(range(next(iter(arrays.values())).shape[1]))
    shape = next(iter(arrays.values())).shape
    steps = run.index.get("steps") or list(range(shape[2]))
    apart = len(run.prompts) == shape[0]
    for at in np.ndindex(shape):
        row = {
            "sample": at[0],
            "prompt": run.prompts[at[0]] if apart else "",
            "block": layers[at[1]],
            "step": steps[at[2]],
            "channel": at[3],
        }
        yield row | {name: array[at].item() for name, array in arrays.items()}


def _of_store(folder: Path, form: str):
    from ..sweep import Store

    store = Store(folder)
    cells = [cell for cell in store.cells() if "change" in cell[2] or "prompts" not in cell[1]]
    if not cells:
        raise ValueError(f"{folder} holds no cell of a sweep")
    record = []
    if form == "json":
        record = [
            {"condition": n, "key": key, "arrays": {p: _json(a) for p, a in arrays.items() if p != "pictures"}}
            for n, key, arrays in cells
        ]
    pictures = {name: arrays["pictures"] for name, _, arrays in cells if "pictures" in arrays}
    return _rows_of_store(cells), record, pictures


def _rows_of_store(cells) -> Iterator[dict]:
    for name, key, arrays in cells:
        columns = {part: array for part, array in arrays.items() if array.ndim == 1}
        prompts = key.get("prompts", []) if isinstance(key.get("prompts"), list) else []
        samples = key.get("samples") or []
        for i in range(max(map(len, columns.values()), default=0)):
            row = {"condition": name, "model": key.get("model", ""), "seed": key.get("seed", "")}
            row |= {"sample": samples[i] if i < len(samples) else i, "prompt": prompts[i] if i < len(prompts) else ""}
            yield row | {part: array[i].item() for part, array in columns.items() if i < len(array)}


def _as_csv(rows: Iterator[dict]) -> str:
    listed = list(rows)
    columns = list(dict.fromkeys(name for row in listed for name in row))
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return file.getvalue()


def _json(array: np.ndarray) -> list:
    """Nested lists; nan and inf, which JSON lacks, as null."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    return np.where(np.isfinite(array), array, None).tolist()


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--to {folder} is a file: name a folder for the pictures")
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"the folder {folder.parent} is not there: make it first")
    try_folder(folder if folder.exists() else folder.parent, folder)


def _write_pictures(folder: Path, pictures: dict[str, np.ndarray]) -> int:
    from PIL import Image

    if not pictures:
        raise ValueError("there are no pictures in it (a sweep keeps them with --pictures)")
    folder.mkdir(exist_ok=True)
    count = 0
    for number, (condition, batch) in enumerate(pictures.items()):
        # names of conditions are the writer's of the file: none may lead out of the folder, or meet another
        name = re.sub(r"[^\w.-]+", "_", condition).strip("._")[:80]
        for i, picture in enumerate(batch):
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "PNG")
            stem = f"{number:03d}_{name}_" if condition else ""
            write_whole(folder / f"{stem}{i:05d}.png", buffer.getvalue())
            count += 1
    return count

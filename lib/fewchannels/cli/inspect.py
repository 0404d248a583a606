"""`fewchannels inspect` and `fewchannels models`: what a run file holds, and which models can be read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_inspect(commands: Any) -> None:
    """Add the command to the parser's commands."""
    inspect = commands.add_parser("inspect", help="say what a run file holds", description="Say what a run file holds.")
    inspect.add_argument("file", type=Path, metavar="FILE")
    inspect.add_argument("--json", action="store_true", help="the whole record and all tensors, as JSON")
    inspect.set_defaults(command=_inspect)


def add_models(commands: Any) -> None:
    """Add the command to the parser's commands."""
    models = commands.add_parser(
        "models",
        help="list the transformer classes that can be read",
        description="List the transformer classes of diffusers whose image tokens this library finds.",
    )
    models.add_argument("--json", action="store_true", help="a list of objects")
    models.set_defaults(command=_models)


def _inspect(options: argparse.Namespace) -> None:
    from ..runfile import read_header

    record, tensors = read_header(options.file)
    if options.json:
        listed = {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in tensors.items()}
        print(json.dumps({**record, "tensors": listed, "bytes": options.file.stat().st_size}, indent=2))
        return
    print(f"{options.file}: run file version {record['version']}, {options.file.stat().st_size / 1e6:.2f} MB")
    for key, value in record["provenance"].items():
        if value is not None:
            print(f"  {key:15} {_words(value)}")
    prompts = record["prompts"]
    print(f"{len(prompts)} prompts" + (":" if prompts else ""))
    for prompt in prompts[:5]:
        print(f"  {_words(prompt)}")
    if len(prompts) > 5:
        print(f"  ... and {len(prompts) - 5} more")
    for condition, entry in record["images"].items():
        label = f" ({_words(condition)})" if condition else ""
        print(f"{entry['count']} images{label}, {entry['width']} x {entry['height']} px")
    for name, chosen in record["index"].get("channels", {}).items():
        label, blocks = _words(chosen["label"]), len(chosen["indices"])
        print(f"channels {_words(name)}: {label} of {chosen['width']}, in {blocks} blocks")
    print("tensors:")
    for name, (dtype, shape) in sorted(tensors.items()):
        if not name.startswith("images/"):
            print(f"  {_words(name):28} {dtype:5} {' x '.join(map(str, shape))}")


def _words(value: Any) -> str:
    """Text of a file for a terminal: control characters, which could steer it, are written out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _models(options: argparse.Namespace) -> None:
    from ..models.listing import as_text, supported

    rows = supported()
    print(json.dumps(rows, indent=2) if options.json else as_text(rows))

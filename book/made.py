"""Runs of the toy world that pages show: made once, kept in _build, made again when what they hang on changes.

folder = once(BUILD / "explorer", "Runs for the explorer", [Path(__file__)], CODE, make)     # make(folder)
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def once(folder: Path, what: str, hangs_on: Iterable, code: Iterable[str], make: Callable[[Path], None]) -> Path:
    """The folder with what make(folder) wrote, now or earlier. what: for the line that says so. hangs_on: files, by
    their bytes, and settings (JSON), beside weights and pins; code: modules of the library, with all that they import.
    """
    stamp = folder / "stamp.json"
    digest = digest_of(hangs_on, code)
    if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8"))["digest"] == digest:
        return folder
    began = time.monotonic()
    print(f"{what} ...", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)
    seconds = round(time.monotonic() - began, 1)
    stamp.write_text(json.dumps({"digest": digest, "seconds": seconds}) + "\n", encoding="utf-8")
    print(f"  made in {seconds} s", flush=True)
    return folder


def digest_of(hangs_on: Iterable, code: Iterable[str]) -> str:
    """SHA-256 of the code that is reached, weights, pins, files and settings, Python."""
    from fewchannels.identity.codes import Codes

    hangs_on = list(hangs_on)
    files = [one for one in hangs_on if isinstance(one, Path)]
    settings = [one for one in hangs_on if not isinstance(one, Path)]
    weights = (ROOT / "lib" / "fewchannels" / "toyworld" / "weights" / "pipeline").glob("*/*")
    read = {*files, Path(__file__), ROOT / "constraints.txt", *weights}
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted(file for file in read if file.is_file()):
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    codes = Codes()
    digest.update(json.dumps([settings, *(codes.reached(name) for name in code)], sort_keys=True).encode())
    return digest.hexdigest()

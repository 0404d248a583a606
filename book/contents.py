"""What the book holds, in order, and what each of its notebooks hangs on.

    toc_notebooks()         # -> ["notebooks/00_start_here.ipynb", ...]
    digest_of(name)         # -> SHA-256; another one means that the notebook has to be run again
    noted(name)             # -> {"seconds", "when", ...} of a run with this digest, or None

A notebook hangs on its own cells, the library with the weights, the claims, the committed results, pins and Python.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / "_build" / "stamps"

# What notebooks hang on, themselves apart.
LIBRARY = ("*.py", "*.js", "*.json", "*.safetensors", "*.txt", "*.css", "*.svg")
OTHERS = ("constraints.txt", "book/claims.yml")


def toc_pages(toc: Path | None = None) -> list[str]:
    """The pages of _toc.yml in reading order, as paths below the root with their suffix where the file is there."""
    toc = toc or ROOT / "_toc.yml"
    pages: list[str] = []

    def walk(node):
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            for key in ("root", "file"):
                if key in node:
                    pages.append(node[key])
            for key in ("parts", "chapters", "sections"):
                walk(node.get(key))

    walk(yaml.safe_load(toc.read_text(encoding="utf-8")))
    suffixed = []
    for page in pages:
        there = [page + suffix for suffix in ("", ".ipynb", ".md") if (toc.parent / (page + suffix)).is_file()]
        suffixed.append(there[0] if there else page)
    return suffixed


def toc_notebooks() -> list[str]:
    """The notebooks among the pages of _toc.yml, in reading order."""
    return [page for page in toc_pages() if page.endswith(".ipynb")]


@functools.cache
def _shared_digest() -> str:
    digest = hashlib.sha256(sys.version.encode())
    library = ROOT / "lib" / "fewchannels"
    files = {file for pattern in LIBRARY for file in library.rglob(pattern)}
    files |= {ROOT / name for name in OTHERS}
    files |= {file for pattern in ("*.safetensors", "*.json") for file in (ROOT / "results").rglob(pattern)}
    for file in sorted(files):
        if file.is_file():
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def digest_of(name: str) -> str:
    """SHA-256 of everything that the results of this notebook hang on."""
    notebook = json.loads((ROOT / name).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["metadata"].pop("slideshow", None)  # which slide it is on changes no result
    return hashlib.sha256(json.dumps(notebook).encode() + _shared_digest().encode()).hexdigest()


def section_after(heading: str, markdown: str) -> str:
    """The section that a cell of Markdown leaves a reader in: its last second-level heading, or the one before it.

    >>> section_after("By hand", "text" + chr(10) + "## The sets" + chr(10) + "### One draw")
    'The sets'
    """
    headings = re.findall(r"^## +(.+?) *$", markdown, re.MULTILINE)
    return headings[-1] if headings else heading


def noted(name: str) -> dict[str, Any] | None:
    """What `note` wrote of this notebook's last run, or None where it has to be run again."""
    if not _stamp(name).exists():
        return None
    stamp = json.loads(_stamp(name).read_text(encoding="utf-8"))
    return stamp if stamp["digest"] == digest_of(name) else None


def note(name: str, digest: str, seconds: float, when: str, sections: Mapping[str, float]) -> None:
    """Write down that a notebook with this digest was run, and how long each of its sections took."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    parts = {heading: round(spent, 2) for heading, spent in sections.items()}
    stamp = {"digest": digest, "seconds": round(seconds, 2), "when": when, "sections": parts}
    _stamp(name).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


def _stamp(name: str) -> Path:
    return STAMPS / (name.replace("/", "--") + ".json")

"""Strips the notebooks of outputs, counts and papermill's traces; the executed copies are built, never committed.

python book/stripped.py             strip in place
python book/stripped.py --verify    fail where a notebook is not stripped, and say which
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# nbstripout removes outputs and widget state by itself, but knows nothing of what papermill adds.
EXTRA_KEYS = "metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.widgets"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nbstripout", "--keep-id", "--extra-keys", EXTRA_KEYS, *arguments]


def dirty(notebooks: list[Path]) -> list[Path]:
    """Those of `notebooks` that hold outputs, counts or run metadata."""
    if _clean(notebooks):  # one start of the tool in place of one for each
        return []
    return [notebook for notebook in notebooks if not _clean([notebook])]


def _clean(notebooks: list[Path]) -> bool:
    return subprocess.run(command("--verify", *map(str, notebooks)), capture_output=True).returncode == 0


def main() -> int:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if "--verify" not in sys.argv:
        return subprocess.call(command(*map(str, notebooks))) if notebooks else 0
    found = dirty(notebooks)
    for notebook in found:
        name = notebook.relative_to(ROOT)
        print(f"{name}: holds outputs or run metadata; `make format` strips it", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

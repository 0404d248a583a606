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


def main() -> int:
    notebooks = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "notebooks").glob("*.ipynb"))
    if not notebooks:
        return 0
    if "--verify" not in sys.argv:
        return subprocess.call(command(*notebooks), cwd=ROOT)
    dirty = []
    for notebook in notebooks:
        if subprocess.run(command("--verify", notebook), cwd=ROOT, capture_output=True).returncode != 0:
            dirty.append(notebook)
    for notebook in dirty:
        print(f"{notebook}: holds outputs or run metadata; `make format` strips it", file=sys.stderr)
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())

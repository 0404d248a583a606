"""Jupyter Book 1.x over a folder of pages, with warnings as errors.

built(folder, out)          # the site lies in out/_build/html; raises PagesFailed
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "."]
STRICT = ["--all", "-W", "-n", "--keep-going", "-q"]


class PagesFailed(Exception):
    """Jupyter Book gave warnings or errors; the message holds them."""


def built(folder: Path, out: Path, *options: str, log: Path | None = None) -> None:
    """Build the pages of `folder`, with more options than `STRICT`; what was printed is written to `log`. Raises
    PagesFailed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), os.environ.get("PYTHONPATH", "")])}
    command = [*COMMAND, "--path-output", str(out), *STRICT, *options]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + "\n" + done.stderr)
    if log is not None:
        log.write_text(output, encoding="utf-8")
    if done.returncode != 0:
        warnings = [line for line in output.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL|Exception)\b", line)]
        told = "\n".join(dict.fromkeys(warnings)) or output.strip()[-3000:]
        raise PagesFailed(told if log is None else f"{told}\nAll of it: {log}")

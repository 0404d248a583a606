"""What a class takes: learners who run a chapter at the same time on one machine, each in a kernel of their own.

    python bench/classroom.py --chapters 00_start_here --learners 1 2 4

A kernel has one thread, as on the hub of book/hub.py. Memory is the largest sum of the kernels' proportional set sizes
(of Linux, where pages that kernels share count once), seconds are those of the processor, a learner, and of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
ALONE = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "FEWCHANNELS_BOOK": "1"}


def together(chapter: str, learners: int) -> dict:
    """One row: so many kernels that run the chapter from its first cell to its last."""
    kernels = [_Kernel(NOTEBOOKS / f"{chapter}.ipynb") for _ in range(learners)]
    done, most = threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.5):
            most[0] = max(most[0], sum(kernel.memory() for kernel in kernels))

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(learners) as pool:
            busy = list(pool.map(_Kernel.run, kernels))
    finally:
        done.set()
        watching.join()
    seconds = time.monotonic() - began
    return {
        "what": f"{learners} learner{'s' if learners > 1 else ''}",
        "workload": f"chapter {chapter}, at the same time",
        "learners": learners,
        "peak_bytes": most[0],
        "busy": sum(busy) / learners,
        "seconds": [seconds] * 3,
    }


class _Kernel:
    def __init__(self, path: Path):
        notebook = nbformat.read(path, as_version=4)
        where = {"metadata": {"path": str(path.parent)}}
        self.client = NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=where)
        self.process: psutil.Process | None = None

    def run(self) -> float:
        """Processor seconds of the kernel."""
        with self.client.setup_kernel(env={**os.environ, **ALONE}):
            self.process = psutil.Process(self.client.km.provisioner.pid)
            for index, cell in enumerate(self.client.nb.cells):
                self.client.execute_cell(cell, index)
            spent = self.process.cpu_times()
            self.memory()
            return spent.user + spent.system

    def memory(self) -> int:
        try:
            return 0 if self.process is None else self.process.memory_full_info().pss
        except psutil.NoSuchProcess:  # it has finished
            return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chapters", nargs="+", default=["00_start_here"], help="of notebooks/")
    parser.add_argument("--learners", type=int, nargs="+", default=[1, 4], help="how many (default 1 4)")
    parser.add_argument("--repeats", type=int, default=1, help="is one: what is asked is the most, not a mean")
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    options = parser.parse_args()
    if min(options.learners) < 1:
        parser.error(f"--learners {options.learners}: expected at least one")
    if missing := [name for name in options.chapters if not (NOTEBOOKS / f"{name}.ipynb").exists()]:
        parser.error(f"--chapters {' '.join(missing)}: expected names of notebooks/, such as 00_start_here")
    rows = [together(chapter, learners) for chapter in options.chapters for learners in options.learners]
    for row in rows:
        each = row["peak_bytes"] / row["learners"] / 2**20
        print(
            f"{row['what']:12} {each:6.0f} MiB each, {row['busy']:6.1f} s busy each, {row['seconds'][0]:6.1f} s in all"
        )
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""A notebook's kernel is killed in the middle of its work; run again, it goes on where it stopped, to the same bits."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import notebook_runs
import pytest
from jupyter_client.manager import KernelManager

NOTEBOOKS = Path(notebook_runs.ROOT) / "notebooks"
PATIENCE = 900  # seconds, on a machine that does much else
COUNT = """
from fewchannels.models import Model

drawn, generate = [], Model.generate


def counted(self, prompts, *args, **options):
    drawn.append(len(prompts))
    return generate(self, prompts, *args, **options)


Model.generate = counted
"""


class Kernel:
    """A real Jupyter kernel in the folder of the notebooks, as the book's builder starts one."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        told = {"FEWCHANNELS_BOOK": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        self.manager.start_kernel(cwd=str(NOTEBOOKS), env=os.environ | told)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, source: str) -> str:
        """Run a cell to its end; -> what it printed. Raises AssertionError where it raised."""
        printed = []
        reply = self.client.execute_interactive(
            source,
            store_history=False,
            timeout=PATIENCE,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )["content"]
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", []))
        return "".join(printed).strip()

    def kill_when(self, sources: list[str], ready) -> None:
        """Run cells one after the other, and SIGKILL the kernel as soon as ready() is true."""
        for source in sources:
            self.client.execute(source, store_history=False)  # queued: the kernel runs them in turn
        end = time.monotonic() + PATIENCE
        while not ready():
            assert time.monotonic() < end, "nothing was kept before the end of patience"
            assert self.manager.is_alive(), "the kernel died by itself"
            time.sleep(0.005)
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel():
    """kernel() starts one; all of them end with the test."""
    started = []

    def start():
        started.append(Kernel())
        return started[-1]

    yield start
    for one in started:
        one.close()


def kept(store: Path) -> dict[str, tuple[int, int]]:
    """The files of a store: name -> (inode, time of the last change), which a file that is written again has not."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in store.glob("*.safetensors")}


def test_a_survey_whose_kernel_was_killed_goes_on_where_it_stopped(kernel, tmp_path):
    store = tmp_path / "store"
    wanted = {"n": 4, "seeds": 6, "steps": 4, "store": str(store)}
    cells = notebook_runs.first_cells(NOTEBOOKS / "01_massive_channels.ipynb", wanted, 1)
    kernel().kill_when(cells, lambda: len(kept(store)) >= 1)
    before = kept(store)
    assert 1 <= len(before) < 6, "killed in the middle"

    second = kernel()
    for source in cells[:-1]:
        second.run(source)
    second.run(COUNT)
    second.run(cells[-1])
    after = kept(store)
    assert len(after) == 6
    assert {name: after[name] for name in before} == before, "what was done stays as it was"
    assert second.run("print(drawn)") == str([4] * (6 - len(before))), "and only the rest is drawn"

    digest = (
        "import hashlib\nparts = [report.ratio, report.over_prompts, report.over_seeds, report.stats.mean, "
        "report.stats.var]\nprint(hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest())"
    )
    resumed = second.run(digest)
    second.run("store = ''")
    second.run(cells[-1])
    assert second.run("print(len(drawn))") == str(6 - len(before) + 6)
    assert second.run(digest) == resumed, "bit for bit what a run gives that nothing disturbed"


@pytest.mark.slow
def test_a_whole_notebook_whose_kernel_was_killed_ends_as_if_it_had_not_been(kernel, tmp_path):
    store, other = tmp_path / "store", tmp_path / "undisturbed"
    path = NOTEBOOKS / "02_critical.ipynb"
    wanted = {"n": 2, "steps": 1, "k": 4}
    kernel().kill_when(
        notebook_runs.first_cells(path, wanted | {"store": str(store)}, 99), lambda: len(kept(store)) >= 20
    )
    before = kept(store)
    assert 20 <= len(before) < 100

    second = kernel()
    for folder in (store, other):
        for source in notebook_runs.first_cells(path, wanted | {"store": str(folder)}, 99):
            second.run(source)
        second.run("%reset -f")
    after = kept(store)
    assert {name: after[name] for name in before} == before
    assert set(after) == set(kept(other))
    assert len(after) > 100
    for name in after:
        assert (store / name).read_bytes() == (other / name).read_bytes(), name

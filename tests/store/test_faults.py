"""Sweeps are killed, starved, interrupted and lied to, and lose nothing, do nothing twice, and say what is wrong."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sweep_victims
import torch
from fewchannels.sweep import Store, StoreError, SweepFailed, digest_of, grid, sweep, sweep_conditions
from sweep_victims import COUNT, KEY, begun, cells, result

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and limits")
HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def processes():
    """Makes processes quickly, each forked from one that has imported all and has no threads."""
    paths = os.pathsep.join([str(HERE), str(HERE.parent / "lib"), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", paths)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["sweep_victims", "fewchannels.models", "fewchannels.sweep.batches", "joblib"])
        first = context.Process(target=int)  # starts the server under this path
        first.start()
        first.join()
        yield context


def files(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.glob("*.safetensors")}


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments(tmp_path, processes, rounds):
    """Each round kills once, somewhere in a sweep of twelve cells, and lets it finish: `rounds` kills in all."""
    untouched = tmp_path / "untouched"
    sweep(cells(tmp_path / "none", 0), untouched, KEY)
    struck = 0
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        rng = random.Random(number)
        store, log = folder / "store", folder / "log"
        victim = processes.Process(target=sweep_victims.run, args=(store, log))
        victim.start()
        while not log.exists():
            time.sleep(0.001)
        victim.join(timeout=rng.uniform(0, 0.1))
        victim.kill()
        victim.join()
        struck += victim.exitcode == -signal.SIGKILL
        kept, before = files(store), begun(log)
        assert all(Store(store).read(Path(name).stem) is not None for name in kept), "a file was half-written"
        # every cell that was begun before the last one has been kept: nothing that was done is lost
        assert len(kept) >= len(before) - 1
        sweep_victims.run(store, log)
        after = begun(log)[len(before) :]
        assert len(after) == COUNT - len(kept), "what was kept was computed again"
        assert not {digest_of(name, KEY) + ".safetensors" for name in after} & set(kept)
        assert files(store) == files(untouched)
        assert not list(store.glob(".*.part"))
    assert struck >= rounds // 2


def test_kill_9_of_the_toy_world(tmp_path, processes, prompts):
    """Real conditions, in batches: after two kills and a last run the files are those of an undisturbed run, bit by
    bit, and no line of progress comes twice."""
    rng = random.Random(0)
    store, log = tmp_path / "store", tmp_path / "log"
    for moment in (rng.uniform(1, 3), rng.uniform(1, 3), None):
        victim = processes.Process(target=sweep_victims.run_toy, args=(store, prompts[:2], log))
        victim.start()
        victim.join(timeout=moment)
        victim.kill()
        victim.join()
    sweep_victims.run_toy(tmp_path / "untouched", prompts[:2], tmp_path / "log2")
    assert len(files(store)) == 6
    assert files(store) == files(tmp_path / "untouched")
    names = [line.split("] ")[1].split(":")[0] for line in log.read_text().splitlines() if line.startswith("[")]
    assert len(names) == len(set(names))


def test_two_processes_share_a_store(tmp_path, processes):
    store, log = tmp_path / "store", tmp_path / "log"
    both = [processes.Process(target=sweep_victims.run, args=(store, log, 0.02, 20)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert sorted(begun(log)) == sorted(f"cell {i}" for i in range(20)), "a cell was computed twice or never"
    workers = {line.split()[-1] for line in log.read_text().splitlines() if line.startswith("begin")}
    assert len(workers) == 2, "one of them did nothing"


def test_the_claim_of_a_dead_process_is_taken_over(tmp_path, processes):
    store, log = tmp_path / "store", tmp_path / "log"
    victim = processes.Process(target=sweep_victims.run, args=(store, log, 60, 1))
    victim.start()
    while not begun(log):
        time.sleep(0.01)
    with Store(store).claim(digest_of("cell 0", KEY)) as mine:
        assert not mine, "a living process holds it"
    victim.kill()
    victim.join()
    found = sweep({"cell 0": lambda: result("cell 0")}, store, KEY)
    np.testing.assert_array_equal(found["cell 0"]["change"], result("cell 0")["change"])


def in_a_process(code: str, *arguments, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent / "lib")])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, **options)


def test_a_full_disk_stops_the_sweep_and_says_so(tmp_path):
    """The limit on the size of a file lets small cells through and stops the large one, as a full disk would."""
    code = (
        "import resource, signal, sys, numpy as np; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from fewchannels.sweep import sweep\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "made = {n: (lambda n=n: {'x': np.zeros(n, np.uint8)}) for n in (100, 200, 50_000, 300)}\n"
        "try: sweep({str(n): f for n, f in made.items()}, sys.argv[1], {'a': 1}, print, on_error='finish')\n"
        "except OSError as error: print(type(error).__name__, error.errno, error)\n"
    )
    done = in_a_process(code, tmp_path / "store")
    said = done.stdout.splitlines()[-1]
    assert said.startswith(f"StoreError {errno.EFBIG}"), done.stdout + done.stderr
    assert f"the store {tmp_path / 'store'} cannot be written (File too large)" in said
    assert "stopped: 2 of 4 conditions are kept" in done.stdout
    assert len(files(tmp_path / "store")) == 2
    assert not list((tmp_path / "store").glob(".*.part"))


def test_no_space_left_on_a_real_disk(tmp_path):
    """A file system of 256 KiB in memory, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user cannot mount a file system")
    try:
        many = {f"cell {i}": lambda: {"x": np.zeros(50_000, np.uint8)} for i in range(20)}
        with pytest.raises(StoreError, match=r"No space left on device.*free some space") as stop:
            sweep(many, disk / "store", KEY)
        assert stop.value.errno == errno.ENOSPC
        assert stop.value.__notes__[0].startswith("stopped: ")
        kept = files(disk / "store")
        assert 0 < len(kept) < 6
        assert all(Store(disk / "store").read(Path(name).stem) is not None for name in kept)
        assert not list((disk / "store").glob(".*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_folder_is_refused_before_anything_is_computed(tmp_path):
    """Root may write anywhere, so the sweep runs as nobody; what is complete can be read from such a folder."""
    store = tmp_path / "store"
    sweep({"a": lambda: {"x": np.ones(2)}}, store, KEY)
    tmp_path.chmod(0o755)
    for part in (store, store / ".claims"):
        part.chmod(0o555)
    code = (
        "import os, sys, numpy as np\n"
        "from fewchannels.sweep import sweep\n"
        "import filelock, joblib, safetensors.numpy, fewchannels.store.workers\n"
        "from joblib.parallel import get_active_backend; get_active_backend()\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "os.chdir('/')\n"
        "key = {'model': 'none', 'seed': 0}\n"
        "def never(): print('computed'); return {}\n"
        "print(sweep({'a': never}, sys.argv[1], key)['a']['x'].sum())\n"
        "try: sweep({'a': never, 'b': never}, sys.argv[1], key)\n"
        "except OSError as error: print(type(error).__name__, error)\n"
    )
    for folder in reversed(tmp_path.parents):
        if not os.stat(folder).st_mode & 0o001 and folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    done = in_a_process(code, store)
    for part in (store, store / ".claims"):
        part.chmod(0o755)
    assert "computed" not in done.stdout
    first, second = done.stdout.splitlines()
    assert first == "2.0", done.stderr
    assert second.startswith("StoreError")
    assert "cannot be written (Permission denied): name a folder that is yours" in second


def test_a_store_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="is a file: name a folder"):
        sweep({"a": lambda: {}}, tmp_path / "store", KEY)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:7],
        lambda data: data[:100],
        lambda data: data[:-1],
        lambda data: data + b"x",
        flipped,
        lambda data: data.replace(b"[5,3]", b"[3,5]"),
        lambda data: data.replace(b"cell 1", b"cell 9"),
        lambda data: data.replace(b"sha256", b"sha265"),
        lambda data: os.urandom(len(data)),
    ],
)
def test_a_file_that_is_not_what_was_written_is_computed_again(tmp_path, damage):
    log, lines = tmp_path / "log", []
    sweep(cells(log, 0, 2), tmp_path / "store", KEY)
    file = Store(tmp_path / "store").path(digest_of("cell 1", KEY))
    sound = file.read_bytes()
    file.write_bytes(damage(sound))
    assert file.read_bytes() != sound
    sweep(cells(log, 0, 2), tmp_path / "store", KEY, lines.append)
    assert begun(log) == ["cell 0", "cell 1", "cell 1"]
    assert "is damaged; it is computed again" in lines[0]
    assert file.read_bytes() == sound


def test_a_file_under_another_name_is_not_believed(tmp_path):
    store = Store(tmp_path)
    sweep({"a": lambda: {"x": np.ones(2)}}, tmp_path, KEY)
    os.rename(store.path(digest_of("a", KEY)), store.path(digest_of("b", KEY)))
    assert sweep({"b": lambda: {"x": np.zeros(2)}}, tmp_path, KEY)["b"]["x"].sum() == 0


def test_what_fails_is_told_and_the_rest_is_done(tmp_path):
    lines = []
    made = cells(tmp_path / "log", 0, 4, broken=("cell 1", "cell 2"))
    with pytest.raises(SweepFailed) as stop:
        sweep(made, tmp_path / "store", KEY, lines.append, on_error="finish")
    assert list(stop.value.found) == ["cell 0", "cell 3"]
    assert str(stop.value.failures["cell 1"]) == "ArithmeticError: cell 1 has no result"
    assert "has no result" in stop.value.failures["cell 2"].trace
    assert str(stop.value).splitlines()[0] == (
        f"2 of 4 conditions failed; the other 2 are done and kept in {tmp_path / 'store'}:"
    )
    assert "[2/4] cell 1 failed, ArithmeticError: cell 1 has no result: " in lines[1]
    again = sweep(cells(tmp_path / "log", 0, 4), tmp_path / "store", KEY)
    assert list(again) == [f"cell {i}" for i in range(4)]
    assert begun(tmp_path / "log") == [*(f"cell {i}" for i in range(4)), "cell 1", "cell 2"]


def test_what_a_store_cannot_keep_is_a_failure_of_its_cell(tmp_path):
    made = {"text": lambda: {"x": np.array(["a"])}, "list": lambda: [1], "good": lambda: {"x": np.float16(1)}}
    with pytest.raises(SweepFailed, match="2 of 3") as stop:
        sweep(made, tmp_path, KEY, on_error="finish")
    assert "'x' is <U1" in str(stop.value.failures["text"])
    assert stop.value.found["good"]["x"].shape == ()
    assert sweep({"good": None}, tmp_path, KEY)["good"]["x"].shape == ()


def test_nan_and_inf_come_back_as_they_were(tmp_path):
    odd = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    for _ in range(2):
        found = sweep({"a": lambda: {"x": odd}}, tmp_path, KEY)
        assert found["a"]["x"].tobytes() == odd.tobytes()


def test_a_model_that_gives_nan_fails_in_its_condition_alone(tmp_path, toy, prompts):
    """Times 1e30 overflows: its batch holds pictures that are not finite, and the others in it come out as ever."""
    options = {f"by {factor:g}": {"factor": factor} for factor in (1.0, 1e30, 2.0, np.inf)}
    shared = {"model": toy, "prompts": prompts[:1], "generation": {"steps": 1}, "edit": "scale", "channels": [5, 9]}
    table = grid(shared, options=options)
    with pytest.raises(SweepFailed, match="2 of 4 conditions failed") as stop:
        sweep_conditions(table, tmp_path)
    assert set(stop.value.failures) == {"by 1e+30", "by inf"}
    assert "FloatingPointError: the images hold values that are not finite" in str(stop.value)
    assert stop.value.found["by 1"]["change"] == 0
    assert stop.value.found["by 2"]["change"] > 0


def test_out_of_memory_halves_the_batch(toy, prompts):
    """torch's own error, raised in the middle of a batch of more than two rows."""
    seen = []

    def starve(module, args, kwargs):
        seen.append(len(kwargs["hidden_states"]))
        if seen[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    table = sweep_victims.toy_table(prompts[:2])
    table = [{**condition, "model": toy} for condition in table]
    plenty = sweep_conditions(table, rows=8)
    handle = toy.transformer.transformer_blocks[3].attn.to_q.register_forward_pre_hook(
        lambda module, args: starve(module, args, {"hidden_states": args[0]})
    )
    try:
        scarce = sweep_conditions(table, rows=8)
    finally:
        handle.remove()
    assert [n for n in seen if n > 2] == [8, 4], "it tries once what does not fit"
    assert set(seen) == {8, 4, 2}
    for name in plenty:
        for part in plenty[name]:
            np.testing.assert_allclose(scarce[name][part], plenty[name][part], atol=1e-4)


def test_out_of_memory_at_one_row_is_a_failure(toy, prompts):
    def starve(module, args):
        raise MemoryError("no memory at all")

    table = [{"model": toy, "prompts": prompts, "edit": "zero", "channels": [0], "generation": {"steps": 1}}]
    handle = toy.transformer.transformer_blocks[0].register_forward_pre_hook(starve)
    try:
        with pytest.raises(SweepFailed, match="MemoryError: no memory at all"):
            sweep_conditions(table)
    finally:
        handle.remove()


def test_memory_that_really_runs_out_is_recognised():
    """The allocator of torch under a real limit on memory, in a process of its own."""
    code = (
        "import resource, torch\nfrom fewchannels.sweep.batches import is_out_of_memory\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))\n"
        "for make in (lambda: torch.ones(2**30), lambda: bytearray(2**30)):\n"
        "    try: make()\n"
        "    except Exception as error: print(is_out_of_memory(error), type(error).__name__)\n"
        "print(is_out_of_memory(RuntimeError('shapes differ')))\n"
    )
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    done = in_a_process(code)
    assert done.stdout.split() == ["True", "RuntimeError", "True", "MemoryError", "False"], done.stdout + done.stderr


@pytest.fixture
def _hears_ctrl_c():
    """As Python does by default; processes in which pytest runs tests side by side ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_hears_ctrl_c")
def test_ctrl_c_leaves_the_store_whole_and_says_what_is_done(tmp_path):
    def interrupted():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    made = cells(tmp_path / "log", 0, 3)
    made["cell 1"] = interrupted
    lines = []
    with pytest.raises(KeyboardInterrupt) as stop:
        sweep(made, tmp_path / "store", KEY, lines.append)
    said = f"stopped: 1 of 3 conditions are kept in {tmp_path / 'store'}; run it again to go on"
    assert stop.value.__notes__ == [said]
    assert lines[-1] == said
    sweep(cells(tmp_path / "log", 0, 3), tmp_path / "store", KEY)
    assert begun(tmp_path / "log") == ["cell 0", "cell 1", "cell 2"]


def test_a_notebook_interrupted_in_the_middle(tmp_path):
    """A real kernel, interrupted in a cell as the stop button does, whose next run of that cell goes on."""
    manager = pytest.importorskip("jupyter_client").KernelManager(kernel_name="python3")
    log, store = tmp_path / "log", tmp_path / "store"
    manager.start_kernel(cwd=str(HERE))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        code = (
            "import sys; sys.path.insert(0, '.')\nfrom pathlib import Path\nimport sweep_victims\n"
            f"sweep_victims.run(Path({str(store)!r}), Path({str(log)!r}), %s)\n"
        )

        def answer(request):
            while (message := client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != request:
                pass
            return message["content"]

        # not stop_on_error: a kernel refuses what is asked of it for a moment after an error
        request = client.execute(code % 0.15, stop_on_error=False)
        while len(begun(log)) < 4:
            time.sleep(0.02)
        manager.interrupt_kernel()
        assert answer(request)["ename"] == "KeyboardInterrupt"
        kept, before = len(files(store)), len(begun(log))
        assert before - 1 <= kept < COUNT
        assert answer(client.execute(code % 0))["status"] == "ok"
        assert len(begun(log)) - before == COUNT - kept
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_store_is_never_unpickled():
    import fewchannels.store.cells

    source = Path(fewchannels.store.cells.__file__).read_text()
    for word in ("import pickle", "np.load", "torch", "eval("):
        assert word not in source

"""Places are tried before the work, links are followed, and a finished file is not thrown away for a small refusal."""

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fewchannels import disk
from fewchannels.cli import main
from fewchannels.disk import check_place, write_whole
from fewchannels.runfile import PROVENANCE, Run, load_run, save_run
from fewchannels.sweep import StoreError, sweep
from fewchannels.widgets import Flipbook

posix = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and modes of POSIX")
RUN = Run(dict.fromkeys(PROVENANCE), ["a"], stats={"mean": np.ones((1, 1, 1, 2), np.float32)})


@pytest.fixture
def no_work(monkeypatch):
    """Whatever loads a model here has begun too early."""
    import fewchannels.models

    def begun(*_, **__):
        raise AssertionError("the model was loaded before the place was tried")

    monkeypatch.setattr(fewchannels.models, "load", begun)


def put(kind: str, place: Path) -> Path:
    """Something at `place` that no file may replace."""
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        here = os.open(place.parent, os.O_RDONLY)  # an address of a socket is at most 108 bytes long
        socket.socket(socket.AF_UNIX).bind(f"/proc/self/fd/{here}/{place.name}")
        os.close(here)
    elif kind == "device":
        place.symlink_to("/dev/null")
    elif kind == "circle":
        place.symlink_to(place.name)
    elif kind == "link to nowhere":
        place.symlink_to(place.parent / "none" / "file")
    elif kind == "link to a pipe":
        os.mkfifo(place.with_name("pipe"))
        place.symlink_to("pipe")
    return place


WORDS = {
    "folder": "is a folder: name a file",
    "pipe": "is a pipe",
    "socket": "is a socket",
    "device": "is a device",
    "circle": "the link leads to itself",
    "link to nowhere": "none is not there: make it first",
    "link to a pipe": "is a pipe",
}


@posix
@pytest.mark.parametrize("kind", WORDS)
def test_what_no_file_may_replace_is_refused_before_the_work_and_stays(tmp_path, kind, capsys, no_work):
    place = put(kind, tmp_path / "x.csv")
    before = {path.name: os.lstat(path).st_mode for path in tmp_path.iterdir()}
    run = save_run(tmp_path / "source", RUN)
    for command in (["run", "--prompt", "a red star", "--out"], ["export", str(run), "--to"]):
        assert main([*command, str(place)]) == 1
        assert WORDS[kind] in capsys.readouterr().err
    with pytest.raises(OSError, match=WORDS[kind]):
        save_run(place, RUN)
    widget = Flipbook(np.zeros((2, 8, 8, 3), np.uint8), {"k": [0, 1]})
    with pytest.raises(OSError, match=r"x\.csv"):
        widget.save(place)
    run.unlink()
    assert {path.name: os.lstat(path).st_mode for path in tmp_path.iterdir()} == before


@posix
def test_a_link_is_written_through_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/real")
    (tmp_path / "second").symlink_to("link")
    assert check_place(tmp_path / "second") == tmp_path / "there" / "real"
    for _ in ("a new file", "one that is there"):
        assert save_run(tmp_path / "second", RUN) == tmp_path / "second"
        assert load_run(tmp_path / "there" / "real").prompts == ["a"]
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "second").is_symlink()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["real"]


AS_NOBODY = """
import os, sys
import filelock, numpy, fewchannels.runfile, fewchannels.sweep, fewchannels.store.workers
from joblib.parallel import get_active_backend; get_active_backend()
from fewchannels.cli import main
main(['inspect', sys.argv[2]])  # imports what nobody may not read
if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.chdir('/')
folder, run = sys.argv[1:]
sys.modules['fewchannels.models'] = None  # what the work begins with cannot be imported
for place in (f'{folder}/closed/x.csv', f'{folder}/open/protected.csv', f'{folder}/link.csv'):
    main(['run', '--prompt', 'a red star', '--out', place])
    main(['export', run, '--to', place])
    try: fewchannels.runfile.save_run(place, fewchannels.runfile.load_run(run))
    except OSError as error: print('save_run:', error, file=sys.stderr)
main(['export', run, '--to', f'{folder}/closed/pictures', '--format', 'png'])
try: fewchannels.sweep.sweep({'a': lambda: print('computed')}, f'{folder}/store', {'seed': 0})
except OSError as error: print('sweep:', error, file=sys.stderr)
"""


@posix
def test_a_missing_permission_is_found_before_the_work(tmp_path):
    """Root may write anywhere, so this runs as nobody. In the store a claim can be had, and no cell be written."""
    run = save_run(tmp_path / "run", RUN)
    for name, mode in (("closed", 0o555), ("open", 0o777), ("store", 0o555), ("store/.claims", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    (tmp_path / "open" / "protected.csv").write_text("mine")
    (tmp_path / "open" / "protected.csv").chmod(0o444)
    (tmp_path / "link.csv").symlink_to("closed/x.csv")
    for folder in (tmp_path, *tmp_path.parents):
        if not os.stat(folder).st_mode & 0o001 and folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    library = os.path.dirname(os.path.dirname(disk.__file__))
    command = [sys.executable, "-c", AS_NOBODY, tmp_path, run]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": library})
    for name in ("closed", "store"):
        (tmp_path / name).chmod(0o755)
    said = done.stderr.splitlines()
    assert len(said) == 11, done.stderr
    denied = "cannot be written (Permission denied): name a folder that is yours"
    for number, words in ((0, denied), (3, "is protected from writing: name another file"), (6, denied)):
        assert all(words in line for line in said[number : number + 3]), said
    assert denied in said[9]
    assert said[10].startswith("sweep: ")
    assert denied in said[10]
    assert "computed" not in done.stdout
    assert [path.name for path in tmp_path.rglob("*.csv") if path.is_file()] == ["protected.csv"]
    assert (tmp_path / "open" / "protected.csv").read_text() == "mine"


def test_a_study_tries_its_place_before_the_model_is_loaded(tmp_path, capsys, no_work):
    (tmp_path / "out" / "critical.safetensors").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    for out, words in (("out/critical.safetensors", "is a folder"), ("file/found.safetensors", "file")):
        assert main(["study", "critical", "--out", str(tmp_path / out)]) == 1
        assert words in capsys.readouterr().err


def test_a_refused_change_of_mode_costs_nothing(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    for name in ("chmod", "fchmod", "chown"):
        monkeypatch.setattr(os, name, refused, raising=False)
    assert write_whole(tmp_path / "a", b"1").read_bytes() == b"1"


@posix
@pytest.mark.parametrize(("umask", "wanted"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_mode_that_any_program_gives_it_and_a_private_one_stays_private(tmp_path, umask, wanted):
    before = os.umask(umask)
    try:
        assert stat.S_IMODE(write_whole(tmp_path / "a", b"1").stat().st_mode) == wanted
        (tmp_path / "a").chmod(0o600)
        assert stat.S_IMODE(write_whole(tmp_path / "a", b"2").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_file_system_without_fsync_is_written_and_a_broken_one_is_told(tmp_path, monkeypatch):
    def failing(number):
        def fsync(descriptor):
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", failing(errno.ENOTSUP))
    assert write_whole(tmp_path / "a", b"1").read_bytes() == b"1"
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match=r"a cannot be written \(Input/output error\)"):
        write_whole(tmp_path / "a", b"2")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"1")]


def held(monkeypatch, seconds: float, number: int = errno.EACCES) -> list:
    """os.replace is refused for so long, as another program's open handle does on Windows and on network shares."""
    tries, replace, free = [], os.replace, time.monotonic() + seconds

    def refused(source, target):
        tries.append(target)
        if time.monotonic() < free:
            raise OSError(number, os.strerror(number), source, target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", refused)
    return tries


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EBUSY])
def test_a_target_that_is_held_for_a_moment_is_waited_for(tmp_path, monkeypatch, number):
    (tmp_path / "a").write_bytes(b"old")
    tries = held(monkeypatch, 0.2, number)
    assert write_whole(tmp_path / "a", b"new").read_bytes() == b"new"
    assert 1 < len(tries) < 6
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_target_that_stays_held_leaves_the_finished_file_and_its_name(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(disk, "WAITS", (0.01, 0.01))
    tries = held(monkeypatch, 1e9)
    with pytest.raises(PermissionError, match=r"a cannot be replaced \(Permission denied\).*is kept as (.*)") as stop:
        write_whole(tmp_path / "a", b"new")
    assert len(tries) == 3
    kept = Path(str(stop.value).rpartition("kept as ")[2])
    assert kept.read_bytes() == b"new"
    assert (tmp_path / "a").read_bytes() == b"old"


def test_what_will_not_pass_is_not_waited_for_and_a_stop_leaves_nothing(tmp_path, monkeypatch):
    tries = held(monkeypatch, 1e9, errno.EXDEV)
    with pytest.raises(OSError, match="is kept as"):
        write_whole(tmp_path / "a", b"new")
    assert len(tries) == 1
    for scrap in tmp_path.iterdir():
        scrap.unlink()

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "𝄞" * 63, ".hidden", "with [brackets] *"])
def test_the_longest_name_that_fits_can_be_written(tmp_path, name):
    for data in (b"1", b"2"):
        assert write_whole(check_place(tmp_path / name), data).read_bytes() == data
    (tmp_path / f".{name[:12]}.0a1b2c3d.part").write_bytes(b"of a process that was killed")
    assert len(list(disk.scraps(tmp_path / name))) == 1
    with pytest.raises(OSError, match=r"too long.*: give a shorter name"):
        check_place(tmp_path / ("x" * 256))


def test_many_threads_write_one_file(tmp_path):
    parts = [bytes([i]) * 5000 for i in range(16)]
    threads = [threading.Thread(target=write_whole, args=(tmp_path / "a", part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_bytes() in parts
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_store_counts_and_keeps_on_where_a_cell_was_held(tmp_path, monkeypatch):
    held(monkeypatch, 0.1)
    sweep({"a": lambda: {"x": np.ones(2)}}, tmp_path, {"seed": 0})
    monkeypatch.setattr(disk, "WAITS", ())
    held(monkeypatch, 1e9)
    with pytest.raises(StoreError, match="cannot be written"):
        sweep({"b": lambda: {"x": np.ones(2)}}, tmp_path, {"seed": 0})
    assert len(list(tmp_path.glob(".*.part"))) == 1
    monkeypatch.undo()
    sweep({"b": lambda: {"x": np.ones(2)}}, tmp_path, {"seed": 0})
    assert not list(tmp_path.glob(".*.part"))
    assert len(list(tmp_path.glob("*.safetensors"))) == 2

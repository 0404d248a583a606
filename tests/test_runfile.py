"""Run files: what is written comes back, is written whole or not at all, and bad files are told apart."""

import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import safetensors
from fewchannels import runfile
from fewchannels.runfile import PROVENANCE, Run, RunFileError, load_run, read_header, save_run
from safetensors.numpy import save_file


@pytest.fixture
def run():
    rng = np.random.default_rng(0)
    return Run(
        provenance={**dict.fromkeys(PROVENANCE), "model": "toyworld", "seed": 0, "versions": {"torch": "2"}},
        prompts=["a small red star at the left on a plain blue background", "<script>alert('é')</script>"],
        stats={"mean": rng.standard_normal((2, 3, 4, 5)).astype(np.float32), "count": np.full((2, 3, 4), 144)},
        maps={"top": rng.integers(0, 255, (2, 8, 12, 12)).astype(np.uint8), "half": np.ones((2, 3), np.float16)},
        masks={"subject": rng.random((2, 12, 12)) > 0.5},
        images=rng.integers(0, 255, (2, 48, 32, 3)).astype(np.uint8),
        index={"layers": ["a", "b", "c"], "grid": [12, 12]},
    )


def rewritten(path, change):
    """The same file with its header changed by `change(header)`."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + data[8 + length :])


def change_record(path, **changes):
    def change(header):
        record = json.loads(header["__metadata__"]["fewchannels"])
        for key, value in changes.items():
            record.pop(key) if value is None else record.update({key: value})
        header["__metadata__"]["fewchannels"] = json.dumps(record)

    rewritten(path, change)


def test_a_run_comes_back(tmp_path, run):
    path = save_run(tmp_path / "a.safetensors", run, quality=None)
    again = load_run(path)
    assert (again.provenance, again.prompts, again.index) == (run.provenance, run.prompts, run.index)
    for group in ("stats", "maps", "masks"):
        given, read = getattr(run, group), getattr(again, group)
        assert given.keys() == read.keys()
        for name in given:
            assert read[name].dtype == given[name].dtype
            np.testing.assert_array_equal(read[name], given[name])
    np.testing.assert_array_equal(again.images, run.images)
    assert load_run(path, images=False).images is None


def test_lossy_images_are_close_and_small(tmp_path, run):
    y, x = np.mgrid[:48, :32]
    run.images = np.repeat(np.stack([x * 5, y * 4, x + y], axis=-1)[None].astype(np.uint8), 2, axis=0)
    lossy, exact = save_run(tmp_path / "l", run), save_run(tmp_path / "e", run, quality=None)
    difference = np.abs(load_run(lossy).images.astype(int) - run.images)
    assert 0 < difference.max() < 30
    np.testing.assert_array_equal(load_run(exact).images, run.images)


def test_images_by_condition(tmp_path, run):
    run.images = {"full": run.images, "top 8 zeroed": run.images[:1]}
    again = load_run(save_run(tmp_path / "a", run, quality=None))
    assert list(again.images) == ["full", "top 8 zeroed"]
    np.testing.assert_array_equal(again.images["top 8 zeroed"], run.images["top 8 zeroed"])


def test_any_safetensors_reader_reads_it(tmp_path, run):
    path = save_run(tmp_path / "a.safetensors", run)
    with safetensors.safe_open(path, "numpy") as file:
        record = json.loads(file.metadata()["fewchannels"])
        picture = file.get_tensor("images/00001")
    assert (record["format"], record["version"]) == ("fewchannels.run", 1)
    assert bytes(picture[:4]) == b"RIFF"
    assert bytes(picture[8:12]) == b"WEBP"


def test_the_same_run_gives_the_same_bytes(tmp_path, run):
    assert save_run(tmp_path / "a", run).read_bytes() == save_run(tmp_path / "b", run).read_bytes()


def test_the_header_is_read_without_the_tensors(tmp_path, run):
    record, tensors = read_header(save_run(tmp_path / "a", run))
    assert record["prompts"] == run.prompts
    assert tensors["stats/mean"] == ("F32", (2, 3, 4, 5))
    assert tensors["masks/subject"] == ("BOOL", (2, 12, 12))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.provenance.pop("revision"), "lacks revision"),
        (lambda r: r.index.update(bad=float("nan")), "JSON"),
        (lambda r: r.index.update(bad=np.float32(1)), "JSON"),
        (lambda r: r.prompts.append(3), "list of texts"),
        (lambda r: r.prompts.append("x" * 10_000_001), "at most 10000000"),
        (lambda r: r.masks.update(bad=np.ones(3)), r"masks\['bad'\] is float64: expected bool"),
        (lambda r: r.stats.update(bad=np.array([None])), r"stats\['bad'\] is object"),
        (lambda r: setattr(r, "images", np.ones((1, 4, 4, 3))), r"expected uint8 \[n, H, W, 3\]"),
        (lambda r: setattr(r, "images", np.ones((1, 16384, 1, 3), np.uint8)), "16384 x 1 px: a picture has 1 to 16383"),
        (lambda r: setattr(r, "images", np.ones((1, 0, 4, 3), np.uint8)), "0 x 4 px: a picture has 1 to 16383 px"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path, run, change, words):
    change(run)
    with pytest.raises(RunFileError, match=words):
        save_run(tmp_path / "a", run)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_run_is_refused(tmp_path, run):
    with pytest.raises(RunFileError, match="nothing to write"):
        save_run(tmp_path / "a", Run(run.provenance, []))


def test_bad_files_are_told_apart(tmp_path, run):
    path = save_run(tmp_path / "a", run)
    whole = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        load_run(tmp_path / "none")
    for content, words in [
        (b"", "no safetensors file"),
        (b"PK\x03\x04 a zip archive, perhaps", "no safetensors file"),
        (b"\x80\x04\x95" + bytes(200), "no safetensors file"),
        (struct.pack("<Q", 200_000_000) + bytes(50), "no safetensors file"),
        (struct.pack("<Q", 40) + b"x" * 40, "not the JSON expected"),
        (struct.pack("<Q", 2) + b"[]", "not the JSON expected"),
        (whole[:40], "cut short"),
        (whole[:-1], "cut short"),
        (whole + b"x", "longer than its header"),
    ]:
        path.write_bytes(content)
        with pytest.raises(RunFileError, match=words):
            load_run(path)
    save_file({"x": np.ones(3)}, path)
    with pytest.raises(RunFileError, match="no run: its metadata"):
        load_run(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "version 2 .* reads up to 1: please upgrade"),
        ({"version": "1"}, "no version number"),
        ({"format": "other"}, "no run record"),
        ({"prompts": None}, "'prompts' is missing"),
        ({"prompts": ["a", 2]}, "'prompts' are no list of texts"),
        ({"index": []}, "'index' is missing or no dict"),
        ({"provenance": {"model": "x"}}, "provenance lacks revision, seed"),
        ({"images": {"": {"count": 3, "height": 48, "width": 32}}}, "'images/00002' is missing"),
        ({"images": {"": {"count": 2}}}, "lack count, height or width"),
        ({"images": {"": {"count": 2, "height": 32, "width": 48}}}, "is .* px, listed as"),
    ],
)
def test_a_wrong_record_says_what_is_wrong(tmp_path, run, changes, words):
    path = save_run(tmp_path / "a", run)
    change_record(path, **changes)
    with pytest.raises(RunFileError, match=words):
        load_run(path)


def test_wrong_types_in_the_file_are_errors(tmp_path, run):
    path = save_run(tmp_path / "a", run)

    def mask_as_bytes(header):
        header["masks/subject"]["dtype"] = "U8"

    rewritten(path, mask_as_bytes)
    with pytest.raises(RunFileError, match=r"'masks/subject' is U8 .* expected BOOL"):
        load_run(path)
    path = save_run(tmp_path / "b", run)
    rewritten(path, lambda header: header.update(other=header.pop("stats/mean")))
    with pytest.raises(RunFileError, match="'other' is in no known group"):
        load_run(path)
    path = save_run(tmp_path / "c", run)
    rewritten(path, lambda header: header["stats/mean"].update(shape=[2, 3, 4, 6]))
    with pytest.raises(RunFileError, match="'stats/mean' has 480 bytes"):
        load_run(path)


def test_tensors_lie_side_by_side(tmp_path, run):
    path = save_run(tmp_path / "a", run)
    place = read_header(path)[1]
    assert len(place) == 7

    def moved(by):
        def change(header):
            header["stats/mean"]["data_offsets"] = [n + by for n in header["stats/mean"]["data_offsets"]]

        return change

    for by, words in (
        (-8, "overlaps the one before it"),
        (8, "leaves a gap before it"),
        (-1e9, "not the JSON expected"),
    ):
        path = save_run(tmp_path / f"by{by}", run)
        rewritten(path, moved(by))
        with pytest.raises(RunFileError, match=words):
            read_header(path)


def test_a_record_without_end_is_an_error(tmp_path, run):
    path = save_run(tmp_path / "a", run)
    deep = "[" * 100_000 + "]" * 100_000
    rewritten(path, lambda header: header["__metadata__"].update(fewchannels=deep))
    with pytest.raises(RunFileError, match="no JSON"):
        read_header(path)


def test_a_picture_that_is_none_is_an_error(tmp_path, run):
    path = save_run(tmp_path / "a", run)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"RIFF", b"RAFF"))
    with pytest.raises(RunFileError, match="no readable WebP"):
        load_run(path)


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on file size")
def test_a_full_disk_leaves_the_old_file_and_no_scrap(tmp_path, run):
    path = save_run(tmp_path / "a", run)
    before = path.read_bytes()
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from fewchannels.runfile import load_run, save_run\n"
        "run = load_run(sys.argv[1]); import safetensors.numpy\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try: save_run(sys.argv[1], run)\n"
        "except OSError as error: print('refused', error.errno)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(runfile.__file__))}
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, env=environment)
    assert done.stdout.startswith("refused"), done.stderr
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_no_module_of_the_run_file_can_unpickle():
    source = open(runfile.__file__).read()
    for word in ("import pickle", "torch", "np.load", "eval("):
        assert word not in source

"""Sweeps in other processes: here, on a Dask cluster of several worker processes, and on Ray where it is installed."""

from __future__ import annotations

import os
import pickle
import signal
from pathlib import Path

import fewchannels as fc
import joblib
import numpy as np
import pytest
import sweep_victims
from fewchannels.identity import digest
from fewchannels.models import Model
from fewchannels.store import workers
from fewchannels.store.workers import ChangedModel, files_of, identity, model_of, named, travelling
from fewchannels.sweep import SweepFailed, sweep, sweep_conditions
from sweep_victims import KEY, begun, cells, result


@pytest.fixture(scope="module", autouse=True)
def _workers_find_the_tests():
    """Workers are started with this process's environment; one thread each."""
    here = Path(__file__).parents[1]
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(here), str(here.parent / "lib"), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    joblib.externals.loky.get_reusable_executor().shutdown(kill_workers=True)


@pytest.fixture
def _away():
    """Pickled as for other processes."""
    with travelling():
        yield


@pytest.fixture(scope="module")
def dask():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster):
        yield


def dying(log: Path, times: int):
    """A cell that kills its own process, the first `times` times."""

    def compute():
        sweep_victims.note(log, "begin dying 0")
        if begun(log).count("dying 0") <= times:
            os.kill(os.getpid(), signal.SIGKILL)
        return result("cell 0")

    return compute


def check_many(tmp_path, **options):
    """All cells once, in other processes, each kept; what fails there is told here; what is kept is not done again."""
    log, store = tmp_path / "log", tmp_path / "store"
    with pytest.raises(SweepFailed, match="1 of 8 conditions failed") as stop:
        sweep(cells(log, 0.02, 8, broken=("cell 5",)), store, KEY, on_error="finish", **options)
    assert "cell 5 has no result" in stop.value.failures["cell 5"].trace
    processes = {line.split()[-1] for line in log.read_text().splitlines()}
    assert str(os.getpid()) not in processes
    lines = []
    found = sweep(cells(log, 0, 8), store, KEY, lines.append, **options)
    assert sorted(begun(log)) == sorted([*(f"cell {i}" for i in range(8)), "cell 5"])
    assert list(found) == [f"cell {i}" for i in range(8)]
    for name, arrays in found.items():
        np.testing.assert_array_equal(arrays["change"], result(name)["change"])
    assert [line.split(":")[0] for line in lines] == ["[8/8] cell 5"]
    return processes


def check_deaths(tmp_path, times, **options):
    log, store = tmp_path / "log", tmp_path / "store"
    made = {**cells(log, 0.02, 5), "dying": dying(log, times)}
    try:
        return sweep(made, store, KEY, on_error="finish", **options), begun(log)
    except SweepFailed as failed:
        return failed, begun(log)


def check_toy(tmp_path, toy, prompts, **options):
    """A table on the toy world is the same, bit by bit, in workers that load the model themselves."""
    table = [{**condition, "model": toy} for condition in sweep_victims.toy_table(prompts[:1], steps=2)]
    here = sweep_conditions(table, rows=2)
    there = sweep_conditions(table, tmp_path, rows=2, **options)
    for name, parts in here.items():
        for part, array in parts.items():
            np.testing.assert_array_equal(there[name][part], array)


def test_processes_here(tmp_path):
    assert len(check_many(tmp_path, jobs=2)) == 2


def test_a_worker_that_dies_loses_only_its_cell(tmp_path):
    found, started = check_deaths(tmp_path, 1, jobs=2)
    np.testing.assert_array_equal(found["dying"]["change"], result("cell 0")["change"])
    assert started.count("dying 0") == 2
    (tmp_path / "again").mkdir()
    failed, started = check_deaths(tmp_path / "again", 99, jobs=2)
    assert started.count("dying 0") == 2, "resubmitted once, then reported"
    assert list(failed.failures) == ["dying"]
    assert sorted(failed.found) == [f"cell {i}" for i in range(5)]
    assert "TerminatedWorkerError" in str(failed)


def test_the_toy_world_in_processes_here(tmp_path, toy, prompts):
    check_toy(tmp_path, toy, prompts, jobs=2)


@pytest.fixture
def small(tmp_path, flux):
    """A tiny pipeline in a folder, which may be changed."""
    flux.pipeline.save_pretrained(tmp_path / "small", safe_serialization=True)
    return fc.load(tmp_path / "small", device="cpu", generation={"steps": 2, "height": 32, "width": 48})


def other_weights(model):
    model.transformer.transformer_blocks[1].ff.net[2].weight.data.mul_(4)


def other_scheduler(model):
    config = model.pipeline.scheduler.config
    model.pipeline.scheduler = type(model.pipeline.scheduler).from_config(config, shift=3.0)


def other_defaults(model):
    model.defaults["num_inference_steps"] = 1


def table_of(model, **more):
    shared = {"model": model, "prompts": ["a red star"], "edit": "zero", **more}
    return [{**shared, "name": str(i), "channels": [i]} for i in (1, 2)]


def here_and_there(table):
    """What a table gives here, which is what it gives in workers."""
    here, there = (sweep_conditions(table, rows=1, jobs=jobs) for jobs in (None, 2))
    for name in here:
        np.testing.assert_array_equal(there[name]["change"], here[name]["change"])
    return [float(here[name]["change"][0]) for name in here]


def test_a_model_that_was_changed_is_the_same_in_workers(small):
    """Not loaded anew from its folder, and not handed over as the unchanged one that a worker has by now."""
    found = [here_and_there(table_of(small))]
    for changes in ((other_weights,), (other_scheduler, other_defaults)):
        for change in changes:
            change(small)
        found.append(here_and_there(table_of(small)))
    assert len({tuple(row) for row in found}) == 3


def test_a_pipeline_in_memory_goes_to_workers_as_it_is(flux):
    asked = {"steps": 1, "height": 32, "width": 48}
    here_and_there(table_of(flux, generation=asked))
    cells = {str(seed): lambda seed=seed: {"x": flux.generate(["a red star"], seed=seed, **asked)} for seed in (0, 1)}
    here, there = sweep(cells), sweep(cells, jobs=2)
    for name in cells:
        np.testing.assert_array_equal(there[name]["x"], here[name]["x"])


@pytest.mark.usefixtures("_away")
def test_what_load_was_asked_for_travels_too(small):
    sent = pickle.dumps(small)
    assert len(sent) < 1500
    there = pickle.loads(sent)
    assert there is not small
    assert there.defaults == small.defaults
    model_of.cache_clear()


@pytest.mark.usefixtures("_away")
def test_a_model_with_an_open_context_stays_at_home(small):
    with fc.capture(small, fc.ChannelStats()):
        small.generate(["a red star"])
        with pytest.raises(pickle.PicklingError, match="close that first, or leave jobs= out"):
            pickle.dumps(small)
    assert pickle.loads(pickle.dumps(small)).name == "small"
    with pytest.raises(pickle.PicklingError) as stop, fc.edit(small, lambda tokens, **_: tokens + 1):
        sweep({"a": lambda: {"x": small.generate(["a red star"], steps=1)}}, jobs=2)
    assert "close that first" in str(stop.value.__cause__)
    model_of.cache_clear()


@pytest.mark.usefixtures("_away")
def test_a_worker_refuses_what_is_not_the_model_that_was_sent(small, monkeypatch):
    folder = str(small.folder)
    sent, files = pickle.dumps(small), files_of(folder)
    weights = next(small.folder.glob("text_encoder_2/*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ChangedModel, match=r"is not the model that was sent .* leave jobs= out"):
        pickle.loads(sent)
    with pytest.raises(ChangedModel, match="not those that the sweep began with"):
        named(folder, None, files)
    monkeypatch.setattr(workers, "_arrived", {})
    other_weights(small)
    function, (known, data) = workers.description_of(small)
    with pytest.raises(ChangedModel, match="did not arrive as it was sent"):
        function("0" * 32, data)
    assert digest(function(known, data)) == digest(small)


def test_a_folder_whose_files_were_changed_is_loaded_again(small, monkeypatch):
    """By a worker, too, that has the old one, and that stands in another folder than the caller by now."""
    monkeypatch.chdir(small.folder.parent)
    asked = table_of("small", generation={"steps": 1, "height": 32, "width": 48})
    before = here_and_there(asked)
    other_weights(small)
    small.pipeline.save_pretrained(small.folder, safe_serialization=True)
    assert here_and_there(asked) != before


def test_a_disk_that_is_full_stops_workers_too(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".claims").write_text("a file where the claims should be")
    with pytest.raises(OSError, match="cannot be written"):
        sweep(cells(tmp_path / "log", 0, 4), tmp_path / "store", KEY, jobs=2)


def test_a_dask_cluster(tmp_path, dask):
    with joblib.parallel_config(backend="dask"):
        assert len(check_many(tmp_path)) == 2


def test_a_dask_worker_that_dies_loses_only_its_cell(tmp_path, dask):
    with joblib.parallel_config(backend="dask"):
        found, _ = check_deaths(tmp_path, 1)
    np.testing.assert_array_equal(found["dying"]["change"], result("cell 0")["change"])


@pytest.mark.slow
def test_the_toy_world_on_a_dask_cluster(tmp_path, toy, prompts, dask):
    with joblib.parallel_config(backend="dask"):
        check_toy(tmp_path, toy, prompts)


@pytest.mark.slow
def test_ray(tmp_path, toy, prompts):
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        register_ray()
        with joblib.parallel_config(backend="ray"):
            (tmp_path / "many").mkdir()
            check_many(tmp_path / "many")
            check_toy(tmp_path / "toy", toy, prompts)
    finally:
        ray.shutdown()


def test_threads_are_refused(toy):
    with joblib.parallel_config(backend="threading", n_jobs=2), pytest.raises(ValueError, match="threads would share"):
        sweep({"a": dict})
    with pytest.raises(ValueError, match="jobs=0"):
        sweep({"a": dict}, jobs=0)


@pytest.mark.usefixtures("_away")
def test_a_model_travels_by_what_it_was_loaded_from(toy, flux):
    sent = pickle.dumps(toy)
    assert len(sent) < 1000
    there = pickle.loads(sent)
    assert there is pickle.loads(sent), "loaded once"
    assert (there.name, there.revision, there.dtype) == (toy.name, toy.revision, toy.dtype)
    model_of.cache_clear()
    copy = pickle.loads(pickle.dumps(flux))
    assert isinstance(copy, Model)
    ours, theirs = next(flux.transformer.parameters()), next(copy.transformer.parameters())
    assert (ours == theirs).all()


def test_a_model_is_known_without_loading_it(toy, tmp_path):
    assert identity("toyworld") == ("toyworld", toy.revision, None)
    assert identity(toy) == ("toyworld", toy.revision, "float32")
    assert identity(str(toy.folder))[1] == toy.revision
    with pytest.raises(FileNotFoundError, match="is no folder"):
        identity(str(tmp_path / "none"))

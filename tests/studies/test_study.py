"""A study from its conditions to its results: what is computed once, kept, read again, left out."""

import itertools
import sys

import fewchannels as fc
import numpy as np
import pytest
from fewchannels import studies
from fewchannels.edits.ablation import ablate
from fewchannels.edits.patching import inject, record
from fewchannels.origins import digest_of
from fewchannels.prompts.files import PromptFileError
from fewchannels.reading.readers import Adoption, Change, Distances, Reader
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.edits import EDITS
from fewchannels.studies.groups import evaluation, pairs
from fewchannels.studies.sets import Sets
from fewchannels.studies.study import Instrument, Study, run
from fewchannels.toyworld.judge import WEIGHTS
from tiny_pipelines import PIPELINES

STEPS = 2
READERS = (Change(),)
TOP = Condition(channels="top")


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(autouse=True)
def _few_calibration_prompts(monkeypatch):
    monkeypatch.setattr(ToyWorld, "calibration", 4)


def small(*conditions, prompts=None, readers=READERS, **more):
    groups = prompts or {"all": evaluation()}
    return Study("small", lambda sets, blocks, steps: list(conditions), groups, readers, base=TOP, **more)


MOVED = Condition("transport", "top")
PAIRED = {"prompts": {"all": pairs()}, "readers": (Distances(), Adoption())}


def test_zero_is_what_ablate_does(model):
    found = run(small(Condition(""), TOP), model, n=2, steps=STEPS, pictures=True)
    read_by = found.provenance["judge"]
    assert (read_by["judge"], read_by["revision"]) == ("ToyJudge", digest_of(WEIGHTS))
    sets = Sets(model, ToyWorld(), 8, steps=STEPS)
    with ablate(model, sets.of("top")) as log:
        images = model.generate(found.prompts, seed=0, steps=STEPS)
    assert np.abs(found.pictures(edit="zero", channels="top").astype(int) - images).max() <= 1
    cell = found.one(edit="zero", channels="top")
    np.testing.assert_allclose(cell["moved"], np.nanmean(log.change, axis=(1, 2)), rtol=1e-4)


def test_transport_is_what_inject_does(model):
    parts = ("transport", "transport level", "transport pattern")
    found = run(small(*each(MOVED, edit=parts), **PAIRED), model, n=2, steps=STEPS, pictures=True)
    sets, group = Sets(model, ToyWorld(), 8, steps=STEPS), pairs().of(ToyWorld(), 2, 0)
    with record(model) as source:
        model.generate(group.sources, seed=0, steps=STEPS)
    for edit, part in zip(parts, ("both", "level", "pattern"), strict=True):
        with inject(model, source, sets.of("top"), part=part):
            images = model.generate(group.prompts, seed=0, steps=STEPS)
        assert np.abs(found.pictures(edit=edit, channels="top").astype(int) - images).max() <= 1, edit


def test_every_edit_of_the_catalogue_runs_or_says_why_not(model):
    named = [
        Condition(name, "" if name in ("", "other noise", "other prompt", "source", "asked for") else "top")
        for name in EDITS
        if name not in ("scale", "replace")  # which take a number of the caller's
    ]
    found = run(small(*named, **PAIRED), model, n=2, steps=STEPS)
    assert {c.edit for c in found.cells} == set(EDITS) - {"scale", "replace", "image to image", "paste"}
    assert all("reference picture" in reason for reason in found.left_out.values())


def test_moving_all_channels_gives_the_source(model):
    found = run(small(MOVED.but(channels="all"), Condition("source"), **PAIRED), model, n=2, steps=STEPS)
    assert found.mean("to_source", edit="transport", channels="all").value < 1e-3
    assert found.mean("to_source", edit="source").value == 0


def test_a_store_keeps_pictures_and_a_new_reader_needs_no_forward_pass(model, tmp_path, monkeypatch):
    class Brightness(Reader):
        name = "brightness"

        def __call__(self, images, seen):
            return {"brightness": images.mean(axis=(1, 2, 3), dtype=np.float32)}

    first = run(small(Condition(""), TOP), model, n=2, steps=STEPS, store=tmp_path)
    asked = {"n": 2, "steps": STEPS, "store": tmp_path, "report": (lines := []).append}
    again = run(small(Condition(""), TOP), model, **asked)
    read = run(small(Condition(""), TOP, readers=(Change(), Brightness())), model, **asked)
    assert not [line for line in lines if "left" in line], "no condition was drawn again"
    np.testing.assert_array_equal(again.one(channels="top")["change"], first.one(channels="top")["change"])
    assert read.one(channels="top")["brightness"].shape == (2,)


def test_a_condition_on_a_part_of_the_prompts_is_not_measured_twice(model):
    few = {"all": evaluation(), "few": evaluation(share=1 / 2)}
    found = run(small(TOP, *each(TOP.but(prompts="few"), k=(8, 4)), prompts=few), model, n=4, steps=STEPS)
    assert [(c.k, c.prompts) for c in found.cells] == [(8, "all"), (4, "few")]


def test_what_a_model_cannot_have_is_left_out_with_the_reason(model):
    crossed = TOP.but(through="gain", into="cross")
    found = run(small(TOP, TOP.but(k=500), TOP.but(edit="paste"), crossed), model, n=2, steps=STEPS)
    assert list(found.cells) == [TOP]
    assert "is read for attention, mlp, last" in found.left_out[crossed.name]
    assert "more than the 192 channels" in found.left_out["zero, top, k 500"]
    assert "no reference picture" in found.left_out["paste, top, k 8"]


def test_an_unknown_edit_group_or_way_through_is_an_error(model):
    for wrong, words in (
        (TOP.but(edit="melt"), "edit='melt': expected one of"),
        (TOP.but(prompts="many"), "prompts='many': the study has the groups all"),
        (TOP.but(through="norm"), "through='norm': expected one of stream, both, content, gain"),
        (TOP.but(edit="blend prompts", through="gain"), "'blend prompts' changes no channels"),
        (TOP.but(mask="mine", edit="transport"), "no source|mask='mine'"),
    ):
        with pytest.raises(ValueError, match=words):
            run(small(wrong), model, n=2, steps=STEPS)


def test_settings_are_chosen_from_results_and_measured(model):
    tried = {"all": evaluation(), "tried": evaluation(2, split="calibration", noise=1)}

    def choose(found):
        return [max(found.cells, key=lambda c: found.cells[c]["change"].mean()).but(prompts="all")]

    study = small(*each(TOP.but(prompts="tried"), k=(1, 8)), prompts=tried, choose=(choose,))
    found = run(study, model, n=2, steps=STEPS)
    assert [c.prompts for c in found.cells] == ["tried", "tried", "all"]


def test_prompts_of_ones_own_in_a_list_and_in_a_file(model, tmp_path):
    own = [
        "a large red star at the left on a plain blue background",
        "a small green ring at the top on a plain white background",
    ]
    found = run(small(TOP), model, prompts=own, steps=STEPS)
    assert found.prompts == own
    assert found.groups == {"all": 2}
    (tmp_path / "mine.txt").write_text("\n".join(own))
    assert run(small(TOP), model, prompts=tmp_path / "mine.txt", n=1, steps=STEPS).prompts == own[:1]
    with pytest.raises(PromptFileError, match="holds 2 prompts: n=3 is more"):
        run(small(TOP), model, prompts=tmp_path / "mine.txt", n=3, steps=STEPS)
    with pytest.raises(ValueError, match="prompts is empty"):
        run(small(TOP), model, prompts=[], steps=STEPS)


def test_a_study_prints_as_a_table_before_it_runs(model):
    table = studies.critical.table(model, n=2, steps=STEPS)
    assert "| zero | random 2 | 8 | all | all |  | 2 |" in table
    assert "About 1 minute on this machine" in table


def test_the_key_of_a_reading_hangs_on_its_reader(model, tmp_path):
    class Shifted(Change):
        def __init__(self, by):
            super().__init__()
            self.by = by

        def __call__(self, images, seen):
            return {"change": super().__call__(images, seen)["change"] + np.float32(self.by)}

    studied = [small(TOP, readers=(Shifted(by),)) for by in (0, 1)]
    one, other = (run(study, model, n=2, steps=STEPS, store=tmp_path).one()["change"] for study in studied)
    np.testing.assert_allclose(other - one, 1, atol=1e-5)


@pytest.fixture(scope="module")
def real():
    """Stable Diffusion 3 of random parts, whose blocks all studies can read."""
    made = PIPELINES["SD3"]()
    return fc.load(made.pipeline, generation={"height": 48, "width": 48, **made.common, **made.plain})


def test_some_instruments_can_be_asked_alone(model):
    def counted(model, group, sets):
        return {"count": np.ones(len(group))}

    looks = {"short": Instrument(counted), "long": Instrument(counted, again=False)}
    study = small(TOP, instruments=lambda sets: looks)
    asked = (True, False, lambda one: one.again)
    found = [list(run(study, model, n=2, steps=STEPS, instruments=which).instruments) for which in asked]
    assert found == [["short", "long"], [], ["short"]]


QUICK = ("model", "critical"), ("model", "spatial")  # the rest takes half a minute or more each


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(*one, id="-".join(one), marks=() if one in QUICK else pytest.mark.slow)
        for one in itertools.product(("model", "real"), studies.STUDIES)
    ],
)
def test_each_study_runs_whole_is_kept_and_goes_on(kind, name, request, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["fewchannels.studies.level_pattern"], "PROBE_SCENES", 16)
    asked = {"model": request.getfixturevalue(kind), "n": 2, "steps": STEPS, "k": 4, "store": tmp_path / "store"}
    found = run(studies.STUDIES[name], **asked)
    assert found.cells or found.instruments
    for where, cell in (*found.cells.items(), *found.instruments.items()):
        for part, array in cell.items():
            assert not np.isinf(np.asarray(array, np.float64)).any(), (where, part)
    kept = studies.Results.read(found.save(tmp_path / "found.safetensors"))
    assert list(kept.cells) == list(found.cells)
    lines = []
    again = run(studies.STUDIES[name], **asked, report=lines.append)
    assert [line for line in lines if "left" in line and "NotHere" not in line] == [], "all was kept"
    for where, cell in (*found.cells.items(), *found.instruments.items()):
        for part, array in cell.items():
            same = (again.cells if where in again.cells else again.instruments)[where]
            np.testing.assert_array_equal(same[part], array, err_msg=f"{where}: {part}")

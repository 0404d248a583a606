"""What a study would cost is counted as `run` counts it, without a model."""

import json
from pathlib import Path

import fewchannels as fc
import pytest
from fewchannels.figures import models as figures
from fewchannels.models.needs import GPUS, minutes
from fewchannels.models.presets import PRESETS
from fewchannels.reading.worlds import NaturalWorld, ToyWorld
from fewchannels.studies import STUDIES, Results
from fewchannels.studies.cost import Ahead
from fewchannels.studies.study import Plan
from tiny_pipelines import PIPELINES

ROOT = Path(__file__).resolve().parents[2]
KLEIN, A100 = PRESETS["black-forest-labs/FLUX.2-klein-4B"], GPUS[-1]


@pytest.mark.parametrize("name", STUDIES)
def test_the_committed_runs_did_what_is_counted(name):
    """But for controls that the toy cannot have, and for settings, of which another one was chosen."""
    done = Results.read(ROOT / "results" / f"{name}.safetensors")
    blocks, width = done.index["blocks"], done.index["width"]
    told = Ahead(STUDIES[name], k=8, steps=8, blocks=blocks, width=width, world=ToyWorld())
    matched = tuple(range(blocks))  # where others hold as much energy as the top, which on the toy is nowhere
    possible = [c for c in told.conditions(128) if c.channels != "energy-matched" and c.blocks != matched]
    measured = [c for c in done.cells if c.channels != "energy-matched"]
    assert sum(done.groups[c.prompts] for c in possible) == sum(done.groups[c.prompts] for c in measured)


@pytest.fixture(scope="module")
def sd3():
    model = fc.load(PIPELINES["SD3"]().pipeline)
    model.defaults.update(height=32, width=48, max_sequence_length=8)
    return model


@pytest.mark.parametrize(("name", "chosen"), [("critical", 0), ("text_transport", 5), ("level_pattern", 0)])
def test_a_plan_of_a_loaded_model_lists_the_same(sd3, name, chosen):
    """And what is chosen on calibration pairs comes to it: each method's best, and the prompt that asks for both."""
    plan = Plan(STUDIES[name], sd3, n=4, steps=4, k=4)
    told = Ahead(STUDIES[name], k=4, steps=4, blocks=len(sd3.layers), width=plan.sets.width, world=NaturalWorld())
    more = set(told.conditions(4)) - set(plan.able)
    assert set(plan.able) <= set(told.conditions(4))
    assert len(more) == chosen
    assert {c.prompts for c in more} <= {"all"}


def test_more_prompts_take_longer_and_a_time_allows_the_largest_that_fits():
    told = Ahead.of(STUDIES["text_transport"], KLEIN)
    assert told.pictures(4) < told.pictures(12)
    assert told.hours(12, A100) == pytest.approx(told.pictures(12) * minutes(KLEIN, A100, 1) / 60)
    n = told.largest(0.5, A100)
    assert told.hours(n, A100) <= 0.5 < told.hours(n + 1, A100)
    assert told.largest(0.01, A100) == 0
    assert told.largest(1e6, A100) == 32


def test_wide_models_have_no_directions_and_cross_attention_no_text_tokens():
    kinds = {c.channels for c in Ahead(STUDIES["critical"], k=12, steps=4).conditions(8)}
    assert "random" in kinds
    assert kinds.isdisjoint({"PCA", "random directions"})
    joint, cross = (Ahead(STUDIES["critical"], k=12, steps=4, text=text) for text in ("joint", "cross"))
    assert {c.stream for c in joint.conditions(8)} == {"image", "text"}
    assert {c.stream for c in cross.conditions(8)} == {"image"}


def test_any_large_model_has_the_same_conditions():
    pictures = {
        Ahead(STUDIES["subject_transport"], k=12, steps=8, blocks=blocks, width=width).pictures(8)
        for blocks, width in ((8, 1152), (24, 3072), (57, 4032))
    }
    assert len(pictures) == 1


def test_tables_name_each_chapter_and_refuse_what_is_not_known():
    table = figures.ahead(KLEIN.name)
    assert [row.split("|")[1].strip() for row in table.splitlines()[2:]] == ["2", "3", "4", "5", "6"]
    assert "Qwen-Image | 50 |" in figures.hours("A100 80 GB")
    assert "Qwen-Image | 8 |" in figures.hours("A100 80 GB", steps=8)
    with pytest.raises(ValueError, match="gpu='H999': expected one of T4"):
        figures.hours("H999")
    with pytest.raises(ValueError, match="'some/model' is not in the table of models"):
        figures.ahead("some/model")


@pytest.mark.parametrize("chapter", figures.CHAPTERS)
def test_the_tables_take_the_chapters_own_n(chapter):
    (file,) = (ROOT / "notebooks").glob(f"0{chapter}_*.ipynb")
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    settings = next("".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", []))
    given: dict = {}
    exec(settings, given)
    study, n = figures.CHAPTERS[chapter]
    assert n == (given["n"] or 16)  # 0 is 16 where prompts have no exact truth
    assert any(f"studies.{study}" in "".join(c["source"]) for c in cells)

"""What a chapter leaves blank on another model, and where its prompts come from."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.measure.survey import survey_channels
from fewchannels.notebook.chapters import before_training, growth_in_training, prompts_for, text_stream
from fewchannels.plots import concentration_by_depth, growth_over_training
from tiny_pipelines import PIPELINES

PROMPTS = ["a red fox in snow", "a blue teapot on a table"]


@pytest.fixture(scope="module")
def pixart():
    return fc.load(PIPELINES["PixArt-Sigma"]().pipeline)


@pytest.fixture(scope="module")
def report(pixart):
    given = {"height": 64, "width": 96, "max_sequence_length": 24, "clean_caption": False}
    pixart.defaults.update(given | {"use_resolution_binning": False})
    return survey_channels(pixart, PROMPTS, seeds=range(1), steps=2, k=4)


def test_another_models_past_is_blank(pixart, report, capsys):
    null = before_training(pixart, report, PROMPTS)
    assert np.isnan(null.ratio).all()
    assert np.isfinite(report.ratio).all()
    _, ratio, _ = growth_in_training(pixart)
    assert np.isnan(ratio).all()
    told = capsys.readouterr().out
    assert "was before training is not known here" in told
    assert "Nobody kept the moments" in told


def test_the_toys_past_is_known(capsys):
    toy = fc.load("toyworld")
    seen, ratio, names = growth_in_training(toy)
    assert ratio.shape == (len(seen), len(names))
    assert ratio[-1, -1] > ratio[0, -1]
    assert capsys.readouterr().out == ""


def test_a_model_without_text_tokens_has_a_blank_line(pixart, report, capsys):
    found, strict = text_stream(pixart, report, PROMPTS, steps=2)
    assert strict is None
    assert np.isnan(found["text tokens"]).all()
    assert np.array_equal(found["image tokens"][0], report.ratio[:, 0])
    assert "by cross-attention alone" in capsys.readouterr().out


def test_blank_figures_are_drawn():
    nothing = np.full((3, 2), np.nan)
    growth_over_training(np.array([0, 10, 100]), nothing).canvas.draw()
    concentration_by_depth({"trained": np.ones(2), "before": nothing[0]}, log=True).canvas.draw()


def test_prompts_of_a_file_take_the_place_of_the_worlds(pixart, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("\n".join(PROMPTS) + "\n")
    assert prompts_for(pixart, 2, file=file) == PROMPTS
    assert prompts_for(pixart, 2) != PROMPTS

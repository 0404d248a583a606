"""The page of models, and the table of checkpoints behind it."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path

import diffusers
import models_page
import pytest
from fewchannels.layouts.table import TABLE
from fewchannels.models import needs
from fewchannels.models.checkpoints import ROWS
from fewchannels.models.listing import described, supported
from fewchannels.models.preset import Preset
from fewchannels.models.presets import PRESETS, preset_of
from fewchannels.names import READERS

BOOK = Path(__file__).resolve().parents[2] / "book"
PIPELINE = {  # where its name is not the transformer's
    "Flux2Transformer2DModel": "Flux2KleinPipeline",
    "SD3Transformer2DModel": "StableDiffusion3Pipeline",
    "PixArtTransformer2DModel": "PixArtSigmaPipeline",
    "HunyuanDiT2DModel": "HunyuanDiTPipeline",
    "LuminaNextDiT2DModel": "LuminaPipeline",
    "JoyImageEditTransformer3DModel": "JoyImageEditPipeline",
    "Kandinsky5Transformer3DModel": "Kandinsky5T2IPipeline",
    "JoyImageEditPlusTransformer3DModel": "JoyImageEditPlusPipeline",
    "CosmosTransformer3DModel": "Cosmos2TextToImagePipeline",
}


def test_every_class_has_a_checkpoint_but_those_that_the_page_names():
    assert len(PRESETS) == len(ROWS) >= 25
    assert {row.transformer for row in ROWS} == set(TABLE) - {"Flux3Transformer2DModel"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_of_a_class_and_its_arguments_are_the_pipeline_s(row):
    kind = PIPELINE.get(row.transformer, row.transformer.replace("Transformer2DModel", "Pipeline"))
    accepted = inspect.signature(getattr(diffusers, kind).__call__).parameters
    assert set(row.generation) <= set(accepted)
    assert row.steps is None or "num_inference_steps" in accepted
    assert row.source in ("card", "counted")
    assert row.steps_source in ("card", "docs")
    assert row.passes in (1, 2)
    assert not row.sparse or row.active is None or row.active < row.billions
    assert preset_of(row.name) is row


def test_the_least_gpu_follows_the_formula():
    small = Preset("a/b", "FluxTransformer2DModel", steps=10, size=1024, billions=1, others=4)
    assert {way: gpu.name for way, gpu in needs.least_gpu(small).items()} == dict.fromkeys(needs.WAYS, "T4")
    large = Preset("a/b", "FluxTransformer2DModel", steps=10, size=1024, billions=50, others=30)
    assert needs.least_gpu(large) == {"whole": None, "offload": None, "4-bit": needs.GPUS[2]}
    assert needs.least_gpu(Preset("a/b", billions=1)) is None
    twice = needs.minutes(small, needs.GPUS[0], pictures=200)
    assert twice == pytest.approx(2 * needs.minutes(small, needs.GPUS[0]))
    assert needs.minutes(Preset("a/b", "PRXTransformer2DModel", steps=10, size=512, billions=1), needs.GPUS[0]) is None


def test_what_is_not_known_is_not_filled_in():
    row = described(Preset("a/b", "FluxTransformer2DModel"))
    keys = ("billions", "gigabytes", "licence", "gated", "steps", "least_gpu", "minutes")
    assert [row[key] for key in keys] == [None] * len(keys)
    cells = models_page._row({**row, "class": "FluxTransformer2DModel"})
    assert cells.count(models_page.UNKNOWN) == 6
    assert "estimated" not in cells


def test_every_figure_of_the_page_says_what_it_is(tmp_path):
    (tmp_path / "book").mkdir()
    shutil.copy2(BOOK / "models.md", tmp_path / "book")
    assert models_page.write_page(tmp_path)
    page = (tmp_path / "book" / "models.md").read_text(encoding="utf-8")
    assert not any(mark in page for mark in models_page.PLACEHOLDERS)
    assert "Tested offline with random weights of the real classes; not yet run on Colab." in page
    rows = [row for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", page) if "fc-models-owner" in row]
    assert len(rows) == len(ROWS)
    for row in rows:
        cells = re.findall(r"<td>(.*?)</td>", row)
        assert len(cells) == len(models_page.COLUMNS) - 1
        for place in (0, 1, 4, 5):
            assert re.search(r"not known|card|counted|docs|estimated", cells[place]), cells[place]
    assert "measured</div>" not in page, "nothing was measured yet"
    assert f"{needs.PICTURES} pictures" in page
    assert "FLUX.3 (`Flux3Transformer2DModel`)" in page
    assert not models_page.write_page(tmp_path), "a page without a placeholder is left alone"


def test_every_class_says_where_its_stream_is_read():
    assert set(models_page.READ_FOR) == set(READERS)
    _, *rows = re.findall(r"<tr>(<t[dh].*?)</tr>", models_page.reads().replace("<wbr>", ""))
    heads = [found[0] for row in rows if (found := re.findall(r'<th scope="row".*?>(.*?)</th>', row))]
    assert heads == list(TABLE)
    assert len(rows) == sum(bool(blocks.reads) for layout in TABLE.values() for blocks in layout.blocks)
    pixart = next(row for row in rows if "PixArt" in row)
    assert re.findall(r"<td>(.*?)</td>", pixart) == [
        "transformer_blocks", "norm1", "attn2 (no norm)", "norm2", "–", "norm_out",
    ]  # fmt: skip
    flux = next(row for row in rows if "single_transformer_blocks" in row)
    assert re.findall(r"<td>(.*?)</td>", flux)[1:4] == ["norm.norm", "–", "norm.norm"]


def test_models_and_page_agree():
    named = [row["name"] for entry in supported() for row in entry["checkpoints"]]
    assert sorted(named) == sorted(PRESETS)

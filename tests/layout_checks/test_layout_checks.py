"""The checks of a layout: entries that are wrong are caught, pipelines are checked with their branches."""

from dataclasses import replace

import fewchannels as fc
import pytest
import torch
from fewchannels import layouts
from fewchannels.layout_checks import check_layout
from fewchannels.layouts import TABLE, Blocks, Layout, Read
from tiny_pipelines import PIPELINES, guidance_of

WRONG = {
    "image first": ("Krea2Transformer2DModel", {"image": "first"}, {"place"}),
    "image last": ("ErnieImageTransformer2DModel", {"image": "last"}, {"place"}),
    "axes": ("ErnieImageTransformer2DModel", {"axes": "BSD"}, {"tokens", "place"}),
    "streams": ("CogView4Transformer2DModel", {"returns": "txt_img"}, {"tokens", "text"}),
    "grid": ("FluxTransformer2DModel", {"grid": "latent"}, {"grid"}),
    "text": ("HunyuanDiT2DModel", {"text": "joint"}, {"text"}),
    "order": ("Flux2Transformer2DModel", {"order": -1}, {"blocks"}),
    "a norm less": ("SD3Transformer2DModel", {"reads": slice(1, None)}, {"reads"}),
    "a norm's place": ("FluxTransformer2DModel", {"reads": "first"}, {"reads"}),
    "no last norm": ("SD3Transformer2DModel", {"last": "norm_out.linear"}, {"reads"}),
    "a list less": ("FluxTransformer2DModel", {"path": "double_blocks"}, {"blocks"}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_entry_is_caught(what, tiny):
    name, change, caught = WRONG[what]
    transformer, call = tiny(name)
    model = fc.load(transformer)
    right = check_layout(model, call)
    assert right.ok, str(right)
    whole = {key: value for key, value in change.items() if key in ("grid", "text")}
    part = {key: value for key, value in change.items() if key in ("image", "axes", "returns", "path")}
    blocks = tuple(replace(group, **part) for group in model.layout.blocks)[:: change.get("order", 1)]
    if isinstance(reads := change.get("reads"), slice):
        blocks = tuple(replace(group, reads=group.reads[reads]) for group in blocks)
    elif reads:
        blocks = (blocks[0], replace(blocks[1], reads=(replace(blocks[1].reads[0], image=reads),)))
    if "last" in change:
        whole["last"] = (Read(change["last"], ("last",)),)
    model.layout = replace(model.layout, blocks=blocks, **whole)
    report = check_layout(model, call)
    assert caught <= set(report.failed), str(report)
    assert f"failed: {report.failed[0]}" in str(report).splitlines()[0]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in transformer.modules())


@pytest.mark.parametrize("name", ["SD3", "PixArt-Sigma", "FLUX.2-klein", "Qwen-Image"])
def test_a_pipeline_is_checked_with_its_branches(name):
    case = PIPELINES[name]()
    model = fc.load(case.pipeline)
    report = check_layout(model, **guidance_of(case, True))
    assert report.ok, str(report)
    assert [finding.passed for finding in report.findings if finding.name in ("grid", "branches")] == [True, True]
    if model.layout.batched:  # the others name their passes as they run
        model.layout = replace(model.layout, batched=model.layout.batched[::-1])
        assert check_layout(model, **guidance_of(case, True)).failed == ("branches",)


def test_what_cannot_be_told_is_said(toy, tiny):
    report = check_layout(toy)
    assert report.ok
    said = {finding.name: finding.detail for finding in report.findings if finding.passed is None}
    assert "takes no size" in said["grid"]
    assert "turn it on" in said["branches"]
    with pytest.raises(ValueError, match="bare transformer"):
        check_layout(fc.load(tiny("SD3Transformer2DModel")[0]))


class Ribbon(torch.nn.Module):
    """Not in the table."""


def test_an_entry_can_be_registered_and_only_once():
    entry = Layout("Ribbon", "Ribbon", (Blocks("ribbons", "fused", image="last"),), "latent", "joint", "batched")
    with pytest.raises(layouts.table.NoLayout, match="90_bring_your_own_model"):
        layouts.layout_of(Ribbon())
    try:
        assert layouts.register(entry) is layouts.layout_of(Ribbon())
        with pytest.raises(ValueError, match="replace=True"):
            layouts.register(entry)
        layouts.register(replace(entry, family="Band"), replace=True)
        assert layouts.layout_of("Ribbon").family == "Band"
    finally:
        TABLE.pop("Ribbon", None)
    with pytest.raises(TypeError, match="expected a Layout"):
        layouts.register("Ribbon")

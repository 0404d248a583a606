"""The catalogue of edits on one group of prompts: what each takes from where, and what it cannot have."""

import sys

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import ChannelSet
from fewchannels.reading.readers import Adoption, Change, Distances, Regions
from fewchannels.reading.worlds import NaturalWorld, ToyWorld
from fewchannels.studies.condition import Condition, each
from fewchannels.studies.edits import Ground, row_of
from fewchannels.studies.groups import NotHere, evaluation, pairs, references
from fewchannels.studies.results import Results
from fewchannels.studies.sets import Sets
from fewchannels.studies.study import Study, run
from fewchannels.sweep import Recording
from tiny_pipelines import PIPELINES, guidance_of

edits = sys.modules["fewchannels.studies.edits"]
STEPS, N = 2, 3
TOP = Condition(channels="top")
READERS = (Distances(), Regions(), Change())
REFERRED = {"all": references(), "invert": references(way="invert")}


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(autouse=True)
def _few_calibration_prompts(monkeypatch):
    monkeypatch.setattr(ToyWorld, "calibration", 4)


def done(model, conditions, prompts=REFERRED, readers=READERS, **more):
    study = Study("done", lambda sets, blocks, steps: conditions, prompts, readers, base=TOP)
    return run(study, model, n=N, steps=STEPS, pictures=True, **more)


@pytest.fixture(scope="module")
def ground(model):
    few = [ToyWorld().text(one) for one in ToyWorld().prompts(4, "calibration")]
    sets = Sets(model, ToyWorld(), 8, prompts=few, steps=STEPS)
    return Ground(sets, references().of(ToyWorld(), N, 0))


def test_other_noise_is_nobodys_inverted(model):
    plain, other = Condition("", prompts="invert"), Condition("other noise", prompts="invert")
    found = done(model, [plain, other])
    expected = model.generate(references().of(ToyWorld(), N, 0).prompts, seed=1, steps=STEPS)
    assert np.abs(found.cells[other]["pictures"].astype(int) - expected).max() <= 1
    assert not np.array_equal(found.cells[plain]["pictures"], found.cells[other]["pictures"])


def test_masks_are_whose_they_say(ground):
    masks = {name: ground.mask(name) for name in ("source", "target", "union", "truth", "judge")}
    assert {mask.shape for mask in masks.values()} == {(N, 12, 12)}
    assert np.array_equal(masks["union"], masks["source"] | masks["target"])
    assert masks["truth"].any(axis=(1, 2)).all()
    assert masks["truth"].sum() < masks["judge"].sum(), "the judge sees the subjects of both pictures"
    assert ground.mask("") is None
    with pytest.raises(ValueError, match="mask='mine': expected one of source, target, union, truth, judge"):
        ground.mask("mine")


@pytest.mark.parametrize("made", [references(), pairs()])
def test_masks_are_the_same_where_states_do_not_fit(model, ground, monkeypatch, made):
    group = made.of(ToyWorld(), 2, 0)
    whole = Ground(ground.sets, group).mask("union")
    monkeypatch.setattr(edits, "LIMIT", 1)
    few = Ground(ground.sets, group)
    assert not few.fits(None)
    assert np.array_equal(few.mask("union"), whole)


def test_a_recording_is_of_all_channels_where_they_fit_and_of_those_moved_where_not(ground, monkeypatch):
    top = ground.sets.of("top")
    assert ground.source(top).channels is None
    all_channels = N * STEPS * 144 * 6 * 192 * 4
    for limit, fits in ((all_channels, (True, True)), (all_channels - 1, (False, True)), (1, (False, False))):
        monkeypatch.setattr(edits, "LIMIT", limit)
        assert (ground.fits(None), ground.fits(top)) == fits
        assert ground.source(top).channels is (None if fits[0] else top)


def test_resampling_keeps_what_fits(model, ground, monkeypatch):
    c = Condition("resample", "top")
    plain = row_of(c, ground)["options"]["reference"]
    assert (len(plain.prompts), plain.channels) == (4, None)
    partners = row_of(c, ground)["options"]["partners"]
    assert partners == row_of(c.but(channels="random", draw=2), ground)["options"]["partners"]  # the same for every set
    assert len(partners) == len(ground.group)
    assert set(partners) <= set(range(4))
    one = 2 * 144 * STEPS * sum(ground.sets.of("top").sizes)  # bytes of a prompt
    monkeypatch.setattr(edits, "MOST_BYTES", 2 * one)
    few = row_of(c, ground)["options"]["reference"]
    assert len(few.prompts) == 2
    assert few.channels is ground.sets.of("top")
    monkeypatch.setattr(edits, "MOST_BYTES", one)
    with pytest.raises(NotHere, match="two other prompts on these channels do not fit"):
        row_of(c, ground)
    with pytest.raises(NotHere, match="channels that differ from prompt to prompt do not fit"):
        row_of(c.but(channels="top of each prompt"), ground)
    monkeypatch.setattr(edits, "MOST_BYTES", 2 * one)
    found = done(model, [c], {"all": evaluation()}, (Change(),))
    assert (found.cells[c]["change"] > 0).all()
    assert isinstance(few, Recording)


def test_the_size_of_an_edit_is_of_the_channels_that_it_names(model):
    one_place = TOP.but(blocks=(1,), steps=(0,))
    some = [
        TOP,
        TOP.but(channels="bottom"),
        TOP.but(edit="shift", channels="bottom"),
        TOP.but(edit="resample"),
        TOP.but(mask="union"),
        one_place,
        one_place.but(strength=0.5),
    ]
    found = done(model, some, {"all": pairs()})
    zero, bottom, shift, resampled, masked, one, half = (found.cells[c] for c in some)
    assert (zero["moved"] > bottom["moved"]).all()
    assert (zero["energy"] < 0.95).all()
    assert shift["moved"].mean() > 3 * bottom["moved"].mean(), "as large as the top, not as the bottom that carries it"
    assert half["moved"] == pytest.approx(one["moved"] / 2, rel=1e-3)
    assert np.abs(resampled["energy"] - 1).max() < np.abs(zero["energy"] - 1).min()
    assert (one["change"] < zero["change"]).all()
    assert (masked["moved"] < zero["moved"]).all()


def test_what_is_read_is_a_field_as_any_other(model, tmp_path):
    """Each in its batch as by the library's own calls, selected, kept and read again by its fields."""
    base = TOP.but(edit="transport", prompts="all")
    ways = [base, *each(base, through=("both", "content", "gain")), base.but(through="gain", into="attention, mlp")]
    rows = [*ways, *each(TOP, through=("content", "gain"), into=("", "mlp"))]
    found = done(model, rows, {"all": pairs()})
    group = pairs().of(ToyWorld(), N, 0)
    few = [ToyWorld().text(one) for one in ToyWorld().prompts(4, "calibration")]
    top = Sets(model, ToyWorld(), 8, prompts=few, steps=STEPS).of("top")
    with fc.record(model) as source:
        model.generate(group.sources, seed=group.seed, samples=group.samples, steps=STEPS)
    for c in rows:
        into = {"into": c.into.split(", ")} if c.into else {}
        if c.edit == "zero":
            context = fc.ablate(model, top, through=c.through, **into)
        else:
            context = fc.inject(model, source, top, through=c.through, **into)
        with context:
            expected = model.generate(group.prompts, seed=group.seed, samples=group.samples, steps=STEPS)
        assert np.abs(found.cells[c]["pictures"].astype(int) - expected).max() <= 1, c.name
    again = Results.read(found.save(tmp_path / "reads.safetensors"))
    assert list(again.cells) == rows
    assert again.mean("change", **ways[-1]).value == pytest.approx(found.mean("change", **ways[-1]).value)
    assert again.options("through", edit="transport") == ["stream", "both", "content", "gain"]


def test_scaling_is_by_the_strength(model):
    c = TOP.but(edit="scale", strength=0.0)
    found = done(model, [c, TOP, c.but(strength=1.0)], {"all": evaluation()}, (Change(),))
    assert found.cells[c]["change"] == pytest.approx(found.cells[TOP]["change"])
    assert found.cells[c.but(strength=1.0)]["change"].max() < 1e-6


def test_another_pairs_source_and_the_prompt_that_asks_for_both(model):
    named = [
        Condition("transport", "all"),
        Condition("transport", "all", source="another pair"),
        Condition("source"),
        Condition("asked for"),
        Condition("blend prompts", strength=1.0),
    ]
    found = done(model, named, {"all": pairs()}, (Distances(), Adoption()))
    own, other, source, asked, mixed = (found.cells[c] for c in named)
    assert (own["to_source"] < other["to_source"]).all()
    assert np.array_equal(mixed["pictures"], source["pictures"])
    world, group = ToyWorld(), pairs().of(ToyWorld(), N, 0)
    both = [world.text(world.exchanged(pair.source, pair.target)) for pair in group.pairs]
    expected = model.generate(both, seed=0, steps=STEPS)
    assert np.abs(asked["pictures"].astype(int) - expected).max() <= 1


def test_what_a_group_has_not_is_said(ground):
    plain = Ground(ground.sets, evaluation().of(ToyWorld(), 2, 0))
    for edit, words in (
        ("transport", "no pairs"),
        ("source", "no pairs"),
        ("asked for", "no pairs"),
        ("blend prompts", "no pairs"),
        ("paste", "no reference picture"),
    ):
        with pytest.raises(NotHere, match=words):
            row_of(Condition(edit, "top"), plain)
    paired = Ground(ground.sets, pairs().of(ToyWorld(), 2, 0))
    with pytest.raises(NotHere, match="no exact mask"):
        row_of(Condition("transport", "top", mask="truth"), paired)
    with pytest.raises(NotHere, match="nobody draws masks"):
        plain.mask("judge")


def test_a_model_without_text_between_its_blocks_and_nobody_who_draws_masks():
    case = PIPELINES["PixArt-Sigma"]()
    pixart = fc.load(case.pipeline, generation={**guidance_of(case, False), "height": 64, "width": 96})
    group = pairs().of(NaturalWorld(), 2, 0)
    sets = Sets(pixart, NaturalWorld(), 4, prompts=group.prompts, steps=STEPS)
    ground = Ground(sets, group)
    for c, words in (
        (TOP.but(stream="text"), "has no text tokens between its blocks"),
        (Condition("transport", "top", mask="judge"), "pass a segmenter"),
    ):
        with pytest.raises(NotHere, match=words):
            row_of(c, ground)


def test_prompts_that_cannot_be_mixed_leave_their_condition_out_and_no_other():
    """Z-Image encodes each prompt in as many tokens as it has."""
    case = PIPELINES["Z-Image"]()
    model = fc.load(case.pipeline, generation={**guidance_of(case, False), "height": 32, "width": 48})
    mixed, moved = Condition("blend prompts", strength=0.5), Condition("transport", "top", k=2)
    found = done(model, [mixed, moved], {"all": pairs()}, (Distances(),), k=2, world=NaturalWorld())
    assert list(found.cells) == [moved]
    assert "prompts cannot be mixed: encodings of" in found.left_out[mixed.name]


def test_sets_of_each_pair_are_moved(ground):
    group = pairs().of(ToyWorld(), 2, 0)
    paired = Ground(ground.sets, group)
    row = row_of(Condition("transport", "top of the difference"), paired)
    assert [isinstance(one, ChannelSet) for one in row["channels"]] == [True, True]

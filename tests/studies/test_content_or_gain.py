"""Content or gain: every edit is made in the stream and at the reads, and guidance costs what it says."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels import studies
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.condition import Condition
from fewchannels.studies.content_or_gain import WAYS, conditions, content_or_gain, reading
from fewchannels.studies.edits import UNTOUCHED
from fewchannels.studies.groups import NotHere, evaluation
from fewchannels.studies.sets import Sets
from tiny_pipelines import PIPELINES

STEPS = 4
TOP = Condition(channels="top")


@pytest.fixture(scope="module")
def model():
    return fc.load("toyworld")


@pytest.fixture(scope="module")
def sets(model):
    few = [ToyWorld().text(one) for one in ToyWorld().prompts(4, "calibration")]
    return Sets(model, ToyWorld(), 8, prompts=few, steps=STEPS)


@pytest.fixture(scope="module")
def found(model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToyWorld, "calibration", 4)
        asked = [
            Condition(UNTOUCHED),
            *studies.each(TOP, through=WAYS),
            *studies.each(TOP, steps=((0, 1), (2, 3)), through=("gain",)),
            TOP.but(edit="detail guidance", strength=0.5),
            TOP.but(edit="detail guidance", strength=0.0),
            Condition("guidance", strength=2.0),
            Condition("guidance", strength=1.0),
            Condition("more steps", strength=2.0),
            Condition("more steps", strength=1.0),
        ]
        return studies.run(content_or_gain, model, n=2, steps=STEPS, conditions=asked, instruments=False, pictures=True)


def test_every_edit_is_made_in_each_way(sets):
    listed = conditions(sets, 6, 8)
    assert len(set(listed)) == len(listed)
    for edit, prompts in (("zero", "all"), ("transport", "pairs")):
        alike = [c for c in listed if c.but(through="stream") == TOP.but(edit=edit, prompts=prompts)]
        assert sorted(c.through for c in alike) == sorted(WAYS)
    windows = {c.steps for c in listed if c.through == "gain" and c.prompts == "all" and c.steps}
    assert windows == {(0, 1, 2, 3), (4, 5, 6, 7)}


def test_at_the_reads_less_changes_than_in_the_stream_and_every_way_is_another(found):
    change = {way: found.mean("change", through=way).value for way in WAYS}
    assert len(set(change.values())) == len(WAYS)
    assert min(change.values()) > 0


def test_guidance_and_steps_of_1_and_a_weight_of_0_change_no_bit(found):
    plain = found.pictures(edit=UNTOUCHED)
    for edit, still, strong in (("guidance", 1, 2), ("more steps", 1, 2), ("detail guidance", 0, 0.5)):
        assert np.array_equal(found.pictures(edit=edit, strength=still), plain), edit
        assert not np.array_equal(found.pictures(edit=edit, strength=strong), plain), edit


def test_what_reads_the_top_is_taken_from_the_weights(model, sets):
    group = evaluation().of(ToyWorld(), 2, 0)
    seen = reading(model, group, sets)
    assert {name: a.shape for name, a in seen.items()} == {"blindness": (1, 6, 8), "others": (1, 6)}
    blocks, largest = model.transformer.transformer_blocks, int(sets.of("top", 1)[0][0])
    read = [blocks[1].attn.to_q, blocks[1].attn.to_k, blocks[1].attn.to_v, blocks[1].ff.net[0].proj]
    squares = sum(layer.weight.detach().double().square().sum(dim=0) for layer in read)
    assert seen["blindness"][0, 0, 0] == pytest.approx(float(1 / (1 + squares[largest] / squares.mean())))


def test_another_class_is_refused_by_name(sets):
    other = fc.load(PIPELINES["FLUX.1"]().pipeline)
    with pytest.raises(NotHere, match="FluxTransformer2DModel"):
        reading(other, evaluation().of(ToyWorld(), 2, 0), sets)


def test_one_channel_of_each_block_by_its_rank(sets):
    top = sets.of("top", 3)
    for rank in range(3):
        assert [row.tolist() for row in sets.of("one of the top", 1, rank)] == [[int(row[rank])] for row in top]

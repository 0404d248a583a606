"""Chapter 6's two looks afterwards: prompts of one background, and a part taken away in one block."""

import numpy as np
from fewchannels.studies.cases import toy_case
from fewchannels.studies.reasons import one_background, parts_in_blocks
from fewchannels.sweep import sweep


def test_prompts_of_one_background_differ_in_their_subject_alone(toy, monkeypatch):
    asked = []
    generate = toy.generate
    monkeypatch.setattr(
        toy, "generate", lambda prompts, **more: asked.append(list(prompts)) or generate(prompts, **more)
    )
    sets = {"top": _few(toy)}
    cells = sweep(one_background(toy, sets, backgrounds=2, n=3, steps=2))
    assert cells["levels, background 1"]["level"].shape == (3, 2, len(toy.layers), 2, 2)
    for prompts in asked:
        assert len({text.partition(" on a ")[2] for text in prompts}) == 1
        assert len({text.partition(" on a ")[0] for text in prompts}) == 3
    assert len({prompts[0].partition(" on a ")[2] for prompts in asked}) == 2


def test_a_part_is_taken_away_in_one_block_only(toy):
    case = toy_case(toy, 2, steps=2, features=False)
    made = parts_in_blocks(case, _few(toy))
    assert len(made) == 2 * len(toy.layers)
    cells = sweep({name: made[name] for name in ("no level in block 1", "no pattern in block 1")})
    assert not np.allclose(cells["no level in block 1"]["change"], cells["no pattern in block 1"]["change"])
    assert (cells["no pattern in block 1"]["change"] > 0).all()


def _few(toy):
    from fewchannels.channels import ChannelSet

    return ChannelSet([[3, 40]] * len(toy.layers), 192)

"""Layers and steps, in whatever form, mean the same everywhere: capture, edits, sinks, sweeps, transport."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.choices import chosen_layers, chosen_steps
from fewchannels.sweep.conditions import complete
from fewchannels.watch.trajectories import record

NAMES = tuple(f"blocks.{i}" for i in range(4))
MASK = [True, False, False, True]
SAME = [
    [0, 3],
    [0, -1],
    np.array([0, 3]),
    torch.tensor([0, -1]),
    (np.int64(0), torch.tensor(3)),
    {0, 3},
    range(0, 4, 3),
    slice(None, None, 3),
    slice(np.int32(0), torch.tensor(4), 3),
    MASK,
    np.array(MASK),
    torch.tensor(MASK),
    [np.bool_(one) for one in MASK],
    [torch.tensor(one) for one in MASK],
    (one for one in [0, 3]),
    [slice(0, 1), -1],
]


@pytest.mark.parametrize("given", SAME, ids=lambda given: f"{type(given).__name__}")
def test_the_first_and_the_last_in_every_form(given):
    given = list(given) if hasattr(given, "__next__") else given
    assert chosen_layers(NAMES, given) == {0, 3}
    assert chosen_steps(given, 4) == {0, 3}


@pytest.mark.parametrize("one", [-1, np.int64(3), np.array(3), torch.tensor(-1), np.uint8(3)])
def test_one_number_in_every_form(one):
    assert chosen_layers(NAMES, one) == chosen_steps(one, 4) == {3}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (True, "expected whole numbers"),
        ([True, 2], "expected whole numbers"),
        (1.0, r"=1.0: expected whole"),
        (np.array([0.0, 1.0]), "expected whole numbers"),
        ([None], "expected whole numbers"),
        ([[0, 1]], "expected whole"),
        (np.zeros((2, 2), int), r"of shape \(2, 2\)"),
        (MASK[:3], "a mask of 3 truth values, and there are 4"),
        (4, "4 is out of range"),
        (-5, "-5 is out of range"),
        (slice(0.5), "expected whole numbers"),
    ],
)
def test_what_is_no_choice_is_refused_by_both(given, words):
    for choose in (lambda: chosen_layers(NAMES, given), lambda: chosen_steps(given, 4, run=True)):
        with pytest.raises(ValueError, match=words):
            choose()


def test_steps_have_no_names_and_only_numbers_from_0_do_without_their_count():
    assert chosen_steps([0, 2], None) == {0, 2}
    assert chosen_steps(None, None) is None
    with pytest.raises(ValueError, match="steps='0': expected whole numbers"):
        chosen_steps("0", 4)
    for given in (MASK, slice(2), -1):
        with pytest.raises(ValueError, match="number of steps is not known"):
            chosen_steps(given, None)


@pytest.mark.parametrize("steps", [[0, -1], np.array([0, 2]), [True, False, True], (s for s in (0, 2))])
def test_capture_and_the_sinks_inside_it_take_the_same_steps(toy, prompts, steps):
    """A generator is read once, and serves every batch."""
    steps = list(steps) if hasattr(steps, "__next__") else steps
    with fc.capture(toy, stats := fc.ChannelStats(), steps=steps, layers=torch.tensor([True] + 5 * [False])):
        toy.generate(prompts[:2], steps=3, batch_size=1)
    with fc.capture(toy, kept := fc.KeepTokens(steps=steps, layers=torch.tensor(-6), dtype="float32")):
        toy.generate(prompts[:2], steps=3, batch_size=1)
    assert list(stats.steps) == kept.steps == [0, 2]
    assert stats.layers == kept.layers == toy.layers[:1]
    assert kept.array.mean(axis=3) == pytest.approx(stats.mean, rel=1e-5, abs=1e-5)


def test_kept_tokens_of_the_last_steps_follow_each_run(toy, prompts):
    with fc.capture(toy, kept := fc.KeepTokens(steps=-1, layers="transformer_blocks.2")):
        toy.generate(prompts[:1], steps=2)
    assert (kept.steps, kept.layers) == ([1], ("transformer_blocks.2",))
    with fc.capture(toy, kept := fc.KeepTokens(steps=slice(-2, None))):
        toy.generate(prompts[:1], steps=3)
    assert kept.steps == [1, 2]
    with pytest.raises(ValueError, match="layer 6 is out of range"), fc.capture(toy, fc.KeepTokens(layers=6)):
        toy.generate(prompts[:1], steps=2)


def test_edits_and_transport_take_numbers_of_numpy_and_torch(toy, prompts):
    plain = toy.generate(prompts[:1], steps=2)
    forms = [(3, 1), (np.int64(3), np.int64(1)), (torch.tensor(3), torch.tensor([-1]))]
    made = []
    for layer, step in forms:
        with fc.ablate(toy, [5, 163], layers=layer, steps=step) as done:
            made.append(toy.generate(prompts[:1], steps=2))
        assert np.argwhere(np.isfinite(done.change)).tolist() == [[0, 3, 1]]
    assert (made[0] == made[1]).all()
    assert (made[0] == made[2]).all()
    assert (made[0] != plain).any()
    moved = [
        fc.transport(toy, prompts[0], prompts[1], [5, 163], layers=layers, mask_layer=layer, mask_step=step, steps=2)
        for layers, layer, step in [
            ([2, 3], 3, 1),
            (np.array(2 * [False] + 2 * [True] + 2 * [False]), np.int64(-3), torch.tensor(-1)),
        ]
    ]
    assert (moved[0].masks == moved[1].masks).all()
    assert (moved[0].images == moved[1].images).all()
    with pytest.raises(ValueError, match="mask_step=True: expected"):
        fc.transport(toy, prompts[0], prompts[1], [5], mask_step=True, steps=2)


def test_numbers_that_never_ran_are_named_and_no_others(toy, prompts):
    with record(toy, [5], steps=np.array([1]), layers=np.int32(0)) as kept:
        toy.generate(prompts[:1], steps=2)
    assert (kept.steps, kept.layers) == ([1], [0])
    with pytest.raises(ValueError, match="step 2 is out of range"), record(toy, [5], steps=np.int64(2)):
        toy.generate(prompts[:1], steps=2)


def test_a_sweep_takes_them_too(prompts):
    row = {"prompts": prompts[:1], "channels": [5], "edit": "zero", "blocks": np.int64(3), "steps": np.array([1])}
    assert [complete(row, 0)[column] for column in ("blocks", "steps")] == [[3], [1]]
    for column, wrong in (("blocks", [True, False]), ("steps", 1.5), ("steps", "one")):
        with pytest.raises(ValueError, match=f"{column}=.*: expected"):
            complete({**row, column: wrong}, 0)

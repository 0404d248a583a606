"""Steps, branches and samples of every forward: labelled, never guessed."""

from types import SimpleNamespace

import pytest
import torch
from fewchannels.layouts import Labels, layout_of


class Guided(SimpleNamespace):
    """What Labels needs of a model, with a forward of the real signature."""


def labels_for(name, rows, samples, timesteps, tiny, run=True, pipeline=None):
    transformer, _ = tiny(name)
    model = Guided(layout=layout_of(name), transformer=transformer, pipeline=pipeline,
                   run=SimpleNamespace(samples=samples, steps=None) if run else None)  # fmt: skip
    labels, told = Labels(model), []
    for timestep in timesteps:
        hidden = torch.zeros(rows, 4, 8, 8) if labels.layout.grid == "latent" else torch.zeros(rows, 4, 4)
        given = {"hidden_states": hidden, "timestep": torch.full((rows,), timestep)}
        if labels.layout.grid == "img_ids":
            given["img_ids"] = torch.tensor([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]])
        labels.forward_begins(transformer, (), given)
        told.append((labels.step, {k: (v.start, v.stop) for k, v in labels.rows.items()}))
    return labels, told


def test_two_passes_are_labelled_in_turn(tiny):
    _, told = labels_for("ChromaTransformer2DModel", 2, 2, [9.0, 9.0, 5.0, 5.0, 1.0], tiny)
    assert told == [(0, {"cond": (0, 2)}), (0, {"uncond": (0, 2)}), (1, {"cond": (0, 2)}), (1, {"uncond": (0, 2)}),
                    (2, {"cond": (0, 2)})]  # fmt: skip


@pytest.mark.parametrize(("name", "order"), [("SD3Transformer2DModel", ("uncond", "cond")),
                                             ("DiTTransformer2DModel", ("cond", "uncond"))])  # fmt: skip
def test_a_doubled_batch_is_split_in_the_order_of_the_pipeline(name, order, tiny):
    _, told = labels_for(name, 6, 3, [9.0, 5.0], tiny)
    assert told == [(0, {order[0]: (0, 3), order[1]: (3, 6)}), (1, {order[0]: (0, 3), order[1]: (3, 6)})]


def test_a_pass_of_skip_layer_guidance_is_no_branch(tiny):
    """SD3 calls the transformer once more at the same timestep, with the conditional rows alone and layers skipped."""
    transformer, _ = tiny("SD3Transformer2DModel")
    model = Guided(layout=layout_of(transformer), transformer=transformer, pipeline=None,
                   run=SimpleNamespace(samples=2, steps=None))  # fmt: skip
    labels = Labels(model)
    for rows, expected in ((4, {"uncond", "cond"}), (2, set())):
        labels.forward_begins(transformer, (torch.zeros(rows, 4, 8, 8),), {"timestep": torch.ones(rows)})
        assert set(labels.rows) == expected
        assert labels.step == 0


def test_without_a_pipeline_to_ask_rows_are_samples_and_odd_batches_are_refused(tiny):
    labels, told = labels_for("SD3Transformer2DModel", 4, None, [9.0], tiny, run=False)
    assert told == [(0, {"cond": (0, 4)})]
    assert labels.samples == range(4)
    with pytest.raises(RuntimeError, match="batch of 5 for 2 samples; expected 2 or 4"):
        labels_for("SD3Transformer2DModel", 5, 2, [9.0], tiny)
    with pytest.raises(RuntimeError, match="does not tell whether guidance is on"):
        labels_for("SD3Transformer2DModel", 4, None, [9.0], tiny, run=False, pipeline=object())


def test_equal_timesteps_of_low_precision_are_told_apart_by_the_scheduler(tiny):
    """In bf16 the timesteps 1000 and 999 are one number; the scheduler's own count tells the steps apart."""
    transformer, _ = tiny("SD3Transformer2DModel")
    scheduler = SimpleNamespace(timesteps=torch.tensor([1000.0, 999.0]), step_index=None)
    pipeline = SimpleNamespace(scheduler=scheduler, do_classifier_free_guidance=False)
    labels = Labels(Guided(layout=layout_of(transformer), transformer=transformer, pipeline=pipeline, run=None))
    given = {"hidden_states": torch.zeros(1, 4, 8, 8), "timestep": torch.tensor([999.0]).bfloat16()}
    labels.forward_begins(transformer, (), given)
    scheduler.step_index = 1
    labels.forward_begins(transformer, (), given)
    assert (labels.step, labels.total, set(labels.rows)) == (1, 2, {"cond"})
    scheduler.timesteps, scheduler.step_index = torch.tensor([1000.0, 999.0]), None  # the next call of the pipeline
    labels.forward_begins(transformer, (), given)
    assert (labels.step, labels.trajectories, labels.samples) == (0, 2, range(1, 2))

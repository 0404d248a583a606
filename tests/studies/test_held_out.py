"""The fixed set: alike for every network, and what it says of a stream that is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fewchannels.studies.held_out import HeldOut, Spread
from tiny_training import WIDTH, tiny_pipeline

LARGE = 5


@pytest.fixture(scope="module")
def pipeline():
    """The last block adds a large number to one channel."""
    pipeline = tiny_pipeline()
    last = pipeline.transformer.transformer_blocks[-1]
    with torch.no_grad():
        last.ff.net[2].bias[LARGE] = 50
        last.norm1.linear.bias[5 * WIDTH + LARGE] = 1  # its gate of the MLP
    return pipeline


def test_one_pass_finds_the_large_channel_and_the_loss(pipeline):
    held_out = HeldOut(pipeline.vae, 8)
    assert held_out.t.diff().min() > 0
    found = held_out.measure(pipeline)
    # the output layer is zero, so the error is the target itself
    wanted = (held_out.noise - held_out.clean).square().mean()
    assert found["loss"] == pytest.approx(float(wanted), rel=1e-5)
    assert found["top"].shape == (2, 8)
    assert found["top"][1, 0] == LARGE
    assert found["by_level"].shape == (2, 4)
    assert found["size"][1] > 10 * found["size"][0]
    assert found["top_share"][1] > 0.9
    assert found["first"][1] > 0.9
    assert found["kurtosis"][1] > 0.8 * WIDTH
    again = HeldOut(pipeline.vae, 8)
    assert torch.equal(held_out.clean, again.clean)
    assert torch.equal(held_out.noise, again.noise)
    assert all(np.array_equal(found[name], array) for name, array in again.measure(pipeline).items())


def test_a_set_that_has_no_quarters_is_refused(pipeline):
    with pytest.raises(ValueError, match="n=6: expected a multiple of 4"):
        HeldOut(pipeline.vae, 6)


def test_a_normal_stream_has_no_channel_and_one_direction_is_seen_in_any_basis():
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(4, 500, 64, generator=generator)
    direction = torch.nn.functional.normalize(torch.randn(64, generator=generator), dim=0)
    pushed = normal + 30 * direction
    spread = Spread(2)
    for layer, tokens in enumerate((normal, pushed)):
        for rows in tokens.split(2):
            spread.add(rows, layer=layer, step=0, samples=range(2))
    found = spread.found()
    assert found["token_kurtosis"][0] == pytest.approx(3 * 64 / 66, rel=0.02), "of 64 values, scaled by their own size"
    assert found["kurtosis"][0] == pytest.approx(1, abs=0.02)
    assert found["rms"][0] == pytest.approx(1, rel=0.01)
    assert found["first"][0] < 0.03
    assert found["level"][0] < 0.01
    share = 900 / (900 + 64)
    for name in ("first", "level"):
        assert found[name][1] == pytest.approx(share, abs=0.02), name
    assert found["principal"][1] > found["first"][1]
    assert found["kurtosis"][1] < 5, "a direction is no channel"
    own = torch.zeros(4, 500, 64)
    own[..., 7] = 30
    spread = Spread(1)
    spread.add(normal + own, layer=0, step=0, samples=range(4))
    aligned = spread.found()
    assert aligned["kurtosis"][0] > 40
    assert aligned["first"][0] == pytest.approx(found["first"][1], abs=0.01)

"""Muon's steps have no basis, a rotated Adam is Adam in that basis, and RMSProp is Adam without momentum."""

from __future__ import annotations

import pytest
import torch
from fewchannels.toyworld.arms import rmsprop
from fewchannels.toyworld.optimisers import Muon, RotatedAdamW, orthogonalised, random_rotation, rotated


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(12, 12), (12, 40), (40, 12)])
def test_all_singular_values_come_near_one(shape):
    many = normal(3, *shape)
    found = orthogonalised(many)
    assert found.shape == many.shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(many, full_matrices=False)
    assert torch.allclose(found, (u * (u.mT @ found @ v.mT).diagonal(dim1=-2, dim2=-1)[:, None]) @ v, atol=1e-4)
    assert orthogonalised(torch.zeros(1, 4, 4)).abs().max() == 0


def test_a_step_of_muon_is_the_same_in_every_rotated_basis():
    turn, gradient = random_rotation(8, torch.Generator().manual_seed(1)), normal(8, 20)
    found = []
    for given in (gradient, turn @ gradient):
        matrix, vector = torch.nn.Parameter(torch.zeros(8, 20)), torch.nn.Parameter(torch.zeros(3))
        muon = Muon([{"params": [matrix], "orthogonal": True}, {"params": [vector]}], lr=0.1, betas=(0.9, 0.95))
        for _ in range(2):
            matrix.grad, vector.grad = given.clone(), torch.tensor([1.0, -2.0, 3.0])
            muon.step()
        found.append(matrix.detach())
        assert torch.allclose(vector.detach(), torch.tensor([-0.2, 0.2, -0.2]), atol=1e-2), "Adam's steps for the rest"
        assert set(muon.state[matrix]) == {"momentum"}
    assert torch.allclose(turn @ found[0], found[1], atol=1e-4)
    rms = float(found[0].square().mean().sqrt()) / 2
    assert rms == pytest.approx(0.1 * 0.7, rel=0.2), "a step's entries are about 0.7 learning rates"


@pytest.mark.parametrize(("shape", "axis"), [((24, 5), 0), ((5, 8), 1), ((8,), 0), ((8, 3, 1, 1), 0)])
def test_a_rotated_adam_is_adam_in_that_basis(shape, axis):
    turn, start = random_rotation(8, torch.Generator().manual_seed(1)), normal(*shape, seed=2)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(rotated(start, axis, turn))
    options = {"lr": 0.1, "betas": (0.9, 0.95), "weight_decay": 0.01}
    optimisers = RotatedAdamW([ours], {ours: axis}, turn, **options), torch.optim.AdamW([theirs], **options)
    for step in range(5):
        ours.grad = normal(*shape, seed=step + 3)
        theirs.grad = rotated(ours.grad, axis, turn)
        for optimiser in optimisers:
            optimiser.step()
    assert torch.allclose(rotated(ours.detach(), axis, turn), theirs.detach(), atol=1e-5)
    assert not torch.allclose(ours.detach(), start, atol=0.1)
    assert torch.allclose(rotated(rotated(start, axis, turn), axis, turn.T), start, atol=1e-5)


def test_what_is_not_rotated_is_left_to_adam():
    parameters = [torch.nn.Parameter(normal(8)) for _ in range(2)]
    rest = torch.nn.Parameter(parameters[1].detach().clone())
    turned = RotatedAdamW(parameters, {parameters[0]: 0}, random_rotation(8), lr=0.1)
    plain = torch.optim.AdamW([rest], lr=0.1)
    for p in (*parameters, rest):
        p.grad = torch.ones(8)
    turned.step()
    plain.step()
    assert torch.equal(parameters[1], rest)


def test_rmsprop_divides_each_gradient_by_its_running_size():
    p = torch.nn.Parameter(torch.zeros(2))
    optimiser = rmsprop({}, [{"params": [p], "weight_decay": 0.0}], 0.1)
    first, second = torch.tensor([1.0, -4.0]), torch.tensor([3.0, 2.0])
    p.grad = first.clone()
    optimiser.step()
    assert torch.allclose(p.detach(), -0.1 * first.sign(), atol=1e-6)
    p.grad = second.clone()
    optimiser.step()
    mean_square = (0.05 * 0.95 * first**2 + 0.05 * second**2) / (1 - 0.95**2)
    assert torch.allclose(p.detach(), -0.1 * (first.sign() + second / mean_square.sqrt()), atol=1e-5)

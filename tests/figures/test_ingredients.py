"""Figures and claims of chapter 11, on made-up trainings whose every number is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from fewchannels import plots
from fewchannels.figures import ingredients as figures
from fewchannels.metrics import Interval
from fewchannels.notebook.claims import read_claims
from fewchannels.studies.training import Training, by_seed

IMAGES = np.array([1024, 5664, 50_000])
BLOCKS = 3


def made(arm: str, seed: int, size: float, loss=(1.6, 1.0, 0.5), **more) -> Training:
    """A training whose size in the last block grows from 2 to this, half of it in the blocks before."""
    grown = np.array([2, size / 2, size])
    blocks = np.array([0.5, 0.5, 1])
    course = {"images": IMAGES, "loss": np.array(loss), "size": grown[:, None] * blocks}
    for name in ("kurtosis", "top_share", "principal", "first", "token_kurtosis"):
        course[name] = np.array(more.get(name, (0.1, 0.2, 0.4)))[:, None] * np.ones(BLOCKS)
    return Training(arm, seed, f"{arm}, seed {seed}", course)


@pytest.fixture
def arms():
    return {
        "base": [made("base", seed, 20 + seed) for seed in (0, 1)],
        "muon": [
            made(
                "muon", seed, 5, loss=(1.6, 1.2, 0.8), kurtosis=(1, 2, 3), principal=(0, 0, 0.3), top_share=(0, 0, 0.1)
            )
            for seed in (0, 1)
        ],
        "rotated_adam": [made("rotated_adam", 0, 4, principal=(0, 0, 0.1), top_share=(0, 0, 0.2))],
        "softmax1": [made("softmax1", seed, 10 * (20 + seed)) for seed in (0, 1)],
    }


@pytest.fixture
def found(arms):
    changes = {"base": (0.4, 0.1), "muon": (0.1, 0.1), "rotated_adam": (0.2, 0.1), "softmax1": (0.1, 0.2)}
    trainings = [one for some in arms.values() for one in some]

    def mean(measure, prompts, **fields):
        arm, top = prompts.split(",")[0], fields.get("channels") == "top"
        value = {"change": changes[arm][not top], "right": 0.9, "right by eye": 0.8}[measure]
        return Interval(value, value, value)

    return SimpleNamespace(
        mean=mean,
        index={
            "order": [one.name for one in trainings],
            "models": {one.name: {"arm": one.arm, "seed": one.seed} for one in trainings},
        },
        instruments={f"course of {one.name}": one.course for one in trainings},
    )


def test_measures_at_the_end_and_at_a_loss_are_the_last_blocks(arms):
    assert figures.at_end(arms, "size")["the recipe as it is"].tolist() == [20, 21]
    at = figures.at_end(arms, "size", loss=1.0)
    assert at["the recipe as it is"].tolist() == pytest.approx([10, 10.5])
    assert 2.5 < at["Muon on matrices"][0] < 5, "it comes down to this loss later"


def test_arms_beside_the_base_recipe_go_seed_by_seed(arms):
    beside = figures.beside_base(arms, "size")
    assert list(beside) == ["at equal images", "at equal loss"]
    assert beside["at equal images"]["softmax-1 attention"] == pytest.approx([10, 10])
    assert "the recipe as it is" not in beside["at equal images"]
    assert beside["at equal images"]["Adam in a rotated basis"] == pytest.approx([4 / 20]), "the seed that both have"
    muon = beside["at equal loss"]["Muon on matrices"][0]
    assert muon > beside["at equal images"]["Muon on matrices"][0], "the base recipe is earlier at that loss"


def test_courses_and_blocks(arms):
    courses = figures.courses(arms, "size", figures.FAMILIES["optimiser and rate"])
    assert list(courses) == ["the recipe as it is", "Muon on matrices", "Adam in a rotated basis"]
    x, mean, low, high = courses["the recipe as it is"]
    assert (x.tolist(), mean.tolist(), low.tolist(), high.tolist()) == (
        IMAGES.tolist(),
        [2, 10.25, 20.5],
        [2, 10, 20],
        [2, 10.5, 21],
    )
    table = figures.by_block(arms)
    assert table["values"][0].tolist() == pytest.approx(np.log2(np.sqrt(20 * 21) * np.array([0.5, 0.5, 1])))
    plots.table_of_numbers(**table, label="doublings")
    plots.lines(courses, "images", "size")


def test_what_was_begun_again_is_held_to_what_was_kept(arms):
    kept = arms["base"][0]
    begun = {name: kept.at_images(name, 1024) for name in ("loss", "size", "first")}
    assert figures.unlike({**begun, "top": np.zeros(8)}, kept, 1024) == []
    assert figures.unlike({**begun, "size": 1.05 * begun["size"]}, kept, 1024) == []
    assert figures.unlike({**begun, "size": 1.2 * begun["size"]}, kept, 1024) == ["size"]
    assert figures.unlike(begun, kept, 5664) == ["loss", "size", "first"]


def test_every_arm_belongs_to_a_family_and_has_a_name():
    listed = {arm for family in figures.FAMILIES.values() for arm in family}
    assert listed == set(figures.ARMS)
    assert all(figures.name_of(arm) for arm in listed)


def test_claims_are_about_what_they_say(arms, found):
    assert figures.value_at_end(arms["muon"], "kurtosis") == {0: 3, 1: 3}
    assert figures.factor(arms, "softmax1") == pytest.approx(np.log(10))
    assert figures.factor({**arms, "softmax1": arms["base"]}, "softmax1") == 0
    assert figures.largest_block(arms["base"]) == {0: 20, 1: 21}
    assert figures.grown_direction(arms["base"]) == pytest.approx({0: 0.2, 1: 0.2})
    less = figures.direction_falls_less(arms)
    assert less == pytest.approx(
        {
            "muon, seed 0": 0.3 / 0.4 - 0.1 / 0.4,
            "muon, seed 1": 0.3 / 0.4 - 0.1 / 0.4,
            "rotated_adam, seed 0": 0.1 / 0.4 - 0.2 / 0.4,
        }
    )
    assert figures.top_over_random(found, "base") == pytest.approx({0: 4, 1: 4})
    assert figures.less_critical(found, "rotated_adam") == pytest.approx({0: 0.5})


def test_readings_are_a_kind_a_measure(found):
    kinds = figures.readings(found, figures.QUALITY)
    assert kinds["by the judge"]["Muon on matrices"] == [0.9, 0.9]
    assert kinds["by the second reader"]["Adam in a rotated basis"] == [0.8]


def test_what_is_measured_has_the_form_that_its_claim_tests(arms, found):
    claims = read_claims("book/claims.yml")
    measured = {
        "ingredients_muon": by_seed(arms["muon"], arms["base"], "kurtosis"),
        "ingredients_direction_falls_less": figures.direction_falls_less(arms),
        "ingredients_rotated_stream_direction": figures.grown_direction(arms["muon"]),
        "ingredients_rotated_stream_harmless": figures.less_critical(found, "muon"),
        "ingredients_softmax1": figures.factor(arms, "softmax1"),
        "ingredients_magnitude_preserving": figures.largest_block(arms["rotated_adam"]),
        "ingredients_gate_of_t": figures.value_at_end(arms["base"], "size"),
    }
    holds = {name: claims[name].test(one).holds for name, one in measured.items()}
    assert holds == {
        "ingredients_muon": False,
        "ingredients_direction_falls_less": False,
        "ingredients_rotated_stream_direction": True,
        "ingredients_rotated_stream_harmless": True,
        "ingredients_softmax1": False,
        "ingredients_magnitude_preserving": True,
        "ingredients_gate_of_t": True,
    }

"""Figures and claims of chapter 10, on made-up courses whose every number is known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fewchannels.figures import birth as figures
from fewchannels.metrics import Interval
from fewchannels.notebook.claims import read_claims
from fewchannels.plots import DIVERGING, coloured
from fewchannels.studies.birth import Course

IMAGES = np.array([0, 1000, 10_000, 60_000, 100_000])
WIDTH, BLOCKS, K = 192, 6, 8
MOMENTS = len(IMAGES)


def made(top: np.ndarray, last=(1.5, 2, 6, 20, 18), first=(1.5, 2, 2, 8, 9), right=(0, 0.5, 0.9, 1, 1), gate_of=0):
    """A course in which the top channels `top` [L, K] have the given sizes in the first and the last block; the first
    of them the largest."""
    score = np.ones((MOMENTS, BLOCKS, WIDTH))
    energy = np.ones((MOMENTS, BLOCKS, WIDTH))
    for moment in range(MOMENTS):
        for block in range(BLOCKS):
            size = np.interp(block, [0, BLOCKS - 1], [first[moment], last[moment]])
            score[moment, block, top[block]] = np.linspace(size, (1 + size) / 2, K)
            energy[moment, block, top[block]] = [size**2, *[size] * (K - 1)]
    gate = np.zeros((BLOCKS, WIDTH))
    gate[-1, top[-1]] = gate_of
    gate += np.linspace(0, 0.1, WIDTH)
    instruments = {}
    for moment in range(MOMENTS):
        instruments[f"size of at {moment}"] = {
            "score": score[moment],
            "energy": energy[moment],
            "principal": np.full(BLOCKS, 0.5),
        }
        instruments[f"weights of at {moment}"] = {"gate": gate, "head": gate[-1]}
        instruments[f"masks of at {moment}"] = {"top": np.array([0.5, 0.6]), "random": np.array([0.1, 0.2])}
        instruments[f"look of at {moment}"] = {
            "pictures": np.full((2, 48, 48, 3), moment, np.uint8),
            "map": np.arange(288.0).reshape(2, 12, 12),
        }

    def mean(measure, *, prompts, **fields):
        moment = int(prompts.removeprefix("at "))
        value = {
            "right": right[moment],
            "change": {None: last[moment], "both": 1.0, "content": 0.9 - 0.1 * moment, "gain": 0.1}[
                fields.get("through")
            ],
        }[measure]
        return Interval(value, value - 0.01, value + 0.01)

    def minus(measure, one, other):
        assert one["prompts"] == other["prompts"]
        value = {"change": last, "to_source": first}[measure][int(one["prompts"].removeprefix("at "))]
        return Interval(value, value - 0.01, value + 0.01)

    found = SimpleNamespace(instruments=instruments, base=SimpleNamespace(k=K), mean=mean, minus=minus)
    return Told(found, IMAGES, tuple(f"at {moment}" for moment in range(MOMENTS)))


class Told(Course):
    """A course whose share of right colours is told."""

    @property
    def right(self):
        return np.array([self.found.mean("right", prompts=name).value for name in self.names])


def tops(start: int) -> np.ndarray:
    return np.tile(np.arange(start, start + K), (BLOCKS, 1))


@pytest.fixture
def trainings():
    """Equal weights share all eight of their channels, equal data none."""
    at = {"weights 0, data 0": 10, "weights 1, data 0": 50, "weights 0, data 1": 10, "weights 1, data 1": 50}
    return {name: made(tops(start), gate_of=1.0) for name, start in at.items()}


@pytest.fixture(scope="module")
def claims():
    return read_claims(Path(__file__).resolve().parents[2] / "book" / "claims.yml")


def test_every_claim_of_the_chapter_gets_the_number_it_is_about(trainings, claims):
    numbers = {
        "birth_last_block_first": (figures.earlier_in_the_last(trainings), 60_000 - 10_000),
        "birth_grows_after_quality": (figures.grown_since_fair(trainings), 18 / 6),
        "birth_foretold_by_gates": (figures.foretold_by_gates(trainings), (WIDTH - K / 2) / WIDTH),
        "birth_function_with_size": (figures.with_size(trainings), 1.0),
        "birth_content_then_gain": (figures.content_lost(trainings), 0.5 - 0.7),
        "birth_decay_does_not_undo": (figures.left_by_decay(trainings), 18 / 20),
    }
    for name, (found, expected) in numbers.items():
        assert list(found) == list(trainings), name
        assert found == pytest.approx(dict.fromkeys(trainings, expected)), name
        assert claims[name].test(found).holds, name
    # 18^2 of 18^2 + 7 * 18 at the end, 36 of 36 + 7 * 6 at the moment when the size passes 5
    taken = figures.taken_by_one(trainings)
    assert taken == pytest.approx(dict.fromkeys(trainings, 324 / (324 + 126) - 36 / (36 + 42)), abs=1e-3)
    assert claims["birth_one_takes_most"].test(taken).holds
    over = figures.channel_over_direction(trainings)
    end, start = (324 + 126) / (324 + 126 + WIDTH - K), (4 + 14) / (4 + 14 + WIDTH - K)
    assert over == pytest.approx(dict.fromkeys(trainings, (end - start) / 0.5), abs=1e-3)
    assert claims["birth_direction_before_channel"].test(over).holds
    weights = figures.weights_over_data(trainings)
    assert weights.value == 1
    assert claims["birth_weights_decide"].test(weights).holds


def test_what_never_came_about_is_told_apart(trainings):
    small = {"weights 0, data 0": made(tops(0), last=(1, 1, 2, 2, 2), first=(1,) * 5, right=(0,) * 5)}
    assert figures.earlier_in_the_last(small) == {"weights 0, data 0": 0}
    for unknown in (figures.grown_since_fair, figures.with_size, figures.content_lost, figures.taken_by_one):
        assert np.isnan(unknown(small)["weights 0, data 0"])
    late = {"weights 0, data 0": made(tops(0), first=(1,) * 5)}
    assert figures.earlier_in_the_last(late) == {"weights 0, data 0": 200_000 - 10_000}


def test_pairs_of_trainings_are_sorted_by_what_they_share(trainings):
    kinds = figures.shared(trainings)
    assert [len(pairs) for pairs in kinds.values()] == [2, 2, 2]
    assert all((own == 1).all() for own in kinds["same weights"].values())
    assert all((own == 0).all() for kind in ("same data", "neither") for own in kinds[kind].values())
    drawn = figures.overlaps(trainings)
    assert set(drawn["groups"]) == set(kinds)
    rng = np.random.default_rng(0)
    sets = [set(rng.choice(WIDTH, K, replace=False).tolist()) for _ in range(4000)]
    told = [len(a & b) / len(a | b) for a, b in zip(sets[::2], sets[1::2], strict=True)]
    assert drawn["lines"]["chance"] == pytest.approx(np.mean(told), abs=0.004)


def test_figures_take_the_untrained_model_at_their_left_end(trainings):
    for lines in (
        figures.sizes(trainings, -1),
        figures.kurtosis(trainings, 0),
        figures.drawn_right(trainings),
        figures.persists(trainings),
        figures.more_than_random(trainings, "mask"),
        figures.more_than_random(trainings, "carried"),
        figures.energies(trainings, -1),
        figures.ways(trainings),
    ):
        for x, *rows in lines.values():
            assert (np.diff(x) > 0).all()
            assert x[0] > 0
            assert all(np.shape(row) == (MOMENTS,) for row in rows)
    assert figures.sizes(trainings, -1)["weights 0, data 0"][1] == pytest.approx([1.5, 2, 6, 20, 18])
    assert figures.persists(trainings)["weights 0, data 0"][1].tolist() == [8] * 5
    assert figures.more_than_random(trainings, "mask")["weights 1, data 1"][1] == pytest.approx([0.4] * 5)
    (_, value, low, high) = figures.ways(trainings)["content"]
    assert value == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])
    assert (low == value).all()
    assert (high == value).all()
    one = np.ones(WIDTH)
    one[0] = 2
    expected = ((one - one.mean()) ** 4).mean() / one.var() ** 2
    course = trainings["weights 0, data 0"]
    course.found.instruments["size of at 0"]["score"] = np.tile(one, (BLOCKS, 1))
    assert figures.kurtosis({"weights 0, data 0": course}, 0)["weights 0, data 0"][1][0] == pytest.approx(expected)


def test_other_choices_are_told_in_doublings(trainings):
    turns = figures.turns(trainings)["groups"]
    assert turns["later in the first block"]["at 5 times"] == pytest.approx([np.log2(6)] * 3)
    assert turns["later in the first block"]["at 10 times"].value == pytest.approx(np.log2(200_000 / 60_000))
    assert turns["grown since right"]["90% of colours"].value == pytest.approx(np.log2(18 / 6))
    assert turns["grown in the decay"]["first block"].value == pytest.approx(np.log2(9 / 8))
    rows = figures.decided(trainings)["groups"]
    assert rows["k = 8"].value == 1
    assert 0 < rows["k = 32"].value < 1  # beyond the top all channels are of a size, and the first ones count


def test_a_model_without_scenes_has_no_masks(trainings):
    course = trainings["weights 0, data 0"]
    assert course.has("masks")
    del course.found.instruments["masks of at 2"]
    assert not course.has("masks")
    _, *rows = figures.more_than_random({"own": course}, "mask")["own"]
    assert np.isnan(rows).all()


def test_a_flipbook_s_pages_have_pictures_maps_and_all_channels(trainings):
    from fewchannels.widgets import Flipbook

    course = trainings["weights 0, data 0"]
    maps = figures.maps(course)
    assert maps.shape == (MOMENTS, 2, 12, 12)
    assert np.allclose(maps.mean(axis=(2, 3)), 0)
    assert np.allclose(maps.std(axis=(2, 3)), 1)
    pages = figures.pages(course, coloured(maps, DIVERGING, -3, 3, side=8))
    assert pages["images"].shape == (MOMENTS, 4, 96, 96, 3)
    assert (pages["images"][3, 0] == 3).all()
    assert pages["axes"] == {"images seen": IMAGES.tolist()}
    _, chosen, names = pages["skyline"]
    assert np.flatnonzero(chosen[0]).tolist() == list(range(10, 18))
    assert len(names) == BLOCKS
    Flipbook(**pages)

"""The disruption probe: its conditions are what they say they are, and its numbers are paired and resampled as told."""

from __future__ import annotations

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.origins import generator_of
from fewchannels.studies import critical, disruption
from fewchannels.studies.cases import calibrate
from fewchannels.studies.disruption import OTHER_SCORE, OWN_TOP, Bench, Probe
from fewchannels.studies.files import load_study, save_study
from fewchannels.studies.grain import cells_of
from fewchannels.sweep import sweep

N, STEPS = 2, 3


@pytest.fixture(scope="module")
def bench():
    model = fc.load("toyworld")
    calm = fc.prompts.toyworld_prompts(4, "calibration")
    case = critical.probe_case(model, N, steps=STEPS, pictures=True)
    return Bench(case, calibrate(model, calm, steps=STEPS), calm[:2])


@pytest.fixture(scope="module")
def cells(bench):
    probes = [
        Probe(), Probe(kind="bottom"), Probe(kind=OWN_TOP), Probe("resample"), Probe(strength=0.5),
        Probe(layers=(1,), where="in block 1"), Probe("shift", "bottom"), Probe(stream="text"),
    ]  # fmt: skip
    return critical.base(bench.case) | sweep(bench.cells(probes))


def test_names_say_what_was_done():
    assert Probe().name == "zero top 8"
    assert Probe("shuffle", "random 2", 4, (1,), where="in block 1").name == "shuffle random 2 of 4 in block 1"
    assert Probe(strength=0.5, stream="text").name == "zero top 8 by 0.5 on text"


def test_every_condition_of_the_study_has_a_name_of_its_own(bench):
    probes = [*critical.headline(bench), *critical.edits(), *critical.widths(), *critical.doses(), *critical.blocks(6),
              *critical.zones(6, 8), *critical.sensitivity(bench), *critical.text()]  # fmt: skip
    by_name: dict[str, Probe] = {}
    for probe in probes:
        assert by_name.setdefault(probe.name, probe) == probe
    assert len(by_name) > 90


def test_zones_cover_every_block_and_step_once():
    nine = [p for p in critical.zones(7, 8) if p.kind == "top"]
    assert len(nine) == 9
    seen = sorted((layer, step) for p in nine for layer in p.layers for step in p.steps)
    assert seen == [(layer, step) for layer in range(7) for step in range(8)]


def test_cells_measure_what_the_probe_does(cells):
    top, bottom = cells["zero top 8"], cells["zero bottom 8"]
    assert top["change"].shape == (N,)
    assert top["pictures"].shape == (N, 48, 48, 3)
    assert (cells["untouched"]["change"] == 0).all()
    assert (cells["another seed"]["change"] > 0).all()
    assert (top["moved"] > bottom["moved"]).all()
    assert (top["energy"] < 0.95).all()
    # half of the way takes away about a quarter of the square and leaves the rest
    assert cells["zero top 8 by 0.5"]["moved"] == pytest.approx(top["moved"] / 2, rel=0.25)
    assert (cells["zero top 8 in block 1"]["change"] < top["change"]).all()
    # the shift is as large as the top channels, not as the bottom ones that carry it
    assert cells["shift bottom 8"]["moved"].mean() > 3 * bottom["moved"].mean()
    assert cells["zero top 8 on text"]["change"].max() > 0


def test_the_coarse_part_is_a_part_of_the_change(bench, cells):
    assert (cells["zero top 8"]["coarse"] <= cells["zero top 8"]["change"] + 1e-6).all()
    image = np.random.default_rng(0).integers(0, 255, (1, 48, 48, 3), dtype=np.uint8)
    assert cells_of(image).shape == (1, 12, 12, 16, 3)
    assert cells_of(image)[0, 1, 2].mean(axis=0) == pytest.approx(image[0, 4:8, 8:12].mean(axis=(0, 1)) / 255)


def test_noise_that_stays_in_the_picture_is_recognised(bench):
    start = np.stack([torch.randn(3, 48, 48, generator=generator_of(0, i)).numpy() for i in range(N)])
    noisy = bench.case.untouched.astype(float) + 40 * start.transpose(0, 2, 3, 1)
    other = bench.case.untouched.astype(float) + 40 * start[::-1].transpose(0, 2, 3, 1)
    found = [bench.case.measure(images.clip(0, 255).astype(np.uint8))["noise"] for images in (noisy, other)]
    assert (found[0] > 0.8).all()
    assert (np.abs(found[1]) < 0.1).all()
    assert (bench.case.measure(bench.case.untouched)["noise"] == 0).all()


def test_resampling_keeps_more_of_the_energy_than_zero(cells):
    assert abs(cells["resample top 8"]["energy"] - 1).max() < abs(cells["zero top 8"]["energy"] - 1).min()


def test_the_ranking_of_each_prompt_is_its_own(bench, cells):
    sets = bench.channels(Probe(kind=OWN_TOP))
    assert len(sets) == N
    assert sets[0].sizes == (8,) * 6
    assert any(set(a) != set(b) for a, b in zip(sets[0], sets[1], strict=True))
    assert cells[f"zero {OWN_TOP} 8"]["change"].shape == (N,)


def test_shares_count_blocks_that_are_left_alone_as_nothing(bench):
    every, one = bench.shares(Probe()), bench.shares(Probe(layers=(0,)))
    assert every["count"] == 8
    assert every["width"] == pytest.approx(8 / 192)
    assert one["width"] == pytest.approx(8 / 192 / 6)
    assert one["energy"] < every["energy"] / 4
    assert bench.shares(Probe("noise", "bottom"))["energy"] == every["energy"]
    assert bench.shares(Probe(strength=0.5))["energy"] == pytest.approx(every["energy"] / 4)
    assert bench.shares(Probe(kind="bottom"))["energy"] < 0.1 * every["energy"]
    assert bench.shares(Probe(kind="energy-matched"))["energy"] == pytest.approx(
        np.mean([e * (b in bench.matched_layers(8)) for b, e in
                 enumerate(bench.calibration.shares(bench.sets(8)["energy-matched"])["energy"])])
    )  # fmt: skip


def test_an_unknown_set_is_named_and_what_there_is(bench):
    with pytest.raises(ValueError, match=r"kind='tpo'.*bottom"):
        bench.condition(Probe(kind="tpo"))()
    assert list(bench.cells([Probe(kind="tpo"), Probe()])) == ["zero top 8"]
    assert OTHER_SCORE in bench.sets(8)


def _cells(**columns):
    return {name.replace("_", " "): {"change": np.array(column, float)} for name, column in columns.items()}


def test_differences_are_paired():
    rng = np.random.default_rng(0)
    base = rng.normal(size=40) * 10
    cells = _cells(one=base + 1, other=base, more=base + rng.normal(size=40) * 0.1)
    got = critical.difference(cells, "one", "other")
    assert got == pytest.approx((1, 1, 1))
    crossed = critical.difference(cells, "one", ["other", "more"])
    assert 0.9 < crossed.low < crossed.value < crossed.high < 1.1


def test_a_ratio_and_a_difference_take_the_prompts_that_both_have():
    cells = {"a": {"agree": np.ones((3, 8))}, "b": {"agree": np.full((5, 8), 0.5)}}
    assert critical.ratio(cells, "b", "a").value == pytest.approx(0.5)
    assert critical.difference(cells, "a", "b", "right").value == pytest.approx(0.5)
    with pytest.raises(KeyError, match="no cell is called"):
        critical.effect(cells, "c")


def test_attributes_right_leaves_out_what_no_prompt_names():
    agree = np.ones((1, 8))
    agree[0, :4] = [0, np.nan, 1, 1]
    agree[0, -1] = 0  # "all" is no attribute of its own
    assert critical.attributes_right({"agree": agree})[0] == pytest.approx(5 / 6)
    assert np.isnan(critical.attributes_right({"change": np.zeros(2)})).all()


def test_distances_take_the_kernel_where_pictures_are_few():
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=(40, 32)), rng.normal(size=(40, 32)) + 3
    cells = {name: {"features": f} for name, f in (("untouched", near), ("another seed", near + 0.01), ("x", far))}
    name, found = critical.distances(cells, ["untouched", "x"])
    assert name == "Fréchet"
    assert found["x"] > 10 * found["untouched"]
    few = {name: {"features": cell["features"][:8]} for name, cell in cells.items()}
    name, found = critical.distances(few, ["untouched", "x"])
    assert name == "kernel"
    assert found["x"] > found["untouched"]


def test_a_study_comes_back_from_disk(bench, cells, tmp_path):
    kept = {name: {k: v for k, v in cell.items() if k != "pictures"} for name, cell in cells.items()}
    study = load_study(save_study(tmp_path / "c.safetensors", bench.case, kept, {"k": 8}))
    assert critical.effect(study.cells, "zero top 8") == pytest.approx(critical.effect(cells, "zero top 8"))


@pytest.fixture(scope="module")
def small_flux(flux):
    """FLUX.1 of random parts, at 32 x 48 px."""
    return fc.load(flux.pipeline, generation={"height": 32, "width": 48})


def test_another_model_goes_through_the_same_probes_and_keeps_them(small_flux, tmp_path):
    flux = small_flux
    case = critical.probe_case(flux, 2, steps=1, pictures=True)
    bench = Bench(case, calibrate(flux, ["a", "b"], steps=1), ["c", "d"], store=tmp_path)
    sizes = critical.sizes_of(4, bench.calibration.width)
    probes = {p.name: p for p in critical.headline(bench, 4) + critical.others(flux, bench, 4, sizes, 1)}
    wanted = ("zero top 4", "zero random 1 of 4", "resample top 4", "noise bottom 4", "zero top of each prompt 4",
              "zero top 4 on text")  # fmt: skip
    some = [probes[name] for name in wanted]
    cells = critical.base(case, tmp_path) | sweep(bench.cells(some), tmp_path, bench.key())
    assert len(cells) == 2 + 6
    assert critical.CHANCE not in cells, "without a judge there is nothing to read"
    for cell in cells.values():
        assert cell["change"].shape == (2,)
        assert np.isfinite(cell["change"]).all()
        assert cell["pictures"].shape[0] == 2
    assert cells["zero top 4"]["moved"].min() > 0
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    again = critical.base(case, tmp_path) | sweep(bench.cells(some), tmp_path, bench.key())
    assert all(path.stat().st_mtime_ns == time for path, time in written.items())
    np.testing.assert_array_equal(again["resample top 4"]["change"], cells["resample top 4"]["change"])


def test_where_hidden_states_are_too_many_the_probe_keeps_its_own_channels(small_flux, monkeypatch):
    flux = small_flux
    bench = Bench(critical.probe_case(flux, 2, steps=1), calibrate(flux, ["a", "b"], steps=1), ["c", "d", "e"])
    whole = bench._reference(Probe("resample", k=4))
    assert (whole.samples, whole.channels) == (3, None)
    two = 2 * 2 * int(bench.calibration.stats.count.max()) * sum(bench.sets(4)["top"].sizes)  # bytes of two prompts
    monkeypatch.setattr(disruption, "MOST_BYTES", two)
    few = bench._reference(Probe("resample", k=4))
    assert few.samples == 2
    assert few.channels is bench.sets(4)["top"]
    monkeypatch.setattr(disruption, "MOST_BYTES", 10)
    assert bench._reference(Probe("resample", k=4)) is None, "then the next of the batch stands in"
    assert bench.condition(Probe("resample", k=4))()["change"].shape == (2,)


def test_the_cost_counts_what_is_drawn(toy, flux):
    assert critical.pictures_of(toy, 24, 3, 8, 8) == 24 + 14 * 24 + 3 * _probes(toy, 8)
    resampled = 4 * (4 + 3 * 4 + 4)
    assert critical.pictures_of(flux, 16, 3, 12, 4) == 24 + 14 * 16 + 3 * _probes(flux, 12, 4) + resampled


def _probes(model, k, steps=8):
    kinds, sizes = critical.TURNED_KINDS, (1, k, 4 * k)
    names = {Probe(how, kind, size).name for how in critical.TURNED_EDITS for kind in kinds for size in sizes}
    probes = [*critical.edits(k), *critical.widths(sizes), *critical.doses(k), *critical.text(k),
              *critical.blocks(len(model.layers), k, ("top", "bottom", "random 1")),
              *critical.zones(len(model.layers), steps, k)]  # fmt: skip
    return len(names | {p.name for p in probes})


def test_a_deep_model_is_looked_at_in_some_blocks():
    assert [p.layers[0] for p in critical.blocks(57, kinds=("top",))] == [0, 8, 16, 24, 32, 40, 48, 56]
    assert critical.sizes_of(12, 3072) == [1, 12, 48]
    assert critical.sizes_of(4, 16) == [1, 4, 8]

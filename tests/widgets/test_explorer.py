"""The explorer without a browser: its own code reads run files and packed runs as Python wrote them."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import PIL.Image
import pytest
from fewchannels.channels import ChannelSet
from fewchannels.runfile import PROVENANCE, Run, save_run
from fewchannels.widgets import Explorer
from fewchannels.widgets.explorer_runs import AXES, run_scores
from fewchannels.widgets.packing import SMALLEST_ERROR, Block
from in_node import HOSTILE, Page, node

P, L, T, D, GRID = 3, 2, 4, 12, (3, 5)


def some_run(seed=0, merged=False, **provenance) -> Run:
    """Three prompts, two blocks, four steps; maps of two groups of channels, one of them at two steps only."""
    rng = np.random.default_rng(seed)
    tokens = rng.normal(rng.normal(0, 20, D), np.exp(rng.normal(0, 2, D)), (P, L, T, *GRID, D)).astype(np.float32)
    flat = tokens.reshape(P, L, T, -1, D)
    if merged:
        flat = np.moveaxis(flat, 0, 2).reshape(1, L, T, -1, D)
    shown, few = [[1, 4, 0], [2, 3, 5]], [[7], [8]]
    maps = {
        "shown": np.stack([tokens[:2, i][:, :, :, :, shown[i]] for i in range(L)], 1),
        "few": np.stack([tokens[1:, i][:, [0, 3]][:, :, :, :, few[i]] for i in range(L)], 1).astype(np.float16),
        "other": np.zeros((2, 2), np.float32),
    }
    index = {
        "layers": ["double.0", HOSTILE],
        "steps": [0, 2, 4, 6],
        "grid": list(GRID),
        "score": "mean_abs",
        "channels": {
            "top": ChannelSet(([1, 4], [2, 3]), D, "top 2").to_json(),
            "shown": {"indices": shown, "width": D, "label": "shown"},
            "few": {"indices": few, "width": D},
        },
        "maps": {
            "shown": {"axes": AXES, "channels": "shown", "samples": [0, 1], "steps": [0, 2, 4, 6]},
            "few": {"axes": AXES, "channels": "few", "samples": [1, 2], "steps": [0, 6]},
            "other": {"axes": ["what", "ever"]},
        },
    }
    pictures = rng.integers(0, 255, (2, P, 6, 8, 3), dtype=np.uint8)
    return Run(
        provenance={**dict.fromkeys(PROVENANCE), "model": "toy", "seed": 3, **provenance},
        prompts=["a red star", HOSTILE, "a blue ring"],
        stats={
            "mean": flat.mean(3),
            "mean_abs": np.abs(flat).mean(3),
            "max_abs": np.abs(flat).max(3),
            "var": flat.var(3),
            "count": np.full(flat.shape[:3], flat.shape[3]),
        },
        maps=maps,
        images={"": pictures[0], "top 2 at zero": pictures[1]},
        index=index,
    )


def read(path) -> list[dict]:
    return json.loads(node("tests/js/read_run.mjs", str(path)))


def read_widget(widget, folder) -> list[dict]:
    given = {"data": widget.data, "blob": base64.b64encode(widget.blob).decode("ascii")}
    (folder / "widget.json").write_text(json.dumps(given))
    return read(folder / "widget.json")


def agree(found: dict, run: Run, relative: float, of_range: float) -> None:
    """What was read is the run's, scores to a relative error and maps to a share of each map's range."""
    scores = run_scores(run)
    assert list(scores) == found["scoreNames"]
    for name, wanted in scores.items():
        values = np.reshape(found["scores"][name], (-1, T, L, D)).swapaxes(1, 2)
        np.testing.assert_allclose(values, wanted, rtol=relative * 1.001 + 1e-6, atol=1e-6 * wanted.max())
        along = np.reshape(found["along"][name], (L, T))
        np.testing.assert_allclose(along, wanted[..., 1].mean(0), rtol=relative * 1.001 + 1e-6)
    kept = {
        (name, sample, step)
        for name, entry in run.index["maps"].items()
        if entry["axes"] == AXES
        for sample in entry["samples"]
        for step in entry["steps"]
    }
    seen = set()
    for got in found["maps"]:
        name = "shown" if got["channel"] in run.index["channels"]["shown"]["indices"][got["layer"]] else "few"
        entry = run.index["maps"][name]
        step = entry["steps"].index(run.index["steps"][got["step"]])
        channel = run.index["channels"][name]["indices"][got["layer"]].index(got["channel"])
        wanted = run.maps[name][entry["samples"].index(got["prompt"]), got["layer"], step, :, :, channel]
        wanted = wanted.astype(np.float32)
        values = np.reshape(got["values"], got["shape"])
        assert np.abs(values - wanted).max() <= of_range * np.ptp(wanted) * 1.01 + 1e-5
        seen.add((name, got["prompt"], run.index["steps"][got["step"]]))
    assert seen == kept


def test_the_page_reads_a_run_file_as_it_was_written(tmp_path):
    run = some_run()
    (found,) = read(save_run(tmp_path / "run.safetensors", run, quality=None))
    agree(found, run, relative=0, of_range=0)
    assert (found["prompts"], found["layers"], found["steps"]) == (run.prompts, run.index["layers"], [0, 2, 4, 6])
    assert (found["model"], found["seed"], found["k"], found["score"]) == ("toy", 3, 2, "mean_abs")
    assert found["channels"] == {name: {"label": name, **given} for name, given in run.index["channels"].items()}
    for picture in found["pictures"]:
        pixels = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(picture["webp"]))).convert("RGB"))
        np.testing.assert_array_equal(pixels, run.images[picture["condition"]][picture["prompt"]])
    assert {picture["condition"] for picture in found["pictures"]} == {"", "top 2 at zero"}


def test_packed_runs_keep_the_precision_that_they_state(tmp_path):
    runs = [some_run(), some_run(1, edit={"label": "top 2 at zero"})]
    for error, levels in ((0.005, 100), (0.025, 32)):
        found = read_widget(Explorer(runs, score_error=error, map_levels=levels), tmp_path)
        assert [f["key"] for f in found] == ["run0", "run1"]
        assert [f["edit"] for f in found] == ["", "top 2 at zero"]
        for one, run in zip(found, runs, strict=True):
            agree(one, run, relative=error, of_range=0.5 / (levels - 1))
            assert f"{100 * error:g} %" in one["precision"]
            assert f"{50 / (levels - 1):.1f} %" in one["precision"]
    wanted = run_scores(runs[0])["abs_mean"]
    kept = np.reshape(found[0]["scores"]["abs_mean"], (P, T, L, D)).swapaxes(1, 2)
    assert np.abs(kept / wanted - 1).max() > 0.005  # the coarser statement is needed


def test_the_finest_scores_survive_leaps_over_their_whole_span(tmp_path):
    run = some_run()
    for name in ("mean", "mean_abs"):
        run.stats[name][...] = np.array([1.0, 1.02e-6, 1.0, 0.0], np.float32)[:T, None]  # from step to step
    (found,) = read_widget(Explorer(run, score_error=SMALLEST_ERROR), tmp_path)
    for name in ("abs_mean", "mean_abs"):
        kept = np.reshape(found["scores"][name], (P, T, L, D)).swapaxes(1, 2)
        np.testing.assert_allclose(kept, run.stats["mean"], rtol=1.01 * SMALLEST_ERROR)
    with pytest.raises(ValueError, match=r"score_error=0\.0001, .*expected 0\.000211 to 0\.5"):
        Explorer(run, score_error=1e-4)
    with pytest.raises(ValueError, match=r"error=0\.0001: expected 0\.000211 to 0\.5"):
        Block().log(run.stats["mean_abs"], error=1e-4)
    with pytest.raises(ValueError, match="levels=257: expected 2 to 256"):
        Block().linear(run.maps["shown"], levels=257)


@pytest.mark.parametrize("packed", [True, False])
def test_a_merged_run_and_one_of_a_single_prompt(tmp_path, packed):
    merged, single = some_run(merged=True), some_run()
    single.prompts, single.images = single.prompts[:1], None
    single.stats = {name: array[:1] for name, array in single.stats.items()}
    single.maps = {"shown": single.maps["shown"][:1]}
    single.index["maps"] = {"shown": {**single.index["maps"]["shown"], "samples": [0]}}
    for run, apart in ((merged, False), (single, True)):
        path = save_run(tmp_path / "run.safetensors", run)
        (found,) = read_widget(Explorer(path), tmp_path) if packed else read(path)
        assert found["perPrompt"] is apart
        agree(found, run, relative=0.005 if packed else 0, of_range=1)


def test_channels_of_the_page_are_a_channel_set(tmp_path):
    """The explorer's JSON is what ChannelSet.to_json gives."""
    code = f"""
        import {{ channelSet, explorerState, paneState }} from "./lib/fewchannels/widgets/js/explorer_state.js";
        const run = {{ prompts: ["a"], layers: ["x", "y"], steps: [0], width: {D}, k: 3, score: "abs_mean",
          perPrompt: true, scoreNames: ["abs_mean"], conditions: [""], channels: {{}}, mapSteps: [] }};
        const scores = Float32Array.from({{ length: {2 * D} }}, (_, i) => (i * 7) % 12);
        const pane = paneState({{ runs: [run] }}, explorerState({{ runs: [run] }}, {{}}), 0);
        console.log(JSON.stringify(channelSet(run, scores, pane, [])));
    """
    text = node("--input-type=module", "--eval", code)
    chosen = ChannelSet.from_json(text)
    assert (chosen.width, chosen.k, len(chosen)) == (D, 3, 2)
    scores = np.arange(2 * D) * 7 % 12
    assert [sorted(row) for row in chosen] == [sorted(np.argsort(-row)[:3]) for row in scores.reshape(2, D)]
    assert set(json.loads(text)) == set(chosen.to_json())


def test_hostile_strings_stay_strings():
    page = Page(Explorer(some_run(revision=HOSTILE), title=HOSTILE, key=HOSTILE, sample=HOSTILE).to_html())
    assert (page.tags.count("script"), page.tags.count("img")) == (3, 0)
    data = next(text for attributes, text in page.scripts if attributes.get("type") == "application/json")
    assert "<" not in data
    assert json.loads(data)["data"]["runs"][0]["about"]["revision"] == HOSTILE


def changed(**changes):
    def change(run):
        for name, value in changes.items():
            run.index[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: run.stats.clear(), "needs mean or mean_abs"),
        (lambda run: run.stats.update(var=np.zeros((1, 2))), "expected one shape"),
        (lambda run: run.prompts.pop(), "3 samples for 2 prompts"),
        (changed(layers=["a"]), "names 1 layers, the statistics have 2"),
        (changed(steps=[0]), "names 1 steps"),
        (changed(channels={"top": {"indices": [[1], [99]]}}), "expected 2 rows of 0 to 11"),
        (lambda run: run.index["maps"]["few"].update(steps=[0, 5]), "which the run's index does not have"),
        (lambda run: run.index["maps"]["few"].update(samples=[1]), "the index says"),
        (lambda run: run.maps["few"].fill(np.inf), "are not finite"),
    ],
)
def test_a_run_that_contradicts_itself_says_where(change, words):
    run = some_run()
    change(run)
    with pytest.raises(ValueError, match=words):
        Explorer(run)


def test_what_is_no_run_says_so(tmp_path):
    with pytest.raises(ValueError, match="dict is no Run"):
        Explorer({})
    with pytest.raises(ValueError, match="no runs"):
        Explorer([])
    with pytest.raises(ValueError, match="map_levels=1"):
        Explorer(some_run(), map_levels=1)
    with pytest.raises(FileNotFoundError):
        Explorer(tmp_path / "none.safetensors")

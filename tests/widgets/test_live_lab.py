"""The live lab beside Python: its second reader, draws, lines and run files, and the widget that carries it."""

from __future__ import annotations

import base64
import inspect
import json
import re
from pathlib import Path

import fewchannels as fc
import front_page
import live_lab_page
import numpy as np
import PIL.Image
import pytest
from fewchannels.channels import layer_energy, layer_scores
from fewchannels.notebook.chapters import prompts_for
from fewchannels.toyworld.by_eye import by_eye
from fewchannels.toyworld.prompts import format_prompt
from fewchannels.toyworld.scenes import random_scene
from fewchannels.widgets import LiveLab, bundle, live_weights
from fewchannels.widgets.live_lab import CALIBRATION, PIECE
from in_node import Page, node

ROOT = Path(__file__).parents[2]
LEVELS = 1  # how far a pixel may be from Python's
PAINTED = "0" * 9 + "3f03f03f0" + "0" * 18  # hexadecimal digits of four tokens each


@pytest.fixture(scope="module")
def stats(toy):
    with fc.capture(toy, found := fc.ChannelStats()):
        prompts = prompts_for(toy, CALIBRATION["prompts"], "calibration")
        toy.generate(prompts, seed=CALIBRATION["seed"], steps=CALIBRATION["steps"])
    return found


@pytest.fixture(scope="module")
def known(stats):
    return {"score": layer_scores(stats).tolist(), "energy": layer_energy(stats).tolist()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    live_weights.write(folder)
    return folder


def in_the_lab(engine, known, states, folder, picture=None):
    rgba = None
    if picture is not None:
        rgba = base64.b64encode(np.dstack([picture, np.full((48, 48), 255, np.uint8)]).tobytes()).decode()
    wishes = folder / "wishes.json"
    wishes.write_text(json.dumps({"known": known, "states": states, "picture": rgba}))
    found = json.loads(node("tests/js/lab_run.mjs", str(engine), str(wishes), str(folder)))
    for one in found:
        for name in ("untouched", "edited", "source"):
            if one[name] is not None:
                pixels = np.frombuffer(base64.b64decode(one[name]), np.uint8).reshape(48, 48, 4)
                one[name] = pixels[..., :3]
    return found


def run_lines(lines: str) -> dict:
    space: dict = {}
    exec(compile(lines, "copied", "exec"), space)
    return space


def test_the_second_reader_sees_what_python_sees(toy, tmp_path):
    """On a hundred pictures: clean, noisy, drawn by the model, and with its channels at zero."""
    clean = np.stack([random_scene((7, i)).image for i in range(44)])
    rng = np.random.default_rng(0)
    noise = rng.normal(0, rng.uniform(2, 40, (40, 1, 1, 1)), clean[:40].shape)
    noisy = np.clip(clean[:40] + noise, 0, 255).round().astype(np.uint8)
    prompts = prompts_for(toy, 8)
    with fc.ablate(toy, [124, 72], how="zero"):
        broken = toy.generate(prompts, seed=0, steps=4)
    pictures = np.concatenate([clean, noisy, toy.generate(prompts, seed=0, steps=4), broken])
    assert len(pictures) == 100
    path = tmp_path / "pictures.bin"
    path.write_bytes(pictures.tobytes())
    wanted = [format_prompt(one) for one in by_eye(pictures)]
    assert len(set(wanted)) > 60
    assert json.loads(node("tests/js/by_eye.mjs", str(path))) == wanted


def test_draws_are_numpys():
    found = json.loads(node("tests/js/lab_draws.mjs"))
    pool = np.arange(184) + 3
    choosing, shuffling = np.random.default_rng((0, 3)), np.random.default_rng(5)
    for k, drawn in zip((1, 8, 8, 64, 184), found["choices"], strict=True):
        assert drawn == choosing.choice(pool, k, replace=False).tolist()
    for order in found["orders"]:
        assert order == shuffling.permutation(pool).tolist()


SETS = [{"set": name, "k": k} for name in ("top", "next", "bottom", "random", "energy", "rest") for k in (4, 8)]
SETS += [{"set": "random", "k": 8, "draw": 3}, {"set": "energy", "k": 4, "draw": 2}]


@pytest.fixture(scope="module")
def sets_in_python(stats):
    """set, k, draw -> the lists that the library gives."""

    def found(set, k, draw=1):
        top = fc.top_channels(stats, k=k)
        rest = fc.ChannelSet(tuple(row[1:] for row in top.indices), top.width, "without the first")
        if set == "energy":
            matched = fc.energy_matched_channels(stats, rest, seed=draw - 1, outside=top)
            return [row.tolist() for row in matched.channels]
        chosen = {
            "top": lambda: top,
            "next": lambda: rest,
            "bottom": lambda: fc.bottom_channels(stats, k=k),
            "random": lambda: fc.random_channels(stats, outside=top, draws=draw)[-1],
            "rest": lambda: fc.complement(top),
        }[set]()
        return [row.tolist() for row in chosen]

    return found


def test_sets_are_the_librarys_channel_for_channel(known, sets_in_python):
    code = (
        'import { channelsOf } from "./lib/fewchannels/widgets/js/lab/sets.js";'
        'import { labState } from "./lib/fewchannels/widgets/js/lab/state.js";'
        f"const known = {json.dumps(known)}; const shape = {{ blocks: 6, width: 192, tokens: 144 }};"
        f"const found = {json.dumps(SETS)}.map((given) => channelsOf(known, labState({{ shape }}, given)).lists);"
        "process.stdout.write(JSON.stringify(found));"
    )
    for given, lists in zip(SETS, json.loads(node("--input-type=module", "--eval", code)), strict=True):
        wanted = sets_in_python(**given)
        if given["set"] == "rest":
            lists = [sorted(row) for row in lists]
        assert lists == wanted, given


COPIED = {
    "by hand": {"set": "hand", "hand": "124.72", "how": "scale", "factor": 1.5, "blocks": "1-4", "window": "0-7"},
    "a region": {"set": "hand", "hand": "124_72_124_124_5_124.7", "where": "painted", "paint": PAINTED, "steps": 8},
    "carried over": {"mode": "transport", "set": "hand", "hand": "124.72.37.94", "whose": "union", "strength": 0.75},
    "ranked": {"set": "top", "k": 8},
}
SLOWLY_COPIED = {
    "the subject": {"set": "next", "k": 8, "how": "shuffle", "where": "subject"},
    "the background": {"set": "bottom", "k": 8, "how": "own_mean", "where": "background"},
    "level": {"set": "random", "k": 8, "draw": 2, "how": "no_level"},
    "others of equal energy": {"set": "energy", "k": 8},
    "all others": {"set": "rest", "k": 32, "how": "scale", "factor": 0.5},
    "one's own pattern": {"mode": "transport", "k": 16, "part": "pattern", "whose": "source", "window": "4-15"},
    "everywhere": {"mode": "transport", "k": 16, "whose": "none", "blocks": "0-2"},
    "content": {"k": 8, "how": "scale", "factor": 1.5, "through": "content"},
    "gain": {"k": 8, "how": "scale", "factor": 1.5, "through": "gain"},
    "at the reads": {"k": 8, "through": "both"},
}


def same_picture(ours: np.ndarray, lines: str, name: str, space: dict) -> None:
    theirs = space[name][0]
    assert np.abs(ours.astype(int) - theirs).max() <= LEVELS, lines


@pytest.fixture(scope="module")
def copied(engine, known, tmp_path_factory):
    """What the lab gives for each state that is tried."""
    drawn = in_the_lab(engine, known, list(COPIED.values()), tmp_path_factory.mktemp("copied"))
    return dict(zip(COPIED, drawn, strict=True))


@pytest.fixture(scope="module")
def slowly_copied(engine, known, tmp_path_factory):
    drawn = in_the_lab(engine, known, list(SLOWLY_COPIED.values()), tmp_path_factory.mktemp("slowly"))
    return dict(zip(SLOWLY_COPIED, drawn, strict=True))


def held_to_python(found: dict) -> None:
    space = run_lines(found["lines"])
    same_picture(found["untouched"], found["lines"], "untouched", space)
    same_picture(found["edited"], found["lines"], "edited", space)
    assert found["change"] > 1e-5


@pytest.mark.parametrize("name", COPIED)
def test_copied_python_gives_the_pictures_of_the_page(copied, name):
    held_to_python(copied[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOWLY_COPIED)
def test_copied_python_gives_the_pictures_of_the_page_for_every_control(slowly_copied, name):
    if "through" in SLOWLY_COPIED[name] and "through" not in inspect.signature(fc.ablate).parameters:
        pytest.skip("this library edits in the stream alone")
    held_to_python(slowly_copied[name])


def test_a_picture_of_ones_own_is_carried_over_as_in_python(engine, known, tmp_path, monkeypatch):
    picture = random_scene((3, 5)).image
    state = {"mode": "picture", "picture": "own", "set": "hand", "hand": "124.72.37.94.11", "whose": "source"}
    (found,) = in_the_lab(engine, known, [state], tmp_path, picture)
    PIL.Image.fromarray(picture).save(tmp_path / "picture.png")
    monkeypatch.chdir(tmp_path)
    same_picture(found["edited"], found["lines"], "edited", run_lines(found["lines"]))


def test_the_run_file_is_a_run(toy, copied):
    found = copied["a region"]
    run = fc.load_run(found["run"])
    assert run.provenance["steps"] == 8
    assert run.index["lab"] == COPIED["a region"]
    chosen = fc.ChannelSet.from_json(run.index["channels"]["chosen"])
    assert [row.tolist() for row in chosen] == found["lists"]
    np.testing.assert_array_equal(run.images[""][0], found["untouched"])  # lossless
    np.testing.assert_array_equal(run.images["edited"][0], found["edited"])
    with fc.capture(toy, own := fc.ChannelStats()):
        toy.generate(run.prompts, seed=2, steps=8)
    for name, array in own.to_arrays().items():
        if name in run.stats:
            np.testing.assert_allclose(run.stats[name], array, rtol=2e-3, atol=2e-4, err_msg=name)
    assert set(run.stats) >= {"mean", "mean_abs", "max_abs", "var", "edited_mean"}
    assert 0 < np.abs(run.stats["edited_mean"] - run.stats["mean"]).max() < np.inf
    (read,) = json.loads(node("tests/js/read_run.mjs", found["run"]))  # the explorer opens it
    assert read["conditions"] == ["", "edited"]


def test_links_into_the_lab_name_states_that_it_holds(tmp_path):
    """In pages, chapters and the front page's figure; and the lab's own page has the addresses of all experiments."""
    addresses = {front_page.lab_address(strength).partition("#")[2] for strength in front_page.STRENGTHS}
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    }
    for text in texts.values():
        addresses |= {f"fc=lab;{found}" for found in re.findall(r"#fc=lab;([^\s\"\\)…]*)", text)}
    wishes = tmp_path / "links.json"
    wishes.write_text(json.dumps([f"#{address}" for address in sorted(addresses)]))
    kept = json.loads(node("tests/js/lab_links.mjs", str(wishes)))
    assert [address for address, fine in zip(sorted(addresses), kept, strict=True) if not fine] == []
    listed = json.loads(node("tests/js/lab_addresses.mjs"))
    page = texts[ROOT / "book" / "live_lab.md"]
    for one in [*listed["guesses"], *listed["tries"]]:
        assert f'<a href="{one["address"]}">{one["text"]}</a>' in page


def test_the_lab_opens_in_the_state_of_its_stored_example():
    state = (bundle.SOURCES / "lab" / "state.js").read_text(encoding="utf-8")
    start = re.search(r"export const START = \{(.*?)\};", state, re.DOTALL)[1]
    wanted = {"prompt": live_lab_page.PROMPT, "seed": live_lab_page.SEED, "steps": live_lab_page.STEPS}
    wanted |= {"k": live_lab_page.K, "how": "zero", "set": "top", "mode": "edit"}
    for name, value in wanted.items():
        assert f"  {name}: {json.dumps(value)}," in start


def test_the_bundle_is_fresh_and_writes_no_markup():
    text = bundle.LAB_BUNDLE.read_text(encoding="utf-8")
    assert text == bundle.build_lab(), "run python lib/fewchannels/widgets/bundle.py and commit live_lab.js"
    assert len(text.encode()) < 340_000
    for path in (bundle.SOURCES / "lab").glob("*.js"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source)
        assert not re.search(r"https?://", source), path.name


def test_the_widget_carries_what_the_page_needs(stats):
    lab = LiveLab(stats, base="live/", start={"seed": 5})
    scripts = Page(lab.to_html()).scripts
    assert [attributes.get("data-fc-module") for attributes, _ in scripts].count("live_lab") == 1
    (text,) = [text for attributes, text in scripts if attributes.get("type") == "application/json"]
    given = json.loads(text)
    assert given["data"]["shape"] == {"blocks": 6, "width": 192, "tokens": 144}
    assert (given["data"]["side"], given["state"]) == (48, {"seed": 5})
    values = np.frombuffer(base64.b64decode(given["blob"]), "<f8").reshape(2, 6, 192)
    np.testing.assert_array_equal(values, [layer_scores(stats), layer_energy(stats)])


def test_a_page_of_its_own_carries_the_weights(stats, engine):
    scripts = Page(LiveLab(stats).to_html()).scripts
    carried = {attributes["data-fc-live"]: text for attributes, text in scripts if "data-fc-live" in attributes}
    assert carried == {path.name: path.read_text() for path in engine.glob("*.js")}


def test_the_kernel_hands_the_weights_over_in_pieces(stats, engine, monkeypatch):
    lab, sent = LiveLab(stats), []
    monkeypatch.setattr(lab, "send", lambda content, buffers=None: sent.append((content, buffers)))
    name = sorted(path.name for path in engine.glob("weights-*.js"))[0]
    pieces = -(-(engine / name).stat().st_size // PIECE)
    for piece in range(pieces):
        lab._hand(lab, {"kind": "live", "name": name, "piece": piece}, [])
    assert [content["pieces"] for content, _ in sent] == [pieces] * pieces
    assert b"".join(buffers[0] for _, buffers in sent) == (engine / name).read_bytes()
    lab._hand(lab, {"kind": "live", "name": "../secret", "piece": 0}, [])
    assert "no piece" in sent[-1][0]["text"]


def test_statistics_of_another_model_are_refused(stats):
    class Narrow:
        mean, energy = stats.mean[..., :100], stats.energy[..., :100]

    with pytest.raises(ValueError, match="6 blocks of 100 channels"):
        LiveLab(Narrow())


def test_a_broken_example_is_refused(stats):
    with pytest.raises(ValueError, match="lacks edited"):
        LiveLab(stats, example={"untouched": np.zeros((48, 48, 3), np.uint8)})
    with pytest.raises(ValueError, match="float64"):
        LiveLab(stats, sample=np.zeros((48, 48, 3)))

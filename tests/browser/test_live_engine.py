"""The live engine in Chromium, from a server and from the disk: the same bits as in node, and the last wish wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from .own_pages import drawn_in_node, engine_page, same_bits, write_scripts
from .serving import serving

WISH = {
    "prompt": "a large red star at the left on a striped blue and white background",
    "seed": 3,
    "steps": 6,
    "edits": [{"how": "scale", "channels": [124, 72], "factor": 0.5, "through": "content"}],
}
BEGUN = 'window.begun = startEngine("live/");'
DRAW = """async (wish) => {
    const engine = await window.begun;
    const done = await engine.draw("edited", wish);
    const picture = btoa(String.fromCharCode(...done.picture));
    return { kernels: engine.about.kernels, latents: [...done.latents], picture };
}"""
TURNS = """async (wish) => {
    const engine = await window.begun;
    let steps = 0;
    const told = [];
    const onStep = () => steps++;
    const wishes = [0, 0.5, 1, 1.5].map((factor) =>
        engine.draw("edited", { ...wish, steps: 32, edits: [{ ...wish.edits[0], factor }] }, { onStep }));
    const stopped = engine.draw("other", { ...wish, steps: 64 }, { onStep: () => engine.stop("other") });
    for (const one of wishes) told.push((await one) !== null);
    return { told, stopped: (await stopped) === null, steps };
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = write_scripts(tmp_path_factory.mktemp("engine"))
    (folder / "index.html").write_text(engine_page(BEGUN), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def wanted(folder, tmp_path_factory) -> dict:
    return drawn_in_node(folder, [WISH], tmp_path_factory.mktemp("wishes") / "wishes.json")[0]


@pytest.fixture(scope="module")
def served(folder):
    with serving(folder) as server:
        yield f"{server.address}/index.html"


@pytest.mark.parametrize("where", ["a server", "the disk"])
def test_a_page_draws_the_same_bits(open_page, folder, served, wanted, where):
    page, watch = open_page(served if where == "a server" else (folder / "index.html").as_uri())
    found = page.evaluate(DRAW, WISH)
    assert found["kernels"] == "fused"
    same_bits(found, wanted)
    turns = page.evaluate(TURNS, WISH)
    assert turns["told"] == [False, False, False, True]
    assert turns["stopped"]
    assert turns["steps"] < 2 * 32
    assert watch.errors == []
    assert watch.foreign == []
    page.close()


def test_a_missing_part_is_said(open_page, folder, tmp_path):
    (tmp_path / "index.html").write_text((folder / "index.html").read_text())
    (tmp_path / "live").mkdir()
    scripts = sorted((folder / "live").iterdir())
    for script in scripts[:3]:
        (tmp_path / "live" / script.name).write_bytes(script.read_bytes())
    page, _ = open_page((tmp_path / "index.html").as_uri())
    said = page.evaluate("window.begun.then(() => '', (error) => error.message)")
    assert "could not be loaded" in said
    assert scripts[3].name in said
    page.close()

"""The live engine and the lab in Firefox, which nothing drives: pages do what is to be done and tell the test's server.

    apt-get install firefox-esr && pytest tests/browser/test_firefox.py      # FIREFOX: the path of another one

Where there is no Firefox the tests are skipped; with CI set that is a failure.
"""

from __future__ import annotations

import json
import os
import shutil

import pytest

from .own_pages import drawn_in_node, engine_page, lab_frame, same_bits, write_scripts
from .serving import left_alone, serving

# No page of its own, no question, no request to another host.
QUIET = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}
PROMPT = "a large red star at the left on a striped blue and white background"
SOURCE = "a small yellow ring at the right on a plain green background"
CHANNELS = {"channels": [124, 72]}
EDITS = [
    {"how": "scale", "factor": 0.5, "through": "content", **CHANNELS},
    {"how": "shuffle", **CHANNELS},
    {"how": "transport", "source": {"prompt": SOURCE}, **CHANNELS},
]
ENGINE = """
const told = { agent: navigator.userAgent, drawn: [] };
try {
    const engine = await startEngine("live/", { kernels: __KERNELS__ });
    told.kernels = engine.about.kernels;
    for (const wish of __WISHES__) {
        const { latents, picture } = await engine.draw("edited", wish);
        told.drawn.push({ latents: Array.from(latents), picture: btoa(String.fromCharCode(...picture)) });
    }
} catch (error) {
    told.error = `${error.message} ${error.stack}`;
}
await fetch("/told", { method: "POST", body: JSON.stringify(told) });
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def firefox(absent):
    program = os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if not program:
        absent("Firefox is missing: apt-get install firefox-esr, or set FIREFOX to its path.")
    return program


@pytest.fixture
def opened(firefox, tmp_path):
    """opened(url): a context with a headless Firefox of its own at that page."""

    def context(url: str):
        profile = tmp_path / "profile"
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in QUIET.items()]
        (profile / "user.js").write_text("\n".join(lines))
        return left_alone([firefox, "--headless", "--no-remote", "--profile", str(profile), url], tmp_path)

    return context


@pytest.mark.parametrize("kernels", ["fused", "simd", "plain"])
def test_the_engine_draws_the_same_bits_as_in_node(opened, tmp_path, kernels):
    wishes = [{"prompt": PROMPT, "seed": 3, "steps": 2 if kernels == "plain" else 6, "edits": [edit]} for edit in EDITS]
    folder = write_scripts(tmp_path / "engine")
    script = ENGINE.replace("__WISHES__", json.dumps(wishes)).replace("__KERNELS__", json.dumps(kernels))
    with serving(folder, {"/": engine_page(script)}) as server, opened(f"{server.address}/"):
        told = server.told()
    assert told.get("error") is None
    assert "Firefox/" in told["agent"]
    assert told["kernels"] == kernels
    wanted = drawn_in_node(folder, wishes, tmp_path / "wishes.json", kernels)
    for mine, theirs in zip(told["drawn"], wanted, strict=True):
        same_bits(mine, theirs)


def test_the_built_lab_starts_and_draws_in_firefox(opened, site):
    if not (site / "book" / "live_lab.html").exists():
        pytest.skip("This site has no live lab.")
    frame = lab_frame("book/live_lab.html", ["steps.4"])
    with serving(site, {"/frame.html": frame}) as server, opened(f"{server.address}/frame.html"):
        told = server.told()
    assert told["failed"] == ""
    assert told["errors"] == []
    assert "nothing leaves this page" in told["status"]
    assert min(told["colours"]) > 10

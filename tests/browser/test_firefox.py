"""The live engine and the lab in Firefox, which nothing drives: pages do what is to be done and tell the test's server.

    apt-get install firefox-esr && pytest tests/browser/test_firefox.py      # FIREFOX: the path of another one

Where there is no Firefox the tests are skipped; with CI set that is a failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess

import pytest

from .engine_page import drawn_in_node, page, same_bits, write_scripts
from .serving import serving

WAIT = 300  # seconds; a busy machine is slow, not wrong
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
    const engine = await startEngine("live/", { plain: __PLAIN__ });
    told.simd = engine.about.simd;
    for (const wish of __WISHES__) {
        const { latents, picture } = await engine.draw("edited", wish);
        told.drawn.push({ latents: Array.from(latents), picture: btoa(String.fromCharCode(...picture)) });
    }
} catch (error) {
    told.error = `${error.message} ${error.stack}`;
}
await fetch("/told", { method: "POST", body: JSON.stringify(told) });
"""
# The lab's page in a frame, started, until its picture is drawn.
WATCH = """<!doctype html><html lang="en"><meta charset="utf-8"><title>watch</title>
<iframe title="lab" width="1280" height="900" src="book/live_lab.html?embed&start#fc=lab;steps.4"></iframe>
<script>
const frame = document.querySelector("iframe");
const errors = [];
frame.addEventListener("load", () => {
    frame.contentWindow.addEventListener("error", (event) => errors.push(event.message));
});
const timer = setInterval(() => {
    const lab = frame.contentDocument?.querySelector(".fc-lab");
    const failed = frame.contentDocument?.querySelector("[data-fc-error]")?.textContent
        || lab?.querySelector(".fc-lab-failure")?.textContent;
    if (!failed && !lab?.dataset.fcRest) return;
    clearInterval(timer);
    const canvases = [...(lab?.querySelectorAll(".fc-pixel-canvas") || [])].slice(0, 2);
    const told = { errors, failed, status: lab?.querySelector(".fc-lab-status").textContent,
        colours: canvases.map((one) => new Set(one.getContext("2d").getImageData(0, 0, 48, 48).data).size) };
    fetch("/told", { method: "POST", body: JSON.stringify(told) });
}, 200);
</script></html>"""

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

    @contextlib.contextmanager
    def context(url: str):
        profile = tmp_path / "profile"
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in QUIET.items()]
        (profile / "user.js").write_text("\n".join(lines))
        command = [firefox, "--headless", "--no-remote", "--profile", str(profile), url]
        with open(tmp_path / "firefox.log", "wb") as log:
            process = subprocess.Popen(
                command, env={**os.environ, "HOME": str(tmp_path)}, stdout=log, stderr=log, start_new_session=True
            )
            try:
                yield
            except queue.Empty:
                said = (tmp_path / "firefox.log").read_text(errors="replace")[-2000:]
                pytest.fail(f"Firefox told nothing in {WAIT} s; exit status {process.poll()}. It printed: {said}")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # with its pages' processes
                process.wait(30)

    return context


@pytest.mark.parametrize("kind", ["simd", "plain"])
def test_the_engine_draws_the_same_bits_as_in_node(opened, tmp_path, kind):
    wishes = [{"prompt": PROMPT, "seed": 3, "steps": 6 if kind == "simd" else 2, "edits": [edit]} for edit in EDITS]
    folder = write_scripts(tmp_path / "engine")
    script = ENGINE.replace("__WISHES__", json.dumps(wishes)).replace("__PLAIN__", json.dumps(kind == "plain"))
    with serving(folder, {"/": page(script)}) as server, opened(f"{server.address}/"):
        told = server.told(WAIT)
    assert told.get("error") is None
    assert "Firefox/" in told["agent"]
    assert told["simd"] is (kind == "simd")
    wanted = drawn_in_node(folder, wishes, tmp_path / "wishes.json", kind)
    for mine, theirs in zip(told["drawn"], wanted, strict=True):
        same_bits(mine, theirs)


def test_the_built_lab_starts_and_draws_in_firefox(opened, site):
    if not (site / "book" / "live_lab.html").exists():
        pytest.skip("This site has no live lab.")
    with serving(site, {"/watch.html": WATCH}) as server, opened(f"{server.address}/watch.html"):
        told = server.told(WAIT)
    assert told["failed"] == ""
    assert told["errors"] == []
    assert "nothing leaves this page" in told["status"]
    assert min(told["colours"]) > 10

"""The explorer and the live lab in JupyterLab: a real server, a kernel with the toy world, Chromium."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CELL = """\
import torch
torch.set_num_threads(1)
import fewchannels as fc
from fewchannels.measure.recording import record_run, recorder
from fewchannels.widgets import Explorer
model = fc.load("toyworld", device="cpu")
run = record_run(model, ["a large red star at the left on a plain white background"], steps=3, shown=(3, 1, 1), k=4)
explorer = Explorer(run, ask=recorder(model, like=run))
explorer"""
LIVE = """\
import torch
torch.set_num_threads(1)
import fewchannels as fc
from fewchannels.widgets import LiveLab
model = fc.load("toyworld", device="cpu")
with fc.capture(model, stats := fc.ChannelStats()):
    model.generate(["a large red star at the left on a plain white background"], seed=1, steps=2)
lab = LiveLab(stats, start={"steps": 4})
lab"""
# What is asked for can be told from what was there by these.
PROMPT, SEED = "a small blue circle at the top on a plain green background", 5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory, absent):
    """Address of a notebook in a JupyterLab of its own: settings, run-time files and data are not the user's."""
    try:
        import jupyterlab  # noqa: F401
    except ImportError:
        absent("JupyterLab is missing: pip install -e '.[test]'")
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(CELL), nbformat.v4.new_code_cell("print(explorer.state['step'], model.run)")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "explorer.ipynb")
    cells = [nbformat.v4.new_code_cell(LIVE), nbformat.v4.new_code_cell("print(lab.state['seed'])")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "live.ipynb")
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}  # no question, no request
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    environment = {
        **os.environ,
        **own,
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "PYTHONPATH": str(ROOT / "lib"),
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("FEWCHANNELS_BOOK", None)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=few",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.allow_root=True",
    ]
    log = open(folder / "server.log", "wb")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 240  # a busy machine is slow, not wrong
        while True:
            if server.poll() is not None or time.monotonic() > until:
                pytest.fail(f"JupyterLab did not start:\n{(folder / 'server.log').read_text()}")
            try:
                urllib.request.urlopen(f"{address}/api/status?token=few", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        yield f"{address}/lab/tree/explorer.ipynb?token=few"
    finally:
        server.terminate()
        server.wait(30)
        log.close()


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """The notebook with its first cell run: (page, errors of scripts)."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(240_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.wait_for_function("document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'")
    page.keyboard.press("Shift+Enter")
    page.locator(".fc-explorer[data-fc-ready]").wait_for()
    yield page, errors
    page.close()


def test_the_explorer_is_live(notebook):
    page, errors = notebook
    slider = page.locator(".fc-explorer").get_by_label("Denoising step").first
    slider.press("Home")
    page.wait_for_timeout(600)
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
    output.wait_for()
    assert output.text_content().strip() == "0 None"  # Python knows where the slider is
    assert errors == []


def test_the_kernel_is_asked_for_another_prompt(notebook):
    page, errors = notebook
    asking = page.locator(".fc-ask")
    asking.get_by_label("Prompt").fill(PROMPT)
    asking.get_by_label("Seed", exact=True).fill(str(SEED))
    asking.get_by_label("Steps", exact=True).fill("2")
    asking.get_by_label("Edit").select_option("zero")
    asking.get_by_role("button", name="Run the model").click()
    status = asking.locator("[role=status]")
    page.wait_for_function("document.querySelector('.fc-ask [role=status]').textContent.includes('2 steps')")
    assert status.text_content().startswith(f"{PROMPT}, seed {SEED}, zero top 4")
    page.wait_for_function(f"document.querySelector('.fc-explorer').textContent.includes({PROMPT!r})")
    assert errors == []


def test_a_run_can_be_cancelled_and_the_model_is_free_again(notebook):
    page, errors = notebook
    asking = page.locator(".fc-ask")
    asking.get_by_label("Steps", exact=True).fill("190")
    asking.get_by_role("button", name="Run the model").click()
    page.wait_for_function("document.querySelector('.fc-ask progress').value > 0")  # it is at work
    began = time.monotonic()
    asking.get_by_role("button", name="Cancel").click()
    asking.get_by_text("Cancelled").wait_for()
    assert time.monotonic() - began < 30
    asking.get_by_label("Steps", exact=True).fill("1")
    asking.get_by_role("button", name="Run the model").click()  # waits for its turn: the cancelled run ends first
    page.wait_for_function("document.querySelector('.fc-ask [role=status]').textContent.includes('1 steps')")
    assert errors == []


def test_the_live_lab_takes_its_weights_from_the_kernel_and_draws(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(240_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.replace("explorer.ipynb", "live.ipynb"))
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.wait_for_function("document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'")
    page.keyboard.press("Shift+Enter")
    page.locator(".fc-lab[data-fc-ready]").wait_for()
    page.get_by_role("button", name="Start the model").click()
    page.locator(".fc-lab[data-fc-rest]").wait_for()
    page.get_by_label("Noise (seed)").select_option("7")
    page.wait_for_function("document.querySelector('.fc-lab').dataset.fcRest.includes('\"seed\":7')")
    assert float(page.locator(".fc-found dd").first.text_content()) > 0
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
    output.wait_for()
    assert output.text_content().strip() == "7"  # Python knows what was asked for
    assert errors == []
    page.close()

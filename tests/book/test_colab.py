"""Colab keeps its own torch, numpy, CUDA and widgets: what the install cell asks of pip is met by what it has.

`colab_packages.json` lists what Colab's runtimes come with, and says from where. The slow test runs the widgets under
Colab's versions of all that they touch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUNTIMES = json.loads((ROOT / "tests" / "colab_packages.json").read_text(encoding="utf-8"))["runtimes"]
# From 2024 and 2025: other hosted notebooks are past these, and what satisfies the requirements is left as it is.
# ipywidgets is older: Colab stays with 7.7.1, which its own notebooks need.
OLDER = {
    "accelerate": "0.34.2",
    "anywidget": "0.9.13",
    "diffusers": "0.35.1",
    "filelock": "3.14.0",
    "ipywidgets": "7.7.1",
    "joblib": "1.4.2",
    "matplotlib": "3.8.0",
    "numpy": "1.26.4",
    "pillow": "10.4.0",
    "plotly": "5.24.1",
    "psutil": "5.9.5",
    "pyyaml": "6.0.2",
    "safetensors": "0.4.5",
    "scikit-learn": "1.5.2",
    "scipy": "1.13.1",
    "tokenizers": "0.20.3",
    "torch": "2.6.0+cu124",
    "tqdm": "4.66.6",
    "transformers": "4.46.2",
    "huggingface-hub": "0.34.4",
}


def changed(lines: list[str], packages: dict[str, str]) -> list[str]:
    """The requirements for which pip would install or replace something where `packages` are installed."""
    asked = [Requirement(line) for line in lines]
    return [
        str(r)
        for r in asked
        if (has := packages.get(canonicalize_name(r.name))) is None or not r.specifier.contains(has, prereleases=True)
    ]


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_a_requirement_is_a_low_floor(line):
    requirement = Requirement(line)
    assert {specifier.operator for specifier in requirement.specifier} == {">="}, "no pin, no ceiling, no exclusion"
    assert not requirement.url
    assert not requirement.extras
    assert not requirement.name.startswith(("nvidia", "cuda", "triton", "torchvision", "torchaudio", "xformers"))
    assert requirement.specifier.contains(OLDER[requirement.name]), f"{line} would replace {OLDER[requirement.name]}"


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_install_cell_leaves_all_packages_of_colab_as_they_are(name):
    runtime = RUNTIMES[name]
    assert runtime["packages"]["ipywidgets"] == "7.7.1"
    assert changed(PROJECT["dependencies"], runtime["packages"]) == []
    assert SpecifierSet(PROJECT["requires-python"]).contains(runtime["python"])


def test_what_would_be_replaced_or_added_is_told():
    packages = RUNTIMES["2026.01"]["packages"]
    lines = ["ipywidgets>=8.0", "torch>=2.9", "no-such-package", "Scikit_Learn>=1.3"]
    assert changed(lines, packages) == ["ipywidgets>=8.0", "no-such-package"]


CELLS = [
    """import numpy as np
from fewchannels.runfile import PROVENANCE, Run
from fewchannels.widgets import ChannelBrowser, Explorer, Flipbook
flip = Flipbook(np.zeros((3, 8, 8, 3), np.uint8), {"k": [0, 1, 2]})
flip""",
    """scores = np.abs(np.random.default_rng(0).normal(size=(1, 2, 2, 8))).astype(np.float32)
ChannelBrowser(scores_abs_mean=scores, scores_mean_abs=scores, prompts=["a"], layers=["x", "y"], k=2)""",
    """run = Run(dict.fromkeys(PROVENANCE), ["a"], stats=dict.fromkeys(("mean", "mean_abs", "max_abs", "var"), scores))
asked = []
explorer = Explorer(run, ask=lambda request, report, stopped: asked.append(request) or run)
explorer""",
    """import time
def hear(widget, **data):  # as a front end says it
    widget._handle_msg({"content": {"data": {**data, "buffer_paths": []}}, "buffers": []})
hear(flip, method="update", state={"state": {"axis0": 2}})
hear(explorer, method="custom", content={"kind": "ask", "id": "q", "request": {"prompt": "b"}})
while not asked:
    time.sleep(0.01)
explorer.close()
import anywidget, ipywidgets
print(ipywidgets.__version__, anywidget.__version__, flip.state, asked)""",
    "explorer",
]
RUN_CELLS = """
import json, sys, nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(cell) for cell in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
print(nbformat.writes(notebook))
"""


@pytest.mark.slow
def test_the_widgets_run_on_colabs_versions(tmp_path, absent):
    packages = RUNTIMES["2026.01"]["packages"]
    names = ("anywidget", "ipykernel", "ipython", "ipywidgets", "jupyter-client", "psygnal", "traitlets")
    pins = [f"{name}=={packages[name]}" for name in names]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [python, "-m", "pip", "install", "-q", *pins, "numpy", "pillow", "safetensors", "nbclient", "setuptools<81"]
    if (done := subprocess.run(pip, capture_output=True, text=True)).returncode:
        absent(f"Colab's versions cannot be installed here: {done.stderr[-300:]}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "JUPYTER_PREFER_ENV_PATH": "1"}
    environment.pop("FEWCHANNELS_BOOK", None)
    command = [python, "-c", RUN_CELLS]
    run = subprocess.run(command, input=json.dumps(CELLS), capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    cells = json.loads(run.stdout)["cells"]
    for cell in cells[:3]:
        [output] = cell["outputs"]
        assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} == set(output["data"])
    said = "".join(cells[3]["outputs"][0]["text"])
    assert said == f"7.7.1 {packages['anywidget']} {{'axis0': 2}} [{{'prompt': 'b'}}]\n"
    assert set(cells[4]["outputs"][0]["data"]) == {"text/plain", "text/html"}, "closed: no view, and no error"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_install_cell_upgrades_nothing_and_runs_in_colab_alone(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    [install] = [source for source in sources if "pip install" in source]
    assert install == sources[0], "before anything is imported"
    assert 'if "google.colab" in sys.modules:\n    %pip install -q "git+https://' in install
    assert not {"-U", "--upgrade", "--force-reinstall", "-c", "torch", "numpy"} & set(install.split())
    assert "[" not in install.partition("pip install")[2], "no extra of this package"

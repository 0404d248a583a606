"""Colab keeps its own torch, numpy and CUDA: what the install cell asks of pip is met by older ones than it has."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# From 2024 and 2025: hosted notebooks are past these, and what satisfies the requirements is left as it is.
OLDER = {
    "accelerate": "0.34.2", "anywidget": "0.9.13", "diffusers": "0.35.1", "filelock": "3.14.0", "ipywidgets": "8.0.4",
    "joblib": "1.4.2", "matplotlib": "3.8.0", "numpy": "1.26.4", "pillow": "10.4.0", "plotly": "5.24.1",
    "psutil": "5.9.5", "pyyaml": "6.0.2", "safetensors": "0.4.5", "scikit-learn": "1.5.2", "scipy": "1.13.1",
    "tokenizers": "0.20.3", "torch": "2.6.0+cu124", "tqdm": "4.66.6", "transformers": "4.46.2",
    "huggingface-hub": "0.34.4",
}  # fmt: skip
PREINSTALLED = {"torch", "numpy", "scipy", "pillow", "matplotlib", "scikit-learn", "tqdm", "pyyaml", "plotly"}


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_a_requirement_is_a_low_floor(line):
    requirement = Requirement(line)
    assert {specifier.operator for specifier in requirement.specifier} == {">="}, "no pin, no ceiling, no exclusion"
    assert not requirement.url
    assert not requirement.extras
    assert not requirement.name.startswith(("nvidia", "cuda", "triton", "torchvision", "torchaudio", "xformers"))
    assert requirement.specifier.contains(OLDER[requirement.name]), f"{line} would replace {OLDER[requirement.name]}"


def test_what_colab_comes_with_is_among_them():
    assert {Requirement(line).name for line in PROJECT["dependencies"]} >= PREINSTALLED
    assert PROJECT["requires-python"] == ">=3.11"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_install_cell_upgrades_nothing_and_runs_in_colab_alone(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    [install] = [source for source in sources if "pip install" in source]
    assert install == sources[0], "before anything is imported"
    assert 'if "google.colab" in sys.modules:\n    %pip install -q "git+https://' in install
    assert not {"-U", "--upgrade", "--force-reinstall", "-c", "torch", "numpy"} & set(install.split())
    assert "[" not in install.partition("pip install")[2], "no extra of this package"

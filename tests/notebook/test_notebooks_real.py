"""Every notebook on three real pipelines of toy size: text beside the image, text by cross-attention, one fused row."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import notebook_runs
import papermill
import pytest

OFFLINE = {"HF_HUB_OFFLINE": "1", "FEWCHANNELS_BOOK": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    notebook_runs.save_all(folder)
    return folder


@pytest.mark.parametrize("name", ["FLUX.2-klein"])  # the one that is least like the toy; all of them below
def test_two_cells_and_one_step_of_every_notebook(folder, name):
    script = Path(notebook_runs.__file__)
    done = subprocess.run(
        [sys.executable, str(script), str(folder), name, "2"], capture_output=True, text=True, env=os.environ | OFFLINE
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert done.stdout.count(" ran") == len(notebook_runs.NOTEBOOKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", notebook_runs.MODELS)
@pytest.mark.parametrize("path", notebook_runs.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_whole_of_every_notebook(folder, tmp_path, monkeypatch, path, name):
    for key, value in OFFLINE.items():
        monkeypatch.setenv(key, value)
    wanted = notebook_runs.parameters_for(
        nbformat.read(path, as_version=4),
        {**notebook_runs.parameters(folder)[name], **notebook_runs.FEW, "n": 4, "steps": 2},
    )
    papermill.execute_notebook(
        str(path),
        str(tmp_path / path.name),
        parameters=wanted,
        kernel_name="python3",
        language="python",
        cwd=str(path.parent),
        progress_bar=False,
        execution_timeout=900,
    )

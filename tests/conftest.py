"""Shared models: the shipped toy world, a whole FLUX.1 pipeline of random parts, and bare transformers at toy size.

All are real classes of diffusers. Random weights have no massive channels; tests that need one plant it.
"""

from __future__ import annotations

import os
import shutil

import diffusers
import numpy as np
import pytest
import torch
from tiny_models import TINY
from tiny_pipelines import PIPELINES

# headless in a container, and nothing that Chromium itself would fetch
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
]

# Older than what the layouts were read from: see book/floors.py.
OLD = tuple(map(int, diffusers.__version__.split(".")[:2])) < (0, 42)

PROMPTS = [
    "a large red star at the center on a plain white background",
    "a small blue circle at the left on a plain green background",
    "a large green square at the top on a striped yellow background",
]


@pytest.fixture(scope="session")
def absent():
    """absent("what is missing"): skips on a developer's machine, fails where CI is set."""

    def say(what: str) -> None:
        if os.environ.get("CI"):
            pytest.fail(what)
        pytest.skip(what)

    return say


@pytest.fixture(scope="session")
def chromium(absent) -> list[str]:
    """The command that starts Chromium: its path, and what it is to do without."""
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if not found:
        absent("Chromium is missing: apt-get install chromium, or set CHROMIUM to its path.")
    return [found, *CHROMIUM_ARGS]


@pytest.fixture(scope="session")
def browser(chromium):
    """One headless Chromium for the session."""
    sync_api = pytest.importorskip("playwright.sync_api") if not os.environ.get("CI") else _playwright()
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium[0], args=chromium[1:])
        yield started
        started.close()


def _playwright():
    from playwright import sync_api

    return sync_api


@pytest.fixture(scope="session")
def prompts():
    """Three prompts that the toy world knows."""
    return list(PROMPTS)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tests run side by side; more threads than cores make each of them slower."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy():
    """The toy world as it is shipped."""
    import fewchannels as fc

    return fc.load("toyworld", device="cpu")


@pytest.fixture(scope="session")
def flux():
    """A whole random FLUX.1 pipeline, 2 + 2 blocks of width 32, as a loaded model."""
    import fewchannels as fc

    return fc.load(PIPELINES["FLUX.1"]().pipeline)


@pytest.fixture(scope="session")
def tiny():
    """tiny(class_name) -> (transformer, call): call(batch=2, height=4, width=6, timestep=0.5, seed=0) runs one forward
    on a grid of height x width tokens and returns the output tensor."""
    made = {}

    def build(name):
        if name not in made:
            if OLD and not hasattr(diffusers, name):
                pytest.skip(f"diffusers {diffusers.__version__} has no {name}")
            made[name] = TINY[name]()
        return made[name]

    build.names = sorted(TINY)
    return build


@pytest.fixture
def tokens():
    """Reproducible normal numbers: tokens(shape, seed=0) -> float32 tensor."""
    return lambda *shape, seed=0: torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()

"""Are the floors of pyproject.toml true? Installs exactly the oldest versions it allows, and runs what stands on them.

    python book/floors.py                   # a new environment in _build/floors, then the tests; minutes, some GB
    python book/floors.py --keep            # the environment of the last time

A floor is the oldest release with which everything below passes, not the oldest that imports: diffusers 0.35 asks for
`enable_gqa`, which torch has from 2.5 on, and FLUX.1's single blocks have the form of the table from 0.35 on.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parent.parent
WHERE = ROOT / "_build" / "floors"
# Whole files first; then, of the pipelines, those that the oldest diffusers and transformers have all the parts of.
TESTS = (
    [
        "tests/edits/test_ablation.py",
        "tests/edits/test_patching.py",
        "tests/masks/test_subjects.py",
        "tests/watch/test_statistics.py",
        "tests/layouts/test_layouts.py",
        "tests/layouts/test_residuals.py",
        "tests/layouts/test_subclasses.py",
    ],
    [
        "tests/test_real_pipelines.py",
        "tests/layouts/test_every_class.py",
        "tests/cli/test_command.py",
        "tests/models/test_loading.py",
        "-k",
        "FLUX.1 or SD3 or PixArt",
    ],
)


def floors() -> dict[str, str]:
    """Package -> the lowest version that pyproject.toml allows, of what the library needs and of pytest.

    Raises ValueError for a requirement that is no floor.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tests = [line for line in project["optional-dependencies"]["test"] if line.startswith("pytest>")]
    found = {}
    for line in (*project["dependencies"], *tests):
        match = re.fullmatch(r"([\w.-]+)>=([\w.]+)", line)
        if match is None:
            raise ValueError(f"{line!r} in pyproject.toml is no floor: expected name>=version")
        found[match[1]] = match[2]
    return found


def install(where: Path, wanted: dict[str, str]) -> Path:
    """A new environment with exactly these versions and the library; its Python. Stops where pip refuses."""
    shutil.rmtree(where, ignore_errors=True)
    where.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(where)], check=True)
    python = where / environment.venv_python().relative_to(environment.VENV)
    pins = [f"{name}=={version}" for name, version in wanted.items()]
    # All in one call, so that pip says where two floors exclude each other; the library last, which then adds nothing.
    for asked in (pins, ["--no-deps", "--editable", str(ROOT)]):
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--no-input", *asked], check=True)
    return python


def installed(python: Path) -> dict[str, str]:
    """Package -> version of an environment, names in small letters with hyphens."""
    command = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {one["name"].lower().replace("_", "-"): one["version"] for one in listed}


def same(version: str, floor: str) -> bool:
    """Whether an installed version is the floor: 0.35.0 is 0.35, and 2.5.0+cpu is 2.5."""
    numbers = [re.sub(r"([.]0)+$", "", text.partition("+")[0]) for text in (version, floor)]
    return numbers[0] == numbers[1]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--where", type=Path, default=WHERE, help="folder of the environment (default: _build/floors)")
    parser.add_argument("--keep", action="store_true", help="take the environment that is there")
    asked = parser.parse_args(arguments)
    environment.check_python()
    wanted = floors()
    python = asked.where / environment.venv_python().relative_to(environment.VENV)
    if not asked.keep:
        install(asked.where, wanted)
    have = installed(python)
    other = {name: have.get(name) for name, floor in wanted.items() if not same(have.get(name, ""), floor)}
    if other:
        sys.exit(f"{asked.where} does not hold the floors: {other}. Run this without --keep")
    print("Floors:", ", ".join(f"{name} {have[name]}" for name in wanted), flush=True)
    codes = [subprocess.run([str(python), "-m", "pytest", "-q", *tests], cwd=ROOT).returncode for tests in TESTS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

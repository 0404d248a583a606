"""The floors of pyproject.toml as book/floors.py reads them; `python book/floors.py` installs them and runs tests."""

import re
from pathlib import Path

import floors
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_every_requirement_has_a_floor():
    found = floors.floors()
    assert {"torch", "diffusers", "transformers", "numpy", "pytest"} <= set(found)
    for name, version in found.items():
        assert f'"{name}>={version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_what_is_no_floor_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(floors, "ROOT", tmp_path)
    for line in ("torch", "torch==2.5", "torch>=2.5,<3", "torch>2.5"):
        (tmp_path / "pyproject.toml").write_text(
            f'[project]\ndependencies = ["{line}"]\noptional-dependencies.test = []\n', encoding="utf-8"
        )
        with pytest.raises(ValueError, match=re.escape(repr(line))):
            floors.floors()


@pytest.mark.parametrize(
    ("version", "floor", "expected"),
    [
        ("2.5.0+cu124", "2.5", True),
        ("2.5.0", "2.5", True),
        ("2.5.1", "2.5", False),
        ("0.4.3", "0.4.3", True),
        ("2.50", "2.5", False),
        ("10.1.0", "10.1", True),
        ("10.0", "10", True),
        ("1.0", "10", False),
        ("", "2.5", False),
    ],
)
def test_an_installed_version_is_the_floor_or_not(version, floor, expected):
    assert floors.same(version, floor) is expected


def test_an_environment_of_other_versions_is_refused(monkeypatch, capsys):
    have = {**floors.floors(), "torch": "2.13.0"}
    monkeypatch.setattr(floors, "installed", lambda python: have)
    with pytest.raises(SystemExit, match=r"does not hold the floors: {'torch': '2\.13\.0'}"):
        floors.main(["--keep"])
    del have["numpy"]
    with pytest.raises(SystemExit, match="'numpy': None"):
        floors.main(["--keep"])


def test_the_tests_that_stand_on_them_are_there():
    named = [word for tests in floors.TESTS for word in tests if word.endswith(".py")]
    assert len(named) > 5
    assert all((ROOT / name).is_file() for name in named)
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "floors.yml").read_text(encoding="utf-8"))
    assert [step["run"] for step in workflow["jobs"]["floors"]["steps"] if "run" in step] == ["python book/floors.py"]

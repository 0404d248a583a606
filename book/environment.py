"""Makes the Python environment that the book needs, in `.venv`, and skips what is done.

    python book/environment.py             make or refresh .venv
    python book/environment.py --freeze    write what is installed now to constraints.txt

Runs on the standard library alone and is written so that an old Python can still read it and say what is missing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "few-channels.json"
OLDEST, NEWEST = (3, 11), (3, 13)
EXTRAS = ("book", "test")
NEEDED = ("fewchannels", "jupyter_book", "papermill", "pytest", "torch", "diffusers")


def venv_python():
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check_python():
    """Stop with a remedy where this Python is too old or too new, or cannot make environments."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        # Only what answers counts: a shim may stand on the PATH for a version that is not installed.
        names = ("python3.12", "python3.13", "python3.11")
        found = [name for name in names if shutil.which(name) and not _fails([name, "-c", ""])]
        remedy = (
            f"Run it with one that is here: make PYTHON={found[0]} book   (or: {found[0]} book/build.py)"
            if found
            else "Install Python 3.12 (from the system's packages, conda or pyenv), then: make PYTHON=python3.12 book"
        )
        here, oldest, newest = (".".join(map(str, version)) for version in (sys.version_info[:2], OLDEST, NEWEST))
        sys.exit(f"This is Python {here} ({sys.executable}), and the book needs {oldest} to {newest}.\n{remedy}")
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"This Python ({sys.executable}) has no module {' and '.join(missing)}, which makes the environment.\n"
            "On Debian and Ubuntu: sudo apt-get install python3-venv   (then run the same command again).\n"
            "With conda: conda env create -f environment.yml, conda activate few-channels, python book/build.py"
        )


def _fails(command):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20).returncode != 0
    except (OSError, subprocess.TimeoutExpired):
        return True


def wanted():
    """What .venv should hold: a digest of the dependencies in pyproject.toml and of the pins."""
    import tomllib  # not there before Python 3.11, which check_python asks for first

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = [
        json.dumps(project["dependencies"]),
        json.dumps({extra: project["optional-dependencies"][extra] for extra in EXTRAS}),
        json.dumps(project["scripts"]),
        (ROOT / "constraints.txt").read_text(encoding="utf-8"),
        str(ROOT),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_ready():
    """Whether this interpreter is an environment (conda's or a virtual one) that holds all that is needed."""
    inside = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    return inside and all(importlib.util.find_spec(name) is not None for name in NEEDED)


def ensure(newest=False):
    """Make or refresh .venv; return its Python.

    With `newest` the pins are left out: that is the weekly look at what the newest releases break.
    """
    check_python()
    python = venv_python()
    digest = wanted() + ("-newest" if newest else "")
    if python.exists() and STAMP.exists() and json.loads(STAMP.read_text(encoding="utf-8")).get("digest") == digest:
        return python
    began = time.monotonic()
    print("Environment: installing into .venv (about 150 packages; 2 to 10 minutes, most of it download)", flush=True)
    if not python.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)]).returncode != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit(
                "python -m venv failed. On Debian and Ubuntu: sudo apt-get install python3-venv, then run this again."
            )
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    if not sys.stdout.isatty():
        command.append("--quiet")
    if newest:
        command += ["--upgrade", "--upgrade-strategy", "eager"]
    else:
        command += ["--constraint", str(ROOT / "constraints.txt")]
    command += ["--editable", f"{ROOT}[{','.join(EXTRAS)}]"]
    if subprocess.run(command, cwd=str(ROOT)).returncode != 0:
        sys.exit(
            "pip could not install the packages (its own words are above).\n"
            "It needs to reach a Python package registry. Where the network was at fault, run the same command again:\n"
            "what was downloaded is kept. Where a pin has no build for this system, leave the pins out:\n"
            f"    {sys.executable} book/environment.py --newest"
        )
    STAMP.write_text(json.dumps({"digest": digest, "python": sys.version}, indent=1) + "\n", encoding="utf-8")
    print(f"Environment: ready in {time.monotonic() - began:.0f} s", flush=True)
    return python


def rerun_inside():
    """Go on in an environment that holds everything: this one, or .venv. Returns only in the first case."""
    if is_ready():
        return
    python = ensure()
    if Path(sys.executable).absolute() == python.absolute():
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        sys.exit(f"{VENV} lacks {', '.join(missing)}. Remove the folder .venv and run this again.")
    sys.exit(subprocess.call([str(python), *sys.argv]))


def freeze():
    """Write name==version of everything installed to constraints.txt: no addresses, no build tags, not ourselves."""
    header = [
        line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line.startswith("#")
    ]
    listed = subprocess.run(
        [str(venv_python()), "-m", "pip", "list", "--format=json", "--exclude-editable"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    skip = {"pip", "setuptools", "wheel", "fewchannels"}
    pins = [
        # A local tag such as +cpu exists for one system only, and pip lets torch==2.13.0 match 2.13.0+cpu.
        f"{package['name']}=={re.sub(r'[+].*', '', package['version'])}"
        for package in json.loads(listed)
        if package["name"].lower() not in skip
    ]
    text = "\n".join(header + sorted(pins, key=str.lower)) + "\n"
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    print(f"constraints.txt: {len(pins)} pins")


if __name__ == "__main__":
    check_python()
    if "--freeze" in sys.argv:
        freeze()
    else:
        ensure(newest="--newest" in sys.argv)

"""Runs the notebooks of _toc.yml with papermill into the build folder, and harvests what they keep.

    runs = run_all()                        # -> list[Run], in the order of _toc.yml
    runs[0].name, runs[0].seconds, runs[0].kept

Executed copies land in _build/src at the same relative path (so that the page's Colab button names the source), the
numbers in _build/results/<notebook>.json. A notebook is run again when its digest changes (contents.py).

References: papermill's execute_notebook; book pages glue the harvested records (MyST-NB, "glue").
"""

from __future__ import annotations

import concurrent.futures
import datetime
import json
import multiprocessing
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import contents
import yaml

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SRC = BUILD / "src"
RESULTS = BUILD / "results"
RUNNING = BUILD / "running"
OWN = BUILD / "own"


class NotebookFailed(Exception):
    """A notebook did not run to its end; the message shows the cell and the traceback."""


@dataclass(frozen=True)
class Run:
    """One notebook: its path below the root, seconds it took, when, and whether an earlier run was kept."""

    name: str
    seconds: float
    when: str
    kept: bool


def parse_parameters(pairs: list[str]) -> dict[str, object]:
    """["steps=4", "model=toyworld"] -> {"steps": 4, "model": "toyworld"}; values are read as YAML, else as text."""
    parameters = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise NotebookFailed(f"--set {pair!r}: expected NAME=VALUE, for example --set steps=8")
        parameters[name] = yaml.safe_load(value)
    return parameters


def run_all(only=(), parameters=None, again=False, jobs=1, timeout=1800) -> list[Run]:
    """Run the notebooks of _toc.yml (or those named in `only`) where they are not up to date.

    With `parameters` the copy goes to _build/own and leaves the site alone. A failure is told as it happens, the rest
    still runs, and NotebookFailed is raised in the end.
    """
    names = contents.toc_notebooks()
    if only:
        wanted = [name for name in names if Path(name).stem in {Path(item).stem for item in only}]
        if len(wanted) < len(only):
            here = ", ".join(Path(name).stem for name in names)
            raise NotebookFailed(f"--only {' '.join(only)}: not all of these are in _toc.yml. It holds: {here}")
        names = wanted
    else:
        _forget_others(names)
    if parameters:
        for name in names:
            _check_parameters(name, parameters)
    runs: list[Run] = []
    due = []
    for name in names:
        kept = None if again or parameters else _kept(name)
        if kept:
            runs.append(kept)
        else:
            due.append(name)
    failures = []
    for name, outcome in _outcomes(due, parameters or {}, timeout, jobs):
        if isinstance(outcome, Run):
            runs.append(outcome)
        else:
            failures.append(name)
            print(f"\n{outcome}\n", file=sys.stderr, flush=True)
    if failures:
        raise NotebookFailed(f"{len(failures)} of {len(names)} notebooks failed (told above): {', '.join(failures)}")
    return sorted(runs, key=lambda run: names.index(run.name))


def _outcomes(due, parameters, timeout, jobs):
    if jobs <= 1 or len(due) <= 1:
        for number, name in enumerate(due, 1):
            print(f"[{number}/{len(due)}] {name} ...", flush=True)
            outcome = _run(name, parameters, timeout, progress=sys.stdout.isatty())
            yield name, _said(name, outcome)
        return
    # together no more threads than cores: notebooks side by side on one thread each are quicker than in turn on two
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        waiting = {pool.submit(_run, name, parameters, timeout, False): name for name in due}
        print(f"Running {len(due)} notebooks, {jobs} at a time ...", flush=True)
        for future in concurrent.futures.as_completed(waiting):
            yield waiting[future], _said(waiting[future], future.result())


def _said(name, outcome):
    if isinstance(outcome, Run):
        print(f"  {name} ran in {outcome.seconds:.1f} s", flush=True)
    return outcome


def _run(name, parameters, timeout, progress) -> Run | str:
    """Execute one notebook. -> its Run, or the text that says how it failed."""
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    # threads that wait for each other by spinning are many times slower as soon as anything else runs on the machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["FEWCHANNELS_BOOK"] = "1"
    source = ROOT / name
    halfway = RUNNING / name
    halfway.parent.mkdir(parents=True, exist_ok=True)
    digest = contents.digest_of(name)  # of what is run, should it be edited meanwhile
    began = time.monotonic()
    try:
        papermill.execute_notebook(
            str(source),
            str(halfway),
            parameters=parameters,
            kernel_name="python3",
            language="python",
            cwd=str(source.parent),
            progress_bar=progress,
            execution_timeout=timeout,
            store_widget_state=False,
            request_save_on_cell_execute=True,
            extra_arguments=["--IPKernelApp.log_level=50"],  # it warns of local TCP, and of its own end
        )
    except papermill.PapermillExecutionError as error:
        return explain(name, error.exec_count, error.source, error.traceback, halfway)
    except CellTimeoutError as error:
        reason = str(error).strip().splitlines()
        return explain(name, None, "", [f"A cell took longer than {timeout} s.", *reason], halfway)
    except DeadKernelError as error:
        reason = ["The kernel died: often the machine ran out of memory.", str(error)]
        return explain(name, None, "", reason, halfway)
    seconds = time.monotonic() - began
    notebook = nbformat.read(halfway, as_version=4)
    sections = seconds_of_sections(notebook)
    clean(notebook)
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    if parameters:
        target = OWN / Path(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
        print(f"  executed copy: {target}", flush=True)
    else:
        target = SRC / name
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
        try:
            _harvest(name, target)
        except ValueError as error:
            return f"{name}: what it kept cannot be read. {error}"
        contents.note(name, digest, seconds, when, sections)
    halfway.unlink()
    return Run(name, seconds, when, kept=False)


def seconds_of_sections(notebook) -> dict[str, float]:
    """How long the cells of each section ran, by its second-level heading ("" before the first), from what papermill
    noted."""
    found: dict[str, float] = {}
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = contents.section_after(heading, cell.source)
        else:
            spent = cell.metadata.get("papermill", {}).get("duration") or 0.0
            found[heading] = found.get(heading, 0.0) + spent
    return found


def clean(notebook) -> None:
    """Take papermill's and widgets' traces out of an executed notebook, and hide the cell of injected parameters."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags and "remove-cell" not in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]


def explain(name: str, count: int | None, source: str, trace: list[str], halfway: Path) -> str:
    """The failing cell and its traceback, for a terminal."""
    numbered = "\n".join(f"  | {line}" for line in source.strip().splitlines())
    where = f", code cell [{count}]" if count is not None else ""
    text = "\n".join([f"{name}{where} failed.", *([numbered] if numbered else []), "", *trace])
    text += f"\n\nWhat ran before it: {halfway}\nOn its own: python book/build.py notebooks --only {Path(name).stem}"
    return text if sys.stdout.isatty() else re.sub(r"\x1b\[[0-9;]*m", "", text)


def _check_parameters(name, parameters):
    import nbformat
    import papermill

    # Without a kernel's name papermill does not look for parameters; ours need not carry one.
    notebook = nbformat.read(ROOT / name, as_version=4)
    notebook.metadata.setdefault("kernelspec", {"name": "python3", "language": "python"})
    halfway = RUNNING / "asked" / name
    halfway.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, halfway)
    known = papermill.inspect_notebook(str(halfway))
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        listed = ", ".join(f"{key} (default {value['default']})" for key, value in known.items()) or "none"
        raise NotebookFailed(f"{name} has no parameter {', '.join(unknown)}. It has: {listed}")


def _harvest(name, target):
    from fewchannels import notebook

    RESULTS.mkdir(parents=True, exist_ok=True)
    records = notebook.harvest(target)
    text = json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (RESULTS / f"{Path(name).stem}.json").write_text(text, encoding="utf-8")


def _kept(name) -> Run | None:
    noted = contents.noted(name)
    if noted is None or not (SRC / name).exists() or not (RESULTS / f"{Path(name).stem}.json").exists():
        return None
    return Run(name, noted["seconds"], noted["when"], kept=True)


def _forget_others(names):
    """Remove what notebooks left behind that _toc.yml no longer holds."""
    stems = {Path(name).stem for name in names}
    for file in RESULTS.glob("*.json"):
        if file.stem not in stems:
            file.unlink()
    for file in SRC.rglob("*.ipynb"):
        if str(file.relative_to(SRC).as_posix()) not in names:
            file.unlink()

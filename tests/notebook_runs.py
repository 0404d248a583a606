"""Run notebooks on toy-size real pipelines: models saved to folders, with judges of random weights, no network.

    save_all(tmp_path)                                   # {"SD3": {"model": folder, "options": {...}, "judges": {...}}}
    python tests/notebook_runs.py FOLDER SD3 2            # the first two cells of every notebook, one step

The quick form runs in one process, so that torch and diffusers are imported once for all notebooks.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODELS = ("SD3", "PixArt-Sigma", "FLUX.2-klein")  # text beside the image, text by cross-attention, one fused row
FEW = {"n": 2, "steps": 1, "k": 4, "train_on": 32}  # what every notebook takes, where it has such a parameter


def save_all(folder: Path, names=MODELS) -> dict[str, dict]:
    """Each pipeline and both judges as folders; -> parameters of a notebook by the pipeline's name, also as JSON."""
    import tiny_judges
    from tiny_pipelines import PIPELINES, guidance_of

    judges = {
        "clip": str(tiny_judges.save(tiny_judges.clip(), folder / "clip")),
        "segmenter": str(tiny_judges.save(tiny_judges.clipseg(), folder / "clipseg")),
    }
    found = {}
    for name in names:
        case = PIPELINES[name]()
        case.pipeline.save_pretrained(folder / name, safe_serialization=True)
        generation = guidance_of(case, on=True)
        generation.pop("negative_prompt", None)
        generation |= {"height": 64, "width": 96, "steps": 2}
        found[name] = {"model": str(folder / name), "options": {"generation": generation}, "judges": judges}
    (folder / "parameters.json").write_text(json.dumps(found))
    return found


def parameters(folder: Path) -> dict[str, dict]:
    """What `save_all` kept."""
    return json.loads((Path(folder) / "parameters.json").read_text())


def parameters_for(notebook, wanted: dict) -> dict:
    """Those of `wanted` that the notebook has."""
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    known = {line.partition("=")[0].strip() for line in cell.source.splitlines() if "=" in line}
    return {name: value for name, value in wanted.items() if name in known}


def first_cells(path: Path, wanted: dict, cells: int) -> list[str]:
    """The sources to run: all up to the parameters, these overwritten, the setup, and `cells` code cells more."""
    notebook = nbformat.read(path, as_version=4)
    found, after = [], None
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        found.append(cell.source)
        tags = cell.metadata.get("tags", [])
        if "parameters" in tags:
            found += [f"{name} = {value!r}" for name, value in parameters_for(notebook, wanted).items()]
            after = -1  # the setup cell comes next
        elif after is not None:
            after += 1
        if after == cells:
            break
    return found


def main(folder: str, name: str, cells: str) -> int:
    os.environ.update(HF_HUB_OFFLINE="1", FEWCHANNELS_BOOK="1", MPLBACKEND="agg")
    os.chdir(ROOT / "notebooks")
    wanted = {**parameters(Path(folder))[name], **FEW}
    from IPython.core.interactiveshell import InteractiveShell

    failed = []
    for path in NOTEBOOKS:
        shell = InteractiveShell.instance()
        shell.reset(new_session=True)
        for source in first_cells(path, wanted, int(cells)):
            result = shell.run_cell(source, store_history=False)
            if not result.success:
                failed.append(f"{path.name}: {result.error_before_exec or result.error_in_exec!r} in\n{source}")
                break
        print(f"{name}: {path.name} {'failed' if failed and failed[-1].startswith(path.name) else 'ran'}", flush=True)
    print("\n\n".join(failed), file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main(*sys.argv[1:]))

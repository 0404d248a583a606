"""The live lab's page: its scripts and the model's weights, a stored example, and the addresses that chapters link to.

    write_page(src)             # fills the placeholders in src/book/live_lab.md; scripts go to src/book/assets/live

What is shown before the model is started, and the ranking of the channels, are made once and kept in _build/live_lab
(made.py). The weights are cut out of the committed pipeline while the site is built; nothing is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

import made
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "_build" / "live_lab"
WIDGET, SIZE = "<!-- live-lab -->", "<!-- live-lab-size -->"
FOLDER = "live"  # in _static
RUNS, FACTS = "runs.safetensors", "facts.json"

# the state in which the lab opens (js/lab/state.js: START)
PROMPT, SEED, STEPS, K = "a large red star at the left on a striped blue background", 2, 16, 8
SAMPLE = "a large green heart at the right on a dotted yellow background"  # drawn by the program, not by the model
CODE = ("fewchannels.edits.ablation", "fewchannels.measure.statistics", "fewchannels.toyworld.pipeline")
CHAPTERS = {
    "1": "01_massive_channels",
    "2": "02_critical",
    "3": "03_spatial",
    "4": "04_text_transport",
    "5": "05_subject_transport",
    "6": "06_mean_or_pattern",
    "7": "07_how_to_fool_yourself",
    "9": "09_content_or_gain",
}


def write_page(src: Path) -> bool:
    """Fill in `src`/book/live_lab.md. -> whether there is one with a placeholder."""
    page = src / "book" / "live_lab.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if WIDGET not in text:
        return False
    lab = live_lab(src)
    piece = lab.to_html(still=still(runs()))
    text = text.replace(WIDGET, f"```{{raw}} html\n{piece}\n```").replace(SIZE, f"{lab.data['bytes'] / 1e6:.0f} MB")
    page.write_text(text, encoding="utf-8")
    return True


def live_lab(src: Path):
    """The widget, with the model's scripts written into `src`/book/assets."""
    import fewchannels
    from fewchannels.widgets import LiveLab, live_weights
    from safetensors.numpy import load_file

    folder = runs()
    kept, facts = load_file(folder / RUNS), json.loads((folder / FACTS).read_text(encoding="utf-8"))
    written = live_weights.write(src / "book" / "assets" / FOLDER)
    chapters = {
        number: f"../notebooks/{name}.html"
        for number, name in CHAPTERS.items()
        if (ROOT / "notebooks" / f"{name}.ipynb").exists()
    }
    return LiveLab(
        Known(kept["mean"], kept["energy"]),
        example={**facts, "untouched": kept["untouched"], "edited": kept["edited"], "levels": kept["levels"]},
        sample=kept["sample"],
        base=f"../_static/{FOLDER}/",
        bytes=written["bytes"],
        chapters=chapters,
        version=fewchannels.__version__,
    )


class Known:
    """What the lab reads of statistics: mean and energy, [S, L, T, D]."""

    def __init__(self, mean: np.ndarray, energy: np.ndarray) -> None:
        self.mean, self.energy = mean, energy


def runs() -> Path:
    """The folder with the example and the ranking, which are made where they are missing or out of date."""
    settings = [PROMPT, SEED, STEPS, K, SAMPLE, Path(__file__)]
    return made.once(BUILT, "An example for the live lab", settings, CODE, _make)


def _make(folder: Path) -> None:
    import fewchannels as fc
    from fewchannels.channels import layer_scores
    from fewchannels.metrics import squared_distance
    from fewchannels.notebook.chapters import prompts_for
    from fewchannels.toyworld.by_eye import by_eye
    from fewchannels.toyworld.prompts import format_prompt, parse_prompt
    from fewchannels.toyworld.scenes import render
    from fewchannels.widgets.live_lab import CALIBRATION
    from safetensors.numpy import save_file

    model = fc.load("toyworld")
    with fc.capture(model, stats := fc.ChannelStats()):
        prompts = prompts_for(model, CALIBRATION["prompts"], "calibration")
        model.generate(prompts, seed=CALIBRATION["seed"], steps=CALIBRATION["steps"])
    few = fc.top_channels(stats, k=K)
    with fc.capture(model, own := fc.ChannelStats()):
        untouched = model.generate([PROMPT], seed=SEED, steps=STEPS)
    with fc.ablate(model, few, how="zero") as done:
        edited = model.generate([PROMPT], seed=SEED, steps=STEPS)
    with fc.ablate(model, fc.random_channels(stats, outside=few)[0], how="zero"):
        control = model.generate([PROMPT], seed=SEED, steps=STEPS)
    arrays = {
        "mean": np.asarray(stats.mean),
        "energy": np.asarray(stats.energy),
        "untouched": untouched[0],
        "edited": edited[0],
        "levels": layer_scores(own).astype(np.float32),
        "sample": render(parse_prompt(SAMPLE), 0).image,
    }
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / RUNS)
    before, after = by_eye(np.concatenate([untouched, edited]))
    facts = {
        "untouched_text": f"Asked for: {PROMPT}. Seen: {format_prompt(before)}.",
        "edited_text": f"The same prompt and noise, the {K} largest channels at zero. Seen: {format_prompt(after)}.",
        "change": f"{float(squared_distance(edited, untouched)[0]):.4f}",
        "energy": f"{100 * float(np.nanmean(done.change**2)):.0f} %",
        "control": f"{float(squared_distance(control, untouched)[0]):.4f}",
        "words": ", ".join(_changed(before, after)) or "none",
    }
    (folder / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def _changed(before, after) -> list[str]:
    """In which words two readings differ, as js/lab/words.js says it."""
    parts = ("size", "colour", "shape", "position")
    if len(before.subjects) != len(after.subjects):
        found = ["number of subjects"]
    else:
        pairs = list(zip(before.subjects, after.subjects, strict=True))
        found = [part for part in parts if any(getattr(a, part) != getattr(b, part) for a, b in pairs)]
    found += ["texture"] if before.texture != after.texture else []
    return found + (["background"] if (before.background, before.second) != (after.background, after.second) else [])


def still(folder: Path) -> str:
    """The example without JavaScript: two pictures and their words."""
    from fewchannels.widgets.live_lab import _png
    from safetensors.numpy import load_file

    kept, facts = load_file(folder / RUNS), json.loads((folder / FACTS).read_text(encoding="utf-8"))
    shown = "".join(
        f'<figure><img width="240" height="240" src="{_png(kept[name])}" alt="{facts[f"{name}_text"]}">'
        f"<figcaption>{facts[f'{name}_text']}</figcaption></figure>"
        for name in ("untouched", "edited")
    )
    return f"<p>The lab needs JavaScript, which is turned off here. Two of its pictures:</p>{shown}"


if __name__ == "__main__":
    print(runs())

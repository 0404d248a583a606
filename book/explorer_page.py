"""The explorer's page: the toy world's runs that it shows, a sample file to try, and what run files weigh.

    write_page(src)             # fills the placeholders in src/book/explorer.md; the sample goes to src/book/assets

The runs are made once and kept in _build/explorer (made.py). Prompts, seeds and steps stand below; every number on the
page is computed from the files.
"""

from __future__ import annotations

import functools
import math
import re
import shutil
from pathlib import Path

import made

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "_build" / "explorer"
SAMPLE = "toyworld-sample.safetensors"
PARTS = ("widget", "sizes", "sample", "maps")
PLACEHOLDERS = WIDGET, SIZES, SAMPLE_LINK, MAPS = tuple(f"<!-- explorer-{part} -->" for part in PARTS)

PROMPTS = [
    "a large red star at the left on a striped blue and white background",
    "a small blue circle at the right on a plain green background",
    "a large green square at the top on a striped yellow and black background",
    "a small yellow triangle at the bottom on a plain blue background",
    "a large white ring at the center on a plain red background",
    "a small red cross at the left on a striped white and green background",
]
SAMPLE_PROMPTS = [
    "a large yellow star at the right on a plain blue background",
    "a small white circle at the top on a striped red and black background",
]
STEPS, MAP_STEPS = 16, [0, 4, 8, 15]  # the explorer opens in the middle
SHOWN = (10, 2, 2)  # top, random and bottom channels a block whose maps are kept
SCORE_ERROR, MAP_LEVELS = 0.025, 32
CODE = ("fewchannels.measure.recording", "fewchannels.models", "fewchannels.toyworld.pipeline")  # and what they import
MOST_BYTES = 1_500_000  # of the page's data, base64 included
# Blocks, steps, channels, rows and columns of FLUX.1 at 1024 x 1024 px and 50 steps.
FLUX = {"layers": 57, "steps": 50, "width": 3072, "grid": (64, 64), "k": 8, "map_prompts": 4, "map_steps": 3}


def write_page(src: Path) -> bool:
    """Fill in `src`/book/explorer.md. -> whether there is one with a placeholder."""
    page = src / "book" / "explorer.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if not any(mark in text for mark in PLACEHOLDERS):
        return False
    folder = runs()
    shutil.copyfile(folder / SAMPLE, src / "book" / "assets" / SAMPLE)
    piece = explorer_page_html(folder)
    for mark, filled in (
        (WIDGET, f"```{{raw}} html\n{piece}\n```"),
        (SIZES, sizes_table(folder, len(piece))),
        (SAMPLE_LINK, sample_link(folder)),
        (MAPS, maps_kept()),
    ):
        text = text.replace(mark, filled)
    page.write_text(text, encoding="utf-8")
    return True


def explorer_page_html(folder: Path | None = None, with_module: bool = True) -> str:
    """The explorer of the toy world's runs as a piece of a page. Raises ValueError where it outgrows MOST_BYTES."""
    piece = explorer(folder).to_html(with_module=with_module)
    data = len(piece) - (len(_module(piece)) if with_module else 0)
    if data > MOST_BYTES:
        raise ValueError(f"the explorer's data take {data} bytes of the page, at most {MOST_BYTES}: keep fewer maps")
    return piece


def explorer(folder: Path | None = None):
    """The widget itself: untouched with two seeds, and with the top 8 channels of every block set to zero."""
    from fewchannels.widgets import Explorer

    folder = folder or runs()
    paths = [folder / f"{name}.safetensors" for name in ("untouched", "other-seed", "zeroed")]
    return Explorer(paths, score_error=SCORE_ERROR, map_levels=MAP_LEVELS, sample=f"../_static/{SAMPLE}")


def _module(piece: str) -> str:
    return re.match(r"<script [^>]*data-fc-module>[^<]*</script>\n", piece)[0]


def runs() -> Path:
    """The folder with the run files, which are made where they are missing or out of date."""
    return made.once(BUILT, "Runs for the explorer", [Path(__file__)], CODE, _make)


def _make(folder: Path) -> None:
    import fewchannels as fc
    from fewchannels.measure.recording import record_run

    model = fc.load("toyworld")
    kept = functools.partial(record_run, model, PROMPTS, map_steps=MAP_STEPS, steps=STEPS)
    untouched = kept(shown=SHOWN, label="untouched, seed 0")
    sets = {name: fc.ChannelSet.from_json(given) for name, given in untouched.index["channels"].items()}
    zeroed = kept(like=untouched, ablate={"how": "zero", "channels": sets["top"]}, label="top 8 at zero, seed 0")
    pictures = {"": untouched.images, "top 8 at zero": zeroed.images}
    for name in ("random", "bottom"):
        with fc.ablate(model, sets[name], how="zero"):
            pictures[f"{name} 8 at zero"] = model.generate(PROMPTS, seed=0, steps=STEPS)
    untouched.images = pictures
    fc.save_run(folder / "untouched.safetensors", untouched)
    fc.save_run(folder / "zeroed.safetensors", zeroed)
    fc.save_run(folder / "other-seed.safetensors", kept(seed=1, like=untouched, label="untouched, seed 1"))
    sample = record_run(
        model, SAMPLE_PROMPTS, seed=2, steps=STEPS, shown=(8, 2, 2), map_steps=MAP_STEPS, label="sample run"
    )
    fc.save_run(folder / SAMPLE, sample)


def flux_bytes(prompts: int | None = None) -> int:
    """Bytes that the statistics and maps of a FLUX.1 run take in a run file. prompts: kept apart; None: merged."""
    statistics = 4 * (prompts or 1) * FLUX["layers"] * FLUX["steps"] * FLUX["width"] * 4
    one_map = math.prod(FLUX["grid"]) * FLUX["k"] * 2
    return statistics + FLUX["map_prompts"] * FLUX["layers"] * FLUX["map_steps"] * one_map


def sizes_table(folder: Path, piece: int) -> str:
    """A Markdown table: what the page carries, and what run files weigh."""
    from fewchannels.runfile import read_header

    record, tensors = read_header(folder / "untouched.safetensors")
    _, layers, steps, width = tensors["stats/mean"][1]
    toy = f"toy world, {len(record['prompts'])} prompts, {layers} blocks, {steps} steps, {width} channels"
    flux = f"{FLUX['layers']} blocks, {FLUX['steps']} steps, {FLUX['width']} channels"
    rows = [
        ("this page's explorer: three runs, packed, with its program", piece),
        (f"run file: {toy}", (folder / "untouched.safetensors").stat().st_size),
        ("run file: the sample", (folder / SAMPLE).stat().st_size),
        (f"run file of FLUX.1's shape ({flux}), prompts merged", flux_bytes()),
        ("the same, 16 prompts kept apart", flux_bytes(16)),
    ]
    lines = [f"| {what} | {_megabytes(size)} |" for what, size in rows]
    return "\n".join(["| what | size |", "|---|---|", *lines])


def maps_kept() -> str:
    """Of which channels and at which steps the page's runs have maps, in words."""
    top, random, bottom = SHOWN
    at = ", ".join(str(step + 1) for step in MAP_STEPS[:-1])
    return (
        f"in each block of the {top} largest, of {random} random ones and of the {bottom} smallest, at steps {at} and "
        f"{MAP_STEPS[-1] + 1} of {STEPS}"
    )


def sample_link(folder: Path) -> str:
    size = _megabytes((folder / SAMPLE).stat().st_size)
    return f'<a href="../_static/{SAMPLE}" download>{SAMPLE}</a> ({size})'


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.2f} MB" if size < 1e8 else f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    print(runs())

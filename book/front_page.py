"""The front page's figure: four pictures under one slider that turns the largest channels up and down.

    write_page(src)             # fills the placeholders in src/book/intro.md, and draws src/book/assets/hero.webp
    python book/front_page.py   # draws book/assets/hero.webp, which the README shows, from the model as it is now

Pictures and sizes of channels are made once and kept in _build/front (made.py), so that the page loads no model.
"""

from __future__ import annotations

import inspect
import io
import json
from pathlib import Path
from urllib.parse import quote

import made
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "_build" / "front"
TRAINING = ROOT / "lib" / "fewchannels" / "toyworld" / "weights" / "pipeline" / "training.json"
RUNS, FACTS, STRIP = "runs.safetensors", "facts.json", "hero.webp"
FIGURE = "<!-- front-figure -->"

PROMPTS = [
    "a huge yellow heart at the center on a plain blue background",
    "a large green star at the left on a striped pink background",
    "a large orange ring at the right on a dotted black background",
    "a huge white moon at the center on a checkered purple background",
]
STRENGTHS = [step / 4 for step in range(-4, 9)]  # x -> (1 - strength) x, after every block and at every step
WORDS = {-1: "doubled", 0: "untouched", 1: "zero", 2: "sign turned"}
STILL = (-1, 0, 1, 2)  # without JavaScript
K, STEPS, CALIBRATION = 8, 16, 16  # as in chapter 0
CODE = ("fewchannels.edits.ablation", "fewchannels.measure.statistics", "fewchannels.toyworld.pipeline")
ALT = (
    "Four pictures in a row, once for each strength. Untouched, each shows what its prompt asks for; with the largest "
    "channels doubled, at zero or with their sign turned, it does not."
)


def write_page(src: Path) -> bool:
    """Fill in `src`/book/intro.md. -> whether there is one with a placeholder."""
    page = src / "book" / "intro.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if FIGURE not in text:
        return False
    folder = runs()
    strip(folder, src / "book" / "assets" / STRIP)
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    for name, value in facts.items():
        text = text.replace(f"<!-- front-{name} -->", f"{value:,}")
    said = f"From left to right: {'; '.join(PROMPTS)}."
    still = f'<figure><img src="../_static/{STRIP}" alt="{ALT}"><figcaption>{said}</figcaption></figure>'
    text = text.replace(FIGURE, f"```{{raw}} html\n{figure(folder).to_html(still=still)}\n```")
    page.write_text(text, encoding="utf-8")
    return True


def runs() -> Path:
    """The folder with pictures, sizes and facts, which are made where they are missing or out of date."""
    settings = [PROMPTS, STRENGTHS, K, STEPS, CALIBRATION, inspect.getsource(_make)]
    return made.once(BUILT, "Pictures for the front page", [TRAINING, *settings], CODE, _make)


def _make(folder: Path) -> None:
    import fewchannels as fc
    from fewchannels.channels import layer_scores
    from fewchannels.measure.statistics import measure_channels
    from fewchannels.notebook.chapters import prompts_for
    from safetensors.numpy import save_file

    model = fc.load("toyworld")
    others = prompts_for(model, CALIBRATION, "calibration")
    few = fc.top_channels(measure_channels(model, others, seed=1, steps=STEPS), k=K)
    images, sizes = [], []
    for strength in STRENGTHS:
        with fc.ablate(model, few, how="zero", strength=strength), fc.capture(model, stats := fc.ChannelStats()):
            images.append(model.generate(PROMPTS, seed=0, steps=STEPS))
        sizes.append(layer_scores(stats).astype(np.float32))
    arrays = {"images": np.stack(images), "sizes": np.stack(sizes), "chosen": few.mask().astype(np.uint8)}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / RUNS)
    training = json.loads(TRAINING.read_text(encoding="utf-8"))
    facts = {"blocks": len(model.layers), "width": few.width, "k": K, "images": training["images"]}
    (folder / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def words(strength: float) -> str:
    """What a strength does to a channel.

    >>> words(0.25), words(2)
    ('times 0.75', 'sign turned')
    """
    return WORDS.get(strength, f"times {1 - strength:g}".replace("-", "\N{MINUS SIGN}"))


def figure(folder: Path):
    """The widget, untouched at first."""
    from fewchannels.widgets import Flipbook
    from safetensors.numpy import load_file

    kept = load_file(folder / RUNS)
    blocks, width = kept["chosen"].shape
    axis = "Strength"
    onward = "Open the first picture in the live lab, as it is here: the model draws it on your machine"
    label = {s: f"{s:g}".replace("-", "\N{MINUS SIGN}") + f": {words(s)}" for s in STRENGTHS}
    return Flipbook(
        kept["images"],
        {axis: list(label.values())},
        controls={axis: "slider"},
        start={axis: label[0]},
        marks={axis: {label[s]: word for s, word in WORDS.items()}},
        tile_labels=PROMPTS,
        skyline=(kept["sizes"], kept["chosen"].astype(bool), [f"block {b}" for b in range(blocks)]),
        title=f"The {K} largest of {width} channels, turned up and down",
        note="Drawn by the small model that this book carries, from the same noise at every strength. The channels "
        "were chosen on other prompts and are changed after every block, one after the other. Bars: how large each "
        "channel is after each block (square roots; what leaves the frame is cut), the changed ones in orange. At the "
        "right: the largest, in multiples of the median one.",
        label="Four pictures while the largest channels are turned up and down",
        key="front",
        onward=(onward, [lab_address(s) for s in STRENGTHS]),
    )


def lab_address(strength: float) -> str:
    """The live lab (js/lab/state.js) in the state of the first picture at a strength.

    >>> lab_address(0.25)[-28:]
    'seed.0;how.scale;factor.0.75'
    """
    how = {0: "how.none", 1: "how.zero"}.get(strength, f"how.scale;factor.{1 - strength:g}")
    return f"live_lab.html#fc=lab;prompt.{quote(PROMPTS[0])};seed.0;{how}"


def strip(folder: Path, file: Path) -> None:
    """The same as one picture without a slider, as WebP."""
    from fewchannels import plots
    from PIL import Image
    from safetensors.numpy import load_file

    images = load_file(folder / RUNS)["images"]
    rows = {words(s).replace(" ", "\n", 1): images[STRENGTHS.index(s)] for s in STILL}
    plots.images_rows(rows).savefig(buffer := io.BytesIO(), format="png", dpi=120)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(buffer).convert("RGB").save(file, "WEBP", quality=75, method=6)


if __name__ == "__main__":
    strip(runs(), ROOT / "book" / "assets" / STRIP)

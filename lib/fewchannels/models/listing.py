"""What is known of every supported class, as JSON values: its layout, its public checkpoints, what they want.

supported()[0]["class"], supported()[0]["checkpoints"][0]["least_gpu"]["whole"]
"""

from __future__ import annotations

from dataclasses import asdict

from ..layouts.guards import KEPT_KEYS
from ..layouts.table import TABLE
from .checkpoints import ROWS
from .needs import GPUS, PICTURES, least_gpu, minutes, tokens_of
from .preset import Preset


def supported() -> list[dict]:
    """One object a class of the table, in its order: the layout's fields (`class` for its name), `turn_off_cache`,
    `installed` (whether the diffusers here has the class) and `checkpoints`. None means not known."""
    import diffusers

    here = set(dir(diffusers))
    rows = []
    for layout in TABLE.values():
        fields = asdict(layout)
        rows.append(
            {
                "class": fields.pop("name"),
                **fields,
                "turn_off_cache": KEPT_KEYS.get(layout.name),
                "installed": layout.name in here,
                "checkpoints": [described(row) for row in ROWS if row.transformer == layout.name],
            }
        )
    return rows


def described(preset: Preset) -> dict:
    """A checkpoint as JSON values: its row, and by the formulas of needs.py the least GPU whole, with offload="model"
    and with 4 bit besides, and for each GPU that can hold it in some way the minutes for 100 pictures."""
    least = least_gpu(preset)
    ways = [] if least is None else [gpu.gigabytes for gpu in least.values() if gpu is not None]
    fitting = [gpu for gpu in GPUS if ways and gpu.gigabytes >= min(ways)]
    taken = {gpu.name: minutes(preset, gpu) for gpu in fitting}
    row = asdict(preset)
    del row["transformer"], row["study_steps"]
    return {
        **row,
        "gigabytes": preset.gigabytes,
        "tokens": tokens_of(preset),
        "least_gpu": None if least is None else {way: gpu.name if gpu else None for way, gpu in least.items()},
        "least_gpu_source": "estimated",
        "minutes": None if None in taken.values() or not taken else {name: round(t, 1) for name, t in taken.items()},
        "minutes_source": "estimated",
        "minutes_pictures": PICTURES,
    }


HEAD = ("transformer class", "family", "here", "text", "guidance", "px", "checkpoint", "blocks (what they return)")


def as_text(rows: list[dict]) -> str:
    """What `supported` gives as a table for a terminal."""
    cells = [HEAD]
    for row in rows:
        order = " + ".join(row["batched"] or row["turns"])
        cells.append(
            (
                row["class"],
                row["family"],
                "yes" if row["installed"] else "no",
                row["text"],
                f"{row['guidance']} ({order})" if order else row["guidance"],
                str(row["pixels"] or "-"),
                row["checkpoints"][0]["name"] if row["checkpoints"] else "-",
                ", ".join(f"{blocks['path']} ({_form(blocks)})" for blocks in row["blocks"]),
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    foot = (
        f"{len(rows)} classes. here: in the installed diffusers. px: side of a token in the picture. --json says more."
    )
    return "\n".join([*lines, foot])


def _form(blocks: dict) -> str:
    """What a list of blocks returns, for people."""
    if blocks["returns"] == "fused":
        return f"one row, image {blocks['image']}"
    return {"txt_img": "text, image", "img_txt": "image, text", "img": "image", "txt": "text"}[blocks["returns"]]

"""Pages that tests make around the live engine and the lab, and what node draws with the same scripts.

`engine_page` holds nothing but the engine. `lab_frame` holds the lab's page and drives it, where no test can.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fewchannels.widgets import bundle, live_weights
from in_node import node

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>engine</title><body><script type="module">
{client}
{script}
</script></body></html>"""


# The lab in a frame, from state to state; after each it tells what there is to see.
FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>lab</title>
<iframe title="lab" width="1280" height="900" src="{address}?embed&start#fc=lab;{first}"></iframe>
<script>
const frame = document.querySelector("iframe");
const errors = [];
frame.addEventListener("load", () => {{
    frame.contentWindow.addEventListener("error", (event) => errors.push(event.message));
}});
const colours = (canvas) => new Set(canvas.getContext("2d").getImageData(0, 0, 48, 48).data).size;
let rest = "";
async function drawn() {{
    for (;;) {{
        const page = frame.contentDocument;
        const lab = page?.querySelector(".fc-lab");
        const said = [page?.querySelector("[data-fc-error]"), lab?.querySelector(".fc-lab-failure")];
        const failed = said.map((node) => node?.textContent || "").join("");
        if (failed || (lab?.dataset.fcRest || "") !== rest) {{
            rest = lab?.dataset.fcRest || "";
            const pictures = [...(lab?.querySelectorAll(".fc-pixel-canvas") || [])].slice(0, 2);
            const status = lab?.querySelector(".fc-lab-status").textContent;
            return {{ errors, failed, status, colours: pictures.map(colours) }};
        }}
        await new Promise((resolve) => setTimeout(resolve, 100));
    }}
}}
(async () => {{
    for (const [i, state] of {states}.entries()) {{
        if (i) frame.contentWindow.location.hash = `#fc=lab;${{state}}`;
        const told = {{ state, ...(await drawn()) }};
        await fetch("/told", {{ method: "POST", body: JSON.stringify(told) }});
    }}
}})();
</script></html>"""


def lab_frame(address: str, states: Sequence[str]) -> str:
    """HTML of a page that opens the lab at `address`, goes through `states` ("seed.3;k.1"), and after each of them
    tells {"state", "errors", "failed", "status", "colours"}: of how many values each of the two pictures is."""
    return FRAME.format(address=address, first=states[0], states=json.dumps(list(states)))


def write_scripts(folder: Path) -> Path:
    """-> the folder, with the engine's scripts in its live/."""
    live_weights.write(folder / "live")
    return folder


def engine_page(script: str) -> str:
    """HTML of a page beside live/ that runs `script`, in which startEngine is known."""
    client = (bundle.LIVE / "client.js").read_text(encoding="utf-8")
    return PAGE.format(client=client, script=script)


def drawn_in_node(folder: Path, wishes: Sequence[Mapping], file: Path, kernels: str = "fused") -> list[dict[str, Any]]:
    """{"latents", "picture"} for each wish. file: where the wishes may be written. kernels: see arena.js."""
    file.write_text(json.dumps(wishes))
    return json.loads(node("tests/js/live_pictures.mjs", str(folder / "live"), str(file), kernels))["drawn"]


def same_bits(found: Mapping, wanted: Mapping) -> None:
    """Asserts that two pictures and their latents are equal in each bit."""
    np.testing.assert_array_equal(np.float32(found["latents"]), np.float32(wanted["latents"]))
    assert base64.b64decode(found["picture"]) == base64.b64decode(wanted["picture"])

"""Stages the pages beside the executed notebooks in _build/src, and has Jupyter Book 1.x build the site from there.

    build()          # -> _build/html; raises SiteFailed with the warnings, each of which is an error

Execution is off (execute.py did it) and doctrees start empty, since an incremental build would not see that a page
glues from a notebook that changed. plotly.min.js is copied from the installed plotly, so figures and script agree.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import benchmarks_page
import changes_page
import claims_page
import explorer_page
import front_page
import live_lab_page
import models_page
import routes_page
import translated
import yaml
from jupyter_book_run import COMMAND, PagesFailed, built

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SRC = BUILD / "src"
HTML = BUILD / "html"
LOG = BUILD / "site.log"


class SiteFailed(Exception):
    """Jupyter Book gave warnings or errors; the message holds them."""


def stage() -> None:
    """Copy the configuration, the table of contents and book/ into _build/src, beside the executed notebooks, and write
    there what pages say of the claims, from their runs."""
    SRC.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(SRC / "book", ignore_errors=True)
    shutil.copytree(ROOT / "book", SRC / "book", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copy2(ROOT / "_toc.yml", SRC / "_toc.yml")
    for name in ("CHANGELOG.md", "CITATION.cff"):
        shutil.copy2(ROOT / name, SRC / name)
    claims_page.write_pages(SRC, BUILD / "results")
    changes_page.write_page(SRC, ROOT / "results" / "instrument.json", BUILD / "results")
    benchmarks_page.write_page(SRC, ROOT / "bench" / "results.json")
    explorer_page.write_page(SRC)
    front_page.write_page(SRC)
    live_lab_page.write_page(SRC)
    models_page.write_page(SRC)
    routes_page.write_page(SRC)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"] = {"execute_notebooks": "off"}
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (SRC / "_config.yml").write_text(text, encoding="utf-8")
    copy_plotly(SRC / "book" / "assets" / "ext" / "plotly.min.js")


def copy_plotly(target: Path) -> None:
    """Copy the browser file of the installed plotly to `target`."""
    import plotly

    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def write_index() -> None:
    """Replace Jupyter Book's bare redirect, which makes browsers ask for a favicon.ico and shows nothing meanwhile."""
    first = re.search(r"url=([^\"]+)", (HTML / "index.html").read_text(encoding="utf-8"))[1]
    title = html.escape(yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"])
    (HTML / "index.html").write_text(
        f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<meta http-equiv="refresh" content="0; url={first}">
<p><a href="{first}">{title}</a></p>
</html>
""",
        encoding="utf-8",
    )


def pack() -> Path:
    """The built site as one file, for a class without a network. -> _build/few-channels-book.zip, in which all lies in
    one folder. Raises SiteFailed where no site is built."""
    if not (HTML / "index.html").exists():
        raise SiteFailed("There is no site to pack yet: `make book` builds it.")
    packed, half = BUILD / "few-channels-book.zip", BUILD / "few-channels-book.zip.part"
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(HTML.rglob("*")):
            if file.is_file() and file.name != ".buildinfo":
                archive.write(file, Path(packed.stem) / file.relative_to(HTML))
    half.replace(packed)
    return packed


def check_links() -> int:
    """Ask every address that the pages and the unexecuted notebooks name. -> 0 where all answer; needs the network."""
    stage()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        if not (SRC / "notebooks" / notebook.name).exists():
            (SRC / "notebooks").mkdir(exist_ok=True)
            shutil.copy2(notebook, SRC / "notebooks" / notebook.name)
    return subprocess.call([*COMMAND, "--path-output", str(ROOT), "--builder", "linkcheck"], cwd=SRC)


def build() -> Path:
    """Stage and build. -> the folder of the site."""
    stage()
    for folder in (BUILD / ".doctrees", HTML, BUILD / ".jupyter_cache"):
        shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    print("Pages ...", flush=True)
    try:
        built(SRC, ROOT, log=LOG)
        write_index()
        for language in translated.languages():
            translated.build(language, HTML / language)
    except PagesFailed as failure:
        raise SiteFailed(f"The pages did not build cleanly (warnings count as errors):\n{failure}") from None
    print(f"  {len(list(HTML.rglob('*.html')))} pages in {time.monotonic() - began:.1f} s", flush=True)
    return HTML

"""Builds the book: environment, notebooks, site, slides. `make book` only calls this file.

    python book/build.py                     all of it; the site lands in _build/html
    python book/build.py notebooks           run the notebooks only
    python book/build.py site                the site only, from the notebooks that were run last
    python book/build.py slides              a deck a chapter, in _build/html/slides; runs what is not up to date
    python book/build.py notebooks --only 01_massive_channels --set model=black-forest-labs/FLUX.2-klein-4B
    python book/build.py linkcheck           whether the addresses named in the pages answer
    python book/build.py zip                 the built site as one file, for a stick
    python book/build.py serve               the built site on http://localhost:8000

Any Python from 3.11 to 3.13 will do (on Windows: `py -3.12 book/build.py`): the environment is made in .venv where this
interpreter does not hold it already. A notebook is run again when it, the library, the weights, the claims or the pins
have changed; `--again` runs it anyway. Steps: execute.py (papermill), site_pages.py (Jupyter Book), slide_decks.py
(reveal.js), and environment.py (pip).
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import environment

STEPS = ("book", "env", "notebooks", "site", "slides", "zip", "serve", "linkcheck")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", default="book", choices=STEPS)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="run this notebook only (may repeat)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the notebook")
    parser.add_argument("--again", action="store_true", help="run notebooks that are up to date as well")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks to run at the same time (default 1)")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds that one cell may take (default 1800)")
    parser.add_argument("--port", type=int, default=8000, help="port of `serve`")
    options = parser.parse_args(argv)
    environment.check_python()
    if options.step == "env":
        environment.ensure()
        return 0
    if options.step == "serve":
        return serve(options.port)
    environment.rerun_inside()

    import execute
    import site_pages
    import slide_decks

    if options.step == "linkcheck":
        return site_pages.check_links()
    began = time.monotonic()
    if options.set and not options.only:
        parser.error("--set goes with --only: say whose parameter it is, as in --only 01_massive_channels")
    runs = []
    try:
        if options.step in ("book", "notebooks", "slides"):
            runs = execute.run_all(
                only=slide_decks.chapters() if options.step == "slides" else options.only,
                parameters=execute.parse_parameters(options.set),
                again=options.again,
                jobs=options.jobs,
                timeout=options.timeout,
            )
        if options.step in ("book", "site"):
            site_pages.build()
        if options.step in ("book", "site", "slides"):
            slide_decks.build()
        if options.step == "zip":
            packed = site_pages.pack()
            print(f"{packed}   ({packed.stat().st_size / 1e6:.0f} MB; unpack it and open index.html)")
            return 0
    except (execute.NotebookFailed, site_pages.SiteFailed, slide_decks.SlidesFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    report(runs, time.monotonic() - began)
    return 0


def report(runs, seconds):
    """Print how long each notebook took, and where the site is."""
    import site_pages

    for run in runs:
        print(f"  {run.name:<32} {run.seconds:6.1f} s{'   (kept from ' + run.when + ')' if run.kept else ''}")
    if (site_pages.HTML / "index.html").exists():
        print(f"Site: {site_pages.HTML / 'index.html'}   (or: make serve)")
    print(f"Done in {seconds:.0f} s.")


def serve(port):
    """Serve _build/html on this machine only."""
    import http.server

    folder = environment.ROOT / "_build" / "html"
    if not (folder / "index.html").exists():
        print("There is no site yet: `make book` builds it.", file=sys.stderr)
        return 1
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    try:
        with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            print(f"http://localhost:{port}   (stop with Ctrl-C)", flush=True)
            server.serve_forever()
    except OSError as error:
        print(f"Port {port} is taken ({error}); try: make serve PORT={port + 1}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fetches the committed browser files anew, with npm, and prints the rows for THIRD_PARTY.md.

    python book/vendor.py              fetch into book/assets
    python book/vendor.py --check      compare what is committed with THIRD_PARTY.md, without a network

Committed are MathJax, as a single script that needs no font files, the face that the pages are set in, and reveal.js,
which shows the slides.
plotly.min.js is not: site_pages.py copies it from the installed plotly, so that the script always fits the figures.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "book" / "assets"
LITERATA = "@fontsource-variable/literata"

# package, version, file in the package, file below book/assets
FILES = (
    ("mathjax", "3.2.2", "es5/tex-svg.js", "ext/tex-svg.js"),
    ("mathjax", "3.2.2", "LICENSE", "ext/mathjax-LICENSE.txt"),
    ("reveal.js", "6.0.2", "dist/reveal.js", "ext/reveal.js"),
    ("reveal.js", "6.0.2", "dist/reveal.css", "ext/reveal.css"),
    ("reveal.js", "6.0.2", "dist/plugin/notes.js", "ext/reveal-notes.js"),
    ("reveal.js", "6.0.2", "LICENSE", "ext/reveal-LICENSE.txt"),
    (LITERATA, "5.3.0", "files/literata-latin-wght-normal.woff2", "fonts/literata-latin-wght-normal.woff2"),
    (LITERATA, "5.3.0", "files/literata-latin-wght-italic.woff2", "fonts/literata-latin-wght-italic.woff2"),
    (LITERATA, "5.3.0", "LICENSE", "fonts/Literata-OFL.txt"),
)
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \|.*\| `(?P<sha256>[0-9a-f]{64})` \|$", re.MULTILINE)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def recorded() -> dict[str, str]:
    """THIRD_PARTY.md's table: path below the root -> sha256."""
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    return {match["file"]: match["sha256"] for match in ROW.finditer(text)}


def fetch() -> None:
    if shutil.which("npm") is None:
        sys.exit("npm is needed to fetch browser files: install Node.js.")
    with tempfile.TemporaryDirectory() as folder:
        for package, version in sorted({(package, version) for package, version, _, _ in FILES}):
            subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True)
            packed = f"{package.lstrip('@').replace('/', '-')}-*.tgz"
            with tarfile.open(next(Path(folder).glob(packed))) as archive:
                for _, _, inside, name in (row for row in FILES if row[0] == package):
                    (ASSETS / name).parent.mkdir(parents=True, exist_ok=True)
                    (ASSETS / name).write_bytes(archive.extractfile(f"package/{inside}").read())
    for package, version, inside, name in FILES:
        print(f"| `book/assets/{name}` | {package} {version}, `{inside}` | ... | `{sha256(ASSETS / name)}` |")


def check() -> int:
    wrong = [name for name, digest in recorded().items() if not (ROOT / name).exists() or sha256(ROOT / name) != digest]
    for name in wrong:
        print(f"{name}: not the file that THIRD_PARTY.md records", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else fetch())

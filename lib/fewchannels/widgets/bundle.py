"""One file for two hosts: the modules in `js/`, in the order of their imports, and the style sheets inside.

    python lib/fewchannels/widgets/bundle.py            # writes the bundles, and js/names.js from names.py
    python lib/fewchannels/widgets/bundle.py --check    # exit status 1 where one of them is not what js/ gives

bundle.js has the explorers, live_lab.js the live lab, which only its own page loads, and questions.js, a plain script,
the questions of the chapters' pages. The sources keep to a small dialect, so that no bundler is needed: named imports
of whole lines from "./name.js" or "../folder/name.js", `export` only in front of a declaration, every top-level name of
a bundle unique. What leaves it is an error with file and line.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import re
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "js"
BUNDLE = HERE / "bundle.js"
ENTRY = "index.js"
STYLES = ("style.css", "explorer.css")  # the later one wins
LAB_BUNDLE = HERE / "live_lab.js"
LAB_ENTRY = "lab/index.js"
LAB_STYLES = ("style.css", "lab/lab.css")
LAB_WORKER = "lab/lab_worker.js"
QUESTIONS_BUNDLE = HERE / "questions.js"
QUESTIONS_ENTRY = "questions/page.js"
NAMES = "names.js"  # written from names.py: those that the pages use
USED = ("ASKED", "SCORES")
WORKER = "run_worker.js"  # goes in as a text, from which the page makes a worker
STRINGS = "strings.js"  # of which a bundle, and a worker, takes what it says
LIVE = SOURCES / "live"  # the engine of the live lab, which only its own page loads
LIVE_WORKER = "worker.js"

BUILT = "// Built from js/ by `python lib/fewchannels/widgets/bundle.py`; edit there. MIT licence."

_IMPORT = re.compile(r'^import \{[^}]*\} from "(?P<name>\.{1,2}/[\w./]+\.js)";\n', re.MULTILINE)
_DECLARED = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (?P<name>\w+)", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) )", re.MULTILINE)
_PHRASE = re.compile(r' +"([\w.]+)": "')
_FORM = re.compile(r"\.(?:zero|one|two|few|many|other)$")
_COMMENT = re.compile(r"^[ \t]*//.*\n|^/\*\*?(?:.|\n)*?\*/\n", re.MULTILINE)


def _ordered(name: str, sources: Path, seen: dict[str, str], path: tuple[str, ...] = ()) -> dict[str, str]:
    if name in path:
        raise ValueError(f"js/{name}: imports go round in a circle: {' -> '.join((*path, name))}")
    if name in seen:
        return seen
    text = (sources / name).read_text(encoding="utf-8")
    for match in _IMPORT.finditer(text):
        if " as " in match[0]:
            raise ValueError(f"js/{name}: {match[0].strip()!r} renames, which the bundle's dialect does not have")
        _ordered(
            posixpath.normpath(posixpath.join(posixpath.dirname(name), match["name"])), sources, seen, (*path, name)
        )
    seen[name] = text
    return seen


def build(sources: Path = SOURCES) -> str:
    """The explorers' bundle: an ES module whose default export is `{ render({ model, el }) }`."""
    return _bundle(sources, ENTRY, STYLES, {"RUN_WORKER": WORKER})


def build_lab(sources: Path = SOURCES) -> str:
    """The live lab's bundle, of the same form."""
    return _bundle(sources, LAB_ENTRY, LAB_STYLES, {"LAB_WORKER": LAB_WORKER})


def build_questions(sources: Path = SOURCES) -> str:
    """The questions' script: a classic one, since a page from the disk may load no module from a file. Its page's own
    style sheet is book/assets/questions.css."""
    parts = [BUILT, "(() => {", '"use strict";', *_joined(QUESTIONS_ENTRY, sources, entry=None)]
    return "\n\n".join([*parts, "startQuestions(document, browserStore(() => localStorage));", "})();"]) + "\n"


def _bundle(sources: Path, entry: str, styles: tuple[str, ...], workers: dict[str, str]) -> str:
    parts = [BUILT]
    sheets = [sources / name for name in styles if (sources / name).exists()]
    style = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    style = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)).strip()
    # The host's own rules (a theme's `dl dd`, a notebook's `label`) would win by specificity: the class thrice.
    style = re.sub(r"\.fc-widget(?=[ ,{.])", ".fc-widget" * 3, style)
    parts.append(f"const STYLE = {json.dumps(style)};")
    for name, worker in workers.items():
        if (sources / worker).exists():
            text = "\n\n".join(_joined(worker, sources, entry=None))
            parts.append(f"const {name} = {json.dumps(text, ensure_ascii=False)};")
    return "\n\n".join([*parts, *_joined(entry, sources, entry=entry)]) + "\n"


def live_worker() -> str:
    """The live engine as the text of a classic worker's script, since a page from the disk may start no other."""
    return "\n\n".join([*_joined(LIVE_WORKER, LIVE, entry=None), "serveLive(self);"]) + "\n"


def names() -> str:
    """names.js: the tuples of names.py."""
    tuples = runpy.run_path(str(HERE.parent / "names.py"))
    lines = [f"export const {name} = {json.dumps(tuples[name])};" for name in USED]
    return "\n".join(["// Written from names.py by `python lib/fewchannels/widgets/bundle.py`.", "", *lines]) + "\n"


def _joined(first: str, sources: Path, entry: str | None) -> list[str]:
    """The modules that `first` needs and itself, without imports and exports; only `entry` keeps its exports."""
    owner: dict[str, str] = {}
    parts = []
    modules = _ordered(first, sources, {})
    if STRINGS in modules:
        modules[STRINGS] = _said(modules)
    for name, text in modules.items():
        body = _EXPORT.sub("", _COMMENT.sub("", _IMPORT.sub("", text)))
        for number, line in enumerate(body.splitlines(), 1):
            if re.match(r"import\b", line) or (line.startswith("export") and name != entry):
                raise ValueError(f"js/{name}, line {number} without imports: {line!r} is outside the bundle's dialect")
        for match in _DECLARED.finditer(body):
            if match["name"] in owner:
                raise ValueError(f"js/{name}: {match['name']!r} is already declared in js/{owner[match['name']]}")
            owner[match["name"]] = name
        parts.append(f"// js/{name}\n{body.strip()}")
    return parts


def _said(modules: dict[str, str]) -> str:
    """strings.js with those phrases only that the modules name, as "a.key" or with a part filled in, `a.${part}`."""
    source = "\n".join(text for name, text in modules.items() if name != STRINGS)
    keys = {key for pair in re.findall(r'"([a-z][\w.]*)"|`([a-z][\w.]*)`', source) for key in pair if key}
    forms = re.findall(r"`([a-z]\w*\.(?:[\w.]|\$\{[^}`]*\})+)`", source)  # `stage.spot${more}`: more may be nothing
    patterns = [re.compile(r"[\w.]*".join(map(re.escape, re.split(r"\$\{[^}]*\}", form)))) for form in forms]

    def named(line: str) -> bool:
        key = _PHRASE.match(line)
        if key is None:
            return True
        stem = _FORM.sub("", key[1])  # counted(): the forms of a number
        return bool({key[1], stem} & keys) or any(one.fullmatch(k) for one in patterns for k in (key[1], stem))

    return "\n".join(line for line in modules[STRINGS].split("\n") if named(line))


def _bundles() -> dict[Path, str]:
    return {BUNDLE: build(), LAB_BUNDLE: build_lab(), QUESTIONS_BUNDLE: build_questions()}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare the committed bundle with the sources")
    check = parser.parse_args(argv).check
    if not check:
        (SOURCES / NAMES).write_text(names(), encoding="utf-8")
    if check:
        written = {**_bundles(), SOURCES / NAMES: names()}
        stale = [f.name for f, now in written.items() if not f.exists() or f.read_text(encoding="utf-8") != now]
        print(f"stale: {', '.join(stale)}; run python lib/fewchannels/widgets/bundle.py" if stale else "fresh")
        return 1 if stale else 0
    for file, text in _bundles().items():
        file.write_text(text, encoding="utf-8")
        print(f"{file.name}: {len(text.encode()) / 1000:.1f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Pages in other languages: the theme's own way, gettext, for the pages that somebody has translated.

    python book/translated.py de                  build the German pages into _build/html/de (`make book` does it too)
    python book/translated.py de --page book/lab_worksheet     make or refresh that page's catalogue for a translator

A page is translated by its catalogue, locale/LANGUAGE/LC_MESSAGES/PAGE.po, paragraph by paragraph; what a catalogue
leaves empty stays English. A language's site holds its translated pages only. It is built as the book is, with warnings
as errors, and its links to other pages lead into the English book. The widgets in it speak the page's language
(lib/fewchannels/widgets/js/strings.js).
"""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from jupyter_book_run import PagesFailed, built

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
LOCALE = ROOT / "locale"
ABOUT = {
    "project": "Few channels draw the whole picture",
    "version": "book",
    "header_comment": "# A page of the book in another language. CC BY 4.0, as the page is.",
    "copyright_holder": "The few-channels contributors",
    "msgid_bugs_address": "the book's issues",
    "last_translator": "The few-channels contributors",
    "language_team": "none",
    "fuzzy": False,
}
LINK = re.compile(r"\]\((?!\w+:|#)(?P<path>[\w./-]+)\.(?:md|ipynb)(?P<place>#[^)\s]*)?\)")


def languages() -> list[str]:
    """Those for which there is a catalogue."""
    return sorted({file.relative_to(LOCALE).parts[0] for file in LOCALE.glob("*/LC_MESSAGES/**/*.po")})


def pages(language: str) -> list[str]:
    """The translated pages of a language, such as "book/lab_worksheet"."""
    folder = LOCALE / language / "LC_MESSAGES"
    return sorted(str(file.relative_to(folder).with_suffix("").as_posix()) for file in folder.rglob("*.po"))


def catalogue(language: str, page: str) -> Path:
    """Where a page's translation stands."""
    return LOCALE / language / "LC_MESSAGES" / f"{page}.po"


def to_english(text: str, page: str, here: list[str]) -> str:
    """A page's Markdown whose links lead to the English book where their target is not among the pages of this site.

    >>> to_english("[a](explorer.md#top), [b](lab_lesson.md)", "book/x", ["book/x", "book/lab_lesson"])
    '[a](english-place:book/explorer.html#top), [b](lab_lesson.md)'
    """

    def led(match: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match["path"]))
        if target in here:
            return match[0]
        return f"](english-place:{target}.html{match['place']})" if match["place"] else f"](english:{target}.html)"

    return LINK.sub(led, text)


def in_html(text: str, language: str, page: str) -> str:
    """A page's Markdown with its blocks of HTML translated, which Sphinx does not do in Markdown."""
    from babel.messages.pofile import read_po

    if not catalogue(language, page).exists():
        return text
    with catalogue(language, page).open("rb") as messages:
        for message in read_po(messages, locale=language):
            if message.id and message.id.startswith("<") and message.string and not message.fuzzy:
                text = text.replace(message.id.strip(), message.string.strip())
    return text


def stage(folder: Path, language: str, names: list[str], translating: bool = True) -> None:
    """Copy what a site of these pages needs into a folder. Raises ValueError for a page that the book does not have.

    translating: False leaves HTML as it is, for making a catalogue.
    """
    for name in names:
        source = ROOT / f"{name}.md"
        if not source.is_file():
            raise ValueError(f"there is no page {name}.md to translate; expected one of book/*.md, such as book/teach")
        target = folder / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        text = in_html(text, language, name) if translating else text
        target.write_text(to_english(text, name, names), encoding="utf-8")
    for part in ("assets", "_ext"):
        shutil.copytree(ROOT / "book" / part, folder / "book" / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "book" / "references.bib", folder / "book")
    if translating:
        shutil.copytree(LOCALE / language, folder / "locale" / language)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"] = {"execute_notebooks": "off"}
    config["html"].pop("use_edit_page_button", None)  # what is edited is the catalogue
    config["sphinx"]["config"] |= {
        "language": language,
        "locale_dirs": ["locale"],
        "gettext_compact": False,  # a catalogue a page
        "gettext_additional_targets": [] if translating else ["raw"],
        "myst_url_schemes": {
            **dict.fromkeys(("http", "https", "mailto")),
            "english": {"url": "../../{{path}}"},
            "english-place": {"url": "../../{{path}}#{{fragment}}"},
        },
    }
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    first, *others = names
    toc = {"format": "jb-book", "root": first}
    if others:  # an empty list is an error
        toc["chapters"] = [{"file": name} for name in others]
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False, allow_unicode=True), encoding="utf-8")


def build(language: str, out: Path) -> list[str]:
    """Build a language's pages into the folder `out`. -> their names. Raises PagesFailed."""
    names = pages(language)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        stage(folder, language, names)
        try:
            built(folder, folder)
        except PagesFailed as failure:
            raise PagesFailed(f"The pages of locale/{language} did not build:\n{failure}") from None
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder / "_build" / "html", out)
    return names


def refresh(language: str, page: str) -> Path:
    """Make a page's catalogue, or bring it up to date with the page. -> the catalogue.

    What was translated and still stands in the page is kept. What changed a little is marked fuzzy and shown in English
    until somebody has looked at it.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    file = catalogue(language, page)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        stage(folder, language, sorted({*pages(language), page}), translating=False)
        built(folder, folder, "--builder", "custom", "--custom-builder", "gettext")
        template = next((folder / "_build").rglob(f"{page}.pot"))
        with template.open("rb") as text:
            wanted = read_po(text)
    known = Catalog(language, **ABOUT)
    if file.exists():
        with file.open("rb") as text:
            for message in read_po(text, locale=language):
                if message.id:
                    known[message.id] = message
    known.update(wanted)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as text:
        write_po(text, known, width=120, no_location=True, ignore_obsolete=True)
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", help="its two letters, such as de")
    parser.add_argument("--page", help="make or refresh the catalogue of this page, such as book/teach, instead")
    given = parser.parse_args()
    try:
        if given.page:
            print(refresh(given.language, given.page).relative_to(ROOT))
        else:
            print(*build(given.language, BUILD / "html" / given.language), sep="\n")
    except (PagesFailed, ValueError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

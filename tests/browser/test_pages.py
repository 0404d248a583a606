"""Every page of the built site: alone, quiet, light, narrow enough, and readable by everyone."""

from __future__ import annotations

import functools
import gzip
import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .conftest import NARROW, NOT_COUNTED, WIDE, site_pages

KNOWN_AXE = Path(__file__).with_name("known_axe.json")
LOCALE = Path(__file__).resolve().parents[2] / "locale"
BUDGET = 1_500_000  # bytes as a web server sends them (text compressed), before plotly and MathJax
EXPLORER = "book/explorer.html"  # carries three whole runs, of which book/explorer_page.py holds the limit
TEXT = {".html", ".css", ".js", ".svg", ".json", ".txt"}


def test_site_has_the_pages_that_readers_expect(site):
    expected = {
        f"book/{name}.html"
        for name in ("intro", "how_to_read", "method", "related_work", "glossary", "api", "teach", "runfile")
    }
    expected |= {f"book/{name}.html" for name in ("live_lab", "lab_lesson", "lab_worksheet", "class")}
    expected |= {"notebooks/00_start_here.html", "notebooks/01_massive_channels.html"}
    assert not expected - set(site_pages())


def test_no_request_leaves_the_machine(visit, page_name):
    assert visit(page_name).watch.foreign == []


def test_no_error_on_the_page_or_in_the_console(visit, page_name):
    assert visit(page_name).watch.errors == []


def test_no_sideways_scroll(visit, page_name):
    overflow = visit(page_name).overflow
    assert overflow[WIDE] == []
    assert overflow[NARROW] == []


@functools.cache
def sent_bytes(path: Path) -> int:
    """Size of a file as hosts such as GitHub Pages send it."""
    content = path.read_bytes()
    return len(gzip.compress(content, 6)) if path.suffix in TEXT else len(content)


def test_page_weight(visit, site, page_name):
    loaded = {unquote(urlsplit(url).path).lstrip("/") for url in visit(page_name).watch.loaded}
    sizes = {name: sent_bytes(site / name) for name in loaded if Path(name).name not in NOT_COUNTED}
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert page_name in sizes
    most = BUDGET + (500_000 if page_name == EXPLORER else 0)
    assert sum(sizes.values()) <= most, f"{page_name} weighs {sum(sizes.values()):,} bytes; heaviest: {heaviest}"


def test_language_is_set(visit, page_name):
    first, _, _ = page_name.partition("/")
    assert visit(page_name).language == (first if (LOCALE / first).is_dir() else "en")  # de/book/lab_worksheet.html


def test_every_formula_has_a_spoken_form(visit, page_name):
    """MathML beside what MathJax draws: screen readers read it aloud."""
    assert visit(page_name).silent_formulas == []


def test_some_pages_have_formulas(visit, site):
    assert visit("book/method.html").formulas > 5


def test_every_image_has_alt_text(visit, page_name):
    assert visit(page_name).without_alt == []


def test_content_has_no_serious_axe_violation(visit, page_name):
    """In light and dark, wide and narrow."""
    assert visit(page_name).content == []


def test_theme_violations_are_those_known_and_no_more(visit, site):
    """known_axe.json may only shrink: a rule that is mended must leave it, and none may be added."""
    found = {}
    for name in site_pages():
        for rule, where in visit(name).chrome.items():
            found.setdefault(rule, f"{name}: {where}")
    known = json.loads(KNOWN_AXE.read_text(encoding="utf-8"))
    assert {rule: where for rule, where in found.items() if rule not in known} == {}, (
        "new violations outside the content"
    )
    assert set(known) - set(found) == set(), "mended: take these rules out of known_axe.json"


def test_works_from_the_disk(open_page, site, page_name):
    """The page opened as a file: no error, and nothing asked of a network."""
    page, watch = open_page((site / page_name).as_uri())
    page.close()
    assert watch.foreign == []
    assert watch.errors == []


def test_the_packed_site_opens_from_where_it_is_unpacked(open_page, site, tmp_path, monkeypatch):
    """As on a stick: the front page, which index.html leads to, and a chapter with its widgets."""
    import site_pages as builder

    monkeypatch.setattr(builder, "HTML", site)
    monkeypatch.setattr(builder, "BUILD", tmp_path)
    packed = builder.pack()
    folder = tmp_path / "a stick"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    (root,) = folder.iterdir()
    assert not list(tmp_path.glob("*.part"))
    assert "url=book/intro.html" in (root / "index.html").read_text("utf-8")
    for name, title in {
        "book/intro.html": "Few channels",
        "notebooks/07_how_to_fool_yourself.html": "fool yourself",
    }.items():
        page, watch = open_page((root / name).as_uri())
        page.get_by_role("heading", level=1).wait_for()
        assert title in page.title()
        page.close()
        assert watch.foreign == []
        assert watch.errors == []


class Links(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        address = given.get("href") if tag in ("a", "link") else given.get("src") if tag in ("img", "script") else None
        if address:
            self.links.append(address)


def test_every_internal_link_resolves(site):
    pages = {
        path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if "_static" not in path.parts
    }
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                broken.append(f"{path.relative_to(site)}: {link}")
            elif parts.fragment.startswith("fc="):  # a view of the explorer there
                if f'"key":"{parts.fragment[3:].partition(";")[0]}"' not in target.read_text(encoding="utf-8"):
                    broken.append(f"{path.relative_to(site)}: no such explorer: {link}")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{path.relative_to(site)}: no such place: {link}")
    assert sorted(set(broken)) == []

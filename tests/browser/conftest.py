"""The built site in Chromium: one server and one browser for the session, one visit a page that all tests share.

    make book && pytest tests/browser
    FEWCHANNELS_SITE=/tmp/site/_build/html pytest tests/browser      # another build of the site

Where there is no site or no browser the tests are skipped; with CI set that is a failure.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .serving import serving

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("FEWCHANNELS_SITE", ROOT / "_build" / "html"))
WIDE, NARROW = 1280, 390
NOT_COUNTED = ("plotly.min.js", "tex-svg.js")  # loaded once, by pages with a plot or a formula, then cached


def site_pages() -> list[str]:
    """Paths of all pages with an article, relative to the site."""
    if not SITE.is_dir():
        return []
    pages = (path for path in SITE.rglob("*.html") if "_static" not in path.parts)
    return sorted(str(path.relative_to(SITE)) for path in pages if 'class="bd-article"' in path.read_text("utf-8"))


def pytest_generate_tests(metafunc) -> None:
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", site_pages() or [None])


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(absent) -> Path:
    if not (SITE / "index.html").exists():
        absent(f"There is no site at {SITE}: run `make book` first.")
    return SITE


@pytest.fixture(scope="session")
def address(site):
    """http://localhost:PORT of a server of the site."""
    with serving(site) as server:
        yield server.address


@dataclass
class Watch:
    """What a page did while it was watched."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)


@pytest.fixture(scope="session")
def open_page(browser):
    """open_page(url, width) -> (page, Watch). Requests that would leave the machine are recorded and stopped."""

    def opened(url: str, width: int = WIDE):
        page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
        watch = Watch()
        home = "file:" if url.startswith("file:") else "/".join(url.split("/", 3)[:3]) + "/"

        def route(route) -> None:
            target = route.request.url
            if target.startswith(("data:", "blob:", home)):
                route.continue_()
            else:
                watch.foreign.append(target)
                route.abort()

        def hear(response) -> None:
            if response.status >= 400:
                watch.errors.append(f"{response.status}: {response.url}")
            elif response.url.startswith(home):
                watch.loaded.add(response.url)

        page.route("**/*", route)
        page.on("pageerror", lambda error: watch.errors.append(f"page error: {error}"))
        page.on("console", lambda m: watch.errors.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("requestfailed", lambda request: watch.errors.append(f"request failed: {request.url}"))
        page.on("response", hear)
        page.goto(url, wait_until="load")
        # explorers start when they come near the screen, as late images do
        page.evaluate("""async () => {
            for (let y = 0; y < Math.min(document.body.scrollHeight, 60000); y += 3000) {
                window.scrollTo(0, y); await new Promise(requestAnimationFrame);
            }
            window.scrollTo(0, 0); await new Promise(requestAnimationFrame);
        }""")
        page.wait_for_load_state("networkidle")
        return page, watch

    return opened


@dataclass
class Visit:
    """One page, looked at wide and narrow, light and dark."""

    watch: Watch
    language: str
    overflow: dict[int, list[str]]
    without_alt: list[str]
    content: list[str]  # axe violations inside the article
    chrome: dict[str, str]  # axe violations outside it, rule -> where
    formulas: int
    silent_formulas: list[str]  # without MathML that has something to say


OVERFLOW = """() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const wide = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > room + 1);
    return wide.slice(0, 5).map(e => `${e.tagName.toLowerCase()}.${e.className} ends at ` +
        `${Math.round(e.getBoundingClientRect().right)} of ${room} px`).concat('the page scrolls sideways');
}"""
NO_ALT = "() => [...document.images].filter(i => !(i.alt || '').trim()).map(i => i.outerHTML.slice(0, 120))"
# what MathJax has not drawn is silent as well
FORMULAS = """() => {
    const all = [...document.querySelectorAll('.bd-article .math, .bd-article mjx-container')];
    const drawn = all.filter(e => e.matches('mjx-container'));
    const spoken = e => (e.querySelector('mjx-assistive-mml math')?.textContent || '').trim();
    const undrawn = all.filter(e => e.matches('.math') && !e.querySelector('mjx-container'));
    const silent = drawn.filter(e => !spoken(e)).concat(undrawn);
    return [drawn.length, silent.map(e => e.outerHTML.slice(0, 120))];
}"""
INSIDE = "selector => { const e = document.querySelector(selector); return !!(e && e.closest('article.bd-article')); }"


CONTRAST = {"type": "rule", "values": ["color-contrast"]}


def axe_violations(page, context: str | None = None, **options) -> tuple[list[str], dict[str, str]]:
    """Violations of serious or critical level: those inside the article, and those outside by rule."""
    from axe_playwright_python.sync_playwright import Axe

    inside, outside = [], {}
    # axe would fetch the style sheets anew, from wrong addresses, for a rule about turned screens
    options = {"resultTypes": ["violations"], "preload": False, **options}
    for violation in Axe().run(page, context=context, options=options).response["violations"]:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            target = str(node["target"][0])
            if page.evaluate(INSIDE, target):
                inside.append(f"{violation['id']}: {target}: {node['html'][:120]} {node['failureSummary'][:240]}")
            else:
                outside.setdefault(violation["id"], target)
    return inside, outside


@pytest.fixture(scope="session")
def visit(address, open_page):
    """visit(page_name) -> Visit, made once a session."""

    @functools.cache
    def visited(name: str | None) -> Visit:
        page, watch = open_page(f"{address}/{name}")
        overflow = {WIDE: page.evaluate(OVERFLOW)}
        language = page.evaluate("document.documentElement.lang")
        without_alt = page.evaluate(NO_ALT)
        if page.query_selector(".bd-article .math"):
            page.wait_for_selector(".bd-article mjx-container")
        formulas, silent = page.evaluate(FORMULAS)
        content, chrome = axe_violations(page)
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        content += [f"dark: {line}" for line in axe_violations(page, "article.bd-article", runOnly=CONTRAST)[0]]
        page.close()

        page, narrow = open_page(f"{address}/{name}", NARROW)
        overflow[NARROW] = page.evaluate(OVERFLOW)
        no_contrast = {"color-contrast": {"enabled": False}}  # the same as wide, and the slowest rule
        content += [f"narrow: {line}" for line in axe_violations(page, "article.bd-article", rules=no_contrast)[0]]
        page.close()
        watch.errors += narrow.errors
        watch.foreign += narrow.foreign
        return Visit(watch, language, overflow, without_alt, content, chrome, formulas, silent)

    return visited

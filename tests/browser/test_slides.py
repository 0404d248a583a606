"""The decks of the built book, each carried away alone: it opens from the disk, fits, is live and prints."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .conftest import SITE

DECKS = sorted((SITE / "slides").glob("*.html"))
SIZES = [(1280, 720), (1024, 768)]
SMALLEST_TEXT, SMALLEST_WIDGET, SMALLEST_FIGURE = 0.8, 0.95, 0.8  # of the sizes that they were made in
# What is larger than its place, or was made smaller than can be read; of all slides, in the slide's own pixels.
WRONG = """([text, widget, figure]) => {
    const wrong = [];
    for (const [i, section] of [...document.querySelectorAll(".slides > section")].entries()) {
        const body = section.querySelector(".body"), found = body.querySelector(".fc-widget");
        const say = (what) => wrong.push(`slide ${i + 1} (${section.dataset.part}): ${what}`);
        if (body.clientHeight < 300) say(`its body is ${body.clientHeight} px high`);
        for (const box of [section, body]) {
            if (box.scrollHeight > box.clientHeight + 1) say(`${box.scrollHeight} px in ${box.clientHeight}, high`);
            if (box.scrollWidth > box.clientWidth + 1) say(`${box.scrollWidth} px in ${box.clientWidth}, wide`);
        }
        if (getComputedStyle(body).getPropertyValue("--size") < text) say("its text is small");
        if (found && found.style.zoom < widget) say(`its explorer is zoomed to ${found.style.zoom}`);
        for (const image of body.querySelectorAll("figure img")) {
            const shown = Math.min(image.clientWidth / image.getAttribute("width"),
                image.clientHeight / image.getAttribute("height"));
            if (!image.naturalWidth) say("a picture is missing");
            if (shown < figure) say(`a figure is shown at ${shown.toFixed(2)} of its size`);
        }
    }
    return wrong;
}"""
# Every explorer stands as it will: nothing has moved for a while.
SETTLED = """() => new Promise((resolve) => {
    const sizes = () => [...document.querySelectorAll(".fc-widget")].map((w) => w.offsetHeight + w.style.zoom).join();
    let last = "", since = performance.now();
    const look = () => {
        const now = sizes();
        if (now !== last) [last, since] = [now, performance.now()];
        if (performance.now() - since > 600) resolve(true); else requestAnimationFrame(look);
    };
    look();
})"""


@pytest.fixture(params=DECKS or [None], ids=lambda path: path.stem if path else "none")
def deck(request, site, tmp_path) -> Path:
    """A deck, copied into an empty folder."""
    if request.param is None:
        pytest.fail(f"{SITE} has no slides: `make slides` writes them")
    return Path(shutil.copy(request.param, tmp_path))


def opened(open_page, deck, size):
    page, watch = open_page(deck.as_uri())
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_selector("html[data-fitted]")
    page.wait_for_function("!document.querySelector('.slides [data-fc-wait]')")
    page.evaluate(SETTLED)
    return page, watch


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_slide_overflows_and_all_can_be_read(open_page, deck, size):
    page, watch = opened(open_page, deck, size)
    assert page.evaluate(WRONG, [SMALLEST_TEXT, SMALLEST_WIDGET, SMALLEST_FIGURE]) == []
    assert page.evaluate("[...document.images].filter((image) => !image.alt.trim()).length") == 0
    assert watch.errors == []
    assert watch.foreign == []
    assert len(watch.loaded) == 1  # the deck, and no file beside it
    page.close()


def test_a_deck_prints_a_slide_a_page(open_page, deck):
    page, _ = opened(open_page, deck, SIZES[0])
    slides = page.evaluate("Reveal.getTotalSlides()")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) == slides
    boxes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed))
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(960, 540)}  # points
    page.close()


def test_the_explorers_are_live(open_page, deck):
    page, watch = opened(open_page, deck, SIZES[0])
    sections = page.locator(".slides > section")
    for number in range(sections.count()):
        widget = sections.nth(number).locator(".fc-widget")
        if not widget.count():
            continue
        page.evaluate(f"Reveal.slide({number})")
        control = widget.locator("input[type=range], select, input[type=radio]:checked").first
        told = page.evaluate("location.hash")
        before = (
            widget.inner_text(),
            [canvas.evaluate("c => c.toDataURL()") for canvas in widget.locator("canvas").all()],
        )
        control.focus()
        for key in ("ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowUp"):
            page.keyboard.press(key)
            page.wait_for_timeout(150)
            after = widget.inner_text(), [c.evaluate("c => c.toDataURL()") for c in widget.locator("canvas").all()]
            if after != before:
                break
        assert after != before
        assert page.evaluate("location.hash") == told  # the key moved the slider, and not the slides
    assert watch.errors == []
    page.close()

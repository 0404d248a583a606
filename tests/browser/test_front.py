"""The front page in use: one slider by the keyboard, the still picture without JavaScript, chapters by number."""

from __future__ import annotations

import re

import pytest

from .looks import differ, pixels

FRONT = "book/intro.html"


@pytest.fixture
def front(open_page, site):
    """The page, opened from the disk."""
    page, watch = open_page((site / FRONT).as_uri())
    page.wait_for_function("document.querySelector('[data-fc-ready]')")
    yield page, watch
    page.close()


def test_one_slider_turns_all_pictures_and_the_bars(front):
    page, watch = front
    slider = page.get_by_label("Strength", exact=True)
    assert slider.get_attribute("aria-valuetext") == "0: untouched"
    tiles, towers = page.locator(".fc-tiles canvas"), page.locator(".fc-skyline .fc-edited")
    assert tiles.count() == 4
    page.wait_for_timeout(200)
    before = [pixels(tile) for tile in tiles.all()]
    assert all(tower.get_attribute("d") for tower in towers.all())
    for _ in range(4):
        slider.press("ArrowRight")
    page.wait_for_timeout(200)
    assert slider.get_attribute("aria-valuetext") == "1: zero"
    assert all(differ(pixels(tile), was) for tile, was in zip(tiles.all(), before, strict=True))
    assert not any(tower.get_attribute("d") for tower in towers.all())
    labels = [tile.get_attribute("aria-label") for tile in tiles.all()]
    assert all("background; Strength: 1: zero" in label for label in labels)
    assert watch.errors == []


def test_the_figure_leads_into_the_live_lab_in_its_own_state(front):
    page, _ = front
    link = page.locator(".fc-onward a")
    assert link.get_attribute("href").endswith(";seed.0;how.none")
    page.get_by_label("Strength", exact=True).press("End")
    page.wait_for_timeout(200)
    assert link.get_attribute("href").endswith(";seed.0;how.scale;factor.-1")
    assert link.get_attribute("href").startswith("live_lab.html#fc=lab;prompt.a%20huge%20yellow%20heart")


def test_without_javascript_there_is_one_strip(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / FRONT).as_uri())
    still = page.locator("noscript img")
    assert still.is_visible()
    assert still.bounding_box()["width"] > 200
    assert "strength" in still.get_attribute("alt")
    context.close()


def test_the_sidebar_and_the_links_onwards_have_the_chapters_numbers(front, site):
    page, _ = front
    for link in page.locator(".bd-sidebar-primary a[href*='notebooks/']").all():
        number = int(re.search(r"notebooks/(\d+)_", link.get_attribute("href"))[1])
        assert link.text_content().strip().startswith(f"{number} · ")
    assert page.locator(".bd-sidebar-primary a[href*='notebooks/']").count()

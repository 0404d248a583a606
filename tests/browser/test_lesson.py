"""The lesson on the live lab: its worksheet prints on one sheet, and its links open the lab."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_worksheet_prints_on_one_sheet(open_page, site, paper):
    page, watch = open_page((site / "book" / "lab_worksheet.html").as_uri())
    printed = page.pdf(format=paper, margin={side: "12mm" for side in ("top", "bottom", "left", "right")})
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    page.emulate_media(media="print")
    assert page.locator(".fc-worksheet").is_visible()
    assert not page.locator(".bd-sidebar-primary").is_visible()
    assert watch.errors == []
    page.close()


def test_the_lesson_opens_the_lab_in_the_state_of_each_part(open_page, site):
    page, _ = open_page((site / "book" / "lab_lesson.html").as_uri())
    links = [link.get_attribute("href") for link in page.locator("a[href*='#fc=lab;']").all()]
    assert len(links) >= 6
    page.close()
    page, watch = open_page((site / "book" / "lab_lesson.html").as_uri().replace("lab_lesson.html", links[-1]))
    page.wait_for_function("document.querySelector('[data-fc-ready]')")
    assert page.get_by_text("Carry").first.is_visible()
    assert watch.errors == []
    page.close()

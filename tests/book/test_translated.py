"""Pages in other languages: catalogues that are complete and belong to their pages, and links that lead on."""

from __future__ import annotations

import doctest
import re

import pytest
import translated
from babel.messages.pofile import read_po

CATALOGUES = [(language, page) for language in translated.languages() for page in translated.pages(language)]


def messages(language, page):
    with translated.catalogue(language, page).open("rb") as text:
        return [message for message in read_po(text, locale=language) if message.id]


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


def test_doctests():
    assert doctest.testmod(translated).failed == 0


def test_there_is_an_example():
    assert ("de", "book/lab_worksheet") in CATALOGUES


@pytest.mark.parametrize(("language", "page"), CATALOGUES)
def test_a_catalogue_is_complete_and_belongs_to_its_page(language, page):
    text = flat((translated.ROOT / f"{page}.md").read_text(encoding="utf-8"))
    for message in messages(language, page):
        assert message.string, f"not translated: {message.id[:80]}"
        assert not message.fuzzy, f"to be looked at again: {message.id[:80]}"
        assert flat(message.id) in text, f"python book/translated.py {language} --page {page}: {message.id[:80]}"


@pytest.mark.parametrize(("language", "page"), CATALOGUES)
def test_a_translated_page_has_the_same_parts(language, page):
    """Of what stands in HTML: a table has its rows in every language."""
    for message in messages(language, page):
        for tag in ("<li", "<tr", "<td", "<th>", "<table", "<p"):
            assert message.id.count(tag) == message.string.count(tag), (tag, message.id[:80])


@pytest.mark.parametrize(("language", "page"), CATALOGUES)
def test_both_editions_link_to_each_other(language, page):
    english = (translated.ROOT / f"{page}.md").read_text(encoding="utf-8")
    assert f'href="../{language}/{page}.html"' in english
    assert any(f'href="../../{page}.html"' in message.string for message in messages(language, page))


def test_a_page_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no page book/nothing\.md to translate"):
        translated.stage(tmp_path, "de", ["book/nothing"])


def test_links_that_stay_and_links_that_lead_to_the_english_book():
    page = "[a](../notebooks/01_x.ipynb), [b](two.md#here), [c](https://example.org/d.md), [e](#f)"
    assert translated.to_english(page, "book/one", ["book/one"]) == (
        "[a](english:notebooks/01_x.html), [b](english-place:book/two.html#here), "
        "[c](https://example.org/d.md), [e](#f)"
    )
    assert translated.to_english(page, "book/one", ["book/one", "book/two"]).count("(two.md#here)") == 1


@pytest.mark.slow
@pytest.mark.parametrize("language", translated.languages())
def test_the_pages_build(language, tmp_path):
    for page in translated.build(language, tmp_path / language):
        text = (tmp_path / language / f"{page}.html").read_text(encoding="utf-8")
        assert f'lang="{language}"' in text
        assert flat(messages(language, page)[0].string) in flat(text)

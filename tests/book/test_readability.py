"""The book's sentences: none is longer, and no page is harder, than CONTRIBUTING.md promises."""

from __future__ import annotations

import doctest
import re

import pytest
import readability
from readability import FEW, LONGEST, MOST, known_words, measure, pages, prose, syllables

PAGES = pages()
KNOWN = known_words()
# Words of all kinds in these pages, with their syllables as a dictionary has them.
SYLLABLES = """1: the a one see change clothes moved asked makes drawn through
2: channel picture measure wanted ended table attends before larger moment untouched being
3: energy exercise interval transformer adaptive idea radio area
4: evaluation separated identity dependency"""
HARD = (
    "The characterisation of dimensional heterogeneity necessitates comprehensive experimentation, "
    "notwithstanding the methodological considerations that accompany parametrisation. "
) * 10


def test_doctests():
    assert doctest.testmod(readability).failed == 0


def test_syllables_are_the_dictionarys():
    for line in SYLLABLES.splitlines():
        count, _, words = line.partition(": ")
        assert {word: syllables(word) for word in words.split()} == dict.fromkeys(words.split(), int(count))


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_harder_than_promised(name):
    found = measure(PAGES[name], KNOWN)
    hardest = "\n".join(f"{hard:.1f}  {sentence}" for hard, sentence in found.hardest[:5])
    assert found.words < FEW or found.grade <= MOST, f"grade {found.grade:.1f}; the hardest sentences:\n{hardest}"


@pytest.mark.parametrize("name", PAGES)
def test_no_sentence_is_longer_than_promised(name):
    long = [text for _, text in measure(PAGES[name], KNOWN).hardest if len(readability.WORD.findall(text)) > LONGEST]
    assert long == []


def test_a_hard_page_is_told_from_an_easy_one():
    assert measure(HARD, KNOWN).grade > MOST > measure("The cat sat on the mat. It was a red cat.", KNOWN).grade


def test_prose_is_what_is_read_as_sentences():
    page = """# A heading that is not counted

A sentence with `code`, a [link](to/some/page.md) and {term}`null <null>` in it {cite}`some2024`.

| a table | that is | not counted |
|---|---|---|
| neither | is | this row |

```python
nor = "any code that stands in a fence"
```

<p>Text in <strong>HTML</strong> is read as well.</p><script>not a script</script>
"""
    assert prose(page) == ["A sentence with Code, a link and null in it .", "Text in HTML is read as well."]


def test_words_of_the_glossary_count_as_known():
    text = "The transformer has energy. " * 3
    assert measure(text, frozenset({"transformer", "energy"})).grade < measure(text, frozenset()).grade


def test_contributors_are_told_the_same_numbers():
    told = (readability.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"grade of at most (\d+)", told) == [f"{MOST:.0f}"]
    assert re.findall(r"longer than (\w+) words", told) == ["fifty"]
    assert LONGEST == 50

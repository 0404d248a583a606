"""How hard the book's sentences are to read, page by page: the grade of Flesch and Kincaid.

    python book/readability.py               a table of all pages and chapters, and the hardest sentences of the last
    python book/readability.py how_to_read   one page, with its hardest sentences

The grade is 0.39 words a sentence + 11.8 syllables a word - 15.59 (Kincaid and others, 1975): the school year in which
an average text of that kind is read. What is measured is prose: no headings, code, formulas, tables or captions. A
word of a term that the glossary defines counts as known, with two syllables at most, for the reader is told what it
means. The formula knows nothing of meaning, so a low grade makes a text no good one; a high one makes it a hard one.

A library (textstat) would count the same, but downloads a dictionary first. Syllables are counted by groups of vowels
here, as the formula's authors' own program did.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
MOST = 8.0  # the grade that CONTRIBUTING.md promises
KNOWN = 2  # syllables of a word that the glossary explains
LONGEST = 50  # words of a sentence
FEW = 150  # words: a page with fewer is no sample
BLOCK_TAG = re.compile(
    r"</?(?:p|li|ol|ul|table|thead|tbody|tr|td|th|div|details|summary|h\d|figure|figcaption)\b[^>]*>"
)
HIDDEN = re.compile(r"<!--.*?-->|<(?:script|style|table|summary)\b.*?</(?:script|style|table|summary)>", re.DOTALL)
ROLE = re.compile(r"\{(?:cite|glue)[^}]*\}`[^`]*`")
TERM = re.compile(r"\{[\w:-]+\}`([^`<]*?)(?: <[^>]*>)?`")
END = re.compile(r"(?<=[.!?:;])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9])|(?<=\?)\s+")
WORD = re.compile(r"[A-Za-z][A-Za-z’'-]*|\d[\d.,]*")


def syllables(word: str) -> int:
    """Syllables of an English word, by its groups of vowels.

    >>> [syllables(word) for word in ("a", "take", "takes", "channel", "picture", "asked", "needed", "energy", "table")]
    [1, 1, 1, 2, 2, 1, 2, 3, 2]
    """
    if not word[0].isalpha():
        return 1
    word = word.lower().replace("’", "'").removesuffix("'s").strip("'")
    if "-" in word:
        return sum(syllables(part) for part in word.split("-") if part)
    groups = len(re.findall(r"[aeiouy]+", word))
    groups += len(
        re.findall(r"i(?:a|o)(?!us|n)|eo(?!u)|u(?:al|o(?!u))|[ye]ing|[aeiou].ea$|ism$", word)
    )  # two vowels, two syllables
    if re.search(r"[^aeiouyl]e$|[^aeiouy]les?$|[aeiouy]le$", word) and not re.search(r"[^aeiouy]les?$", word):
        groups -= 1
    elif re.search(r"(?<![aeiouyszxc])(?<!ch)(?<!sh)(?<!g)es$", word) and not re.search(r"[^aeiouy]les$", word):
        groups -= 1
    elif re.search(r"[^aeiouytd]ed$", word):
        groups -= 1
    return max(1, groups)


@dataclass(frozen=True)
class Measured:
    """A page's sentences, counted. hardest: [(grade, sentence)], the worst first."""

    sentences: int
    words: int
    syllables: int
    hardest: list[tuple[float, str]]

    @property
    def grade(self) -> float:
        return grade(self.sentences, self.words, self.syllables)


def grade(sentences: int, words: int, syllables: int) -> float:
    """Flesch and Kincaid's grade of counts.

    >>> round(grade(sentences=1, words=6, syllables=6), 2)  # "The cat sat on the mat."
    -1.45
    """
    return 0.39 * words / sentences + 11.8 * syllables / words - 15.59


def prose(markdown: str) -> list[str]:
    """The paragraphs of a page that are read as sentences, as plain text."""
    text = TERM.sub(r"\1", ROLE.sub("", markdown))
    found = []
    inside: list[str] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        if token.type.endswith("_open"):
            inside.append(token.type.removesuffix("_open"))
        elif token.type.endswith("_close"):
            inside.pop()
        elif token.type == "fence" and token.info.startswith("{glossary}"):
            found += [re.sub(r"\s+", " ", line) for line in re.findall(r"^  (\S.*)", token.content, re.MULTILINE)]
        elif token.type == "html_block":
            found += [_plain(part) for part in BLOCK_TAG.split(HIDDEN.sub("", token.content))]
        elif token.type == "inline" and not {"heading", "table"} & set(inside):
            found.append(_plain("".join(_said(child) for child in token.children)))
    return [part for part in found if len(WORD.findall(part)) > 3]


def _said(token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.type == "code_inline":
        return "Code"  # read as one word, whatever it is
    return token.content if token.type in ("text", "html_inline") else ""


def _plain(text: str) -> str:
    text = re.sub(r"\$[^$]+\$", "x", unescape(re.sub(r"<[^>]+>", "", text)))
    return re.sub(r"\s+", " ", text).strip()


def measure(markdown: str, known: frozenset[str]) -> Measured:
    """Count a page. known: words that the glossary explains, in small letters and singular."""
    every = []
    for paragraph in prose(markdown):
        for sentence in END.split(paragraph):
            words = WORD.findall(sentence)
            if words:
                every.append((sentence, len(words), sum(_counted(word, known) for word in words)))
    if not every:
        return Measured(1, 1, 1, [])
    hardest = sorted(((grade(1, words, sounds), text) for text, words, sounds in every), reverse=True)
    return Measured(len(every), sum(one[1] for one in every), sum(one[2] for one in every), hardest)


def _counted(word: str, known: frozenset[str]) -> int:
    low = word.lower()
    is_known = low in known or low.removesuffix("s") in known or f"{low.removesuffix('ies')}y" in known
    return min(KNOWN, syllables(word)) if is_known else syllables(word)


def known_words() -> frozenset[str]:
    """The words of the glossary's terms."""
    page = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    block = re.search(r"```\{glossary\}\n(.*?)```", page, re.DOTALL)[1]
    terms = re.findall(r"^(\S.*)$", block, re.MULTILINE)
    return frozenset(word.lower() for term in terms for word in WORD.findall(term) if len(word) > 3)


def pages() -> dict[str, str]:
    """The Markdown of every page and chapter, by name; of a chapter the part before its exercises."""
    found = {f"book/{file.stem}": file.read_text(encoding="utf-8") for file in sorted((ROOT / "book").glob("*.md"))}
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        found[f"notebooks/{file.stem}"] = text.partition("\n## Exercises")[0]
    return found


def main() -> int:
    known = known_words()
    wanted = [name for name in pages() if not sys.argv[1:] or any(part in name for part in sys.argv[1:])]
    measured = {name: measure(pages()[name], known) for name in wanted}
    for name, found in sorted(measured.items(), key=lambda item: item[1].grade):
        print(f"{name:40} {found.grade:5.1f}   {found.words:5} words, {found.words / found.sentences:4.1f} a sentence")
    for hard, sentence in found.hardest[:12]:
        print(f"  {hard:5.1f}  {sentence}")
    return int(any(found.grade > MOST for found in measured.values() if found.words >= FEW))


if __name__ == "__main__":
    sys.exit(main())

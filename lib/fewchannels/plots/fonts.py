"""Letters of every script: what the book's font lacks is set in a font that is installed here and has it."""

from __future__ import annotations

import contextlib
import functools

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

PLACEHOLDERS = ("Last Resort", "LastResort", ".LastResort")  # fonts that have a box for every letter


def complete(figure: Figure) -> None:
    """Give each text of the figure, after its own font, those that have the letters which its own lacks.

    Nothing changes where no font here has them; matplotlib then draws boxes and warns.
    """
    lacking = {
        text: _missing(text.get_text(), font_manager.findfont(text.get_fontproperties()))
        for text in figure.findobj(Text)
        if not text.get_text().isascii()
    }
    letters = frozenset().union(*lacking.values())
    if letters:
        found = _families(letters, len(font_manager.fontManager.ttflist))
        for text, missing in lacking.items():
            if missing:
                own = text.get_fontfamily()
                text.set_fontfamily([*own, *(family for family in found if family not in own)])


def _missing(letters: str | frozenset[str], path: str) -> set[str]:
    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):  # a file that is listed and gone, or no font
        return set(letters)
    return {letter for letter in letters if letter.isprintable() and not font.get_char_index(ord(letter))}


@functools.lru_cache
def _families(letters: frozenset[str], known: int) -> tuple[str, ...]:
    """Names of installed fonts that have the letters, as few as can be.

    known: how many fonts matplotlib's list has, so that a longer list is asked anew.
    """
    fonts = font_manager.fontManager
    left, families = _chosen(letters, fonts.ttflist)
    if left:  # matplotlib's list is as old as its cache
        listed = {entry.fname for entry in fonts.ttflist}
        before = len(fonts.ttflist)
        for path in set(font_manager.findSystemFonts()) - listed:
            with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
                fonts.addfont(path)
        left, more = _chosen(left, fonts.ttflist[before:])
        families += more
    return tuple(families)


def _chosen(letters, entries) -> tuple[frozenset[str], list[str]]:
    """The letters that are still missing, and the families that have the others, one after the other the one that has
    most of what is left."""
    has: dict[str, tuple[tuple, frozenset[str]]] = {}
    for entry in entries:
        held = frozenset(letters) - _missing(letters, entry.fname)
        if held and not entry.name.startswith(PLACEHOLDERS):
            plain = entry.style == "normal", -abs(int(entry.weight) - 400)
            if entry.name not in has or has[entry.name][0] < plain:
                has[entry.name] = plain, held
    left, families = frozenset(letters), []
    while left and has:
        name = max(has, key=lambda name: (len(has[name][1] & left), has[name][0], "Mono" not in name, name))
        held = has.pop(name)[1]
        if not held & left:
            break
        left -= held
        families.append(name)
    return left, families

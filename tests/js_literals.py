"""The string and template literals of a JavaScript module, for tests that read the widgets' sources.

literals(source)          # [Literal(start, "the words", line), ...], those inside of templates as well
"""

from __future__ import annotations

from dataclasses import dataclass

BEFORE_A_REGEX = frozenset("(,=:[!&|?{};+-*%~^<>\n")


@dataclass(frozen=True)
class Literal:
    """start: its first character's place in the source; text: without quotes, `${...}` as one "$"."""

    start: int
    text: str
    line: int


def literals(source: str) -> list[Literal]:
    """All literals, in the order of their ends. Comments and regular expressions are passed over."""
    found: list[Literal] = []
    _code(source, 0, found)
    return found


def _code(source: str, at: int, found: list[Literal]) -> int:
    """Reads code from `at` to the brace that closes it, or to the end. -> the place behind."""
    depth, last = 0, "\n"
    while at < len(source):
        sign = source[at]
        if source.startswith("//", at):
            at = source.find("\n", at) % (len(source) + 1)
        elif source.startswith("/*", at):
            at = source.index("*/", at) + 2
        elif sign in "\"'`":
            at = _literal(source, at, found)
            last = '"'
        elif sign == "/" and last in BEFORE_A_REGEX:
            at = _regex(source, at)
            last = '"'
        elif sign == "}" and depth == 0:
            return at + 1
        else:
            depth += (sign == "{") - (sign == "}")
            last = last if sign.isspace() else sign
            at += 1
    return at


def _literal(source: str, start: int, found: list[Literal]) -> int:
    quote, at, text = source[start], start + 1, ""
    while source[at] != quote:
        if source[at] == "\\":
            text += source[at + 1]
            at += 2
        elif quote == "`" and source.startswith("${", at):
            text += "$"
            at = _code(source, at + 2, found)
        else:
            text += source[at]
            at += 1
    found.append(Literal(start, text, source.count("\n", 0, start) + 1))
    return at + 1


def _regex(source: str, at: int) -> int:
    at, in_class = at + 1, False
    while source[at] != "/" or in_class:
        in_class = (in_class or source[at] == "[") and source[at] != "]"
        at += 2 if source[at] == "\\" else 1
    return at + 1

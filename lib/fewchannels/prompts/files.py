"""Prompt sets that others publish, read from a file that you have: GenAI-Bench, PartiPrompts, DrawBench, plain lists.

prompts = read_prompt_file("PartiPrompts.tsv")             # the kind is seen in the file; kind= says it
[(p.text, p.category) for p in prompts]

None of these sets comes with this package: they are their authors' (GenAI-Bench: Li et al., 2024, arXiv 2406.13743;
PartiPrompts: Yu et al., 2022, arXiv 2206.10789; DrawBench: Saharia et al., 2022, arXiv 2205.11487). Download one from
its own page and pass the file's name.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

KINDS = ("genai-bench", "partiprompts", "drawbench", "json", "lines")
MOST_BYTES = 50_000_000


class PromptFileError(ValueError):
    """A file that is no prompt set, or not of the kind that was said."""


@dataclass(frozen=True)
class FilePrompt:
    """A prompt's text, and the category that its file gives it ("" where it gives none)."""

    text: str
    category: str = ""

    def __str__(self) -> str:
        return self.text


def read_prompt_file(path: str | Path, kind: str | None = None) -> list[FilePrompt]:
    """The prompts of a file, in its order.

    kind: "genai-bench" (genai_image.json: objects with "prompt"), "partiprompts" (PartiPrompts.tsv: columns Prompt,
    Category, ...), "drawbench" (CSV: columns Prompts, Category), "json" (a list of texts), "lines" (one a line), or
    None to tell by the content. Lines end with LF, CR LF or CR alone, not with the line
    separators of Unicode. Raises FileNotFoundError, and PromptFileError for a file that is none of these or not in
    UTF-8, that holds no prompt, or that is larger than 50 MB.
    """
    path = Path(path).expanduser()
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind={kind!r}: expected one of {', '.join(KINDS)}, or None to tell by the content")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: download the prompt set from its own page first")
    if path.stat().st_size > MOST_BYTES:
        raise PromptFileError(f"{path} has {path.stat().st_size:,} bytes: a prompt set has at most {MOST_BYTES:,}")
    text = _text_of(path)
    kind = kind or _kind_of(text)
    found = {
        "genai-bench": _objects,
        "json": _objects,
        "partiprompts": lambda p, t: _table(p, t, "Prompt", "\t"),
        "drawbench": lambda p, t: _table(p, t, "Prompts", ","),
        "lines": _lines,
    }[kind](path, text)
    if not found:
        raise PromptFileError(f"{path} holds no prompt (read as {kind})")
    return found


def _text_of(path: Path) -> str:
    """The file's text, its line ends (CR LF and CR too) as LF and nothing else taken for one."""
    data = path.read_bytes()
    # UTF-16 and UTF-32 of most texts hold NULs, which UTF-8 lets pass; their byte order marks it does not.
    if b"\0" in data or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PromptFileError(f"{path} is no UTF-8 text (UTF-16, or no text at all): save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PromptFileError(f"{path} is no UTF-8 text: expected a list of prompts") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _kind_of(text: str) -> str:
    if text.lstrip()[:1] in ("{", "["):
        return "json"
    head = text.partition("\n")[0]
    if head.split("\t")[0].strip() == "Prompt" and "\t" in head:
        return "partiprompts"
    return "drawbench" if head.split(",")[0].strip('" ') == "Prompts" else "lines"


def _objects(path: Path, text: str) -> list[FilePrompt]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise PromptFileError(f"{path} is no JSON ({error})") from None
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    found = []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        given = row.get("prompt") if isinstance(row, dict) else row
        if not isinstance(given, str) or not given.strip():
            raise PromptFileError(
                f'{path}: entry {number} is {str(row)[:80]!r}: expected a text, or an object with "prompt"'
            )
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in given):
            raise PromptFileError(f"{path}: entry {number} is {given[:80]!r}: it holds what is no character")
        category = row.get("category", "") if isinstance(row, dict) else ""
        found.append(FilePrompt(given.strip(), category if isinstance(category, str) else ""))
    return found


def _table(path: Path, text: str, column: str, delimiter: str) -> list[FilePrompt]:
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip() for name in rows.fieldnames or []]
    if column not in names:
        raise PromptFileError(f"{path} has the columns {', '.join(names) or 'none'}: expected one named {column}")
    rows.fieldnames = names
    found = [FilePrompt((row[column] or "").strip(), (row.get("Category") or "").strip()) for row in rows]
    return [prompt for prompt in found if prompt.text]


def _lines(path: Path, text: str) -> list[FilePrompt]:
    return [FilePrompt(line.strip()) for line in text.split("\n") if line.strip()]

"""Printing: rich on a terminal, plain text in a pipe, and always the same words."""

from __future__ import annotations

import csv
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_LONGEST_CELL = 64


def out() -> Console:
    """Standard output. In a pipe it has no colour, no boxes and no line breaks of its own."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True, emoji=False, markup=False)


def err() -> Console:
    """Standard error: remarks and errors, never data."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True, emoji=False, markup=False)


def say(text: str = "", style: str = "") -> None:
    """One line of output."""
    out().print(Text(text, style=style))


def remark(text: str) -> None:
    """A line beside the output, on standard error."""
    err().print(Text(text, style="dim"))


def title(text: str) -> None:
    """A heading."""
    console = out()
    console.print()
    console.print(Text(text, style="bold"))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns under a header. An id is never torn apart; in a pipe nothing is cut, on a terminal long texts are."""
    console = out()
    most = _LONGEST_CELL if console.is_terminal else None
    texts = [[_cut(cell(value), most) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in texts)]) for at, name in enumerate(columns)]
    numeric = [all(_is_number(row[at]) for row in texts) for at in range(len(columns))]
    for number, row in enumerate([list(columns), *texts]):
        padded = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        console.print(Text("  ".join(padded).rstrip(), style="bold" if number == 0 else ""))


def _cut(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else text[: most - 1] + "…"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9.]*(e[+-]?[0-9]+)?", text) is not None


def cell(value: object) -> str:
    """A value in a table, on one line and without control characters: an archive's texts are not to be trusted."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, default=str)
        if isinstance(value, list | dict)
        else str(value)
    )
    return harmless(text.replace("\r", " ").replace("\n", " "))


def harmless(text: str) -> str:
    """A text without the control characters that would steer a terminal, or hide what it says; line breaks stay."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else f"\\u{ord(sign):04x}" for sign in text)


_FORMULA_BEGINS = re.compile("[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """CSV with a header; null is an empty field.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: what an archive holds, anybody may
    have sent (docs/adr/0034). Numbers stay as they are, those written as text too.
    """
    # Of line breaks inside of a field, the module quotes those that end its lines. A bare one would begin a row.
    writer = csv.writer(_Lines(), lineterminator="\r\n")
    for row in (columns, *rows):
        writer.writerow(["" if value is None else _no_formula(value) for value in row])


class _Lines:
    """Writes each row, which comes whole, with an end as other programs here have it."""

    def write(self, row: str) -> object:
        return sys.stdout.write(row.removesuffix("\r\n") + "\n")


def _no_formula(value: object) -> object:
    if isinstance(value, str) and _FORMULA_BEGINS.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def as_json_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """One JSON object a row."""
    for row in rows:
        as_json(dict(zip(columns, row, strict=True)), indent=None)


def as_json(value: Any, indent: int | None = 2) -> None:
    """JSON on standard output, ASCII so that no terminal or pipe can spoil it."""
    sys.stdout.write(json.dumps(value, indent=indent, default=str) + "\n")

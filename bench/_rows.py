"""What a measurement says, and how a table shows it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One budget and what was measured.

    Attributes:
        group: which budget it belongs to.
        what: what is compared with what.
        measured: the ratio.
        budget: what it should be at least, or with `at_most` at most; None for a figure without a budget.
        detail: the absolute figures behind it, for the curious.
    """

    group: str
    what: str
    measured: float
    budget: float | None
    at_most: bool = False
    detail: str = ""

    @property
    def verdict(self) -> str:
        """`kept`, `missed`, or nothing where there is no budget."""
        if self.budget is None:
            return ""
        kept = self.measured <= self.budget if self.at_most else self.measured >= self.budget
        return "kept" if kept else "missed"

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        budget = "" if self.budget is None else f"{'<=' if self.at_most else '>='} {_short(self.budget)}"
        return self.group, self.what, budget, _short(self.measured), self.verdict, self.detail


_HEAD = ("budget of", "what", "budget", "measured", "verdict", "behind it")


def as_markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    lines = [_HEAD, tuple("---" for _ in _HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_text(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _short(number: float) -> str:
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def show(rows: Sequence[Row]) -> None:
    """Print what one part measured, for people; with `--json` on the command line, for another Python's bench."""
    print(json.dumps([asdict(row) for row in rows]) if "--json" in sys.argv else as_text(rows))

"""The benches measure when somebody asks; that they can, and measure what they say, is held here."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from bench import _charts, capture
from bench._reference import Measured
from bench._unrolled import unrolled


def test_the_loan_chart_written_out_by_hand_leaves_the_engines_own_journal() -> None:
    """Else its time says nothing of the engine's; `unrolled` compares the two."""
    assert b'"journal"' in unrolled(_charts.loan(), _charts.LOAN_INPUT)()


def test_the_table_of_captures_has_a_row_for_each_case_and_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes minutes to measure should not fail when it is written down."""

    class Python(nullcontext[Any]):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def measure(self, _: str) -> float:
            return 10.0

    stand_in = SimpleNamespace(measure=lambda _: Measured(us=100.0, hot_us=50.0, bytes=1_000_000))
    monkeypatch.setattr(capture, "Reference", lambda: stand_in)
    table = capture.rows(1, [Python("one"), Python("two")])  # type: ignore[list-item]
    for name in ("one", "two"):
        told = [row for row in table if row.group.endswith(name)]
        assert len(told) == len(capture.CASES) + 2  # by hand, and all views
        assert {row.measured for row in told} == {10.0}

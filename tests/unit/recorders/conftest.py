from __future__ import annotations

import pytest

from tests.unit.recorders._cases import RecordedRun, recorded_runs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `recorded_run` gets each in turn."""
    if "recorded_run" in metafunc.fixturenames:
        runs = recorded_runs()
        metafunc.parametrize("recorded_run", runs, ids=[run.name for run in runs])


__all__ = ["RecordedRun"]

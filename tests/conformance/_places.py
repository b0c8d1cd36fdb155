"""Where cases are looked for."""

from __future__ import annotations

import os
from pathlib import Path

from tests.conformance._worker import Job

__all__ = ["HOW_TO_GIVE", "OWN", "jobs_in", "shared_folder"]

OWN = Path(__file__).parent
"""The suite's own cases, with the reference's results."""

_BESIDE = Path(__file__).parents[3] / "shared" / "conformance"

HOW_TO_GIVE = (
    "set FOOTPATH_CONFORMANCE to a folder that holds cases/ and expected/, or put that folder at ../shared/conformance "
    "beside the repository"
)


def shared_folder() -> Path | None:
    """The folder with the large set of cases, if it is here: what FOOTPATH_CONFORMANCE names, or the one beside us."""
    named = os.environ.get("FOOTPATH_CONFORMANCE")
    folder = Path(named) if named else _BESIDE
    return folder if (folder / "cases").is_dir() else None


def jobs_in(cases: Path, expected: Path) -> list[Job]:
    """One job per case file, by name."""
    return [Job(path, expected / path.name) for path in sorted(cases.glob("*.json"))]

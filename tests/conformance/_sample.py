"""A fixed sample of invented cases with the reference's results, so that `make test` compares them without Node."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance._deep import deeply
from tests.conformance._js import load_json
from tests.conformance._worker import Job

__all__ = ["SAMPLE", "read_sample", "write_sample"]

SAMPLE = Path(__file__).parent / "sample"
_LARGEST_BYTES = 150_000


def write_sample(path: Path, jobs: Sequence[Job]) -> int:
    """Write cases and results, one pair a line, those of middling size; gives how many."""
    lines: list[str] = []
    for job in jobs:
        line = deeply(partial(_line, job))
        if len(line) <= _LARGEST_BYTES:
            lines.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a time in it the same cases give the same bytes.
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return len(lines)


def _line(job: Job) -> str:
    case, expected = (json.loads(file.read_text("utf-8")) for file in (job.case, job.expected))
    return json.dumps({"case": case, "expected": expected}, separators=(",", ":"))


def read_sample(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Case and result, pair by pair."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            pair = deeply(partial(load_json, line))
            yield pair["case"], pair["expected"]

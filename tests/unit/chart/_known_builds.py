"""Charts as cases, and what footprintjs 9.24.0 built of them.

`builds.jsonl` holds generated ones, half of them build errors; the conformance cases are taken too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance._places import OWN, shared_folder


def _known() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    with (Path(__file__).parent / "builds.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            yield f"generated-{number}", row["case"], row["build"]
    for folder in filter(None, (OWN, shared_folder())):
        for path in sorted((folder / "cases").glob("*.json")):
            expected = json.loads((folder / "expected" / path.name).read_text(encoding="utf-8"))
            yield path.stem, json.loads(path.read_text(encoding="utf-8")), expected["build"]


KNOWN = list(_known())
"""Name, case, and the `build` member of the reference's result."""

BUILT = [known for known in KNOWN if "error" not in known[2]]

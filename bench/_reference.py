"""footprintjs on Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

VERSION = "9.24.0"
HOT_MS = 700
"""How much longer a process runs a case to see how fast it becomes once Node's compiler has done all it will."""
HOW = (
    f"install Node 20 or newer, run `npm install footprintjs@{VERSION}` in an empty folder, and name that folder by the "
    "environment variable FOOTPATH_ORACLE"
)


class ReferenceMissingError(Exception):
    """There is nothing to compare with; the message says how to get it."""


class Measured(NamedTuple):
    """Median microseconds of a run with narrative and `JSON.stringify`, and the bytes that gave.

    Attributes:
        us: of the first dozens or hundreds of runs after ten, as the budgets were set.
        hot_us: later, with all that the compiler can do; few processes in a cloud get there.
    """

    us: float
    hot_us: float
    bytes: int


class Reference:
    """Runs a case when asked, in a fresh Node process each time.

    One process is not like the next: of some cases Node's compiler makes code twice as fast as at another time. So
    every measurement has a process of its own, and a table takes the median of many.

    Raises:
        ReferenceMissingError: Node, the folder or the package is not there.
    """

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            raise ReferenceMissingError(f"there is no `node` on the PATH; to compare with footprintjs: {HOW}")
        named = os.environ.get("FOOTPATH_ORACLE")
        if named is None or not (Path(named) / "node_modules" / "footprintjs" / "package.json").is_file():
            where = (
                "FOOTPATH_ORACLE is not set" if named is None else "FOOTPATH_ORACLE names a folder without the package"
            )
            raise ReferenceMissingError(f"{where}; to compare with footprintjs: {HOW}")
        self._command = [node, str(Path(__file__).with_name("reference.mjs"))]
        self._environment = {**os.environ, "FOOTPATH_ORACLE": str(Path(named).resolve())}

    def measure(self, case: str) -> Measured:
        """Run one of the cases of `reference.mjs`, warmed up."""
        out = subprocess.run(
            [*self._command, case, str(HOT_MS)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=self._environment,
        )
        if out.returncode:
            raise ReferenceMissingError(f"case '{case}' failed; is it footprintjs {VERSION}? {out.stderr[-400:]}")
        return Measured(**json.loads(out.stdout))

"""footprintjs on Node, kept running beside us, so that both can be measured in turns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple, Self

from bench._turns import BATCH_NS

VERSION = "9.24.0"
HOW = (
    f"install Node 20 or newer, run `npm install footprintjs@{VERSION}` in an empty folder, and name that folder by the "
    "environment variable FOOTPATH_ORACLE"
)


class ReferenceMissingError(Exception):
    """There is nothing to compare with; the message says how to get it."""


class Measured(NamedTuple):
    """Median microseconds of a run with narrative and `JSON.stringify`, and the bytes that gave."""

    us: float
    bytes: int


class Reference:
    """A Node process that runs a case when asked; leave it by `with`.

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
        self._process = subprocess.Popen(
            [node, "--max-old-space-size=1024", str(Path(__file__).with_name("reference.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "FOOTPATH_ORACLE": str(Path(named).resolve())},
        )

    def measure(self, case: str) -> Measured:
        """Run one of the cases of `reference.mjs` for one batch."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"case": case, "ms": BATCH_NS / 1e6}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise ReferenceMissingError(f"the reference stopped at case '{case}'; is it footprintjs {VERSION}?")
        return Measured(**json.loads(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

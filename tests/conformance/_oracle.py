"""The reference engine, run on many cases by one Node process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance._js import load_json

__all__ = ["Oracle", "OracleMissingError", "find_oracle"]

_RECORDERS = Path(__file__).with_name("recorders.mjs")
_BATCH_LIMIT_S = 300
_HEAP_MB = 400  # a case on which the reference loops for ever ends its process soon


class OracleMissingError(Exception):
    """The reference can't be asked here; the message says what is missing and how to get it."""


class Oracle:
    """Writes the reference's results of cases."""

    def __init__(self, node: str, folder: Path) -> None:
        self._node = node
        self.folder = folder

    def answer(self, cases: Sequence[Path], out: Path) -> list[Path]:
        """Write `out`/NAME.json for each case; gives the cases that the reference could not run at all."""
        lost: list[Path] = []
        rest = list(cases)
        while rest:
            self._run(rest, out)
            missing = [index for index, case in enumerate(rest) if not (out / case.name).exists()]
            if not missing:
                break
            lost.append(rest[missing[0]])  # cases run in order: the first without a result ended the process
            rest = rest[missing[0] + 1 :]
        return lost

    def recorders(self, cases: Sequence[Path]) -> dict[str, Any]:
        """What the reference's own recorders make of cases, by name; those that it could not run at all are not there."""
        command = [self._node, f"--max-old-space-size={_HEAP_MB}", str(_RECORDERS), *map(str, cases)]
        try:
            done = subprocess.run(command, cwd=self.folder, capture_output=True, check=True, timeout=_BATCH_LIMIT_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            half = len(cases) // 2  # one ended or held up the process: ask the others without it
            return {**self.recorders(cases[:half]), **self.recorders(cases[half:])} if half else {}
        return load_json(done.stdout.decode())

    def exports(self, room: str) -> set[str]:
        """The names that can be imported from `footprintjs` or one of its rooms, such as `footprintjs/trace`."""
        script = f"import * as room from {json.dumps(room)}; console.log(JSON.stringify(Object.keys(room)))"
        command = [self._node, "--input-type=module", "--eval", script]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=True, timeout=_BATCH_LIMIT_S)
        return set(json.loads(done.stdout))

    def _run(self, cases: Sequence[Path], out: Path) -> None:
        command = [self._node, f"--max-old-space-size={_HEAP_MB}", "run.mjs", "--out", str(out), *map(str, cases)]
        try:
            subprocess.run(command, cwd=self.folder, capture_output=True, check=False, timeout=_BATCH_LIMIT_S)
        except subprocess.TimeoutExpired:
            return  # what was written by then counts; the case it hung on is the first without a result


def find_oracle(named: Path | None = None) -> Oracle:
    """The reference: `named`, else FOOTPATH_ORACLE, else ../shared/conformance/oracle beside the repository.

    Raises:
        OracleMissingError: Node, the folder or the npm package footprintjs is not there.
    """
    node = shutil.which("node")
    beside = Path(__file__).parents[3] / "shared" / "conformance" / "oracle"
    given = named or (Path(os.environ["FOOTPATH_ORACLE"]) if "FOOTPATH_ORACLE" in os.environ else beside)
    how = (
        "To ask the reference engine: install Node 20 or newer, take a folder with the conformance suite's "
        "oracle/run.mjs, run `npm install footprintjs@9.24.0` in it, and name it by --oracle or FOOTPATH_ORACLE."
    )
    if node is None:
        raise OracleMissingError(f"there is no `node` on the PATH. {how}")
    folder = given.resolve()
    if not (folder / "run.mjs").is_file():
        raise OracleMissingError(f"there is no run.mjs in {given}. {how}")
    if not (folder / "node_modules" / "footprintjs").is_dir():
        raise OracleMissingError(f"the npm package footprintjs is not installed in {given}. {how}")
    return Oracle(node, folder)

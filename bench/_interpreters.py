"""Pythons to measure with: the one that runs the bench, and others, side by side in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench._rows import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]


class Interpreter:
    """One Python, with a worker process that measures when asked.

    Raises:
        SystemExit: it is none, or lacks msgspec.
    """

    def __init__(self, python: str) -> None:
        self.python = python
        paths = [str(ROOT), str(ROOT / "engine_layer")]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        probe = "import msgspec, platform; print(platform.python_implementation(), platform.python_version())"
        out = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False, env=self.environment)
        if out.returncode:
            sys.exit(f"{python} is no Python with msgspec in it: {out.stderr[-300:]}")
        self.name = out.stdout.strip()
        self._worker: subprocess.Popen[str] | None = None

    def measure(self, job: str) -> float:
        """Median microseconds of one of the worker's jobs."""
        if self._worker is None:
            self._worker = subprocess.Popen(
                [self.python, "-m", "bench._worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=self.environment,
            )
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(f"{job}\n")
        self._worker.stdin.flush()
        return json.loads(self._worker.stdout.readline())

    def rows(self, part: str, rounds: int) -> list[Row]:
        """A part of the bench that compares nothing with Node, measured by this Python in a process of its own."""
        out = subprocess.run(
            [self.python, "-m", f"bench.{part}", str(rounds), "--json"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=self.environment,
        )
        return [Row(**row) for row in json.loads(out.stdout)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            assert self._worker.stdin is not None
            self._worker.stdin.close()
            self._worker.wait(timeout=30)


def interpreters(others: Sequence[str]) -> list[Interpreter]:
    """The Python that runs this, and the others."""
    return [Interpreter(python) for python in (sys.executable, *others)]

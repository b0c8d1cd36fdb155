"""Programs that take a while, and what they are at."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path


class StepError(Exception):
    """A program failed; the text ends with what it said."""


@contextmanager
def step(what: str) -> Generator[None]:
    """Say what begins, and how long it took."""
    began = time.monotonic()
    print(f"  {what} ...", flush=True)
    yield
    print(f"  {what}: {time.monotonic() - began:.1f} s", flush=True)


def run(
    *command: str | Path,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 600,
) -> str:
    """Run a program to its end; what it wrote to standard output.

    Args:
        command: the program and its arguments.
        log: gets everything it says, and standard output is not kept.
        environment: the whole of it; ours when None.
        timeout_s: it is killed after so long.

    Raises:
        StepError: it is not there, failed, or took too long.
    """
    words = [str(word) for word in command]
    try:
        if log is None:
            done = subprocess.run(
                words, capture_output=True, text=True, check=False, env=environment, timeout=timeout_s
            )
            said, status = done.stdout + done.stderr, done.returncode
        else:
            with log.open("w", encoding="utf-8") as file:
                status = subprocess.run(
                    words, stdout=file, stderr=file, check=False, env=environment, timeout=timeout_s
                ).returncode
            said, done = log.read_text(encoding="utf-8", errors="replace"), None
    except FileNotFoundError as error:
        raise StepError(f"{words[0]} is not here") from error
    except subprocess.TimeoutExpired as error:
        raise StepError(f"`{' '.join(words[:4])} ...` was not done after {timeout_s:.0f} s") from error
    if status != 0:
        raise StepError(f"`{' '.join(words[:4])} ...` failed ({status}):\n{_end(said)}")
    return done.stdout if done else ""


def _end(text: str, lines: int = 15) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def pipe(producer: Sequence[str | Path], consumer: Sequence[str | Path]) -> None:
    """Run one program into another.

    Raises:
        StepError: either failed.
    """
    with subprocess.Popen([str(word) for word in producer], stdout=subprocess.PIPE, stderr=sys.stderr) as first:
        done = subprocess.run(
            [str(word) for word in consumer], stdin=first.stdout, capture_output=True, text=True, check=False
        )
        if first.stdout is not None:
            first.stdout.close()
    for program, status in ((producer, first.returncode), (consumer, done.returncode)):
        if status != 0:
            raise StepError(
                f"`{' '.join(str(word) for word in program[:3])} ...` failed ({status}):\n{_end(done.stderr)}"
            )

"""Judges cases in processes of their own, so that a crash or a hang is the failure of one case alone."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from tests.conformance._deep import deeply
from tests.conformance._difference import Difference

__all__ = ["LIMIT_S", "Job", "Pool", "Verdict", "judge"]

LIMIT_S = 20.0
_context = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Job:
    """One case to judge: its file, the reference's result, and what its recorders make of it, if that is asked."""

    case: Path
    expected: Path
    recorders: Path | None = None

    @property
    def name(self) -> str:
        """The case's name: its file's, without `.json`."""
        return self.case.stem


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Attributes:
        difference: the first difference from the reference's result; None when there is none.
        failure: why there is no result to compare (an exception's text, a crash, a hang); None when there is one.
    """

    name: str
    seconds: float
    difference: Difference | None = None
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the results agree."""
        return self.difference is None and self.failure is None

    def why(self) -> str:
        """The failure or difference as text; empty when passed."""
        return self.failure or (str(self.difference) if self.difference else "")


def judge(job: Job) -> Verdict:
    """Run a case in this process and compare. Whatever goes wrong is the verdict; nothing raises."""
    began = time.perf_counter()
    try:
        # Imported here, so that the pool's own process never imports the engine, and survives one that can't be.
        from tests.conformance._compare import first_difference
        from tests.conformance._js import load_json
        from tests.conformance._run import run_case

        case = deeply(lambda: load_json(job.case.read_text(encoding="utf-8")))
        got = run_case(case)
        expected = deeply(lambda: load_json(job.expected.read_text(encoding="utf-8")))
        difference = deeply(lambda: first_difference(expected, got, case))
        if difference is None and job.recorders is not None:
            from tests.conformance._recorders import first_recorder_difference

            said = deeply(lambda: load_json(job.recorders.read_text(encoding="utf-8")))  # type: ignore[union-attr]
            difference = deeply(lambda: first_recorder_difference(case, expected, said))
    except Exception as error:  # noqa: BLE001  # one case's trouble is its own
        return Verdict(job.name, time.perf_counter() - began, failure=_told(error))
    return Verdict(job.name, time.perf_counter() - began, difference=difference)


def _told(error: Exception) -> str:
    lines = traceback.format_exception(error)
    return "".join(lines[:1] + lines[-6:] if len(lines) > 7 else lines).rstrip()


class Pool:
    """Worker processes that judge cases, one at a time each.

    A process that ends, or that is silent for `limit_s` seconds, is killed and replaced, and its case has failed. Use
    as a context manager: the processes end with it.
    """

    def __init__(self, workers: int, limit_s: float = LIMIT_S) -> None:
        self._workers = [_Worker() for _ in range(max(1, workers))]
        self._limit_s = limit_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def judge(self, jobs: Sequence[Job]) -> Iterator[Verdict]:
        """Verdicts in the order of `jobs`, as they become known."""
        waiting: SimpleQueue[tuple[int, Job] | None] = SimpleQueue()
        done: SimpleQueue[tuple[int, Verdict]] = SimpleQueue()
        for numbered in enumerate(jobs):
            waiting.put(numbered)
        for worker in self._workers:
            waiting.put(None)
            threading.Thread(target=self._drive, args=(worker, waiting, done), daemon=True).start()
        early: dict[int, Verdict] = {}
        for index in range(len(jobs)):
            while index not in early:
                number, verdict = done.get()
                early[number] = verdict
            yield early.pop(index)

    def _drive(
        self, worker: _Worker, waiting: SimpleQueue[tuple[int, Job] | None], done: SimpleQueue[tuple[int, Verdict]]
    ) -> None:
        while (numbered := waiting.get()) is not None:
            number, job = numbered
            done.put((number, worker.judge(job, self._limit_s)))


class _Worker:
    """One process that judges cases, started again when it is lost."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._ours, theirs = _context.Pipe()
        self._process = _context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def judge(self, job: Job, limit_s: float) -> Verdict:
        """The verdict on one case, also when the process does not survive it."""
        try:
            self._ours.send(job)
            if self._ours.poll(limit_s):
                return self._ours.recv()
            failure = f"did not end within {limit_s:g} s"
        except (EOFError, OSError):
            self._process.join(1)
            failure = f"the process died (exit code {self._process.exitcode})"
        self.stop()
        self._start()
        return Verdict(job.name, limit_s, failure=failure)

    def stop(self) -> None:
        """Kill the process; safe to call twice."""
        self._process.kill()
        self._process.join()
        self._ours.close()


def _serve(connection: Connection) -> None:
    logging.disable()  # recorders fail on purpose in some cases, and the engine says so
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(judge(job))

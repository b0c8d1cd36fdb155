"""Invent cases, ask the reference engine and this one, and show the smallest case on which they differ.

`python -m tests.conformance.fuzz --seed 7 --cases 2000 --oracle DIR`. One Node process answers a batch of cases. A case
is known by its seed and number for ever: `--seed 7 --first 1234 --cases 1` makes it again. The exit code is 1 when a
difference was found, 2 when the reference can't be asked.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.conformance._generate import generate_case
from tests.conformance._oracle import Oracle, OracleMissingError, find_oracle
from tests.conformance._shrink import reductions
from tests.conformance._worker import Job, Pool, Verdict

Case = dict[str, Any]

_BATCH = 100
_SHRINK_BATCH = 40
_NOT_A_CASE = re.compile(r'"(?:TypeError|RangeError|ReferenceError|SyntaxError|DataCloneError)|case format:')
"""In a result: an error that the language words, or that says that this is no valid case."""

_DEEPER = re.compile(r"(?:\.(next|children))+(?:\[\])?")
_NAMED = re.compile(r"(subflowResults|payload|runs)\.[^.\[]+")


class Fuzzing:
    """Asks both sides about cases, batch by batch, in a scratch folder."""

    def __init__(self, oracle: Oracle, pool: Pool, scratch: Path) -> None:
        self.passed_over = 0
        self._oracle = oracle
        self._pool = pool
        self._scratch = scratch
        self._batches = 0

    def differing(self, cases: list[Case]) -> Iterator[tuple[int, Verdict]]:
        """The cases that differ, by position, each with its verdict."""
        self._batches += 1
        folder = self._scratch / str(self._batches)
        expected = folder / "expected"
        expected.mkdir(parents=True)
        paths: list[Path] = []
        for index, case in enumerate(cases):
            path = folder / f"{index:04d}.json"
            path.write_text(json.dumps({**case, "name": path.stem}), encoding="utf-8")
            paths.append(path)
        lost = set(self._oracle.answer(paths, expected))
        asked = [p for p in paths if p not in lost and not _NOT_A_CASE.search((expected / p.name).read_text("utf-8"))]
        self.passed_over += len(paths) - len(asked)
        for path, verdict in zip(asked, self._pool.judge([Job(p, expected / p.name) for p in asked]), strict=True):
            if not verdict.passed:
                yield int(path.stem), verdict

    def shrunk(self, case: Case, verdict: Verdict, until: float) -> tuple[Case, Verdict]:
        """The smallest case found by then (in `time.monotonic` seconds) that still differs in the same way."""
        signature = _signature(verdict)
        smaller = True
        while smaller:
            smaller = False
            candidates = reductions(case)
            while batch := list(islice(candidates, _SHRINK_BATCH)):
                if time.monotonic() > until:
                    return case, verdict
                same = [(n, v) for n, v in self.differing(batch) if _signature(v) == signature]
                if same:
                    best, verdict = min(same, key=lambda found: len(json.dumps(batch[found[0]])))
                    case, smaller = batch[best], True
                    break
        return case, verdict


def _signature(verdict: Verdict) -> str:
    """What kind of difference it is: its path without positions, or the last line of the failure."""
    if verdict.difference:
        path = re.sub(r"\[\d+\]", "[]", verdict.difference.path)
        return _DEEPER.sub(r".\1", _NAMED.sub(r"\1.*", path))
    return (verdict.failure or "").splitlines()[-1]


def main(arguments: list[str] | None = None) -> int:
    """The command; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        oracle = find_oracle(options.oracle)
    except OracleMissingError as missing:
        print(missing)
        return 2
    numbers = iter(range(options.first, options.first + options.cases))
    kinds: dict[str, int] = {}
    tried = 0
    with Pool(options.workers) as pool, tempfile.TemporaryDirectory() as scratch:
        fuzzing = Fuzzing(oracle, pool, Path(scratch))
        while batch := list(islice(numbers, _BATCH)):
            cases = [make(options.seed, number, options.size) for number in batch]
            for index, verdict in list(fuzzing.differing(cases)):
                kind = _signature(verdict)
                kinds[kind] = kinds.get(kind, 0) + 1
                if kinds[kind] > 1:
                    continue  # one example a kind
                passed_over = fuzzing.passed_over
                case, verdict = fuzzing.shrunk(cases[index], verdict, time.monotonic() + options.shrink)
                fuzzing.passed_over = passed_over
                _show(options.seed, batch[index], case, verdict, options.keep)
            tried += len(batch)
            if len(kinds) >= options.stop:
                break
    for kind, count in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"{count:5d} x {kind}")
    differing = sum(kinds.values())
    asked = tried - fuzzing.passed_over
    print(f"seed {options.seed}: {asked - differing} of {asked} cases agree ({fuzzing.passed_over} passed over)")
    return 1 if kinds else 0


def make(seed: int, number: int, size: int = 6) -> Case:
    """The case of that seed and number."""
    return generate_case(random.Random(f"{seed}:{number}"), f"seed-{seed}-{number}", size)


def _show(seed: int, number: int, case: Case, verdict: Verdict, keep: Path | None) -> None:
    name = f"seed-{seed}-{number}"
    print(f"DIFFERS seed {seed}, case {number}, shrunk to:\n{json.dumps({**case, 'name': name})}\n  {verdict.why()}\n")
    sys.stdout.flush()
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{name}.json").write_text(json.dumps({**case, "name": name}, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=500, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first case")
    parser.add_argument("--size", type=int, default=6, metavar="N", help="steps of the longest line")
    parser.add_argument("--oracle", type=Path, metavar="DIR", help="folder of run.mjs, with footprintjs installed")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--stop", type=int, default=5, metavar="N", help="end after that many kinds of difference")
    parser.add_argument("--shrink", type=float, default=60, metavar="SECONDS", help="time to shrink one example")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the shrunk cases there")
    return parser


if __name__ == "__main__":
    sys.exit(main())

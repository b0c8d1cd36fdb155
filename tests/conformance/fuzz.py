"""Invent cases, ask the reference engine and this one, and show the smallest case on which they differ.

`python -m tests.conformance.fuzz --seeds 1,2,3 --cases 2000 --oracle DIR`. Each seed is a run of its own; one Node
process answers a batch of cases, and the results are compared as the conformance runner compares them. A case is known
by its generator, seed and number for ever (a mutant where the large set of cases is, or where it is not): `--generator
dense --seeds 7 --first 1234 --cases 1` makes it again. `--store FILE` writes the cases with the reference's results
instead of judging them: that is how the sample of `make test` is made. The exit code is 1 when a difference was found,
2 when the reference can't be asked.
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
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from tests.conformance._generate import generate_case
from tests.conformance._generate_dense import generate_dense_case
from tests.conformance._generate_mutants import Corpus, generate_mutant, known_cases
from tests.conformance._oracle import Oracle, OracleMissingError, find_oracle
from tests.conformance._places import shared_folder
from tests.conformance._sample import write_sample
from tests.conformance._shrink import reductions
from tests.conformance._worker import Job, Pool, Verdict

Case = dict[str, Any]

_BATCH = 100
_SHRINK_BATCH = 40
_LIMIT_S = 120
"""For one case. A loop whose end a case does not limit is left after 1,000 passes; with each event copied that takes half a minute."""
_NOT_A_CASE = re.compile(
    r'"(?:TypeError|RangeError|ReferenceError|SyntaxError|DataCloneError)|case format:|Coordinated Universal Time|"breakFn"|"stageMap": ?\{'
)
"""In a result: an error or a date that the language words, or what says that this is no valid case; `breakFn` is what JavaScript
calls the function that is handed to a stage where a resumed half has its input, `stageMap` a part of a chart that was
given as data."""

_DEEPER = re.compile(r"(?:\.(next|children))+(?:\[\])?")
_NAMED = re.compile(r"(subflowResults|payload|runs)\.[^.\[]+")


class Fuzzing:
    """Asks both sides about cases, batch by batch, in a scratch folder."""

    def __init__(self, oracle: Oracle, pool: Pool, scratch: Path, *, recorders: bool = False) -> None:
        self.passed_over = 0
        self._oracle = oracle
        self._pool = pool
        self._scratch = scratch
        self._recorders = recorders
        self._batches = 0

    def asked(self, cases: list[Case]) -> list[Job]:
        """The cases that the reference has answered, with the answers; by position in their names."""
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
        said = self._oracle.recorders(asked) if self._recorders else {}
        jobs: list[Job] = []
        for path in asked:
            kept = folder / f"{path.stem}.recorders"
            if isinstance(said.get(path.stem), list):
                kept.write_text(json.dumps(said[path.stem]), encoding="utf-8")
            jobs.append(Job(path, expected / path.name, kept if kept.exists() else None))
        return jobs

    def differing(self, cases: list[Case]) -> Iterator[tuple[int, Verdict]]:
        """The cases that differ, by position, each with its verdict."""
        jobs = self.asked(cases)
        for job, verdict in zip(jobs, self._pool.judge(jobs), strict=True):
            if not verdict.passed:
                yield int(job.name), verdict

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
    found = 0
    with Pool(options.workers, _LIMIT_S) as pool, tempfile.TemporaryDirectory() as scratch:
        fuzzing = Fuzzing(oracle, pool, Path(scratch), recorders=options.recorders)
        if options.store is not None:
            cases = [make(options.seeds[0], n, options.size, options.generator) for n in _numbers(options)]
            stored = write_sample(options.store, fuzzing.asked(cases))
            print(f"{stored} cases with their results are in {options.store}")
            return 0
        for seed in options.seeds:
            found += _run(fuzzing, seed, options)
            if found and options.stop <= 1:
                break
    return 1 if found else 0


def _numbers(options: argparse.Namespace) -> range:
    return range(options.first, options.first + options.cases)


def _run(fuzzing: Fuzzing, seed: int, options: argparse.Namespace) -> int:
    """Try one seed, and say what came of it; gives how many cases differ."""
    numbers = iter(_numbers(options))
    kinds: dict[str, int] = {}
    tried = 0
    before = fuzzing.passed_over
    while batch := list(islice(numbers, _BATCH)):
        cases = [make(seed, number, options.size, options.generator) for number in batch]
        for index, verdict in list(fuzzing.differing(cases)):
            kind = _signature(verdict)
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] > 1:
                continue  # one example a kind
            passed_over = fuzzing.passed_over
            case, verdict = fuzzing.shrunk(cases[index], verdict, time.monotonic() + options.shrink)
            fuzzing.passed_over = passed_over
            _show(f"{options.generator}-{seed}-{batch[index]}", case, verdict, options.keep)
        tried += len(batch)
        print(
            f"seed {seed}, {options.generator}: {tried} of {options.cases} tried, {sum(kinds.values())} differ",
            flush=True,
        )
        if len(kinds) >= options.stop:
            break
    for kind, count in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"{count:5d} x {kind}")
    differing = sum(kinds.values())
    passed_over = fuzzing.passed_over - before
    asked = tried - passed_over
    print(
        f"seed {seed}, {options.generator}: {asked - differing} of {asked} cases agree ({passed_over} passed over)",
        flush=True,
    )
    return differing


def make(seed: int, number: int, size: int = 6, generator: str = "lines") -> Case:
    """The case of that generator, seed and number."""
    name = f"{generator}-{seed}-{number}"
    if generator == "dense":
        return generate_dense_case(random.Random(f"dense:{seed}:{number}"), name)
    if generator == "mutants":
        return generate_mutant(random.Random(f"mutants:{seed}:{number}"), _corpus(), name)
    return generate_case(random.Random(f"{seed}:{number}"), name, size)


@cache
def _corpus() -> Corpus:
    return Corpus(known_cases(shared_folder()))


def _show(name: str, case: Case, verdict: Verdict, keep: Path | None) -> None:
    print(f"DIFFERS {name}, shrunk to:\n{json.dumps({**case, 'name': name})}\n  {verdict.why()}\n")
    sys.stdout.flush()
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{name}.json").write_text(json.dumps({**case, "name": name}, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.fuzz", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=[1], metavar="N,N", help="each a run of its own")
    parser.add_argument("--generator", choices=("lines", "dense", "mutants"), default="lines")
    parser.add_argument("--store", type=Path, metavar="FILE", help="write cases and the reference's results there")
    parser.add_argument("--recorders", action="store_true", help="compare what the built-in recorders say, too")
    parser.add_argument("--cases", type=int, default=500, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first case")
    parser.add_argument("--size", type=int, default=6, metavar="N", help="steps of the longest line")
    parser.add_argument("--oracle", type=Path, metavar="DIR", help="folder of run.mjs, with footprintjs installed")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--stop", type=int, default=5, metavar="N", help="end after that many kinds of difference")
    parser.add_argument("--shrink", type=float, default=60, metavar="SECONDS", help="time to shrink one example")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the shrunk cases there")
    return parser


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())

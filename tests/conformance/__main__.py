"""Run a folder of conformance cases on this engine and compare with the reference's results.

Prints the first difference of each failure, and `N passed, N failed` as its last line. The exit code is 1 when a case
failed, 2 when there was none to run.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from tests.conformance._places import HOW_TO_GIVE, OWN, jobs_in, shared_folder
from tests.conformance._worker import LIMIT_S, Job, Pool, Verdict


def main(arguments: list[str] | None = None) -> int:
    """The command; gives the exit code."""
    options = _parser().parse_args(arguments)
    home = shared_folder() or OWN
    cases: Path = options.cases or home / "cases"
    expected: Path = options.expected or cases.parent / "expected"
    jobs = [job for job in jobs_in(cases, expected) if _wanted(job, options.only, options.features)]
    if not jobs:
        print(f"no case to run in {cases}; {HOW_TO_GIVE}, or name the folders by --cases and --expected")
        return 2
    passed = failed = 0
    with Pool(min(options.workers, len(jobs)), options.limit) as pool:
        for verdict in pool.judge(jobs):
            passed += verdict.passed
            failed += not verdict.passed
            _report(verdict, as_json=options.json, verbose=options.verbose)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--cases", type=Path, metavar="DIR", help="folder of cases (default: see tests/README.md)")
    parser.add_argument("--expected", type=Path, metavar="DIR", help="the reference's results (default: beside cases)")
    parser.add_argument("--only", metavar="GLOB", help="only cases whose name matches")
    parser.add_argument("--features", metavar="A,B", help="only cases with one of these features")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS", help="time one case may take")
    parser.add_argument("--json", action="store_true", help="one JSON object a case instead of text")
    parser.add_argument("-v", "--verbose", action="store_true", help="name the cases that pass, too")
    return parser


def _wanted(job: Job, only: str | None, features: str | None) -> bool:
    if only and not fnmatch.fnmatchcase(job.name, only):
        return False
    if not features:
        return True
    try:
        case = json.loads(job.case.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # judged, and failed for what is wrong with it
    return not set(features.split(",")).isdisjoint(case.get("features") or ())


def _report(verdict: Verdict, *, as_json: bool, verbose: bool) -> None:
    if as_json:
        print(json.dumps({"passed": verdict.passed, **asdict(verdict)}))
    elif not verdict.passed:
        print(f"FAIL {verdict.name}\n  {verdict.why()}")
    elif verbose:
        print(f"ok   {verdict.name} ({verdict.seconds * 1000:.0f} ms)")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Every conformance case is a test: the suite's own, and the large set when it is here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import _charts, _expressions, _programs, _queries, _run
from tests.conformance._places import HOW_TO_GIVE, OWN, jobs_in, shared_folder
from tests.conformance._worker import Job, Pool

_OWN_JOBS = jobs_in(OWN / "cases", OWN / "expected")
_SHARED = shared_folder()
_SHARED_JOBS = jobs_in(_SHARED / "cases", _SHARED / "expected") if _SHARED else []


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1) as made:
        yield made


def _judge(pool: Pool, job: Job) -> None:
    (verdict,) = pool.judge([job])
    assert verdict.passed, f"{job.name}: {verdict.why()}"


@pytest.mark.parametrize("job", _OWN_JOBS, ids=lambda job: job.name)
def test_own_case_gives_the_reference_result(job: Job, pool: Pool) -> None:
    """Our engine gives what the reference gave, by the rules of docs/parity.md."""
    _judge(pool, job)


@pytest.mark.skipif(not _SHARED_JOBS, reason=f"the large set of conformance cases is not here: {HOW_TO_GIVE}")
@pytest.mark.parametrize("job", _SHARED_JOBS or [None], ids=lambda job: job.name if job else "no cases")
def test_shared_case_gives_the_reference_result(job: Job, pool: Pool) -> None:
    """As the suite's own cases, on the large set."""
    _judge(pool, job)


def test_every_own_case_has_a_result_and_every_result_a_case() -> None:
    """A case without a result would prove nothing."""
    assert _OWN_JOBS
    assert {job.name for job in _OWN_JOBS} == {path.stem for path in (OWN / "expected").glob("*.json")}


def test_every_fact_has_a_case_that_exists() -> None:
    """`facts.md` names one or more for each number, ours in this repository and those of the large set where it is here."""
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", (OWN / "facts.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, _FACTS + 1))
    here = {job.name for job in _OWN_JOBS} | {f"shared/{job.name}" for job in _SHARED_JOBS}
    for number, cell in rows:
        named = set(re.findall(r"`([^`]+)`", cell))
        assert named, f"fact {number} names no case"
        known = named if _SHARED_JOBS else {name for name in named if not name.startswith("shared/")}
        assert known <= here, f"fact {number}: there is no {', '.join(sorted(known - here))}"
    for job in _OWN_JOBS:
        if job.name.startswith("fact-"):
            number = job.name.split("-")[1]
            assert f"`{job.name}`" in dict(rows)[str(int(number))], f"{job.name} is not at its fact"


_FACTS = 97


def test_own_cases_use_every_word_of_the_format() -> None:
    """Every op, expression, builder call, query and option; a clean clone then proves something about each."""
    words: set[str] = set()
    stack: list[Any] = [json.loads(job.case.read_text(encoding="utf-8")) for job in _OWN_JOBS]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            words.add(item)
        elif isinstance(item, dict):
            words |= item.keys()
            stack += item.values()
        elif isinstance(item, list):
            stack += item
    known = {
        *_programs.OPS,
        *_programs.ARRAY_METHODS,
        *_expressions.FORMS,
        *_charts.CALLS,
        *_queries.QUERIES,
        *_run.OPTIONS,
    }
    assert known - words == set()


def test_a_case_that_hangs_fails_alone(tmp_path: Path) -> None:
    """The pool kills what is silent for too long and goes on with the next case."""
    os.mkfifo(tmp_path / "hangs.json")  # reading it never ends
    hanging = Job(tmp_path / "hangs.json", tmp_path / "hangs.json")
    missing = Job(tmp_path / "missing.json", tmp_path / "missing.json")
    with Pool(1, limit_s=10) as pool:  # a new process has to start within it, on a busy machine too
        first, second = pool.judge([hanging, missing])
    assert first.failure == "did not end within 10 s"
    assert "FileNotFoundError" in (second.failure or "")


def test_a_case_whose_process_dies_fails_alone(tmp_path: Path) -> None:
    """The pool starts a new process for the next case."""
    os.mkfifo(tmp_path / "dies.json")
    with Pool(1) as pool:
        pool._workers[0]._process.kill()
        first, second = pool.judge([Job(tmp_path / "dies.json", tmp_path), Job(tmp_path / "missing.json", tmp_path)])
    assert "the process died" in (first.failure or "")
    assert "FileNotFoundError" in (second.failure or "")


def test_a_run_that_paused_after_many_steps_goes_on() -> None:
    """A checkpoint's tree is one level deeper a step; the runner hands it on however deep it is."""
    steps = [{"call": "function", "name": "F", "id": f"f{number}", "program": []} for number in range(500)]
    ask = {"call": "pausable", "name": "P", "id": "p", "program": [["return", "ask"]], "resume": []}
    chart = [{"call": "start", "name": "S", "id": "s", "program": []}, *steps, ask]
    result = _run.run_case({"name": "long", "chart": chart, "run": {"resume": [{"fresh": True}]}})
    assert [phase["outcome"] for phase in result["runs"][0]["phases"]] == ["paused", "completed"]

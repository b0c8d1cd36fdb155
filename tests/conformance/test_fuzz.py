"""The differential fuzzing itself: what it generates, how it shrinks, and a short run where the reference is here."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import fuzz
from tests.conformance._compare import first_difference
from tests.conformance._generate import generate_case
from tests.conformance._generate_dense import generate_dense_case
from tests.conformance._generate_mutants import Corpus, generate_mutant, known_cases
from tests.conformance._oracle import OracleMissingError, find_oracle
from tests.conformance._places import shared_folder
from tests.conformance._run import run_case
from tests.conformance._sample import SAMPLE, read_sample, write_sample
from tests.conformance._shrink import reductions
from tests.conformance._worker import Job


def test_a_seed_and_a_number_name_one_case_for_ever() -> None:
    """The same numbers give the same case; others give others."""
    assert fuzz.make(3, 14) == fuzz.make(3, 14)
    assert fuzz.make(3, 14) != fuzz.make(3, 15)


def test_a_hundred_cases_cover_every_kind_of_call() -> None:
    """A generator that forgot a kind would pass for ever."""
    calls: set[str] = set()
    for number in range(100):
        for part in _dicts(generate_case(random.Random(f"cover {number}"))):
            calls |= {part[key] for key in ("call", "kind") if key in part}
    assert calls >= {
        "start", "function", "streaming", "pausable", "decider", "selector", "fork", "subflow", "subflowNext",
        "lazySubflowNext", "parallelForEach", "loopTo", "retry", "tag",
    }  # fmt: skip


def _dicts(value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            found.append(item)
            stack += item.values()
        elif isinstance(item, list):
            stack += item
    return found


def test_reductions_are_smaller_and_reach_the_op_that_matters() -> None:
    """Delta debugging by these steps finds the one write that a made-up fault needs."""
    case = next(c for n in range(50) if '"redact"' in json.dumps(c := fuzz.make(1, n)))

    def fails(candidate: Any) -> bool:
        return '"redact"' in json.dumps(candidate)

    size = len(json.dumps(case))
    while smaller := next(
        (c for c in reductions(case) if fails(c) and len(json.dumps(c)) < len(json.dumps(case))), None
    ):
        case = smaller
    assert len(json.dumps(case)) < size / 4
    assert sum(len(call.get("program", [])) for call in case["chart"]) <= 1


def test_a_hundred_dense_cases_loop_pause_and_return_charts_at_every_depth() -> None:
    """What the first generator leaves out: loops and pauses inside mounted charts, children hung on what was there before."""
    calls: set[str] = set()
    ops: set[str] = set()
    for number in range(100):
        case = generate_dense_case(random.Random(f"cover {number}"))
        calls |= {part["call"] for part in _dicts(case) if "call" in part}
        inner = [part["chart"] for part in _dicts(case["chart"]) if isinstance(part.get("chart"), list)]
        ops |= {
            word for word in ("loopTo", "pausable", "interrupt", "return_subflows") if f'"{word}"' in json.dumps(inner)
        }
    assert calls >= {"start", "startSelector", "lazySubflow", "parallelForEach", "loopTo", "contract", "tag", "retry"}
    assert ops == {"loopTo", "pausable", "interrupt", "return_subflows"}


def test_mutants_are_known_cases_with_every_kind_of_change() -> None:
    """Each says what it was and what was done to it; the same numbers give the same mutants."""
    cases = known_cases(shared_folder())
    corpus = Corpus(cases)
    names = {case["name"] for case in cases}
    done: set[str] = set()
    for number in range(200):
        first, again = (generate_mutant(random.Random(f"cover {number}"), corpus) for _ in range(2))
        assert first == again
        known, _, changes = first["about"].partition(": ")
        assert known in names
        done |= set(changes.split(", "))
    assert done == {
        "another_call", "another_op", "another_run", "call_again", "call_elsewhere", "hidden_key", "in_a_branch", "in_a_chart",
        "in_a_fork", "loop", "mounted", "odd_value", "option", "other_kind", "other_mount", "other_op", "other_order",
        "other_program", "pause", "questions",
    }  # fmt: skip
    assert all(
        case == before for case, before in zip(cases, known_cases(shared_folder()), strict=True)
    )  # nothing is changed in place


def test_a_mutant_is_the_same_for_ever() -> None:
    """A new case, or a change to one of the list, would renumber them all; when that is wanted, seeds have to be measured anew."""
    corpus = Corpus(known_cases(shared=None))
    made = [generate_mutant(random.Random(f"frozen {number}"), corpus) for number in range(50)]
    assert sha256(json.dumps(made).encode()).hexdigest()[:16] == "e8435d1d4a2da848"


def test_a_case_of_any_depth_can_be_stored_in_a_sample(tmp_path: Path) -> None:
    """A reference's tree is one level deeper a step: more than Python's own JSON reads or writes."""
    depth = 1_400
    case, expected, sample = tmp_path / "deep.json", tmp_path / "deep.expected.json", tmp_path / "sample.jsonl.gz"
    case.write_text('{"name": "deep"}', "utf-8")
    expected.write_text('{"tree":' + "[" * depth + "]" * depth + "}", "utf-8")
    assert write_sample(sample, [Job(case, expected)]) == 1
    ((_, kept),) = read_sample(sample)
    node, levels = kept["tree"], 1
    while node:
        (node,), levels = node, levels + 1
    assert levels == depth


@pytest.mark.parametrize("generator", ["lines", "dense", "mutants"])
def test_the_sample_gives_the_reference_results(generator: str) -> None:
    """Invented cases with stored results: differential fuzzing in small, without Node."""
    tried = 0
    for case, expected in read_sample(SAMPLE / f"{generator}.jsonl.gz"):
        found = first_difference(expected, run_case(case), case)
        assert found is None, f"{case['name']}: {found}"
        tried += 1
    assert tried >= 20


def test_without_the_reference_the_command_says_how_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and the package's name and version."""
    assert fuzz.main(["--oracle", str(tmp_path)]) == 2
    assert "footprintjs@9.24.0" in capsys.readouterr().out


def test_fresh_cases_agree_with_the_reference() -> None:
    """A short run; `python -m tests.conformance.fuzz` is the long one."""
    try:
        find_oracle()
    except OracleMissingError as missing:
        pytest.skip(str(missing))
    assert fuzz.main(["--seeds", "20", "--cases", "100", "--shrink", "5", "--workers", "1"]) == 0

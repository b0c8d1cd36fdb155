"""The built-in recorders beside the reference's: attached to the same charts, asked after every phase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footpath import replay
from tests.conformance._js import load_json
from tests.conformance._oracle import OracleMissingError, find_oracle
from tests.conformance._places import OWN, shared_folder
from tests.conformance._recorders import ask, attached, first_recorder_difference, made_of_case

# One line a case: what the reference's recorders made of it. `python -m tests.conformance.test_recorders` writes it
# anew.
KEPT = OWN / "recorders.jsonl"
CASES = (
    "loop-long", "loop-until", "decide-filters", "select-rules", "fork-waits", "fork-of-subflows", "fork-fail-fast",
    "for-each-items", "dynamic-nodes", "retry-and-fail", "error-with-writes", "pause-and-go-on", "pause-inside",
    "subflow-mappings", "emits-and-diagnostics", "two-runs", "decider-reasons",
)  # fmt: skip


def _kept() -> dict[str, Any]:
    return dict(json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines())


def _case(path: Path) -> dict[str, Any]:
    return load_json(path.read_text(encoding="utf-8"))


def _result(path: Path) -> dict[str, Any]:
    return load_json(path.parent.with_name("expected").joinpath(path.name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_recorders_say_what_the_references_say(name: str) -> None:
    """Metrics, debug, manifest, in and out, topology, quality, composite, control dependencies, narratives, bundles."""
    path = OWN / "cases" / f"{name}.json"
    said = _kept()[name]
    assert first_recorder_difference(_case(path), _result(path), said) is None
    said[0]["metric"][0]["totalWrites"] += 1
    found = first_recorder_difference(_case(path), _result(path), said)
    assert found is not None, "it looks"
    assert found.path == "$.runs[0].phases[0].recorders.metric[0].totalWrites"


@pytest.mark.parametrize("name", CASES)
def test_recorders_say_the_same_of_a_replay(name: str) -> None:
    """Told of the traces of an executor's phases, one after the other, they stand as they stood after the live ones."""
    _result, live, traces = made_of_case(_case(OWN / "cases" / f"{name}.json"))
    told: dict[Any, dict[str, Any]] = {}
    for said, made in zip(live, traces, strict=True):
        if made is None:
            continue
        executor, trace = made
        recorders = told.setdefault(executor, attached())
        replay(trace, *recorders.values())
        again = ask(recorders, trace.snapshot)
        # A trace of a resumed phase has that phase's commits alone, so what is asked of the log is not compared.
        live_only = {"bundles", "executor"}
        assert {**again, "trace": None} == {k: held for k, held in said.items() if k not in live_only} | {"trace": None}


def test_the_large_set_agrees_too() -> None:
    """All shared cases, asked of the reference now; the kept answers are checked against it as well."""
    shared = shared_folder()
    if shared is None:
        pytest.skip("the large set of cases is not here")
    try:
        oracle = find_oracle()
    except OracleMissingError as missing:
        pytest.skip(str(missing))
    own = [OWN / "cases" / f"{name}.json" for name in CASES]
    answers = oracle.recorders([*sorted((shared / "cases").glob("*.json")), *own])
    assert {name: answers[name] for name in CASES} == _kept()
    failures: dict[str, str] = {}
    for path in sorted((shared / "cases").glob("*.json")):
        if answers[path.stem]:
            found = first_recorder_difference(_case(path), _result(path), answers[path.stem])
            if found is not None:
                failures[path.stem] = str(found)
    assert failures == {}


if __name__ == "__main__":
    answers = find_oracle().recorders([OWN / "cases" / f"{name}.json" for name in CASES])
    lines = [json.dumps([name, answers[name]], ensure_ascii=False, separators=(",", ":")) for name in CASES]
    KEPT.write_text("\n".join(lines) + "\n", encoding="utf-8")

"""The interpreter of cases itself, without the engine: expressions against what the reference's runner computed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from footpath.values import record
from tests.conformance import _js
from tests.conformance._canon import canonical
from tests.conformance._compare import first_difference
from tests.conformance._expressions import evaluate, segments, walk
from tests.conformance._js import ABSENT
from tests.conformance._view import is_run_id, json_view, name_runs

HERE = Path(__file__).parent
TABLES = ("expressions-numbers", "expressions-logic", "expressions-access")


class PlainContext:
    """State as a dict, and the run's args and env."""

    def __init__(self, state: dict[str, Any], args: Any, env: Any) -> None:
        self.variables: dict[str, Any] = {}
        self._state = state
        self._sources = {"args": args, "env": env}

    def get(self, path: list[str]) -> Any:
        return walk(self._state.get(path[0], ABSENT), path[1:])

    def has(self, key: str) -> bool:
        return key in self._state

    def source(self, name: str) -> Any:
        return self._sources.get(name, ABSENT)


def _rows() -> list[Any]:
    rows: list[Any] = []
    for name in TABLES:
        case = _js.load_json((HERE / "cases" / f"{name}.json").read_text(encoding="utf-8"))
        result = _js.load_json((HERE / "expected" / f"{name}.json").read_text(encoding="utf-8"))
        seed, compute = (call["program"] for call in case["chart"])
        state = {op[1]: op[2] for op in seed}
        written = {
            entry["event"]["key"]: entry["event"].get("value", ABSENT)
            for entry in result["runs"][0]["phases"][0]["events"]
            if entry["method"] == "onWrite"
        }
        context = PlainContext(state, case["run"]["input"], case["run"]["env"])
        rows += [pytest.param(op[2], written[op[1]], context, id=f"{name}-{op[1]}") for op in compute]
    return rows


@pytest.mark.parametrize(("expression", "expected", "context"), _rows())
def test_an_expression_has_the_value_the_reference_computed(
    expression: Any, expected: Any, context: PlainContext
) -> None:
    """Values are compared as JSON texts, the form the reference's answer came in."""
    value = evaluate(expression, context)
    if expected is ABSENT:
        assert value is ABSENT
    else:
        assert _js.json_text(value) == _js.json_text(expected)


def test_a_number_prints_as_in_javascript() -> None:
    """Shortest digits; exponents below 1e-6 and from 1e21 on."""
    numbers = [0.0, -0.0, 1.0, 0.1, 1e21, 1e20, 123e-20, 1e-6, 1.5e-7, 2**53, -1.25, 5e-324, 1.7976931348623157e308]
    assert [_js.number_text(x) for x in numbers] == [
        "0", "0", "1", "0.1", "1e+21", "100000000000000000000", "1.23e-18", "0.000001", "1.5e-7", "9007199254740992",
        "-1.25", "5e-324", "1.7976931348623157e+308",
    ]  # fmt: skip


def test_a_path_is_split_at_dots_unless_given_as_a_list() -> None:
    """A list keeps dots that belong to keys."""
    assert segments("a.b") == ["a", "b"]
    assert segments(["a.b", 0]) == ["a.b", "0"]


def _result(**phase: Any) -> dict[str, Any]:
    full: dict[str, Any] = {"op": "run", "outcome": "completed", "snapshot": {"commitLog": []}, "narrative": []}
    return {"format": 1, "build": {}, "runs": [{"phases": [{**full, "events": [], **phase}]}], "concurrency": "none"}


@pytest.mark.parametrize(
    ("expected", "got", "path"),
    [
        ({"result": 1}, {"result": 1.0}, None),
        ({"result": {"a": 1, "b": [2]}}, {"result": {"b": [2], "a": 1}}, None),
        ({"result": None}, {}, None),
        ({"result": 1}, {"result": True}, "$.runs[0].phases[0].result"),
        ({"result": {"a": None}}, {"result": {}}, "$.runs[0].phases[0].result.a"),
        ({"result": [1, 2]}, {"result": [1]}, "$.runs[0].phases[0].result[1]"),
        ({"result": ""}, {"result": None}, "$.runs[0].phases[0].result"),
        ({"narrative": [{"text": "x"}]}, {}, "$.runs[0].phases[0].narrative[0]"),
    ],
)
def test_the_comparison_forgives_what_the_rules_name_and_nothing_else(
    expected: dict[str, Any], got: dict[str, Any], path: str | None
) -> None:
    """Numbers by value, members in any order, a null result as none; all else is a difference with its path."""
    found = first_difference(_result(**expected), _result(**got), {"run": {}})
    assert (found.path if found else None) == path


def test_the_canonical_form_forgets_step_numbers_and_the_order_of_branches() -> None:
    """Two interleavings of the same two branches are one; another value in one of them is not."""

    def interleaved(*steps: tuple[str, int]) -> dict[str, Any]:
        events = [{"channel": "scope", "method": "onRead", "event": {"runtimeStageId": s, "key": k}} for s, k in steps]
        return {**_result(events=events), "concurrency": "deep"}

    one = interleaved(("l/a#1", 1), ("r/a#2", 2), ("l/b#3", 3), ("r/b#4", 4))
    other = interleaved(("l/a#1", 1), ("l/b#2", 3), ("r/a#3", 2), ("r/b#4", 4))
    wrong = interleaved(("l/a#1", 1), ("l/b#2", 3), ("r/a#3", 9), ("r/b#4", 4))
    assert canonical(one) == canonical(other)
    assert first_difference(one, other, {"run": {}}) is None
    assert first_difference(one, wrong, {"run": {}}) is not None


def test_the_recorded_form_reads_as_javascripts_json() -> None:
    """What JSON can't hold is tagged in our records; it is compared as what JavaScript's JSON makes of it."""
    moment = datetime(2024, 2, 29, 12, 30, 0, 250_000, tzinfo=UTC)
    value = [math.nan, -math.inf, moment, "half \ud83d", ABSENT, {"gone": ABSENT, "kept": None, "$footpath": 1}]
    expected = [None, None, "2024-02-29T12:30:00.250Z", "half \ud83d", None, {"kept": None, "$footpath": 1}]
    assert json_view(record(value)) == expected
    assert [json_view(record(item)) for item in value] == expected


def test_other_tagged_forms_are_shown_as_they_are() -> None:
    """The rule covers no more than what the format's values can be."""
    assert json_view(record({1, 2})) != [1, 2]
    assert "$footpath" in json_view(record(b"bytes"))


def test_the_narrative_after_a_fresh_resume_is_not_compared() -> None:
    """Only there: the narrative of the run before, and of a resume on the same executor, is."""
    line = {"text": "x"}

    def told(*narratives: list[Any]) -> dict[str, Any]:
        result = _result()
        (phase,) = result["runs"][0]["phases"]
        result["runs"][0]["phases"] = [{**phase, "narrative": narrative} for narrative in narratives]
        return result

    fresh: dict[str, Any] = {"run": {"resume": [{"fresh": True}]}}
    same: dict[str, Any] = {"run": {"resume": [{}]}}
    assert first_difference(told([line], []), told([line], [line]), fresh) is None
    assert first_difference(told([line], []), told([line], [line]), same) is not None
    assert first_difference(told([], []), told([line], []), fresh) is not None


def test_run_ids_are_named_by_first_appearance() -> None:
    """Ids of the engine's form only: a state key that is called runId keeps its value."""
    first, second = "0190b5a0-0000-7000-8000-000000000001", "0190b5a0-0000-7000-8000-000000000002"
    events = [{"event": {"runId": second}}, {"event": {"runId": first}}, {"event": {"runId": "my own"}}]
    result = _result(events=events, snapshot={"runId": first, "commitLog": []})
    name_runs(result, is_run_id)
    (phase,) = result["runs"][0]["phases"]
    assert [entry["event"]["runId"] for entry in phase["events"]] == ["<run-1>", "<run-2>", "my own"]
    assert phase["snapshot"]["runId"] == "<run-2>"

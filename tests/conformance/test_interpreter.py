"""The interpreter of cases itself, without the engine: expressions against what the reference's runner computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conformance import _js
from tests.conformance._expressions import evaluate, segments, walk
from tests.conformance._js import ABSENT

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

"""Contracts: footprintjs's shallow check to the letter, and a check of the whole schema by default."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from footpath.chart import Contract, flow_chart
from footpath.errors import BuildError, InputValidationError
from tests.unit.chart._stub_charts import nothing


def messages(schema: dict[str, Any], value: object, *, strict: bool = True) -> list[tuple[list[str | int], str]]:
    return [(issue["path"], issue["message"]) for issue in Contract(schema, strict=strict).check_input(value)]


LOAN = {
    "type": "object",
    "required": ["amount", "applicant"],
    "additionalProperties": False,
    "properties": {
        "amount": {"type": "number", "minimum": 1, "maximum": 100},
        "term": {"type": "integer", "enum": [12, 24]},
        "applicant": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "minLength": 2, "pattern": "^[A-Z]"}},
        },
        "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
        "contact": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["mail"]}]},
        "kind": {"const": {"a": [1]}},
    },
}


@pytest.mark.parametrize(
    ("value", "issues"),
    [
        ({"amount": 5, "applicant": {"name": "Ada"}}, []),
        ({"amount": 5.5, "applicant": {"name": "Ada"}, "term": 12.0, "note": None, "tags": []}, []),
        ({"amount": 5, "applicant": {"name": "Ada"}, "contact": {"mail": 1}, "kind": {"a": (1.0,)}}, []),
        (
            None,
            [(["amount"], 'Missing required field "amount"'), (["applicant"], 'Missing required field "applicant"')],
        ),
        ([], [([], "Expected object, received array")]),
        (
            {"amount": True, "applicant": {}},
            [
                (["amount"], "Expected number, received boolean"),
                (["applicant", "name"], 'Missing required field "name"'),
            ],
        ),
        ({"amount": 0, "applicant": {"name": "Ada"}}, [(["amount"], "Expected at least 1, received 0")]),
        (
            {"amount": float("nan"), "applicant": {"name": "Ada"}},
            [
                (["amount"], "Expected at least 1, received nan"),
                (["amount"], "Expected at most 100, received nan"),
            ],
        ),
        ({"amount": 5, "applicant": {"name": "Ada"}, "term": 13}, [(["term"], "Expected one of 12, 24")]),
        (
            {"amount": 5, "applicant": {"name": "Ada"}, "term": 12.5},
            [(["term"], "Expected integer, received number")],
        ),
        (
            {"amount": 5, "applicant": {"name": "a"}},
            [
                (["applicant", "name"], "Expected at least 2 characters, received 1"),
                (["applicant", "name"], "Expected text that matches ^[A-Z]"),
            ],
        ),
        (
            {"amount": 5, "applicant": {"name": "Ada"}, "tags": ["x", 1, None]},
            [
                (["tags"], "Expected at most 2 items, received 3"),
                (["tags", 1], "Expected string, received number"),
                (["tags", 2], "Expected string, received null"),
            ],
        ),
        ({"amount": 5, "applicant": {"name": "Ada"}, "more": 1}, [(["more"], 'Unknown field "more"')]),
        (
            {"amount": 5, "applicant": {"name": "Ada"}, "contact": 5},
            [(["contact"], "Matches none of the 2 forms allowed")],
        ),
        ({"amount": 5, "applicant": {"name": "Ada"}, "kind": {"a": [True]}}, [(["kind"], 'Expected {"a":[1]}')]),
        (
            {"amount": datetime(2026, 1, 1, tzinfo=UTC), "applicant": {"name": "Ada"}},
            [(["amount"], "Expected number, received datetime")],
        ),
    ],
)
def test_every_problem_is_named_by_its_path(value: object, issues: list[tuple[list[str | int], str]]) -> None:
    """In the schema's order, parents before what is in them."""
    assert messages(LOAN, value) == issues


def test_a_deep_problem_says_where_in_the_summary() -> None:
    """One at the top is worded as in footprintjs."""
    with pytest.raises(InputValidationError) as refused:
        Contract(LOAN).validate_input({"amount": "ten", "applicant": {"name": 5}, "tags": [1]})
    assert str(refused.value) == (
        "Input validation failed: 3 issues — Expected number, received string; "
        "Expected string, received number at applicant.name; Expected string, received number at tags[0]"
    )
    assert [issue["path"] for issue in refused.value.issues] == [["amount"], ["applicant", "name"], ["tags", 0]]


def test_values_without_end_are_checked_to_the_schemas_depth() -> None:
    """A list that holds itself, or one 100,000 deep, is looked at no further than the schema says."""
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    schema = {"type": "array", "items": {"type": "array", "items": {"type": "array"}}}
    assert messages(schema, cyclic) == []
    assert messages(schema, deep) == []
    assert messages({"const": [[[[]]]]}, deep) == [([], "Expected [[[[]]]]")]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("object", "input must be a JSON Schema (a mapping, or True, which anything meets), got str"),
        ({"$ref": "#/x"}, "input uses '$ref', which is not supported"),
        ({"properties": {"a": {"oneOf": []}}}, "input.properties.a uses 'oneOf'"),
        ({"anyOf": [{"items": []}]}, "input.anyOf[0].items must be a schema"),
        ({"items": {"minimum": "1"}}, "input.items.minimum must be a number (got '1')"),
        ({"type": "text"}, "input.type must be one of object,"),
        ({"required": "a"}, "input.required must be a list of names"),
        ({"minLength": -1}, "input.minLength must be a count"),
        ({"pattern": "("}, "input.pattern must be a regular expression"),
        ({"properties": {"a": 5}}, "input.properties.a must be a JSON Schema (an object), got int"),
        ({"default": object()}, "input is no JSON"),
    ],
)
def test_a_schema_that_could_not_be_checked_is_refused(schema: Any, words: str) -> None:
    """When the contract is declared, not when the first input comes."""
    with pytest.raises(BuildError) as refused:
        flow_chart("A", nothing, "a").contract(schema)
    assert words in str(refused.value)


def test_a_schema_without_end_is_refused() -> None:
    """One that holds itself once, and one that doubles."""
    cyclic: dict[str, Any] = {}
    cyclic["items"] = cyclic
    doubling: dict[str, Any] = {}
    doubling["properties"] = {"a": doubling, "b": doubling}
    for schema in (cyclic, doubling):
        with pytest.raises(BuildError, match="nests deeper than"):
            flow_chart("A", nothing, "a").contract(schema)


# What footprintjs 9.24.0 answered.
_SHALLOW: list[tuple[dict[str, Any], object, str | None]] = [
    ({"type": "object", "required": ["a"]}, None, None),
    ({"type": "object", "required": ["a"]}, {}, 'Input validation failed: Missing required field "a"'),
    ({"type": "object", "required": ["a"]}, [], 'Input validation failed: Missing required field "a"'),
    ({"type": "object", "required": "abc"}, {}, None),
    ({"type": "object"}, "x", "Expected an object"),
    ({"type": "string"}, "x", "Expected an object"),
    ({"type": ["string", "null"]}, 5, None),
    ({"foo": 1}, 5, None),
    ({"required": ["a"]}, {}, None),
    ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "Input validation failed: Expected string, received number"),
    ({"properties": {"a": {"type": "string"}}}, {"a": None}, None),
    (
        {"properties": {"a": {"type": "integer"}}},
        {"a": 1},
        "Input validation failed: Expected integer, received number",
    ),
    ({"properties": {"a": {"enum": [1]}}}, {"a": 2}, None),
    ({"properties": {"a": {"type": "array", "items": {"type": "string"}}}}, {"a": [1]}, None),
    ({"properties": {"a": {"type": "object", "required": ["q"]}}}, {"a": {}}, None),
    (
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"a": 5},
        'Input validation failed: 2 issues — Missing required field "b"; Expected string, received number',
    ),
]


@pytest.mark.parametrize(("schema", "value", "message"), _SHALLOW)
def test_without_strict_the_check_is_the_references(schema: dict[str, Any], value: object, message: str | None) -> None:
    """Shallow, and lenient with null."""
    contract = Contract(schema, strict=False)
    if message is None:
        assert contract.check_input(value) == []
    else:
        with pytest.raises(InputValidationError) as refused:
            contract.validate_input(value)
        assert str(refused.value) == message


def test_a_chart_keeps_its_contract_and_tells_it() -> None:
    """Two calls add up; later changes of the schema's dict change nothing."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    chart = flow_chart("A", nothing, "a").contract(input=schema).contract(output={"type": "string"}).build()
    schema["properties"] = {}
    assert [issue["path"] for issue in chart.contract.check_input({"a": 1})] == [["a"]]
    assert chart.to_mcp_tool()["inputSchema"]["properties"] == {"a": {"type": "string"}}
    operation = chart.to_openapi()["paths"]["/a"]["post"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "string"}


def test_a_chart_without_contract_takes_anything() -> None:
    """So callers need not ask whether there is one."""
    chart = flow_chart("A", nothing, "a").build()
    assert chart.contract.check_input(object()) == []


def test_an_api_may_have_a_title_a_version_a_description_and_a_path_of_its_own() -> None:
    """The title is the operation's summary, too; the operation keeps the chart's description: as in the reference."""
    chart = flow_chart("A", lambda _: None, "a", description="Go on").build()
    about = "FlowChart: A\nSteps:\n1. A — Go on"
    assert chart.to_openapi(title="T", version="2", description="D", path="/p") == {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "2", "description": "D"},
        "paths": {
            "/p": {"post": {"summary": "T", "description": about, "responses": {"200": {"description": "Success"}}}}
        },
    }
    assert chart.to_openapi(title="")["info"] == {"title": "", "version": "1.0.0", "description": about}
    assert chart.to_openapi() == chart.to_openapi(title="FlowChart: A", version="1.0.0", description=about, path="/a")


def test_a_second_contract_keeps_what_it_does_not_name() -> None:
    """Schemas and mapper come together over several calls."""

    def mapper(state: dict[str, Any]) -> Any:
        return state

    built = (
        flow_chart("A", lambda _: None, "a").contract(LOAN, mapper=mapper).contract(output={"type": "object"}).build()
    )
    assert (built.contract.input, built.contract.output, built.contract.mapper) == (LOAN, {"type": "object"}, mapper)

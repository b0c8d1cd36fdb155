"""SQL over segments: what each view says of the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from footpath_cli.sql import VIEWS, DamagedSegmentError, QueryError, Tables
from infra.saved_queries import saved_queries
from tests.unit.cli.conftest import START_MS, make_id, make_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RULES = [
    {
        "type": "filter",
        "ruleIndex": 0,
        "branch": "decline",
        "matched": False,
        "label": "weak score",
        "conditions": [{"key": "score", "op": "lt", "threshold": 40, "actualSummary": "62", "result": False}],
    },
    {
        "type": "filter",
        "ruleIndex": 1,
        "branch": "approve",
        "matched": True,
        "label": "strong score",
        "conditions": [{"key": "score", "op": "gte", "threshold": 60, "actualSummary": "62", "result": True}],
    },
]
AUDIT: list[dict[str, Any]] = [
    {"seq": 0, "kind": "run-start", "runId": "r", "value": {"amount": 7}},
    {
        "seq": 1,
        "kind": "write",
        "stageId": "s",
        "runtimeStageId": "s#0",
        "at": 1.5,
        "key": "k",
        "operation": "set",
        "value": [1],
    },
    {
        "seq": 2,
        "kind": "decision",
        "stageId": "d",
        "runtimeStageId": "d#1",
        "name": "Approve",
        "evidence": {"rules": RULES, "chosen": "approve", "default": "refer", "defaultLabel": "needs a person"},
    },
    {
        "seq": 3,
        "kind": "decision",
        "stageId": "d2",
        "runtimeStageId": "d2#2",
        "name": "Refer",
        "evidence": {"rules": RULES[:1], "chosen": "refer", "default": "refer", "defaultLabel": "needs a person"},
    },
    {"seq": 4, "kind": "decision", "stageId": "d3", "runtimeStageId": "d3#3", "name": "Left"},
    {
        "seq": 5,
        "kind": "emit",
        "stageId": "e",
        "runtimeStageId": "e#4",
        "name": "credit.approved",
        "value": {"score": 62},
    },
    {"seq": 6, "kind": "error", "stageId": "f", "runtimeStageId": "f#5", "message": "boom", "errorType": "ValueError"},
    {"seq": 7, "kind": "run-end", "value": {"decision": "approved"}},
]
ONE = make_id(1)


@pytest.fixture
def tables(put: Callable[..., Path], tmp_path: Path) -> Tables:
    put(make_line(ONE, audit=AUDIT, narrative=["Stage 1: it began", "  Step 1: Write k = 1"]))
    return Tables(tmp_path)


def test_decisions_name_the_rule_that_decided(tables: Tables) -> None:
    """The label of the rule that matched, the default's otherwise, and neither where the decider compared nothing."""
    assert tables.query("SELECT stageid, chosen, rule, rule_index, rules_tried FROM decisions ORDER BY seq").rows == [
        ("d", "Approve", "strong score", 1, 2),
        ("d2", "Refer", "default: needs a person", None, 1),
        ("d3", "Left", "(no rule)", None, None),
    ]


def test_conditions_have_what_was_compared(tables: Tables) -> None:
    """Every condition of every rule tried, matched or not."""
    rows = tables.query(
        "SELECT rule, matched, state_key, actual, op, threshold::INT, result FROM conditions WHERE stageid = 'd'"
    ).rows
    assert rows == [
        ("weak score", False, "score", "62", "lt", 40, False),
        ("strong score", True, "score", "62", "gte", 60, True),
    ]


def test_the_other_views_open_up_the_line(tables: Tables) -> None:
    """Story, writes, emits, errors, input and result, final state, document: a row each."""
    ask = {
        "SELECT place, line FROM narrative": [(1, "Stage 1: it began"), (2, "  Step 1: Write k = 1")],
        "SELECT stageid, state_key, operation, value::VARCHAR FROM writes": [("s", "k", "set", "[1]")],
        "SELECT name, value->>'score' FROM emits": [("credit.approved", "62")],
        "SELECT stageid, errortype, message FROM errors": [("f", "ValueError", "boom")],
        "SELECT input->>'amount', result->>'decision' FROM results": [("7", "approved")],
        "SELECT status, state->>'a', dt, hr FROM runs": [("completed", "1", "2025-11-24", "16")],
        "SELECT document->>'traceId' FROM documents": [(ONE,)],
    }
    assert {sql: tables.query(sql).rows for sql in ask} == ask


def test_a_trace_archived_twice_is_one_run(put: Callable[..., Path], tmp_path: Path) -> None:
    """`traces` shows what lies there, as Athena does; every other view counts the highest revision, once."""
    put(make_line(ONE, revision=0, status="deadline", audit=AUDIT[:1]))
    put(make_line(ONE, audit=AUDIT), make_line(make_id(2), audit=AUDIT))
    put(make_line(ONE, audit=AUDIT))
    tables = Tables(tmp_path)
    assert tables.query("SELECT count(*) FROM traces").rows == [(4,)]
    assert tables.query("SELECT traceid, status FROM runs ORDER BY 1").rows == [
        (ONE, "completed"),
        (make_id(2), "completed"),
    ]
    assert tables.query("SELECT count(*) FROM emits").rows == [(2,)]


def test_every_view_of_runs_has_their_weight(put: Callable[..., Path], tmp_path: Path) -> None:
    """So that sums over it count what was sampled out; a run that stands for itself weighs one."""
    story = ["Stage 1: it began"]
    put(make_line(ONE, audit=AUDIT, narrative=story, weight=4.0), make_line(make_id(2), audit=AUDIT, narrative=story))
    tables = Tables(tmp_path)
    for view in VIEWS:
        if view.name != "traces":
            rows = tables.query(f"SELECT DISTINCT traceid, weight FROM {view.name} ORDER BY 1").rows
            assert rows == [(ONE, 4.0), (make_id(2), 1.0)], view.name
    assert tables.query("SELECT sum(weight) FROM runs").rows == [(5.0,)]
    assert tables.query("SELECT traceid, weight FROM traces ORDER BY 1").rows == [(ONE, 4.0), (make_id(2), None)]


def test_hours_are_partitions(put: Callable[..., Path], tmp_path: Path) -> None:
    """`dt` and `hr` are text with leading zeros, as in the Glue table."""
    late = START_MS + 15 * 3_600_000
    put(make_line(ONE))
    put(make_line(make_id(2, late)))
    assert Tables(tmp_path).query("SELECT dt, hr FROM traces ORDER BY dt").rows == [
        ("2025-11-24", "16"),
        ("2025-11-25", "07"),
    ]


def test_lines_without_views_are_counted(put: Callable[..., Path], tmp_path: Path) -> None:
    """What SQL cannot see is said, not passed over."""
    put(make_line(ONE, views="omitted", views_reason="line over 8 MiB"), make_line(make_id(2), audit=AUDIT))
    tables = Tables(tmp_path)
    assert tables.without_views() == [("line over 8 MiB", 1)]
    assert tables.query("SELECT count(*) FROM runs").rows == [(2,)]


def test_every_view_can_be_asked(tables: Tables) -> None:
    """`SELECT *` works on each, and each says what a row is."""
    for view in VIEWS:
        assert tables.query(f"SELECT * FROM {view.name}").columns
        assert view.about


@pytest.mark.parametrize("saved", saved_queries(), ids=lambda saved: saved.name)
def test_the_saved_queries_run(tables: Tables, saved: Any) -> None:
    """The same SQL as on Athena."""
    assert tables.query(saved.sql).columns


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nothing FROM runs", "SELECT * FROM nowhere", "SELECT 1 + [2]"])
def test_wrong_sql_is_told_in_duckdbs_words(tables: Tables, sql: str) -> None:
    """Syntax, unknown names and types are the asker's to mend."""
    with pytest.raises(QueryError):
        tables.query(sql)


def test_a_damaged_segment_is_named(put: Callable[..., Path], tmp_path: Path) -> None:
    """Which file, and where in it."""
    put(make_line(make_id(3)))
    path = put(make_line(ONE, audit=AUDIT), make_line(make_id(2), audit=AUDIT))
    body = bytearray(path.read_bytes())
    body[60] ^= 0xFF
    path.write_bytes(body)
    with pytest.raises(DamagedSegmentError, match=r"is damaged at byte \d+") as error:
        Tables(tmp_path).query("SELECT count(*) FROM audit")
    assert error.value.segment == str(path)


def test_a_cut_segment_is_named(put: Callable[..., Path], tmp_path: Path) -> None:
    """A file that ends too early is found, too."""
    path = put(make_line(ONE, audit=AUDIT))
    path.write_bytes(path.read_bytes()[:80])
    with pytest.raises(DamagedSegmentError):
        Tables(tmp_path).query("SELECT count(*) FROM audit")


def test_an_empty_folder_is_no_archive(tmp_path: Path) -> None:
    """Nothing to ask is told from an empty answer."""
    with pytest.raises(FileNotFoundError):
        Tables(tmp_path)

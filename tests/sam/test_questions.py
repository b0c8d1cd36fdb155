"""The table says what the archive's lines say, and the saved queries answer over real segments."""

from __future__ import annotations

import time
import types
import typing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import sqlglot

from footpath.archive import Identity, Line, SegmentWriter, document_sha256, encode_line, hour_of_id
from footpath.ids import IdMaker
from footpath_cli.sql import Tables
from infra import load_template, transform
from infra.saved_queries import SavedQuery, saved_queries, with_saved_queries
from infra.template import TEMPLATE

QUERIES = saved_queries()
BY_NAME = {query.name: query for query in QUERIES}

# Members of a line that have no column: what they hold is asked of the document, not of SQL over segments.
NOT_COLUMNS = {"format", "version", "state", "audit", "stub", "document"}
GLUE_TYPES: dict[Any, str] = {str: "string", int: "int", float: "double", list[str]: "array<string>"}
DUCKDB_TYPES = {"string": "VARCHAR", "int": "INTEGER", "double": "DOUBLE", "array<string>": "VARCHAR[]"}


def _columns() -> dict[str, str]:
    """Column name to Glue type, as the template declares them."""
    table = transform(load_template()).properties("TracesTable")["TableInput"]
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}


def _members() -> dict[str, Any]:
    """JSON name to Python type of a line's members, None aside."""
    hints = typing.get_type_hints(Line)
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Line):
        hint = hints[field.name]
        if isinstance(hint, types.UnionType):
            (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
        found[field.encode_name] = hint
    return found


def test_the_table_has_a_column_for_each_scalar_of_a_line_and_its_narrative() -> None:
    """Names in Hive's lower case, types as lines have them."""
    expected = {name.lower(): GLUE_TYPES[hint] for name, hint in _members().items() if name not in NOT_COLUMNS}
    assert _columns() == expected


def test_no_two_members_of_a_line_differ_in_case_only() -> None:
    """Hive folds names to lower case, and refuses a line in which two then meet."""
    names = [name.lower() for name in _members()]
    assert len(names) == len(set(names))


def test_the_template_holds_the_saved_queries_as_the_files_have_them() -> None:
    """One SQL for Athena and for `footpath query`; when this fails, run `python -m infra.saved_queries`."""
    text = TEMPLATE.read_text(encoding="utf-8")
    assert with_saved_queries(text, QUERIES) == text
    named = transform(load_template()).of_type("AWS::Athena::NamedQuery")
    assert {name: (query["Name"], query["QueryString"]) for name, query in named.items()} == {
        query.logical_id: (query.name, query.sql) for query in QUERIES
    }


def test_a_query_without_its_describing_comment_is_refused(tmp_path: Path) -> None:
    """The comment is what the console shows."""
    (tmp_path / "bare.sql").write_text("SELECT 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bare\.sql must begin"):
        saved_queries(tmp_path)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_each_saved_query_is_valid_sql_for_athena_and_prunes_by_day(query: SavedQuery) -> None:
    """A query without a bound on `dt` would look into every hour since the archive began."""
    (tree,) = sqlglot.parse(query.sql, dialect="athena")
    assert tree is not None
    assert "WHERE dt >= " in query.sql
    known = {*_columns(), "dt", "hr", "place", "line"}
    aliases = {alias.alias for alias in tree.find_all(sqlglot.exp.Alias)}
    assert {column.name for column in tree.find_all(sqlglot.exp.Column)} - {"*"} <= known | aliases


# ── over real segments ─────────────────────────────────────────────────────────────────────────────────────────────
STORY = (
    "Stage 1: The process began with Intake.",
    "  Step 1: Write amount = 900",
    '  [Condition]: It evaluated Rule 1 "Large": amount 900 gt 100 ✓, and chose Manual Review.',
    "Stage 2: Next, it moved on to Manual Review.",
    "  Step 1: Write amount = 901",
)
OTHER_STORY = (
    "Stage 1: The process began with Intake.",
    '  [Condition]: No rules matched, fell back to default "Small": Approve.',
)


class Lake(NamedTuple):
    """A place to ask, and the ids in it: two long runs, a short one, one that failed, one with two documents."""

    tables: Tables
    first: str
    second: str
    short: str
    broken: str
    clashing: str

    def ask(self, name: str) -> list[tuple[Any, ...]]:
        """The rows that a saved query answers."""
        return self.tables.query(BY_NAME[name].sql).rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """What `footpath query` asks, over the segments of eight lines; one is of last year."""
    folder = tmp_path_factory.mktemp("archive")
    now_ms = int(time.time() * 1000)
    fresh = IdMaker(clock_ms=lambda: now_ms)
    ids = [fresh() for _ in range(5)]
    first, second, short, broken, clashing = ids
    old = IdMaker(clock_ms=lambda: now_ms - 365 * 86_400_000)()
    writers: dict[str, SegmentWriter] = {}

    def archive(trace_id: str, **members: Any) -> None:
        document = msgspec.json.encode({"trace": trace_id, "nth": sum(map(len, writers.values()))})
        sha256 = document_sha256(document)
        line = Line(
            **{
                "trace_id": trace_id,
                "revision": 1,
                "sha256": sha256,
                "chart": "loan",
                "status": "completed",
                "started_at": "2026-11-22T10:00:00.000Z",
                "document": msgspec.Raw(document),
                **members,
            }
        )
        writer = writers.setdefault(hour_of_id(trace_id), SegmentWriter(hour_of_id(trace_id)))
        assert writer.add(Identity(trace_id, line.revision, sha256), encode_line(line))

    archive(first, duration_ms=4.0, narrative=[*STORY])
    archive(first, revision=0, status="deadline", duration_ms=9.0, narrative=[*OTHER_STORY])  # superseded
    archive(second, duration_ms=3.0, narrative=[*STORY], weight=2.0)  # another one like it was sampled out
    archive(short, duration_ms=0.5, narrative=[*OTHER_STORY], weight=4.0)
    archive(
        broken,
        chart="refund",
        status="failed",
        duration_ms=7.0,
        error_type="PaymentError",
        error_message="the card was refused",
        error_stage="pay",
        views="omitted",
    )
    archive(clashing, duration_ms=2.5, narrative=[])
    archive(clashing, duration_ms=2.5, narrative=[])
    archive(old, status="failed", duration_ms=99.0, narrative=[*STORY])
    for writer in writers.values():
        segment = writer.finish()
        path = folder / segment.key
        path.parent.mkdir(parents=True)
        path.write_bytes(segment.body)

    return Lake(Tables(folder), *ids)


def test_the_local_table_is_the_one_on_athena(lake: Lake) -> None:
    """The same columns of the same types, so that the same SQL means the same."""
    described = lake.tables.query("DESCRIBE traces").rows
    expected = {name: DUCKDB_TYPES[kind] for name, kind in _columns().items()} | {"dt": "VARCHAR", "hr": "VARCHAR"}
    assert {row[0]: row[1] for row in described} == expected


def test_runs_by_status_counts_each_run_of_the_week_once(lake: Lake) -> None:
    """A partial trace does not count beside the final one, nor a trace with two documents twice."""
    assert [(row[0], row[1], row[-1]) for row in lake.ask("runs-by-status")] == [
        ("loan", "completed", 4),
        ("refund", "failed", 1),
    ]


def test_runs_by_status_counts_those_sampled_out_by_the_weight_of_those_kept(lake: Lake) -> None:
    """The four that were kept stand for eight, in their number and in the average."""
    assert [row[:5] for row in lake.ask("runs-by-status")] == [
        ("loan", "completed", 8, 1.81, 4.0),
        ("refund", "failed", 1, 7.0, 7.0),
    ]


def test_decisions_by_rule_names_rule_and_branch(lake: Lake) -> None:
    """Rules by their label, and the default by its own; a run counts as often as it stands for."""
    assert lake.ask("decisions-by-rule") == [
        ("loan", "Approve", 'default "Small"', 4),
        ("loan", "Manual Review", 'Rule 1 "Large"', 3),
    ]


def test_failed_runs_tell_where_and_what(lake: Lake) -> None:
    """With the id to open; last year's are another question."""
    assert lake.ask("failed-runs") == [
        ("2026-11-22T10:00:00.000Z", "refund", "pay", "PaymentError", "the card was refused", lake.broken)
    ]


def test_longest_runs_come_first(lake: Lake) -> None:
    """By duration, superseded traces aside."""
    assert [(row[0], row[-1]) for row in lake.ask("longest-runs")] == [
        (7.0, lake.broken),
        (4.0, lake.first),
        (3.0, lake.second),
        (2.5, lake.clashing),
        (0.5, lake.short),
    ]


def test_written_keys_counts_writes_and_runs(lake: Lake) -> None:
    """Two runs wrote the amount, twice each; one of them stands for another besides."""
    assert lake.ask("written-keys") == [("loan", "amount", 6, 3)]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_that_counts_runs_weighs_them(query: SavedQuery) -> None:
    """Where a number of rows or an average is told, what was sampled out is in it, or it says that it tells what was kept."""
    (tree,) = sqlglot.parse(query.sql, dialect="athena")
    assert tree is not None
    (select,) = [one for one in tree.find_all(sqlglot.exp.Select) if one.parent is None]
    told = {one.alias for one in select.expressions if one.find(sqlglot.exp.Count, sqlglot.exp.Avg)}
    assert told <= {"kept", "documents"}


def test_clashing_traces_finds_two_documents_of_one_revision(lake: Lake) -> None:
    """And nothing else: a higher revision is no clash."""
    assert [row[:3] for row in lake.ask("clashing-traces")] == [(lake.clashing, 1, 2)]


def test_every_saved_query_is_asked_here() -> None:
    """A query that no test runs is a promise nobody checked."""
    assert set(BY_NAME) == {
        "runs-by-status",
        "decisions-by-rule",
        "failed-runs",
        "longest-runs",
        "written-keys",
        "clashing-traces",
    }

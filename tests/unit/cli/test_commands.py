"""The command line: what it prints, where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from typer.testing import CliRunner

from footpath.archive import Identity, Line, SegmentWriter, document_sha256, encode_line, hour_of_id
from footpath.trace import STATUSES
from footpath_cli._app import Status, app
from footpath_cli._exits import MEANINGS, Exit
from footpath_cli.demo import applications
from footpath_service.adapters.folder import FolderStore
from tests.unit.cli.conftest import make_id, make_line

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
CHARTS = "tests.unit.cli.charts_for_tests"
GIVEN = applications()[0].given


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def footpath(*words: str, typed: str | None = None) -> Ended:
    result = CliRunner().invoke(app, list(words), input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception  # a bug: declared errors end with an exit code
    return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in the test's folder, where the default archive would be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delenv("FOOTPATH_ARCHIVE", raising=False)
    monkeypatch.delenv("CHARTS", raising=False)


class Kept(NamedTuple):
    folder: Path
    ids: list[str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """An archive with three credit decisions."""
    folder = tmp_path_factory.mktemp("kept") / "archive"
    ids: list[str] = []
    for application in applications()[:3]:
        ended = footpath(
            "run", "credit-decision", "-i", "-", "--json", "-a", str(folder), typed=json.dumps(application.given)
        )
        assert ended.code == 0, ended
        ids.append(json.loads(ended.out)["traceId"])
    return Kept(folder, ids)


# Help


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["demo"],
        ["run"],
        ["query"],
        ["traces"],
        ["traces", "ls"],
        ["traces", "get"],
        ["traces", "why"],
        ["traces", "replay"],
    ],
)
def test_every_command_has_help(words: list[str]) -> None:
    """Plain text in a pipe: no boxes, no colour."""
    ended = footpath(*words, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: footpath {' '.join(words)}".strip()) or "Usage:" in ended.out
    assert not re.search("[╭│\x1b]", ended.out)


def test_help_names_the_exit_codes() -> None:
    """A script's author finds them where they look first, and in the document."""
    said = re.sub(r"\s+", " ", footpath("--help").out)
    document = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in said
        assert f"| {code.value} | {meaning} |" in document


@pytest.mark.parametrize(
    "words",
    [["dmeo"], ["traces", "lss"], ["traces", "ls", "--limit", "none"], ["traces", "get"], ["traces", "ls", "-n", "0"]],
)
def test_a_mistyped_command_is_a_usage_error(words: list[str]) -> None:
    """Exit code 2, and nothing on standard output."""
    ended = footpath(*words)
    assert ended.code == Exit.USAGE
    assert ended.out == ""


# run


def test_run_prints_the_result_and_keeps_the_trace(tmp_path: Path) -> None:
    """The trace is in the default folder, ready to be asked."""
    (tmp_path / "in.json").write_text(json.dumps(GIVEN), encoding="utf-8")
    ended = footpath("run", "credit-decision", "--input", "in.json")
    assert ended.code == 0
    assert 'completed: {"application_id": "gc-0001", "decision": "countered"' in ended.out
    (trace_id,) = re.findall(r"trace ([0-9a-f-]{36})", ended.out)
    assert trace_id in footpath("traces", "ls").out


def test_run_live_tells_the_story_before_the_result(tmp_path: Path) -> None:
    """Stage by stage, and the same story that the archive tells later."""
    ended = footpath("run", "credit-decision", "-i", "-", "--live", typed=json.dumps(GIVEN))
    story, _, _ = ended.out.partition("\ncompleted: ")
    assert story.startswith("Stage 1: The process began: Receive the application.\n  Step 1: Write application")
    (trace_id,) = re.findall(r"trace ([0-9a-f-]{36})", ended.out)
    assert story.strip() in footpath("traces", "get", trace_id).out


def test_run_hides_what_the_flow_hides() -> None:
    """Protected attributes show neither live nor archived."""
    ended = footpath("run", "credit-decision", "-i", "-", "--live", typed=json.dumps(GIVEN))
    (trace_id,) = re.findall(r"trace ([0-9a-f-]{36})", ended.out)
    document = footpath("traces", "get", trace_id, "--json").out
    assert GIVEN["personal_status"] not in ended.out + document
    assert 'Write protected = "[REDACTED]"' in ended.out


def test_a_failed_run_ends_with_1_and_keeps_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is told, its control characters are not, and the trace says where it happened."""
    monkeypatch.setenv("CHARTS", f"{CHARTS}:charts")
    ended = footpath("run", "failing")
    assert ended.code == Exit.FAILURE
    assert "error: ValueError: boom\\u001b[31m" in ended.err
    (trace_id,) = re.findall(r"traces get ([0-9a-f-]{36})", ended.err)
    told = footpath("traces", "get", trace_id)
    assert told.code == 0
    assert "(at fail)" in told.out
    assert "\x1b" not in told.out


def test_a_paused_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No failure; its checkpoint is in the JSON answer, and its trace is kept."""
    monkeypatch.setenv("CHARTS", f"{CHARTS}:charts")
    ended = footpath("run", "pausing")
    assert ended.code == 0
    assert ended.out.strip().startswith("paused: null")
    assert "--json prints the checkpoint" in ended.err
    answer = json.loads(footpath("run", "pausing", "--json").out)
    assert answer["checkpoint"]
    assert footpath("traces", "ls", "--status", "paused").out.count("paused") == 2


@pytest.mark.parametrize(
    ("words", "typed", "code", "said"),
    [
        (["nothing"], None, Exit.NOT_FOUND, "there are: credit-decision"),
        (["credit-decision", "-i", "missing.json"], None, Exit.USAGE, "cannot read missing.json"),
        (["credit-decision", "-i", "."], None, Exit.USAGE, "cannot read ."),
        (["credit-decision", "-i", "-"], "{not json", Exit.USAGE, "standard input is not JSON"),
        (["credit-decision", "-i", "-"], '{"a": NaN}', Exit.USAGE, "NaN is not a JSON value"),
        (["credit-decision", "-i", "-"], "[" * 100_000, Exit.USAGE, "is not JSON"),
        (["credit-decision", "-i", "-"], "[1]", Exit.USAGE, "breaks the contract"),
        (["credit-decision"], None, Exit.USAGE, "breaks the contract"),
    ],
)
def test_run_refuses_bad_input(words: list[str], typed: str | None, code: Exit, said: str) -> None:
    """Each with its own words and code; nothing is run and nothing kept."""
    ended = footpath("run", *words, typed=typed)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert not Path(".footpath").exists()


def test_run_names_every_problem_of_the_input() -> None:
    """One answer, one line a problem, each with its place."""
    ended = footpath(
        "run", "credit-decision", "-i", "-", typed=json.dumps(GIVEN | {"amount_dm": "much", "savings": "some"})
    )
    assert ended.code == Exit.USAGE
    assert "\n  amount_dm: " in ended.err
    assert "\n  savings: " in ended.err


@pytest.mark.parametrize(
    ("charts", "said"),
    [
        ("nonsense", "not module:name"),
        ("no_such_module:charts", "cannot import no_such_module"),
        (f"{CHARTS}:nothing", "has no nothing"),
        (f"{CHARTS}:broken", "no charts today"),
        (f"{CHARTS}:leaving", "failed: SystemExit(3)"),
        (f"{CHARTS}:mapping", "let it give a list of footpath_service.flows.Flow"),
    ],
)
def test_charts_that_cannot_be_had_are_told(monkeypatch: pytest.MonkeyPatch, charts: str, said: str) -> None:
    """The setting is named, with what is wrong with it."""
    monkeypatch.setenv("CHARTS", charts)
    ended = footpath("run", "failing")
    assert ended.code == Exit.USAGE
    assert said in ended.err


def test_an_archive_that_is_no_folder_is_told() -> None:
    """A file in its place is not an empty archive."""
    Path("file").write_text("", encoding="utf-8")
    for words in (["traces", "ls"], ["run", "credit-decision"], ["demo", "--count", "1"], ["query", "SELECT 1"]):
        ended = footpath(*words, "-a", "file")
        assert ended.code == Exit.USAGE
        assert "the archive file is no folder" in ended.err


def test_a_demo_that_can_keep_nothing_says_so_before_it_begins() -> None:
    """Under a file no folder can be made."""
    Path("file").write_text("", encoding="utf-8")
    ended = footpath("demo", "--count", "1", "-a", "file/archive")
    assert ended.code == Exit.USAGE
    assert "the archive can't be kept in file/archive" in ended.err


# traces


def test_each_status_of_a_line_can_be_asked_for() -> None:
    """Those of our traces, and what stands for one that footprintjs captured."""
    assert [status.value for status in Status] == [*STATUSES, "unknown"]


def test_a_status_that_no_run_has_is_refused(kept: Kept) -> None:
    """It is not taken for an archive without such runs; those that there are, are named."""
    ended = footpath("traces", "ls", "--status", "done", "-a", str(kept.folder))
    assert ended.code == Exit.USAGE
    assert "completed" in ended.err


def test_ls_lists_the_newest_first(kept: Kept) -> None:
    """Aligned columns with a header, nothing cut."""
    lines = footpath("traces", "ls", "-a", str(kept.folder)).out.splitlines()
    assert lines[0].split()[:4] == ["trace", "started", "chart", "status"]
    assert [line.split()[0] for line in lines[1:]] == sorted(kept.ids, reverse=True)


def test_ls_filters_and_limits(kept: Kept) -> None:
    """By chart, by status, by number; as JSON lines for programs."""
    place = ["-a", str(kept.folder)]
    (row,) = footpath("traces", "ls", "-n", "1", "--json", *place).out.splitlines()
    assert json.loads(row)["trace"] == max(kept.ids)
    assert (
        len(footpath("traces", "ls", "--status", "completed", "--chart", "credit-decision", *place).out.splitlines())
        == 4
    )
    none = footpath("traces", "ls", "--status", "failed", *place)
    assert (none.code, none.out) == (Exit.NOT_FOUND, "")


def test_the_environment_names_the_archive(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """FOOTPATH_ARCHIVE stands for --archive."""
    monkeypatch.setenv("FOOTPATH_ARCHIVE", str(kept.folder))
    assert kept.ids[0] in footpath("traces", "ls").out


@pytest.mark.parametrize(
    "words", [["traces", "ls"], ["traces", "get", "0"], ["traces", "why", "0"], ["query", "SELECT 1"]]
)
def test_an_empty_archive_says_how_to_fill_it(words: list[str]) -> None:
    """Not found, and not a traceback."""
    ended = footpath(*words)
    assert ended.code == Exit.NOT_FOUND
    assert "the archive .footpath/archive is empty" in ended.err
    assert "footpath demo" in ended.err


def test_get_tells_the_story(kept: Kept) -> None:
    """Header, stages with their steps under them, result."""
    told = footpath("traces", "get", kept.ids[0], "-a", str(kept.folder)).out
    assert told.startswith(f"{kept.ids[0]}  Credit Decision\ncompleted, started ")
    assert "\nStage 2: Next step: Validate the application as a whole.\n  Step 1: Read application" in told
    assert 'It evaluated Rule 5 "affordable over a longer term"' in told
    assert '\nResult: {"application_id": "gc-0001", "decision": "countered"' in told


def test_an_id_may_be_shortened(kept: Kept) -> None:
    """As long as one trace only begins like that; dashes do not matter."""
    whole = footpath("traces", "get", kept.ids[0], "-a", str(kept.folder))
    short = footpath("traces", "get", kept.ids[0].replace("-", "")[:-4], "-a", str(kept.folder))
    assert whole.out == short.out


def test_an_ambiguous_beginning_names_candidates(kept: Kept) -> None:
    """Exit code 4, and whole ids to choose from."""
    ended = footpath("traces", "get", kept.ids[0][:6], "-a", str(kept.folder))
    assert ended.code == Exit.AMBIGUOUS
    assert set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", ended.err)) == set(kept.ids)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("00000000-0000-7000-8000-000000000000", Exit.NOT_FOUND),
        ("ffff", Exit.NOT_FOUND),
        ("zzz", Exit.USAGE),
        ("", Exit.USAGE),
        ("../../etc", Exit.USAGE),
        ("0" * 40, Exit.USAGE),
    ],
)
def test_an_unknown_id_is_told_from_a_malformed_one(kept: Kept, text: str, code: Exit) -> None:
    """3 and 2, each with what to do."""
    ended = footpath("traces", "get", text, "-a", str(kept.folder))
    assert (ended.code, ended.out) == (code, "")
    assert "footpath traces ls" in ended.err


def test_get_json_is_the_document_as_captured(kept: Kept) -> None:
    """To the byte."""
    printed = footpath("traces", "get", kept.ids[0], "--json", "-a", str(kept.folder)).out
    assert json.loads(printed)["traceId"] == kept.ids[0]
    sql = f"SELECT sha256 FROM runs WHERE traceid = '{kept.ids[0]}'"
    (_, sha256) = footpath("query", sql, "-f", "csv", "-a", str(kept.folder)).out.split()
    assert document_sha256(printed.rstrip("\n").encode()) == sha256


def test_get_footprintjs_has_its_three_keys(kept: Kept) -> None:
    """What footprintjs's own functions read."""
    printed = footpath("traces", "get", kept.ids[0], "--footprintjs", "-a", str(kept.folder)).out
    assert set(json.loads(printed)) == {"spec", "snapshot", "narrative"}


def test_two_forms_at_once_are_refused(kept: Kept) -> None:
    """--json and --footprintjs exclude each other, as do --archive and --stack."""
    both = footpath("traces", "get", kept.ids[0], "--footprintjs", "--json", "-a", str(kept.folder))
    assert both.code == Exit.USAGE
    assert footpath("traces", "ls", "-a", ".", "--stack", "s").code == Exit.USAGE


def test_why_explains_down_to_the_input(kept: Kept) -> None:
    """Last writer, the decision with every rule tried, and the stage that took the input."""
    told = footpath("traces", "why", kept.ids[0], "decision", "-a", str(kept.folder)).out
    assert told.startswith('WHY decision = "countered"')
    for rule in ("application is inconsistent", "weak score", "strong score", "affordable over a longer term"):
        assert f'"{rule}"' in told
    assert "run input" in told


def test_why_without_a_key_explains_the_end(kept: Kept) -> None:
    """How the run ended, and as JSON for programs."""
    assert footpath("traces", "why", kept.ids[0], "-a", str(kept.folder)).code == 0
    as_data = json.loads(footpath("traces", "why", kept.ids[0], "score", "--json", "-a", str(kept.folder)).out)
    assert as_data["key"] == "score"
    assert as_data["steps"]


def test_why_of_an_unknown_key_names_the_known(kept: Kept) -> None:
    """Not found, with what could have been meant."""
    ended = footpath("traces", "why", kept.ids[0], "scroe", "-a", str(kept.folder))
    assert ended.code == Exit.NOT_FOUND
    assert "score" in ended.err


def test_replay_calls_a_recorder_of_the_users(kept: Kept, tmp_path: Path) -> None:
    """Found in the working folder; what it reports is printed."""
    source = Path(__file__).with_name("charts_for_tests.py").read_text(encoding="utf-8")
    (tmp_path / "my_recorders.py").write_text(source, encoding="utf-8")
    ended = footpath("traces", "replay", kept.ids[0], "--recorder", "my_recorders:Totals", "-a", str(kept.folder))
    assert ended.code == 0
    assert json.loads(ended.out) == {"stages": 21, "last": "Answer"}


@pytest.mark.parametrize(
    ("recorder", "code", "said"),
    [
        ("nonsense", Exit.USAGE, "is not module:name"),
        (":", Exit.USAGE, "is not module:name"),
        ("os:path.join", Exit.USAGE, "is not module:name"),
        ("no_such_module:X", Exit.USAGE, "cannot import"),
        (f"{CHARTS}:Nothing", Exit.USAGE, "has no Nothing"),
        (f"{CHARTS}:NeedsMore", Exit.USAGE, "called without arguments"),
        (f"{CHARTS}:Mute", Exit.USAGE, "is no recorder"),
        (f"{CHARTS}:Nameless", Exit.USAGE, "a non-empty string; Nameless has None"),
        (
            f"{CHARTS}:Secretive",
            Exit.FAILURE,
            "report() of tests.unit.cli.charts_for_tests:Secretive failed: ValueError",
        ),
        (f"{CHARTS}:NOTHING", Exit.USAGE, "is no recorder"),
        (f"{CHARTS}:Faulty", Exit.FAILURE, "cannot take"),
    ],
)
def test_replay_says_what_is_wrong_with_a_recorder(kept: Kept, recorder: str, code: Exit, said: str) -> None:
    """From a mistyped name to one that fails half-way."""
    ended = footpath("traces", "replay", kept.ids[0], "--recorder", recorder, "-a", str(kept.folder))
    assert ended.code == code
    assert said in ended.err


def test_replay_names_a_method_that_is_nearly_a_hook(kept: Kept) -> None:
    """A mistyped hook is never called, and a recorder that hears nothing looks like a run in which nothing happened."""
    ended = footpath("traces", "replay", kept.ids[0], "--recorder", f"{CHARTS}:Mistyped", "-a", str(kept.folder))
    assert ended.code == 0
    assert "calls of 1 hooks" in ended.err
    assert "on_wirte is no hook, and was not called; did you mean on_write?" in ended.err


# What lies in an archive is not to be trusted


def test_a_damaged_segment_ends_with_5(put: Callable[..., Path], tmp_path: Path) -> None:
    """For one trace, and for SQL over all; the object is named."""
    path = put(make_line(make_id(1)), make_line(make_id(2)))
    body = bytearray(path.read_bytes())
    body[60] ^= 0xFF
    path.write_bytes(body)
    for words in (["traces", "get", make_id(1)], ["query", "SELECT count(*) FROM runs"]):
        ended = footpath(*words, "-a", str(tmp_path))
        assert ended.code == Exit.DAMAGED
        assert path.name in ended.err


def test_an_empty_segment_ends_sql_with_5(put: Callable[..., Path], tmp_path: Path) -> None:
    """It is not the SQL that is wrong."""
    path = put(make_line(make_id(1)))
    path.write_bytes(b"")
    ended = footpath("query", "SELECT count(*) FROM runs", "-a", str(tmp_path))
    assert ended.code == Exit.DAMAGED
    assert f"{path} is damaged at byte 0: it is empty" in ended.err


def test_an_archive_without_a_segment_is_empty_whatever_else_lies_there(tmp_path: Path) -> None:
    """A note in an hour's folder is nothing to list or to ask."""
    note = tmp_path / "segments" / "dt=2025-11-24" / "hr=16" / "README.txt"
    note.parent.mkdir(parents=True)
    note.write_text("hello", encoding="utf-8")
    asked = footpath("query", "SELECT count(*) FROM runs", "-a", str(tmp_path))
    assert (asked.code, "holds no segment" in asked.err) == (Exit.NOT_FOUND, True)
    assert footpath("traces", "ls", "-a", str(tmp_path)).code == Exit.NOT_FOUND


def test_a_document_that_is_no_trace_ends_with_5(put: Callable[..., Path], tmp_path: Path) -> None:
    """A line of ours around something else."""
    put(make_line(make_id(1)))
    ended = footpath("traces", "get", make_id(1), "-a", str(tmp_path))
    assert ended.code == Exit.DAMAGED


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """A name or message in the archive cannot steer the reader's screen."""
    trace_id = make_id(1)
    body = b'{"a":1}'
    line = Line(
        trace_id=trace_id,
        revision=1,
        sha256=document_sha256(body),
        status="failed",
        chart="\x1b[2J\x9b",
        error_message="bell\x07\nline",
        document=msgspec.Raw(body),
    )
    writer = SegmentWriter(hour_of_id(trace_id))
    writer.add(Identity(trace_id, 1, line.sha256), encode_line(line))
    segment = writer.finish()
    FolderStore(tmp_path).put_new(segment.key, segment.body)
    for words in (["traces", "ls"], ["query", "SELECT chart, errormessage FROM runs"]):
        out = footpath(*words, "-a", str(tmp_path)).out
        assert "\\u001b[2J\\u009b" in out
        assert "bell\\u0007 line" in out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", out)


# query


def test_query_prints_a_table_csv_and_json(kept: Kept) -> None:
    """The same rows in three forms."""
    sql = "SELECT rule, count(*) AS runs FROM decisions WHERE stageid = 'decide' GROUP BY rule ORDER BY rule LIMIT 1"
    place = ["-a", str(kept.folder)]
    assert footpath("query", sql, *place).out.splitlines()[0].split() == ["rule", "runs"]
    assert footpath("query", sql, "-f", "csv", *place).out.splitlines()[0] == "rule,runs"
    assert set(json.loads(footpath("query", sql, "-f", "json", *place).out)) == {"rule", "runs"}


FORMULAS = {
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "+1+1": "'+1+1",
    "-2+3": "'-2+3",
    "@SUM(1)": "'@SUM(1)",
    "\t=1": "'\t=1",
    "\r=1": "'\r=1",
    "\n=1": "'\n=1",
    "x\r=1": "x\r=1",  # quoted: no row of its own
    "x\n=1": "x\n=1",
    "\uff1d1": "'\uff1d1",
    "-": "'-",
    "-12.5e3": "-12.5e3",
    "+44": "+44",
    " =1": " =1",
    "a=1": "a=1",
    "": "",
}


def test_csv_holds_no_formula_and_json_every_text_as_it_is(kept: Kept) -> None:
    """Whoever opens it in a spreadsheet runs nothing that a stranger sent; numbers are numbers, also negative ones."""
    rows = " UNION ALL ".join(
        f"SELECT {number} AS n, '{text.replace(chr(39), chr(39) * 2)}' AS \"=t\", -{number} AS m, ['=x'] AS l"
        for number, text in enumerate(FORMULAS)
    )
    place = ("-a", str(kept.folder))
    told = footpath("query", f"{rows} ORDER BY n", "-f", "csv", *place).out
    header, *cells = csv.reader(io.StringIO(told, newline=""))
    assert header == ["n", "'=t", "m", "l"]
    assert [row[1] for row in cells] == list(FORMULAS.values())
    assert [row[2] for row in cells] == [str(-number) for number in range(len(FORMULAS))]
    assert {row[3][0] for row in cells} == {"["}
    exact = footpath("query", f"{rows} ORDER BY n", "-f", "json", *place).out
    assert [json.loads(line)["=t"] for line in exact.splitlines()] == list(FORMULAS)


def test_query_runs_saved_queries_and_standard_input(kept: Kept) -> None:
    """By name, and by -."""
    place = ["-a", str(kept.folder)]
    assert re.search("credit-decision +completed +3 ", footpath("query", "runs-by-status", *place).out)
    assert footpath("query", "-", *place, typed="SELECT count(*) AS n FROM runs").out.split() == ["n", "3"]


def test_query_lists_what_can_be_asked() -> None:
    """Saved queries and views, with or without --list."""
    for words in (["query"], ["query", "--list"]):
        out = footpath(*words).out
        assert "decisions-by-rule" in out
        assert "conditions" in out


@pytest.mark.parametrize(
    ("sql", "code", "said"),
    [
        ("SELEC 1", Exit.USAGE, "syntax error"),
        ("SELECT x FROM runs", Exit.USAGE, "the views are: traces, runs"),
        ("failed-rnus", Exit.NOT_FOUND, "saved are: clashing-traces"),
        ("", Exit.USAGE, "there is no SQL"),
        ("   ", Exit.USAGE, "there is no SQL"),
    ],
)
def test_query_says_what_is_wrong(kept: Kept, sql: str, code: Exit, said: str) -> None:
    """With the names that would have been right."""
    ended = footpath("query", sql, "-a", str(kept.folder))
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_query_can_be_bounded_in_days(put: Callable[..., Path], tmp_path: Path) -> None:
    """An old archive has nothing of the last week, and everything without the bound."""
    put(make_line(make_id(1)))
    place = ["-a", str(tmp_path)]
    ended = footpath("query", "SELECT count(*) FROM runs", "--days", "7", *place)
    assert ended.code == Exit.NOT_FOUND
    assert "--days" in ended.err
    for all_of_it in ("0", "99999999999"):  # of as many days ago as no calendar has, too
        asked = footpath("query", "SELECT count(*) AS n FROM runs", "--days", all_of_it, *place)
        assert asked.out.split() == ["n", "1"]


def test_query_tells_what_it_cannot_see(put: Callable[..., Path], tmp_path: Path) -> None:
    """Runs without views are counted on standard error, with the reason."""
    put(make_line(make_id(1), views="omitted", views_reason="line over 8 MiB"))
    ended = footpath("query", "SELECT count(*) AS n FROM decisions", "-a", str(tmp_path))
    assert ended.out.split() == ["n", "0"]
    assert "1 runs lie there without narrative and audit (line over 8 MiB)" in ended.err


def test_unknown_answers_of_duckdb_print_too(kept: Kept) -> None:
    """Lists, structs, nulls, dates and decimals in every form."""
    sql = "SELECT [1, 2] AS l, {'a': NULL} AS s, NULL AS n, DATE '2026-01-02' AS d, 1.50::DECIMAL(4, 2) AS x, 'a''b\"' AS t"
    place = ["-a", str(kept.folder)]
    assert footpath("query", sql, *place).out.splitlines()[1].split() == [
        "[1,",
        "2]",
        '{"a":',
        "null}",
        "2026-01-02",
        "1.50",
        "a'b\"",
    ]
    assert json.loads(footpath("query", sql, "-f", "json", *place).out)["l"] == [1, 2]

"""Hidden values stay hidden on every way that a trace can take, and in all that is said about it.

Canaries are texts and a number that occur nowhere else. A chart hides them in each way that there is, and lets them
leak in each way that stages do: into texts, errors, results, emits, decisions. Then the real handlers run, with faults
that send traces every way; all that lies or was said anywhere is unpacked and searched.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import zlib
from pathlib import Path
from random import Random
from typing import IO, Any, cast

import pytest

from footpath import decide, flow_chart, ops
from footpath.archive import SEGMENTS, SPOOL, ArchiveReader
from footpath.scope import RedactionPolicy
from footpath_cli.pipeline import LocalPipeline
from footpath_cli.poller import CallWatch, Fault, Faults, MemorySqs, VirtualClock, unreachable
from footpath_service import process
from footpath_service.adapters.folder import FolderStore
from footpath_service.flows import Flow
from tests.unit.cli.test_commands import footpath

CANARIES = {
    "key": "078-05-1120-Kovacs",
    "path": "Wilhelmina Ångström",
    "pattern": "4929-1111-7777-0001",
    "emit": "tok/en-5551-abcdef",
    "value": 'q"uo\\te-77-Zürich',
    "number": 918_273_645,
}
POLICY = RedactionPolicy(
    keys=("ssn", "salary"), fields={"person": ("name",)}, patterns=("^pan",), emit_patterns=("^auth",)
)
NEVER = "no-secret-at-all"


class RefusedError(Exception):
    """Its text tells too much."""


def _take(scope: Any) -> None:
    args = ops(scope).args
    scope.note = f"asked by {args['number']}"  # before anybody says that it is secret
    scope.ssn_copy = {"deep": [args["number"]]}
    scope.ssn = args["number"]
    scope.person = args["who"]
    scope.salary_note = [args["pay"], f"earns {args['pay']}"]
    scope.salary = args["pay"]
    scope.pan_number = args["pan_given"]
    ops(scope).set("once", CANARIES["value"], redact=True)
    scope.said = f"{CANARIES['value']} and {args['who']['name']}"
    ops(scope).emit("auth.token", {"token": CANARIES["emit"]})
    ops(scope).emit("seen", {"by": scope.pan_number, "token": CANARIES["emit"]})
    ops(scope).log(f"log of {args['number']}")
    ops(scope).error("problem", f"with {args['pan_given']}")
    scope.filler = NEVER + Random(1).randbytes(args.get("noise", 1)).hex()


def _choose(scope: Any) -> Any:
    return decide(scope, [{"when": {"ssn": {"eq": CANARIES["key"]}}, "then": "tell", "label": "it is them"}], "tell")


def _tell(scope: Any) -> Any:
    if ops(scope).args.get("fails"):
        raise RefusedError(f"refused {scope.ssn} of {scope.person['name']}, {scope.salary}")
    return {"ssn": scope.ssn, "all": [CANARIES["value"], scope.salary, scope.person["name"]]}


def charts() -> list[Flow]:
    """What the handlers serve here."""

    def build() -> Any:
        return (
            flow_chart("Take", _take, "take")
            .add_decider_function("Choose", _choose, "choose")
            .add_function_branch("tell", "Tell", _tell)
            .set_default("tell")
            .end()
            .build()
        )

    return [Flow("secretive", build, POLICY)]


def _given(**more: Any) -> dict[str, Any]:
    return {
        "number": CANARIES["key"],
        "who": {"name": CANARIES["path"], "age": 40},
        "pan_given": CANARIES["pattern"],
        "pay": CANARIES["number"],
    } | more


def _unfolded(data: bytes) -> bytes:
    """What lies inside of an object, a body or a log line, beside itself."""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    inside = [data]
    for line in data.splitlines():
        start = line.find(b"z1:")
        if start >= 0:
            packed = line[start + 3 :].split(b'"')[0]
            try:
                inside.append(zlib.decompressobj().decompress(base64.b64decode(packed)))
            except (ValueError, zlib.error):
                continue
    return b"\n".join(inside)


def _found(place: str, data: bytes | str) -> list[str]:
    text = _unfolded(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data).decode(
        "utf-8", "replace"
    )
    forms = {
        name: {canary, json.dumps(canary)[1:-1], json.dumps(canary, ensure_ascii=False)[1:-1], repr(canary)[1:-1]}
        for name, canary in CANARIES.items()
        if isinstance(canary, str)
    }
    forms["number"] = {"918273645", "918_273_645", "918,273,645"}
    return [
        f"{name} in {place}: ...{text[max(text.find(form) - 60, 0) : text.find(form) + 40]}..."
        for name, of in forms.items()
        for form in of
        if form in text
    ]


class Everywhere:
    """Every place where something of a trace can be, by name."""

    def __init__(self) -> None:
        self.places: dict[str, list[bytes | str]] = {}

    def put(self, place: str, *data: bytes | str) -> None:
        self.places.setdefault(place, []).extend(data)

    def leaks(self) -> list[str]:
        return [leak for place, said in self.places.items() for data in said for leak in _found(place, data)]


@pytest.fixture
def everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Everywhere:
    """All that is left and said when traces have taken every way."""
    seen = Everywhere()
    clock = VirtualClock()
    model = MemorySqs(clock)
    faults = Faults(clock)
    printed, logged = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(logged)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        pipeline = LocalPipeline(
            log=cast("IO[str]", printed),
            model=model,
            clock=clock,
            watch=CallWatch(faults),
            environment={
                "CHARTS": "tests.faults.test_canaries:charts",
                "MAX_MESSAGE_BYTES": "20000",
                "SHIP_BUDGET_MS": "20000",
                "POWERTOOLS_LOG_LEVEL": "DEBUG",
            },
        )
        with pipeline:
            _run_every_way(pipeline, model, faults, seen)
            monkeypatch.setattr(process, "MAX_DOCUMENT_BYTES", 5_000)
            pipeline.drain(within_ms=600_000)
            store = pipeline.archive
            for key in store.list_keys(""):
                seen.put(key.split("/")[0], store.get(key))
            for message in pipeline.dead_letters():
                seen.put("dead letters", message["Body"], json.dumps(message["MessageAttributes"], ensure_ascii=False))
            pipeline.copy_archive(tmp_path / "archive")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    seen.put("standard output", printed.getvalue())
    seen.put("logging", logged.getvalue())
    monkeypatch.chdir(tmp_path)
    archive = ("-a", str(tmp_path / "archive"))
    listed = footpath("traces", "ls", *archive)
    seen.put("the CLI", listed.out, listed.err)
    ids = [line.trace_id for line in ArchiveReader(FolderStore(tmp_path / "archive")).lines()]
    assert len(ids) >= 4
    for one in ids:
        for words in (["get", one], ["get", one, "--json"], ["why", one, "note"], ["why", one, "ssn"]):
            ended = footpath("traces", *words, *archive)
            seen.put("the CLI", ended.out, ended.err)
    ended = footpath("traces", "verify", "--replay", *archive)
    seen.put("the CLI", ended.out, ended.err)
    ended = footpath("query", "select * from traces", *archive)
    seen.put("the CLI", ended.out, ended.err)
    return seen


def _run_every_way(pipeline: LocalPipeline, model: MemorySqs, faults: Faults, seen: Everywhere) -> None:
    no_sqs = Fault("no SQS", unreachable, service="sqs", operation="SendMessage")
    no_s3 = Fault("no S3", unreachable, service="s3")
    for down in ([], [no_sqs], [no_sqs, no_s3]):
        faults.faults = list(down)
        for given in (_given(), _given(noise=30_000), _given(fails=True)):
            seen.put(
                "HTTP answers",
                json.dumps(pipeline.request(_http(given)), ensure_ascii=False) if given.get("fails") else "",
            )
            if not given.get("fails"):
                pipeline.request({"chart": "secretive", "input": given})
    faults.faults = []
    seen.put("HTTP answers", json.dumps(pipeline.request(_http(_given(), chart="none")), ensure_ascii=False))
    explained = pipeline.request({"chart": "secretive", "input": _given(), "explain": True})
    seen.put("the narrative of an answer", *explained["narrative"])
    bodies = model.bodies(pipeline.queue_url)
    seen.put("the queue", *bodies)
    document = _document(bodies[0])
    for broken in (
        document | {"version": 99},
        document | {"journal": [[99, "x"], *document["journal"]]},
        document | {"status": "odd"},
        document | {"traceId": "none"},
    ):
        pipeline.sqs.send_message(QueueUrl=pipeline.queue_url, MessageBody=json.dumps(broken))
    pipeline.sqs.send_message(QueueUrl=pipeline.queue_url, MessageBody=bodies[0][:-10])
    claim = next(body for body in bodies if body.startswith('{"claim"'))
    pipeline.sqs.send_message(QueueUrl=pipeline.queue_url, MessageBody=claim.replace('"bytes":', '"bytes":1'))


def _document(body: str) -> dict[str, Any]:
    return json.loads(zlib.decompress(base64.b64decode(body[3:])) if body.startswith("z1:") else body)


def _http(given: dict[str, Any], chart: str = "secretive") -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": f"/charts/{chart}/runs",
        "headers": {},
        "requestContext": {"http": {"method": "POST", "path": f"/charts/{chart}/runs"}, "stage": "$default"},
        "body": json.dumps({"input": given}),
        "isBase64Encoded": False,
    }


def test_a_hidden_value_is_nowhere(everywhere: Everywhere) -> None:
    """By key, path, pattern, emit name and value; on every way, and in what handlers, botocore and the CLI say."""
    assert everywhere.leaks() == []


def test_every_way_was_taken(everywhere: Everywhere) -> None:
    """Else the test above would say nothing of it: what is not secret is found in each place."""
    expected = {SEGMENTS.rstrip("/"), SPOOL.rstrip("/"), "claims", "large", "the queue", "dead letters", "the CLI"}
    for place in (*expected, "standard output", "the narrative of an answer"):
        said = b"".join(
            _unfolded(data.encode() if isinstance(data, str) else data) for data in everywhere.places[place]
        )
        assert NEVER.encode() in said or b"take" in said, place
    answers = "".join(map(str, everywhere.places["HTTP answers"]))
    assert "RefusedError" in answers
    assert '"footpath":"trace"' in "".join(map(str, everywhere.places["standard output"]))
    assert "SendMessage" in "".join(map(str, everywhere.places["logging"]))


def test_a_canary_would_be_found() -> None:
    """In every form that it may have: packed, zipped, escaped."""
    for name, canary in CANARIES.items():
        document = json.dumps({"a": canary})
        packed = "z1:" + base64.b64encode(zlib.compress(document.encode())).decode()
        for form in (
            document,
            packed,
            f'{{"data":"{packed}"}}',
            gzip.compress(document.encode()),
            repr(canary),
            str(canary),
        ):
            assert any(leak.startswith(name) for leak in _found("here", form)), (name, form)

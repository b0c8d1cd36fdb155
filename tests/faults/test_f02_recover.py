"""F2: SQS is down, then S3 too; `footpath traces recover` brings both back, and the counts are equal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from footpath.archive import SPOOL, ArchiveReader, spool_key
from footpath_cli._exits import CommandError, Exit
from footpath_cli.poller import Fault, unreachable
from footpath_cli.prove import World
from footpath_cli.prove._charts import LARGE, SMALL
from footpath_service.adapters.folder import FolderStore
from footpath_service.log_lines import LogHeader, dropped_line, trace_lines
from footpath_service.wire import encode_body
from tests.faults._worlds import logical, physical
from tests.unit.cli.test_commands import footpath
from tests.unit.cli.test_stacks import REGION, make_stack
from tests.unit.service._traces import document, trace_id

if TYPE_CHECKING:
    from collections.abc import Iterator


def no_sqs() -> Fault:
    return Fault("no SQS", unreachable, service="sqs", operation="SendMessage")


def test_queue_then_spool_then_log_and_back() -> None:
    """Three ways, one recover, and nothing is left in any corner."""
    with World() as world:
        for kind in (SMALL, LARGE):
            world.request(kind)
        world.faults.faults = [no_sqs()]
        for kind in (SMALL, LARGE):
            world.request(kind)
        world.faults.faults = [Fault("nothing", unreachable)]
        for kind in (SMALL, LARGE):
            world.request(kind)
        world.faults.faults = []
        before = world.count("before")
        assert {fate: number for fate, number in before.fates.items() if number} == {
            "in flight": 2,
            "spooled": 2,
            "logged": 2,
        }
        spool, log = world.recovery().from_spool(), world.recovery().from_log(world.log.lines)
        assert (spool.sent, log.sent, spool.complete, log.complete) == (2, 2, True, True)
        assert len(list(world.store.list_keys(SPOOL))) == 2  # until they are archived
        world.drain()
        again = world.recovery()
        assert again.from_spool().archived == 2
        assert list(world.store.list_keys(SPOOL)) == []
        assert again.from_log(world.log.lines).archived == 2
        world.drain()
        after = world.count("after")
        assert after.holds
        assert after.fates["archived"] == 6
        assert len(physical(world)) == len(logical(world)) == 6


def test_recovering_twice_before_anything_is_archived_is_harmless() -> None:
    """Two operators, or one in a hurry."""
    with World(no_sqs()) as world:
        world.request()
        world.faults.faults = []
        for _ in range(3):
            assert world.recovery().from_spool().sent == 1
        world.drain()
        assert len(logical(world)) == 1
        assert world.count("end").holds


def test_a_partial_trace_in_the_spool_is_not_taken_for_the_final_one() -> None:
    """Identity is id, revision and hash: the archived final trace does not clear the spooled partial one."""
    from footpath_cli.prove._charts import LATE

    with World(Fault("once", unreachable, service="sqs", operation="SendMessage", times=1)) as world:
        world.request(LATE)
        world.drain()
        assert [identity.revision for identity in physical(world)] == [1]
        assert world.recovery().from_spool().sent == 1
        world.drain()
        assert sorted(identity.revision for identity in physical(world)) == [0, 1]


def test_what_cannot_be_read_stays_and_is_named() -> None:
    """Recover throws nothing away."""
    with World() as world:
        key = spool_key(trace_id(1), 1, "0" * 64)
        world.store.put_new(key, b"hello")
        found = world.recovery().from_spool()
        assert not found.complete
        assert found.unreadable[0][0] == key
        assert "not-a-trace" in found.unreadable[0][1]
        assert list(world.store.list_keys(SPOOL)) == [key]


# ── the command, on a folder ───────────────────────────────────────────────────────────────────────────────────────
def header(number: int) -> LogHeader:
    return LogHeader(trace_id(number), 1, "loan", "completed")


def test_a_folder_recovers_its_spool_and_a_log(tmp_path: Path) -> None:
    """At once, into the archive beside it."""
    store = FolderStore(tmp_path)
    store.put_new(spool_key(trace_id(1), 1, "1" * 64), encode_body(document(1)).encode())
    log = tmp_path / "handlers.log"
    lines = [*trace_lines(header(2), encode_body(document(2))), '{"level":"INFO"}', "2026-01-01T00:00:00Z noise"]
    log.write_text("\n".join(f"2026-01-01T00:00:00Z {line}" for line in lines) + "\n")
    for done in ("1 archived now, 0 in", "0 archived now, 1 in"):
        ended = footpath("traces", "recover", "--archive", str(tmp_path), "--log", str(log))
        assert ended.code == 0, ended.err
        assert f"log: {done} the archive already." in ended.out
    assert [line.trace_id for line in ArchiveReader(store).lines()] == [trace_id(1), trace_id(2)]
    assert list(store.list_keys(SPOOL)) == []


def test_what_a_log_lacks_is_named_and_fails(tmp_path: Path) -> None:
    """A missing piece, and a trace of which only the header is left."""
    noise = encode_body(document(1, note=Random(1).randbytes(300_000).hex()))
    _, *rest = trace_lines(header(1), noise)
    assert rest
    gone = dropped_line(header(2), 50_000_000, ["queue: throttled", "log: too large"])
    ended = footpath("traces", "recover", "--archive", str(tmp_path), "--log", "-", typed="\n".join([*rest, gone]))
    assert ended.code == Exit.FAILURE
    assert f"trace {trace_id(1)} lacks its log lines 1" in ended.out
    assert f"gone: trace {trace_id(2)} of loan, 50000000 bytes: queue: throttled; log: too large" in ended.out


def test_a_log_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """With what to do."""
    ended = footpath("traces", "recover", "--archive", str(tmp_path), "--log", str(tmp_path / "none"))
    assert ended.code == Exit.USAGE
    assert footpath("traces", "recover", "--log-group", "g", "--archive", str(tmp_path)).code == Exit.USAGE


# ── the command, on a stack ────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="the-archive", CreateBucketConfiguration={"LocationConstraint": REGION})
        urls = {
            name: boto3.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
            for name in ("traces", "dead")
        }
        make_stack(
            "prod",
            {"ArchiveBucketName": "the-archive", "TraceQueueUrl": urls["traces"], "DeadLetterQueueUrl": urls["dead"]},
        )
        yield urls


def received(url: str) -> list[dict[str, Any]]:
    return (
        boto3.client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0)
        .get("Messages", [])
    )


def test_a_stack_recovers_spool_log_group_and_file_to_its_queue(stack: Any, tmp_path: Path) -> None:
    """The spool's object stays until its trace is archived."""
    boto3.client("s3").put_object(
        Bucket="the-archive", Key=spool_key(trace_id(1), 1, "1" * 64), Body=encode_body(document(1)).encode()
    )
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="requests")
    logs.create_log_stream(logGroupName="requests", logStreamName="s")
    from footpath.ids import system_clock_ms

    events = [
        {"timestamp": system_clock_ms(), "message": one} for one in trace_lines(header(2), encode_body(document(2)))
    ]
    logs.put_log_events(logGroupName="requests", logStreamName="s", logEvents=events)
    log = tmp_path / "more.log"
    log.write_text("\n".join(trace_lines(header(3), encode_body(document(3)))))
    ended = footpath("traces", "recover", "--stack", "prod", "--log-group", "requests", "--log", str(log))
    assert ended.code == 0, ended.err
    assert ended.out.count("1 sent to the trace queue") == 3
    found = received(stack["traces"])
    assert {one["MessageAttributes"]["traceId"]["StringValue"] for one in found} == {trace_id(n) for n in (1, 2, 3)}
    assert boto3.client("s3").list_objects_v2(Bucket="the-archive", Prefix="spool/")["KeyCount"] == 1
    assert footpath("traces", "recover", "--stack", "prod", "--log-group", "nowhere").code == Exit.UNREACHABLE


# ── dead letters ───────────────────────────────────────────────────────────────────────────────────────────────────
def park(url: str, number: int, reason: str | None) -> str:
    attributes = {"traceId": trace_id(number), "chart": "loan"}
    if reason is not None:
        attributes |= {"reason": reason, "detail": f"what is wrong with {number}", "sentAt": "1764000000000"}
    typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    body = encode_body(document(number)) if reason is None else f"bad {number}"
    return boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=typed)["MessageId"]


@pytest.fixture
def parked(stack: Any) -> list[str]:
    return [park(stack["dead"], number, reason) for number, reason in enumerate(["bad-json", "bomb", "bad-json", None])]


def test_dlq_ls_shows_reasons_and_changes_nothing(stack: Any, parked: list[str]) -> None:
    """Each message once, the reasons counted; machines read --json."""
    ended = footpath("dlq", "ls", "--stack", "prod")
    assert ended.code == 0
    for message_id in parked:
        assert ended.out.count(message_id) == 1
    assert re.search(r"^bad-json +2$", ended.out, re.MULTILINE)
    assert re.search(r"^too-many-receives +1$", ended.out, re.MULTILINE)
    rows = [
        json.loads(line)
        for line in footpath("dlq", "ls", "--stack", "prod", "--json", "--reason", "bomb").out.splitlines()
    ]
    assert [(row["message"], row["trace"], row["sent"]) for row in rows] == [
        (parked[1], trace_id(1), "2025-11-24T16:00:00+00:00")
    ]
    assert len(received(stack["dead"])) == 4


def test_dlq_ls_says_when_it_has_not_listed_all(stack: Any, parked: list[str]) -> None:
    """Numbers by reason that leave most of the queue out would be believed at 2 AM."""
    ended = footpath("dlq", "ls", "--stack", "prod", "--limit", "1")
    assert f"the first 1 of about {len(parked)}: --limit shows more" in ended.err
    assert "shows more" not in footpath("dlq", "ls", "--stack", "prod").err


def test_dlq_peek_tells_one_message(stack: Any, parked: list[str]) -> None:
    """Why it is there, and whether it could be read now; by message id or trace id."""
    ended = footpath("dlq", "peek", parked[1], "--stack", "prod")
    assert "what is wrong with 1" in ended.out
    assert "can't be read: not-a-trace" in ended.out
    assert "can be read now: trace" in footpath("dlq", "peek", trace_id(3), "--stack", "prod").out
    shown = json.loads(footpath("dlq", "peek", parked[0], "--stack", "prod", "--json").out)
    assert (shown["reason"], shown["body"], shown["readable"]) == ("bad-json", "bad 0", False)
    assert footpath("dlq", "peek", "zzz", "--stack", "prod").code == Exit.NOT_FOUND


def test_dlq_redrive_sends_what_was_chosen_without_the_reasons(stack: Any, parked: list[str]) -> None:
    """By reason; the message's own attributes stay, the processor's are left behind."""
    ended = footpath("dlq", "redrive", "--stack", "prod", "--reason", "bad-json")
    assert ended.out == "2 sent to the trace queue again.\n"
    assert [one["Body"] for one in received(stack["traces"])] == ["bad 0", "bad 2"]
    assert set(received(stack["traces"])[0]["MessageAttributes"]) == {"traceId", "chart"}
    assert {one["MessageId"] for one in received(stack["dead"])} == {parked[1], parked[3]}
    assert footpath("dlq", "redrive", "--stack", "prod", "--all", "--limit", "1").out.startswith("1 sent")
    assert len(received(stack["dead"])) == 1


@pytest.mark.parametrize("command", [["redrive"], ["discard", "--why", "a test of ours"]])
def test_dlq_says_when_what_was_named_is_not_there(stack: Any, parked: list[str], command: list[str]) -> None:
    """Nothing done is no success where something was asked for; an empty queue is fine."""
    ended = footpath("dlq", *command, "--stack", "prod", "--reason", "no-such-reason")
    assert ended.code == Exit.NOT_FOUND
    assert "no dead letter has the reason 'no-such-reason'" in ended.err
    assert len(footpath("dlq", "ls", "--stack", "prod", "--json").out.splitlines()) == len(parked)


def test_dlq_discard_leaves_a_record(stack: Any, parked: list[str]) -> None:
    """Who, when, why and what; never the body."""
    ended = footpath("dlq", "discard", parked[1], "--stack", "prod", "--why", "a test of ours")
    assert ended.code == 0, ended.err
    s3 = boto3.client("s3")
    (entry,) = s3.list_objects_v2(Bucket="the-archive", Prefix="discards/")["Contents"]
    record = json.loads(s3.get_object(Bucket="the-archive", Key=entry["Key"])["Body"].read())
    assert (record["messageId"], record["traceId"], record["reason"]) == (parked[1], trace_id(1), "bomb")
    assert (record["why"], record["bodyBytes"]) == ("a test of ours", 5)
    assert record["by"].startswith("arn:")
    assert "bad 1" not in json.dumps(record)
    assert len(received(stack["dead"])) == 3


@pytest.mark.parametrize(
    "words", [["redrive", ""], ["discard", " ", "--why", "w"], ["redrive", "--reason", ""], ["peek", ""]]
)
def test_dlq_takes_an_empty_name_for_none(stack: Any, parked: list[str], words: list[str]) -> None:
    """Every id begins with nothing: a shell's unset variable must not send or discard them all."""
    ended = footpath("dlq", *words, "--stack", "prod")
    assert ended.code == Exit.USAGE
    assert "is empty" in ended.err
    assert len(received(stack["dead"])) == len(parked)


def test_dlq_discard_wants_a_reason(stack: Any, parked: list[str]) -> None:
    """A record without one would say that somebody did something."""
    ended = footpath("dlq", "discard", parked[1], "--stack", "prod", "--why", " ")
    assert ended.code == Exit.USAGE
    assert "--why says nothing" in ended.err
    assert len(received(stack["dead"])) == len(parked)


@pytest.mark.parametrize("words", [["redrive"], ["redrive", "x", "--all"], ["discard", "--why", "w"]])
def test_dlq_wants_to_know_which(stack: Any, words: list[str]) -> None:
    """Nothing is done to all messages by leaving something out."""
    ended = footpath("dlq", *words, "--stack", "prod")
    assert ended.code == Exit.USAGE
    assert "--all" in ended.err


def test_a_discard_whose_record_cannot_be_kept_is_not_done() -> None:
    """First the record, then the delete."""
    from footpath.errors import ArchiveUnavailableError
    from footpath_cli.operate import Choice, discard
    from tests.unit.service._fakes import FaultyStore, store_down

    with World() as world:
        world.stranger("hello")
        world.drain()
        with pytest.raises(ArchiveUnavailableError):
            discard(world.dead, FaultyStore(store_down), Choice(), why="w", by="b", at="t")
        assert world.dead.count() == 1


def test_a_listing_reaches_what_lies_behind_many_copies() -> None:
    """A queue that holds most messages twice gives receives of nothing but copies; what is new behind them must not expire."""
    from footpath_cli.operate import Choice, redrive

    for seed in range(5):
        with World(seed=seed, duplicate_rate=0.95, disorder_rate=0.3) as world:
            for number in range(120):
                world.dead.send(f"bad {number}", {})
            assert redrive(world.dead, world.queue, Choice()) == 120
            assert len(set(world.model.bodies(world.pipeline.queue_url))) == 120
            assert world.dead.count() == 0


def test_a_queue_that_is_gone_is_unreachable() -> None:
    """With its cure."""
    from footpath_cli.operate import Desk

    with World() as world:
        desk = Desk(world.pipeline.sqs, world.pipeline.queue_url + "-gone")
        for act in (desk.count, lambda: list(desk.messages()), lambda: desk.send("x", {})):
            with pytest.raises(CommandError, match="did not do what was asked"):
                act()

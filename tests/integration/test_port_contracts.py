"""One contract per port, kept by every adapter: memory, folder, and AWS (moto)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from footpath.archive import ObjectMissingError, ObjectTooLargeError
from footpath.errors import ArchiveUnavailableError
from footpath.ids import system_clock_ms
from footpath_service.adapters.aws import AwsClient, S3Store, SqsQueue
from footpath_service.adapters.folder import FolderStore
from footpath_service.adapters.memory import MemoryQueue, MemoryStore, SentMessage
from footpath_service.errors import QueueRefusedError, QueueUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from footpath.archive import ObjectStore
    from footpath_service.ports import MessageQueue

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


# ── the object store ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(params=["memory", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "folder":
        return FolderStore(tmp_path / "archive")
    request.getfixturevalue("aws")
    boto3.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return S3Store("archive", AwsClient("s3", connect_s=1, read_s=5))


def test_what_is_put_is_got(store: ObjectStore) -> None:
    """To the byte, empty objects too."""
    assert store.put_new("a/b.bin", b"\x00\xffhello")
    assert store.put_new("a/empty", b"")
    assert store.get("a/b.bin") == b"\x00\xffhello"
    assert store.get("a/empty") == b""


def test_an_object_is_never_overwritten(store: ObjectStore) -> None:
    """The second put says that the key is taken, and changes nothing."""
    assert store.put_new("k", b"first")
    assert not store.put_new("k", b"second")
    assert store.get("k") == b"first"


def test_of_many_puts_at_once_one_wins(store: ObjectStore) -> None:
    """Two processors may write the same segment."""
    won: list[bool] = []
    threads = [threading.Thread(target=lambda n=n: won.append(store.put_new("k", b"%d" % n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_a_missing_object_is_missing(store: ObjectStore) -> None:
    """Permanent, and told from a store that is down."""
    store.put_new("folder/object", b"1")
    reads: list[Callable[[], object]] = [
        lambda: store.get("nothing"),
        lambda: store.get("folder"),
        lambda: store.get_range("nothing", 0, 5),
        lambda: store.get_suffix("nothing", 5),
    ]
    for read in reads:
        with pytest.raises(ObjectMissingError):
            read()


def test_a_size_limit_is_checked_before_reading(store: ObjectStore) -> None:
    """An object of exactly the limit is read, one over it is not."""
    store.put_new("k", b"12345")
    assert store.get("k", max_bytes=5) == b"12345"
    with pytest.raises(ObjectTooLargeError) as caught:
        store.get("k", max_bytes=4)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (5, 4)


def test_a_range_is_part_of_an_object(store: ObjectStore) -> None:
    """Bytes from an offset, fewer where the object ends, an error behind its end."""
    store.put_new("k", b"0123456789")
    assert store.get_range("k", 0, 3) == b"012"
    assert store.get_range("k", 7, 3) == b"789"
    assert store.get_range("k", 8, 50) == b"89"
    with pytest.raises(ObjectMissingError):
        store.get_range("k", 10, 1)


def test_a_suffix_is_the_end_of_an_object(store: ObjectStore) -> None:
    """With the size of the whole, in one call; the whole when it is shorter."""
    store.put_new("k", b"0123456789")
    assert store.get_suffix("k", 4) == (b"6789", 10)
    assert store.get_suffix("k", 10) == (b"0123456789", 10)
    assert store.get_suffix("k", 99) == (b"0123456789", 10)


def test_keys_are_listed_in_order(store: ObjectStore) -> None:
    """By the whole key, not folder by folder, and after a key that need not exist."""
    for key in ("a/2", "a-1", "a/1", "b", "a/10", "a/1/x") if not isinstance(store, FolderStore) else (
        "a/2", "a-1", "a/1", "b", "a/10"
    ):  # fmt: skip  # a folder can't hold both "1" and "1/x"
        store.put_new(key, b"")
    inner = ["a/1/x"] if not isinstance(store, FolderStore) else []
    assert list(store.list_keys("a")) == ["a-1", "a/1", *inner, "a/10", "a/2"]
    assert list(store.list_keys("a/", start_after="a/1")) == [*inner, "a/10", "a/2"]
    assert list(store.list_keys("a/", start_after="a/15")) == ["a/2"]
    assert list(store.list_keys("nothing/")) == []


def test_objects_are_listed_with_size_and_time(store: ObjectStore) -> None:
    """As keys are, and dated by the store: not before the put, nor after the listing. S3 knows seconds."""
    before_ms = system_clock_ms()
    store.put_new("a/1", b"123")
    store.put_new("a/2", b"")
    found = list(store.list_objects("a/"))
    assert [(one.key, one.size_bytes) for one in found] == [("a/1", 3), ("a/2", 0)]
    assert all(before_ms - 1_000 <= one.modified_ms <= system_clock_ms() for one in found)
    assert [one.key for one in store.list_objects("a/", start_after="a/1")] == ["a/2"]
    assert list(store.list_objects("nothing/")) == []


def test_more_keys_than_a_page_are_listed(store: ObjectStore) -> None:
    """S3 gives 1,000 at a time."""
    keys = [f"many/{number:04d}" for number in range(1_050)]
    for key in keys:
        store.put_new(key, b"")
    assert list(store.list_keys("many/")) == keys


def test_folders_are_listed(store: ObjectStore) -> None:
    """What lies between a prefix and the next slash, each once."""
    for key in ("s/dt=2/hr=1/x", "s/dt=1/hr=1/x", "s/dt=1/hr=2/x", "s/file", "t/dt=3/x"):
        store.put_new(key, b"")
    assert store.list_folders("s/") == ["dt=1/", "dt=2/"]
    assert store.list_folders("s/dt=1/") == ["hr=1/", "hr=2/"]
    assert store.list_folders("nothing/") == []


def test_a_folder_store_never_leaves_its_folder(tmp_path: Path) -> None:
    """Keys come from messages: none may name a file outside."""
    (tmp_path / "secret").write_text("s")
    store = FolderStore(tmp_path / "archive")
    for key in ("../secret", "a/../../secret", "/etc/passwd", "a//b", "", "a/\x00", ".", "a\\..\\b"):
        with pytest.raises(ObjectMissingError):
            store.get(key)
        with pytest.raises(ObjectMissingError):
            store.put_new(key, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_folder_store_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A full disk is a store that is down, and no object."""
    store = FolderStore(tmp_path / "file")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ArchiveUnavailableError):
        store.put_new("a/b", b"1")


def test_a_bucket_that_refuses_is_unavailable(aws: None) -> None:
    """No bucket, no permission, throttling: another try may help, so it is not "missing"."""
    store = S3Store("nobodys-bucket", AwsClient("s3", connect_s=1, read_s=1))
    calls: list[Callable[[], object]] = [
        lambda: store.get("k"),
        lambda: store.get_suffix("k", 1),
        lambda: store.put_new("k", b""),
        lambda: list(store.list_keys("k")),
        lambda: store.list_folders("k"),
    ]
    for call in calls:
        with pytest.raises(ArchiveUnavailableError):
            call()


def test_a_bucket_that_locks_takes_what_is_put_and_keeps_it(aws: None) -> None:
    """S3 refuses a PUT without a checksum where Object Lock retains by default; a lock ends deleting."""
    s3 = boto3.client("s3")
    s3.create_bucket(
        Bucket="locked", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}, ObjectLockEnabledForBucket=True
    )
    s3.put_object_lock_configuration(
        Bucket="locked",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    sent: list[str | None] = []
    client = AwsClient("s3", connect_s=1, read_s=5)
    client().meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: sent.append(request.headers.get("x-amz-checksum-crc32"))
    )
    store = S3Store("locked", client)
    assert store.put_new("segments/k", b"123456789")
    assert not store.put_new("segments/k", b"other")
    assert sent[0] in {"y/Q5Jg==", b"y/Q5Jg=="}  # CRC-32's check value, 0xcbf43926
    version = s3.head_object(Bucket="locked", Key="segments/k")["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="locked", Key="segments/k", VersionId=version)
    s3.delete_object(Bucket="locked", Key="segments/k")  # hides it, as `recover` does with what it has brought back
    assert s3.get_object(Bucket="locked", Key="segments/k", VersionId=version)["Body"].read() == b"123456789"


def test_a_bucket_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the address: refused at once, without the SDK's own retries."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(ArchiveUnavailableError, match="did not answer"):
        S3Store("archive", AwsClient("s3", connect_s=1, read_s=1)).get("k")


# ── the queue ──────────────────────────────────────────────────────────────────────────────────────────────────────
class _Queue:
    """A queue under test, and what arrived in it."""

    def __init__(self, port: MessageQueue, arrived: Callable[[], list[SentMessage]]) -> None:
        self.port = port
        self.arrived = arrived


@pytest.fixture(params=["memory", "sqs"])
def queue(request: pytest.FixtureRequest) -> _Queue:
    if request.param == "memory":
        memory = MemoryQueue()
        return _Queue(memory, lambda: memory.messages)
    request.getfixturevalue("aws")
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="traces", Attributes={"MaximumMessageSize": "1048576"})["QueueUrl"]

    def arrived() -> list[SentMessage]:
        found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return [
            SentMessage(
                message["Body"],
                {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()},
            )
            for message in found.get("Messages", [])
        ]

    return _Queue(SqsQueue(url, AwsClient("sqs", connect_s=1, read_s=5)), arrived)


def test_what_is_sent_arrives(queue: _Queue) -> None:
    """Body and attributes, as they were; preparing before is harmless."""
    queue.port.prepare()
    queue.port.prepare()
    queue.port.send('{"a": "é\U0001f600"}', {"traceId": "t", "chart": "c"})
    assert queue.arrived() == [SentMessage('{"a": "é\U0001f600"}', {"traceId": "t", "chart": "c"})]


def test_a_message_of_exactly_the_limit_is_taken(queue: _Queue) -> None:
    """1,048,576 bytes, and not one more."""
    queue.port.send("x" * 1_048_576, {})
    assert len(queue.arrived()[0].body) == 1_048_576
    with pytest.raises(QueueRefusedError):
        queue.port.send("x" * 1_048_577, {})


def test_a_queue_that_is_not_there_is_unavailable(aws: None) -> None:
    """Refused now; it may be there later."""
    port = SqsQueue("https://sqs.eu-west-1.amazonaws.com/123456789012/none", AwsClient("sqs", connect_s=1, read_s=1))
    with pytest.raises(QueueUnavailableError):
        port.send("x", {})


def test_a_queue_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the address."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(QueueUnavailableError):
        SqsQueue("http://127.0.0.1:9/1/traces", AwsClient("sqs", connect_s=1, read_s=1)).send("x", {})
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(QueueUnavailableError):
        SqsQueue("http://127.0.0.1:9/1/traces", AwsClient("sqs", connect_s=1, read_s=1)).send("x", {})


def test_memory_refuses_what_sqs_refuses_and_moto_does_not() -> None:
    """Characters outside SQS's range, an empty body, attributes that make the message too large."""
    for character in "\x00\x0b\ufffe\uffff\ud800":
        with pytest.raises(QueueRefusedError, match=r"U\+"):
            MemoryQueue().send(f"a{character}", {})
    with pytest.raises(QueueRefusedError, match="empty"):
        MemoryQueue().send("", {})
    with pytest.raises(QueueRefusedError, match="1048585 bytes"):
        MemoryQueue().send("x" * 1_048_570, {"name": "value"})
    with pytest.raises(QueueRefusedError, match="attributes"):
        MemoryQueue().send("x", {str(number): "v" for number in range(11)})

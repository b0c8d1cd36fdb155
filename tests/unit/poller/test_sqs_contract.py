"""What AWS documents of SQS, held against the in-memory model and, where moto keeps it too, against moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from footpath_cli.poller import MemorySqs

if TYPE_CHECKING:
    from footpath_cli.poller import VirtualClock

KIB = 1024
MINUTE_MS = 60_000
DAY_MS = 24 * 3_600_000


def make(sqs: Any, name: str = "q", **attributes: str) -> str:
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def receive(sqs: Any, url: str, most: int = 10, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=most,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
        **more,
    ).get("Messages", [])
    return found


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def with_dlq(sqs: Any, receives: int = 2) -> tuple[str, str]:
    dlq = make(sqs, "dlq")
    arn = sqs.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives})
    return make(sqs, "work", RedrivePolicy=policy, VisibilityTimeout="60"), dlq


# On both


def test_a_message_comes_back_as_it_was_sent(either: Any) -> None:
    """Body, attributes and both digests survive the queue."""
    url = make(either)
    attributes = {
        "chart": {"DataType": "String", "StringValue": "credit"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = either.send_message(QueueUrl=url, MessageBody="hé", MessageAttributes=attributes)
    (message,) = receive(either, url)
    assert message["Body"] == "hé"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"] == "33fcd01258e6ba07ef405dc9e721f3a7"
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"] == "99e486245ece9fd33aa854991cd9e68a"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_received_message_is_hidden(either: Any) -> None:
    """Until its visibility timeout ends, nobody else gets it."""
    url = make(either)
    either.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(either, url)) == 1
    assert receive(either, url) == []


def test_visibility_zero_brings_a_message_back_at_once(either: Any) -> None:
    """ChangeMessageVisibility with 0 ends the hiding, and the next receive counts."""
    url = make(either)
    either.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(either, url)
    either.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    (second,) = receive(either, url)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


def test_a_deleted_message_is_gone(either: Any) -> None:
    """DeleteMessageBatch answers per entry and empties the queue."""
    url = make(either)
    either.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(either, url)
    answer = either.delete_message_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}])
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    found = either.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["ApproximateNumberOfMessages"] == found["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_message_of_one_mib_passes_and_a_byte_more_does_not(either: Any) -> None:
    """The limit of a message is 1,048,576 bytes."""
    url = make(either)
    either.send_message(QueueUrl=url, MessageBody="a" * KIB * KIB)
    with pytest.raises(ClientError) as error:
        either.send_message(QueueUrl=url, MessageBody="a" * (KIB * KIB + 1))
    assert code(error) == "InvalidParameterValue"


def test_a_batch_shares_one_mib(either: Any) -> None:
    """The limit of SendMessageBatch is that of one message."""
    url = make(either)
    entries = [{"Id": str(at), "MessageBody": "x" * 120 * KIB} for at in range(10)]
    with pytest.raises(ClientError) as error:
        either.send_message_batch(QueueUrl=url, Entries=entries)
    assert code(error) == "AWS.SimpleQueueService.BatchRequestTooLong"


def test_a_batch_has_ten_entries_at_most(either: Any) -> None:
    """Eleven entries are refused as a whole."""
    url = make(either)
    with pytest.raises(ClientError) as error:
        either.send_message_batch(QueueUrl=url, Entries=[{"Id": str(at), "MessageBody": "x"} for at in range(11)])
    assert code(error) == "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"


def test_batch_ids_are_distinct(either: Any) -> None:
    """Two entries of one id are refused as a whole."""
    url = make(either)
    with pytest.raises(ClientError) as error:
        either.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}] * 2)
    assert code(error) == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


def test_an_unknown_queue_is_its_own_error(either: Any) -> None:
    """A caller can tell a missing queue from a refused message."""
    with pytest.raises(either.exceptions.QueueDoesNotExist):
        either.send_message(QueueUrl="https://sqs.eu-west-1.amazonaws.com/123456789012/none", MessageBody="x")


def test_a_receive_gives_ten_at_most(either: Any) -> None:
    """Asking for eleven is an error, not a shorter answer."""
    url = make(either)
    with pytest.raises(ClientError) as error:
        either.receive_message(QueueUrl=url, MaxNumberOfMessages=11)
    assert code(error) == "InvalidParameterValue"


# On the model: what moto gets wrong or cannot do in virtual time


@pytest.mark.parametrize("bad", ["\x00", "\x1f", "\ufffe", "\uffff"])
def test_characters_outside_the_admitted_range_are_refused(sqs: Any, bad: str) -> None:
    """Control characters, U+FFFE and U+FFFF never enter a queue."""
    url = make(sqs)
    with pytest.raises(sqs.exceptions.InvalidMessageContents):
        sqs.send_message(QueueUrl=url, MessageBody=f"a{bad}b")


def test_one_bad_entry_fails_alone(sqs: Any) -> None:
    """A batch's entries succeed and fail one by one."""
    url = make(sqs)
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "\x00"}]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("bad", "InvalidMessageContents")]


def test_a_visible_message_cannot_be_hidden_longer(sqs: Any) -> None:
    """ChangeMessageVisibility is for messages in flight only."""
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    with pytest.raises(sqs.exceptions.MessageNotInflight):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=9)


def test_visibility_ends_on_the_virtual_clock(sqs: Any, clock: VirtualClock) -> None:
    """A message not deleted comes back when its timeout has passed, not a millisecond before."""
    url = make(sqs, VisibilityTimeout="60")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    receive(sqs, url)
    clock.sleep_ms(MINUTE_MS - 1)
    assert receive(sqs, url) == []
    clock.sleep_ms(1)
    (message,) = receive(sqs, url)
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"


def test_an_older_receipt_handle_deletes_nothing(sqs: Any, clock: VirtualClock) -> None:
    """Only the handle of the latest receive deletes; an older one succeeds without effect."""
    url = make(sqs, VisibilityTimeout="1")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(sqs, url)
    clock.sleep_ms(1_000)
    receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    clock.sleep_ms(1_000)
    assert len(receive(sqs, url)) == 1


def test_a_handle_that_was_never_given_is_an_error(sqs: Any) -> None:
    """A made-up handle is told from an old one."""
    url = make(sqs)
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="bogus")


def test_a_delayed_message_waits(sqs: Any, clock: VirtualClock) -> None:
    """DelaySeconds hides a message that nobody has received."""
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=900)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["ApproximateNumberOfMessagesDelayed"] == "1"
    assert receive(sqs, url) == []
    clock.sleep_ms(900_000)
    assert len(receive(sqs, url)) == 1


def test_retention_counts_from_the_first_send(sqs: Any, model: MemorySqs, clock: VirtualClock) -> None:
    """A message older than the retention is gone, whatever its receive count."""
    url = make(sqs, MessageRetentionPeriod="86400", VisibilityTimeout="30")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    clock.sleep_ms(DAY_MS - 1)
    assert len(receive(sqs, url)) == 1
    clock.sleep_ms(30_000)
    assert receive(sqs, url) == []
    assert model.expired_count(url) == 1


def test_the_receive_after_the_last_allowed_moves_to_the_dead_letter_queue(sqs: Any, clock: VirtualClock) -> None:
    """With maxReceiveCount 2, the third receive finds nothing and the message lies in the DLQ, its id and count kept."""
    work, dlq = with_dlq(sqs)
    sent = sqs.send_message(QueueUrl=work, MessageBody="x")
    for _ in range(2):
        assert len(receive(sqs, work)) == 1
        assert receive(sqs, dlq) == []
        clock.sleep_ms(MINUTE_MS)
    assert receive(sqs, work) == []
    (dead,) = receive(sqs, dlq)
    assert dead["MessageId"] == sent["MessageId"]
    assert dead["Attributes"]["ApproximateReceiveCount"] == "3"
    assert dead["Attributes"]["DeadLetterQueueSourceArn"].endswith(":work")


def test_a_dead_letter_keeps_its_enqueue_time(sqs: Any, model: MemorySqs, clock: VirtualClock) -> None:
    """Retention in the DLQ counts from the first send, so it must be longer than the source's."""
    work, dlq = with_dlq(sqs, receives=1)
    sqs.set_queue_attributes(QueueUrl=dlq, Attributes={"MessageRetentionPeriod": "86400"})
    sqs.send_message(QueueUrl=work, MessageBody="x")
    receive(sqs, work)
    clock.sleep_ms(DAY_MS // 2)
    assert receive(sqs, work) == []
    clock.sleep_ms(DAY_MS // 2)
    assert receive(sqs, dlq) == []
    assert model.expired_count(dlq) == 1


def test_a_redrive_makes_new_messages(sqs: Any, clock: VirtualClock) -> None:
    """StartMessageMoveTask brings a dead letter back to its source with a new id, a new time and a count of its own."""
    work, dlq = with_dlq(sqs, receives=1)
    sent = sqs.send_message(QueueUrl=work, MessageBody="x")
    receive(sqs, work)
    clock.sleep_ms(MINUTE_MS)
    receive(sqs, work)
    arn = sqs.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    clock.sleep_ms(3 * DAY_MS)
    sqs.start_message_move_task(SourceArn=arn)
    (back,) = receive(sqs, work)
    assert back["Body"] == "x"
    assert back["MessageId"] != sent["MessageId"]
    assert back["Attributes"]["ApproximateReceiveCount"] == "1"
    assert back["Attributes"]["SentTimestamp"] == str(clock.now_ms())
    (task,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert task["ApproximateNumberOfMessagesMoved"] == 1


def test_only_a_dead_letter_queue_can_be_moved(sqs: Any) -> None:
    """A queue that nobody's redrive policy names is refused as a source."""
    url = make(sqs)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arn)


def test_a_deleted_message_may_come_again(clock: VirtualClock, connected: Any) -> None:
    """A standard queue delivers at least once: a server that missed the delete has a copy, which must be deleted too."""
    sqs = connected(MemorySqs(clock, duplicate_rate=1.0))
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    (second,) = receive(sqs, url)
    assert (second["MessageId"], second["Body"]) == (first["MessageId"], "x")
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert receive(sqs, url) == []


def test_duplicates_come_at_the_rate_asked_for(clock: VirtualClock, connected: Any) -> None:
    """And at the same places for the same seed."""

    def deliveries(seed: int) -> list[str]:
        sqs = connected(MemorySqs(clock, seed=seed, duplicate_rate=0.2))
        url = make(sqs, VisibilityTimeout="43200")
        for at in range(100):
            sqs.send_message(QueueUrl=url, MessageBody=str(at))
        found: list[str] = []
        while batch := receive(sqs, url):
            found += [message["Body"] for message in batch]
        return found

    assert deliveries(1) == deliveries(1) != deliveries(2)
    assert 105 < len(deliveries(1)) < 140


def test_order_is_kept_without_disorder_and_seeded_with_it(clock: VirtualClock, connected: Any) -> None:
    """The same seed gives the same disorder; every message still comes exactly once."""

    def order(rate: float, seed: int) -> list[str]:
        sqs = connected(MemorySqs(clock, seed=seed, disorder_rate=rate))
        url = make(sqs)
        for at in range(30):
            sqs.send_message(QueueUrl=url, MessageBody=str(at))
        return [message["Body"] for _ in range(3) for message in receive(sqs, url)]

    straight = [str(at) for at in range(30)]
    assert order(0, 1) == straight
    mixed = order(1, 1)
    assert mixed == order(1, 1) != order(1, 2)
    assert mixed != straight
    assert sorted(mixed) == sorted(straight)

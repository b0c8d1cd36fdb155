"""SQS in memory, on any clock: what moto cannot do, because its visibility timeouts run on real time.

The model answers real boto3 clients (`connect`), so the code under test cannot tell it from the service. It holds
standard queues only. What it promises is in `tests/unit/poller`, one test a fact of the SQS documentation; the facts
that moto also keeps are tested on both.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from footpath_cli.poller._calls import answer_calls
from footpath_cli.poller._message import (
    MAX_BODY_BYTES,
    MAX_ENTRIES,
    Message,
    Queue,
    SqsError,
    check_body,
    check_entries,
    check_settings,
    md5_of_attributes,
    md5_of_body,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath_cli.poller._clock import Clock

ACCOUNT = "123456789012"
MAX_IN_FLIGHT = 120_000
_DISORDER_REACH = 100  # out-of-order delivery picks among the oldest so many; SQS is "best effort" ordered, not random
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class MemorySqs:
    """A region's queues.

    Args:
        clock: visibility, delays and retention follow it.
        seed: drives message ids, duplicates and disorder.
        duplicate_rate: chance that a copy of a received message stays behind on some server, and is delivered once more
            even when the message has been deleted meanwhile.
        disorder_rate: chance that a receive takes a younger message before the oldest.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        duplicate_rate: float = 0.0,
        disorder_rate: float = 0.0,
        region: str = "eu-west-1",
    ) -> None:
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self._duplicate_rate = duplicate_rate
        self._disorder_rate = disorder_rate
        self._region = region
        self._queues: dict[str, Queue] = {}
        self._moves: list[dict[str, Any]] = []
        self._sequence = itertools.count()
        self._operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateQueue": self._create_queue,
            "GetQueueUrl": self._get_queue_url,
            "ListQueues": self._list_queues,
            "GetQueueAttributes": self._get_queue_attributes,
            "SetQueueAttributes": self._set_queue_attributes,
            "PurgeQueue": self._purge_queue,
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "ReceiveMessage": self._receive_message,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
            "StartMessageMoveTask": self._start_message_move_task,
            "ListMessageMoveTasks": self._list_message_move_tasks,
        }

    def connect(self, target: Any) -> None:
        """Answer the SQS calls of a boto3 client, or of the clients a session will make."""
        answer_calls(target, "sqs", self._answer)

    def next_change_ms(self, queue_url: str) -> int | None:
        """When the next hidden message of a queue becomes visible; None if none is hidden."""
        queue = self._find(queue_url)
        self._surface(queue)
        return queue.hidden[0][0] if queue.hidden else None

    def expired_count(self, queue_url: str) -> int:
        """Messages that outlived their retention and are gone: no trace may ever be among them."""
        return self._find(queue_url).expired_count

    def bodies(self, queue_url: str) -> list[str]:
        """The body of every message of a queue, in flight and delayed ones included: what no receive could show.

        A copy that a server kept is not listed beside the message it was copied from, nor what has outlived its
        retention.
        """
        queue = self._find(queue_url)
        oldest_ms = self._clock.now_ms() - queue.seconds("MessageRetentionPeriod", 345_600) * 1000
        return [
            message.body
            for message in queue.alive.values()
            if message.sent_at_ms > oldest_ms and (not message.is_copy or message.id not in queue.alive)
        ]

    def _answer(self, operation: str, params: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        run = self._operations.get(operation)
        if run is None:
            return 400, {"__type": "UnsupportedOperation", "message": f"the in-memory model has no {operation}"}
        try:
            return 200, run(params)
        except SqsError as error:
            kind = f"com.amazonaws.sqs#{error.code}"
            return error.status, {"__type": kind, "message": error.message, "__query": f"{error.query_code};Sender"}

    # Queues

    def _create_queue(self, params: Mapping[str, Any]) -> dict[str, Any]:
        name = str(params.get("QueueName", ""))
        if not _NAME.fullmatch(name):
            text = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
            raise SqsError("InvalidParameterValue", text)
        queue = self._queues.get(name)
        if queue is None:
            arn = f"arn:aws:sqs:{self._region}:{ACCOUNT}:{name}"
            queue = Queue(name, f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{name}", arn)
            queue.settings.update(check_settings(params.get("Attributes") or {}))
            self._queues[name] = queue
        return {"QueueUrl": queue.url}

    def _find(self, queue_url: object) -> Queue:
        queue = self._queues.get(str(queue_url).rsplit("/", 1)[-1])
        if queue is None:
            raise SqsError(
                "QueueDoesNotExist",
                "The specified queue does not exist.",
                query_code="AWS.SimpleQueueService.NonExistentQueue",
            )
        return queue

    def _by_arn(self, arn: object) -> Queue:
        return self._find(str(arn).rsplit(":", 1)[-1])

    def _get_queue_url(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"QueueUrl": self._find(params.get("QueueName")).url}

    def _list_queues(self, params: Mapping[str, Any]) -> dict[str, Any]:
        prefix = params.get("QueueNamePrefix", "")
        return {"QueueUrls": [queue.url for queue in self._queues.values() if queue.name.startswith(prefix)]}

    def _get_queue_attributes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._find(params.get("QueueUrl"))
        self._surface(queue)
        delayed = sum(1 for message in queue.alive.values() if self._is_delayed(message))
        answer = {
            "VisibilityTimeout": "30",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "MaximumMessageSize": str(MAX_BODY_BYTES),
            **queue.settings,
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(len(queue.visible)),
            "ApproximateNumberOfMessagesNotVisible": str(len(queue.alive) - len(queue.visible) - delayed),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
        }
        asked: list[str] = params.get("AttributeNames") or []
        return {"Attributes": answer if "All" in asked else {name: answer[name] for name in asked if name in answer}}

    def _is_delayed(self, message: Message) -> bool:
        return message.deliveries == 0 and message.visible_at_ms > self._clock.now_ms()

    def _set_queue_attributes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._find(params.get("QueueUrl"))
        queue.settings.update(check_settings(params.get("Attributes") or {}))
        return {}

    def _purge_queue(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._find(params.get("QueueUrl"))
        queue.visible.clear()
        queue.hidden.clear()
        queue.alive.clear()
        return {}

    # Sending

    def _send_message(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._find(params.get("QueueUrl"))
        attributes: dict[str, Any] = params.get("MessageAttributes") or {}
        size = check_body(params.get("MessageBody"), attributes)
        limit = queue.seconds("MaximumMessageSize", MAX_BODY_BYTES)
        if size > limit:
            text = f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
            raise SqsError("InvalidParameterValue", text)
        delay_s = int(params.get("DelaySeconds", queue.seconds("DelaySeconds", 0)))
        if not 0 <= delay_s <= 900:
            text = (
                f"Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
            )
            raise SqsError("InvalidParameterValue", text)
        system = {"SenderId": "AIDAEXAMPLE"}
        if params.get("MessageGroupId"):
            system["MessageGroupId"] = str(params["MessageGroupId"])
        asked_system: dict[str, Any] = params.get("MessageSystemAttributes") or {}
        if "AWSTraceHeader" in asked_system:
            system["AWSTraceHeader"] = str(asked_system["AWSTraceHeader"]["StringValue"])
        now_ms = self._clock.now_ms()
        body = str(params["MessageBody"])
        message = self._new_message(body, attributes, system, now_ms + delay_s * 1000)
        self._add(queue, message)
        answer = {"MessageId": message.id, "MD5OfMessageBody": md5_of_body(body)}
        if attributes:
            answer["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
        return answer

    def _send_message_batch(self, params: Mapping[str, Any]) -> dict[str, Any]:
        entries = check_entries(params)
        total = 0
        for entry in entries:
            body = entry.get("MessageBody")
            total += len(body.encode("utf-8", "surrogatepass")) if isinstance(body, str) else 0
        if total > MAX_BODY_BYTES:
            text = f"Batch requests cannot be longer than {MAX_BODY_BYTES} bytes. You have sent {total} bytes."
            raise SqsError("BatchRequestTooLong", text, query_code="AWS.SimpleQueueService.BatchRequestTooLong")
        return self._each(params, entries, self._send_message)

    def _each(
        self,
        params: Mapping[str, Any],
        entries: list[dict[str, Any]],
        run: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        """Run a single-message operation per entry; an entry's error is its own."""
        self._find(params.get("QueueUrl"))
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in entries:
            try:
                done.append({"Id": entry["Id"], **run({**entry, "QueueUrl": params["QueueUrl"]})})
            except SqsError as error:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
        return {"Successful": done} | ({"Failed": failed} if failed else {})

    def _add(self, queue: Queue, message: Message) -> None:
        queue.alive[message.slot] = message
        if message.visible_at_ms <= self._clock.now_ms():
            queue.visible[message.slot] = message
        else:
            heapq.heappush(queue.hidden, (message.visible_at_ms, next(self._sequence), message))

    def _new_message(
        self, body: str, attributes: dict[str, Any], system: dict[str, str], visible_at_ms: int
    ) -> Message:
        message_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        return Message(message_id, message_id, body, attributes, system, self._clock.now_ms(), visible_at_ms)

    # Receiving

    def _surface(self, queue: Queue) -> None:
        """Bring back what has become visible by now. Heap items of a former hiding are stale and dropped."""
        now_ms = self._clock.now_ms()
        while queue.hidden:
            at_ms, _, message = queue.hidden[0]
            stale = message.slot not in queue.alive or message.visible_at_ms != at_ms or message.slot in queue.visible
            if not stale and at_ms > now_ms:
                return
            heapq.heappop(queue.hidden)
            if not stale:
                queue.visible[message.slot] = message

    def _pick(self, queue: Queue) -> Message:
        if self._disorder_rate and self._random.random() < self._disorder_rate:
            reach = min(len(queue.visible), _DISORDER_REACH)
            slot = next(itertools.islice(queue.visible, self._random.randrange(reach), None))
            return queue.visible.pop(slot)
        return queue.visible.popitem(last=False)[1]

    def _receive_message(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._find(params.get("QueueUrl"))
        wanted = int(params.get("MaxNumberOfMessages", 1))
        if not 1 <= wanted <= MAX_ENTRIES:
            text = f"Value {wanted} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
            raise SqsError("InvalidParameterValue", text)
        self._surface(queue)
        now_ms = self._clock.now_ms()
        hide_ms = int(params.get("VisibilityTimeout", queue.seconds("VisibilityTimeout", 30))) * 1000
        retention_ms = queue.seconds("MessageRetentionPeriod", 345_600) * 1000
        redrive = queue.redrive()
        copies: list[Message] = []
        answer: list[dict[str, Any]] = []
        if len(queue.alive) - len(queue.visible) >= MAX_IN_FLIGHT:
            raise SqsError("OverLimit", "Too many messages in flight.", query_code="OverLimit", status=403)
        while queue.visible and len(answer) < wanted:
            message = self._pick(queue)
            if message.sent_at_ms + retention_ms <= now_ms:
                del queue.alive[message.slot]
                queue.expired_count += 1
                continue
            if redrive is not None and message.deliveries >= redrive[1]:
                self._bury(queue, message, redrive[0])
                continue
            answer.append(self._deliver(queue, message, hide_ms))
            if not message.is_copy and self._duplicate_rate and self._random.random() < self._duplicate_rate:
                copies.append(replace(message, slot=f"{message.slot}~", is_copy=True, visible_at_ms=now_ms))
        # After the loop: one receive does not give the same message twice.
        for copy in copies:
            if copy.slot not in queue.alive:
                self._add(queue, copy)
        return {"Messages": answer} if answer else {}

    def _deliver(self, queue: Queue, message: Message, hide_ms: int) -> dict[str, Any]:
        now_ms = self._clock.now_ms()
        message.deliveries += 1
        if message.first_received_at_ms is None:
            message.first_received_at_ms = now_ms
        self._hide(queue, message, now_ms + hide_ms)
        return message.wire(f"{message.slot}#{message.deliveries}")

    def _hide(self, queue: Queue, message: Message, until_ms: int) -> None:
        message.visible_at_ms = until_ms
        if until_ms <= self._clock.now_ms():
            queue.visible[message.slot] = message
        else:
            queue.visible.pop(message.slot, None)
            heapq.heappush(queue.hidden, (until_ms, next(self._sequence), message))

    def _bury(self, queue: Queue, message: Message, target_arn: str) -> None:
        """To the dead-letter queue: same id, same enqueue time, the count goes on."""
        del queue.alive[message.slot]
        message.source_arn = queue.arn
        message.visible_at_ms = self._clock.now_ms()
        self._add(self._by_arn(target_arn), message)

    # Settling

    def _held(self, params: Mapping[str, Any]) -> tuple[Queue, Message | None]:
        """The queue, and the message that a receipt handle still stands for: only the latest handle does."""
        queue = self._find(params.get("QueueUrl"))
        slot, mark, delivery = str(params.get("ReceiptHandle", "")).rpartition("#")
        if not mark or not delivery.isdigit():
            raise SqsError(
                "ReceiptHandleIsInvalid", f'The input receipt handle "{params.get("ReceiptHandle")}" is not valid.'
            )
        message = queue.alive.get(slot)
        return queue, message if message is not None and message.deliveries == int(delivery) else None

    def _delete_message(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue, message = self._held(params)
        if message is not None:
            del queue.alive[message.slot]
            queue.visible.pop(message.slot, None)
        return {}

    def _delete_message_batch(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(params, check_entries(params), self._delete_message)

    def _change_message_visibility(self, params: Mapping[str, Any]) -> dict[str, Any]:
        queue, message = self._held(params)
        timeout_s = int(params.get("VisibilityTimeout", -1))
        if not 0 <= timeout_s <= 43_200:
            text = f"Value {timeout_s} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200."
            raise SqsError("InvalidParameterValue", text)
        if message is None or message.slot in queue.visible:
            raise SqsError(
                "MessageNotInflight",
                "The specified message isn't in flight.",
                query_code="AWS.SimpleQueueService.MessageNotInflight",
            )
        self._hide(queue, message, self._clock.now_ms() + timeout_s * 1000)
        return {}

    def _change_message_visibility_batch(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(params, check_entries(params), self._change_message_visibility)

    # Redrive

    def _start_message_move_task(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Move a dead-letter queue's visible messages at once: each becomes a new message, with a new id and time."""
        source = self._by_arn(params.get("SourceArn"))
        feeds = [queue for queue in self._queues.values() if (queue.redrive() or ("",))[0] == source.arn]
        if not feeds:
            raise SqsError("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        self._surface(source)
        moved = 0
        while source.visible:
            _, message = source.visible.popitem(last=False)
            del source.alive[message.slot]
            target = self._by_arn(params.get("DestinationArn") or message.source_arn or feeds[0].arn)
            now_ms = self._clock.now_ms()
            self._add(target, self._new_message(message.body, message.attributes, message.system, now_ms))
            moved += 1
        handle = f"move-{len(self._moves)}"
        self._moves.append(
            {
                "TaskHandle": handle,
                "SourceArn": source.arn,
                "Status": "COMPLETED",
                "ApproximateNumberOfMessagesMoved": moved,
                "StartedTimestamp": self._clock.now_ms(),
            }
        )
        return {"TaskHandle": handle}

    def _list_message_move_tasks(self, params: Mapping[str, Any]) -> dict[str, Any]:
        arn = params.get("SourceArn")
        wanted = int(params.get("MaxResults", 1))
        found = [move for move in reversed(self._moves) if move["SourceArn"] == arn]
        return {"Results": json.loads(json.dumps(found[:wanted]))}

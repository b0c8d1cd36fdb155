"""Traces made by real runs, and messages around them, for the tests of the processor."""

from __future__ import annotations

from typing import Any

import msgspec

from footpath.engine import FlowChartExecutor
from footpath.trace import encode_trace
from footpath_service.records import SqsRecord, read_record
from footpath_service.wire import encode_body
from tests.unit.service._charts import loan

START_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z
_loan = loan()


def trace_id(number: int, at_ms: int = START_MS) -> str:
    digits = f"{at_ms:012x}7000a000{number:012x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def document(number: int = 1, at_ms: int = START_MS, *, amount: float = 500, **changed: Any) -> bytes:
    """A loan's trace; `changed` are members of the document put in place of the run's own."""
    executor = FlowChartExecutor(_loan)
    executor.enable_narrative()
    executor.run(input={"amount": amount, "name": f"customer-{number}"})
    made = encode_trace(executor.get_trace(trace_id=trace_id(number, at_ms)))
    return msgspec.json.encode(msgspec.json.decode(made) | changed) if changed else made


def record(body: str, message_id: str = "m-1", *, sent_at_ms: int = START_MS, receives: int = 1) -> SqsRecord:
    return read_record(raw_record(body, message_id, sent_at_ms=sent_at_ms, receives=receives))


def raw_record(body: str, message_id: str = "m-1", *, sent_at_ms: int = START_MS, receives: int = 1) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"SentTimestamp": str(sent_at_ms), "ApproximateReceiveCount": str(receives)},
        "messageAttributes": {"chart": {"stringValue": "loan", "dataType": "String"}},
        "eventSource": "aws:sqs",
    }


def message(number: int = 1, at_ms: int = START_MS, **more: Any) -> SqsRecord:
    """The trace of that number as a message `m-<number>`."""
    return record(encode_body(document(number, at_ms, **more)), f"m-{number}")

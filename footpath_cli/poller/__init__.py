"""A deterministic stand-in for Lambda's SQS poller.

It drives the real handlers over a real SQS API and keeps what AWS documents of batches, windows, the 6 MB payload,
visibility, receive counts, partial responses and dead-letter queues; moto keeps none of that. The same seed gives the
same run. On a `VirtualClock` with `MemorySqs` an outage of four hours takes milliseconds; on a `WallClock` the same
poller works with moto or AWS. `CallWatch` and `Faults` break any boto3 call to order.
"""

from __future__ import annotations

from footpath_cli.poller._calls import NOWHERE, CallWatch, ErrorAnswer, IoCall, IoHook
from footpath_cli.poller._clock import Clock, FunctionTimedOut, VirtualClock, WallClock
from footpath_cli.poller._context import LambdaContext
from footpath_cli.poller._event import MAX_EVENT_BYTES, sqs_event, sqs_record
from footpath_cli.poller._faults import (
    Fault,
    Faults,
    ProcessDied,
    crash,
    deny,
    lose_answer,
    refuse,
    slow,
    throttle,
    unavailable,
    unreachable,
)
from footpath_cli.poller._mapping import EventSourceMapping
from footpath_cli.poller._memory_sqs import MemorySqs
from footpath_cli.poller._outcome import Outcome, settle
from footpath_cli.poller._poller import Poller, PollerStuckError

__all__ = [
    "MAX_EVENT_BYTES",
    "CallWatch",
    "NOWHERE",
    "Clock",
    "ErrorAnswer",
    "EventSourceMapping",
    "Fault",
    "Faults",
    "FunctionTimedOut",
    "IoCall",
    "IoHook",
    "LambdaContext",
    "MemorySqs",
    "Outcome",
    "Poller",
    "PollerStuckError",
    "ProcessDied",
    "VirtualClock",
    "WallClock",
    "crash",
    "deny",
    "lose_answer",
    "refuse",
    "settle",
    "slow",
    "sqs_event",
    "sqs_record",
    "throttle",
    "unavailable",
    "unreachable",
]  # by meaning: the poller, the event, time, the queue, the faults

"""What a message holds, told without archiving it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from footpath.archive import Identity, MalformedIdError, document_sha256, parse_trace_id
from footpath.errors import TraceDecodeError
from footpath.trace import decode_trace
from footpath_service.errors import PoisonMessageError
from footpath_service.wire import DEFAULT_LIMITS, decode_body

if TYPE_CHECKING:
    from footpath.archive import ObjectStore
    from footpath_service.wire import WireLimits


class Held(NamedTuple):
    """A readable body.

    Attributes:
        identity: of its trace.
        chart, status: of its trace.
        bytes: length of its document.
    """

    identity: Identity
    chart: str
    status: str
    bytes: int


def held_in(body: str, *, store: ObjectStore, bucket: str, limits: WireLimits = DEFAULT_LIMITS) -> Held | str:
    """What a body holds; a sentence where it can't be read.

    Raises:
        ArchiveUnavailableError: it is a claim, and what it names could not be fetched now.
    """
    try:
        document = decode_body(body, store=store, bucket=bucket, limits=limits)
        trace = decode_trace(document)
        identity = Identity(parse_trace_id(trace.trace_id), trace.revision, document_sha256(document))
    except PoisonMessageError as error:
        return f"{error.reason}: {error}"
    except (TraceDecodeError, MalformedIdError, msgspec.MsgspecError) as error:
        return f"not a trace of this version: {error}"
    return Held(identity, trace.chart.id, trace.status, len(document))

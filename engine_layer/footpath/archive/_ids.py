"""What a trace id says: the moment it was made, and so the hour, the folder, of its trace. `footpath.ids` makes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from footpath.archive._errors import MalformedIdError
from footpath.ids import LAST_CALENDAR_MS

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def parse_trace_id(text: str) -> str:
    """A trace id as written by a person or a message, in its canonical form.

    Raises:
        MalformedIdError: not a UUIDv7.
    """
    canonical = text.strip().lower()
    if _ID.fullmatch(canonical) is None:
        raise MalformedIdError(
            f"{text[:80]!r} is not a trace id: a trace id is a UUIDv7 such as 019ab697-e800-7000-8000-000000000000"
        )
    if time_of_id_ms(canonical) > LAST_CALENDAR_MS:
        raise MalformedIdError(f"{canonical!r} is not a trace id: its time lies after the year 9999")
    return canonical


def time_of_id_ms(trace_id: str) -> int:
    """When a (canonical) id was made, in milliseconds since the Unix epoch, by its maker's clock."""
    return int(trace_id[:8] + trace_id[9:13], 16)


def hour_of_id(trace_id: str) -> str:
    """The archive hour of a (canonical) id, in UTC, as its folder is called: `dt=2025-11-24/hr=16`."""
    return hour_of_ms(time_of_id_ms(trace_id))


def hour_of_ms(at_ms: int) -> str:
    """The archive hour of a moment: `dt=YYYY-MM-DD/hr=HH`, in UTC."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("dt=%Y-%m-%d/hr=%H")


def start_of_hour_ms(hour: str) -> int:
    """The first millisecond of an archive hour, `dt=YYYY-MM-DD/hr=HH`."""
    return int(datetime.strptime(hour, "dt=%Y-%m-%d/hr=%H").replace(tzinfo=UTC).timestamp()) * 1000

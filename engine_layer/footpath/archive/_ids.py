"""Trace ids: UUID version 7, so that an id alone names the hour, and so the folder, of its trace.

Clock and randomness are arguments: the same two give the same ids, and nothing is drawn when a module is imported (a
Lambda restored from a snapshot would repeat it).
"""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime
from os import urandom
from typing import TYPE_CHECKING

from footpath.archive._errors import MalformedIdError

if TYPE_CHECKING:
    from collections.abc import Callable

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_RANDOM_BITS = 74  # rand_a (12) and rand_b (62) of RFC 9562
_MAX_MS = (1 << 48) - 1
_LAST_CALENDAR_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last moment `datetime` can name


def system_clock_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class IdMaker:
    r"""Makes ids that only ever grow, even inside one millisecond or when the clock steps back; safe across threads.

    Args:
        clock_ms: milliseconds since the Unix epoch.
        randomness: gives that many random bytes; the system's by default.

    Example:
        >>> make_id = IdMaker(clock_ms=lambda: 1_764_000_000_000, randomness=lambda count: b"\x00" * count)
        >>> make_id()
        '019ab697-e800-7000-8000-000000000000'
        >>> make_id()
        '019ab697-e800-7000-8000-000000000001'
    """

    def __init__(
        self, clock_ms: Callable[[], int] = system_clock_ms, randomness: Callable[[int], bytes] = urandom
    ) -> None:
        self._clock_ms = clock_ms
        self._randomness = randomness
        self._lock = threading.Lock()
        self._last_ms = -1
        self._last_random = 0

    def __call__(self) -> str:
        """The next id, in the canonical lower-case form."""
        with self._lock:
            now_ms = min(max(self._clock_ms(), 0), _MAX_MS)
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                self._last_random = int.from_bytes(self._randomness(10), "big") >> 6
            else:
                # A random step keeps ids hard to guess; the carry goes into the time, as RFC 9562 6.2 allows.
                self._last_random += 1 + int.from_bytes(self._randomness(4), "big")
                if self._last_random >> _RANDOM_BITS:
                    self._last_random &= (1 << _RANDOM_BITS) - 1
                    self._last_ms += 1
            return uuid7_text(self._last_ms, self._last_random)


def uuid7_text(at_ms: int, random_74_bits: int) -> str:
    """The UUIDv7 of a time and 74 bits of randomness."""
    high = (at_ms << 16) | 0x7000 | (random_74_bits >> 62)
    low = (0b10 << 62) | (random_74_bits & ((1 << 62) - 1))
    digits = f"{high:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_from_document(at_ms: int, document_sha256: str) -> str:
    """The id of a trace that has none of its own: its time, and bits of its document's SHA-256 (hex).

    The same document at the same time always gets the same id, so that a message delivered twice is one trace.
    """
    return uuid7_text(min(max(at_ms, 0), _LAST_CALENDAR_MS), int(document_sha256[:20], 16) >> 6)


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
    if time_of_id_ms(canonical) > _LAST_CALENDAR_MS:
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

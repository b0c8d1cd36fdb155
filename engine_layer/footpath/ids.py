"""Making ids: UUID version 7, so that an id alone names its hour.

Clock and randomness are arguments: the same two give the same ids, and nothing is drawn when a module is imported (a
Lambda restored from a snapshot would repeat it).
"""

from __future__ import annotations

import time
from _thread import allocate_lock  # `threading` is 1 ms of a cold start
from os import urandom
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOW_62_BITS = (1 << 62) - 1  # rand_b of RFC 9562; the 12 bits above it are rand_a
_VARIANT = 1 << 63
_LOW_32_BITS = (1 << 32) - 1
_MAX_MS = (1 << 48) - 1
LAST_CALENDAR_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last moment `datetime` can name


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
        self._lock = allocate_lock()
        self._last_ms = -1
        self._rand_a = 0
        self._low = _VARIANT  # the variant and rand_b, as they stand in an id
        self._step = 0
        self._head = ""  # how the rest reads: a run takes two ids, nearly always in one millisecond

    def __call__(self) -> str:
        """The next id, in the canonical lower-case form."""
        with self._lock:
            now_ms = self._clock_ms()
            if not 0 <= now_ms <= _MAX_MS:
                now_ms = 0 if now_ms < 0 else _MAX_MS
            if now_ms > self._last_ms:
                # Asking the system costs as much as all the rest: the step to the next id in this millisecond is drawn
                # along. It is never kept for another millisecond: a snapshot of this process may be restored many
                # times.
                drawn = int.from_bytes(self._randomness(14))
                self._last_ms, self._rand_a = now_ms, drawn >> 100
                self._head = _head(now_ms, self._rand_a)
                self._low = low = _VARIANT | drawn >> 38 & _LOW_62_BITS
                self._step = 1 + (drawn & _LOW_32_BITS)
            else:
                # A random step keeps ids hard to guess; the carry goes into rand_a and the time, as RFC 9562 6.2
                # allows.
                step, self._step = self._step, 0
                if now_ms < self._last_ms or not step:
                    drawn = int.from_bytes(self._randomness(8))
                    step = 1 + (drawn >> 32)
                    if now_ms == self._last_ms:
                        self._step = 1 + (drawn & _LOW_32_BITS)
                low = self._low + step
                if low > _VARIANT | _LOW_62_BITS:
                    low = _VARIANT | low & _LOW_62_BITS
                    self._rand_a = (self._rand_a + 1) & 0xFFF
                    if not self._rand_a:
                        self._last_ms += 1
                    self._head = _head(self._last_ms, self._rand_a)
                self._low = low
            return self._head + _tail(low)


def id_from_document(at_ms: int, document_sha256: str) -> str:
    """The id of a trace that has none of its own: its time, and bits of its document's SHA-256 (hex).

    The same document at the same time always gets the same id, so that a message delivered twice is one trace.
    """
    return uuid7_text(min(max(at_ms, 0), LAST_CALENDAR_MS), int(document_sha256[:20], 16) >> 6)


def uuid7_text(at_ms: int, random_74_bits: int) -> str:
    """The UUIDv7 of a time and 74 bits of randomness."""
    return _head(at_ms, random_74_bits >> 62) + _tail(_VARIANT | random_74_bits & _LOW_62_BITS)


def _head(at_ms: int, rand_a: int) -> str:
    return "%08x-%04x-7%03x-" % (at_ms >> 16, at_ms & 0xFFFF, rand_a)  # noqa: UP031  # an f-string takes twice the time


def _tail(low_64_bits: int) -> str:
    digits = low_64_bits.to_bytes(8).hex()  # half the time of formatting it
    return f"{digits[:4]}-{digits[4:]}"

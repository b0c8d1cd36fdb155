"""Points in time as the trace document writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_last_minute: tuple[int, str] = (0, "1970-01-01T00:00:")
_MICROSECOND = timedelta(microseconds=1)


def iso_of_us(us: int) -> str:
    """Microseconds since the Unix epoch as ISO 8601 in UTC, always with six decimals."""
    global _last_minute  # noqa: PLW0603  # a minute's name serves a minute of traces, and making it costs more than a stage
    minute, micros = divmod(us, 60_000_000)
    named = _last_minute
    if named[0] != minute:
        moment = _EPOCH + timedelta(minutes=minute)
        _last_minute = named = (minute, moment.isoformat(timespec="minutes")[:16] + ":")
    digits = str(100_000_000 + micros)  # "1", seconds, microseconds: faster than any format that pads
    return f"{named[1]}{digits[1:3]}.{digits[3:]}Z"


def us_of_iso(text: str) -> int:
    """The way back.

    Raises:
        ValueError: the text is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND

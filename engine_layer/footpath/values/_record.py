"""Recording: from a live value to its recorded form, a copy that no later change reaches; and back to plain JSON values."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from sys import get_int_max_str_digits
from typing import Any, Final

import msgspec
from msgspec import Raw

from footpath.values._absent import LOST, TAG, TAG_START
from footpath.values._scan import CONTAINERS, JSON_IF_FINITE, MAX_DEPTH, MOST_DIGITS, NOT_JSON, is_finite, scan

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_TAG_BYTES: Final = TAG.encode()
_TAG_BYTE: Final = _TAG_BYTES[0]
_SMALL = 1 << 63


def record(value: Any) -> Any:
    """Give the recorded form: a JSON scalar as it is, anything else as a `Raw` of JSON; `UNSET` for `ABSENT`.

    What JSON can't hold takes a tagged form (`docs/values.md`), what nothing can hold is marked lossy. The result
    shares nothing with the value. Never raises.
    """
    kind = type(value)
    if kind is str:
        if value.isascii():
            return value
    elif kind is int:
        if -_SMALL < value < _SMALL:
            return value
    elif kind is float:
        if value - value == 0.0:
            return value
    elif kind is bool or value is None:
        return value
    elif kind in CONTAINERS:
        encoded = encode_json(value)
        if encoded is not None:
            return Raw(encoded)
    try:
        from footpath.values._tagged import (
            record_tagged,  # half a millisecond that runs of plain JSON need not wait for
        )
    except RecursionError:  # no stack left to load it on
        return LOST
    return record_tagged(value)


def record_members(members: dict[Any, Any]) -> Any:
    """Give the recorded form of an object: of scalars alone, by far the most common, a plain dict that is encoded with the rest.

    Such a dict is nobody else's. Never raises.
    """
    for key, value in members.items():
        kind = type(value)
        if (
            (kind is int and -_SMALL < value < _SMALL)
            or (kind is str and value.isascii())
            or (kind is float and value - value == 0.0)
            or kind is bool
            or value is None
        ) and (type(key) is str and key.isascii() and key != TAG):
            continue
        return record(members)
    return members.copy()


def encode_json(value: Any, depth: int = MAX_DEPTH) -> bytes | None:
    """Encode a dict, list or tuple that is plain JSON all through; None when it is not."""
    try:
        verdict = scan(value, depth)
        if verdict == NOT_JSON:
            return None
        encoded = _encode(value)
        if _TAG_BYTE in encoded and _TAG_BYTES in encoded:  # a byte, given as a number, is found ten times faster
            return None
        if len(encoded) > MOST_DIGITS != get_int_max_str_digits():
            _decode(encoded)  # raises where an integer is longer than anybody may read, though here it could be written
        if verdict == JSON_IF_FINITE and b"null" in encoded and not is_finite(value):
            return None
        return encoded
    except Exception:  # noqa: BLE001  # lone surrogates, integers without text, no stack left, a dict that another thread changes
        return None


def is_recorded_as(value: Any, recorded: Any) -> bool:
    """Does a live value still encode to what was recorded of it? The cheap dirty check: one encode, no scan.

    It sees every change of content. A change of type alone that JSON hides (a tuple for a list) passes as the same.
    """
    if type(recorded) is not Raw:
        return value is recorded or (type(value) is type(recorded) and value == recorded)
    if type(value) in CONTAINERS:
        try:
            encoded = _encode(value)
            if Raw(encoded) == recorded and not encoded.startswith(TAG_START):
                return True
        except Exception:  # noqa: BLE001, S110  # what msgspec refuses is recorded in another form: see below
            pass
    again = record(value)
    return type(again) is Raw and again == recorded


def plain(recorded: Any) -> Any:
    """Give a recorded form back as plain JSON values; a private copy, None when absent."""
    if type(recorded) is Raw:
        return _decode(recorded)
    return None if recorded is msgspec.UNSET else recorded

"""What a value looks like in one line of text: footprintjs's summaries."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any

import msgspec
from msgspec import UNSET, Raw

_inside = msgspec.json.Decoder(dict[str, Raw] | list[Raw]).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_scalar = msgspec.json.Decoder().decode
_SHOWN_KEYS = 4


def js_number(number: float) -> str:
    """A number as JavaScript prints it."""
    text = repr(number)
    if text[-2:] == ".0":
        return text[:-2] if number else "0"
    if "e" not in text and "n" not in text:
        return text
    if not isfinite(number):
        return "NaN" if isnan(number) else "Infinity" if number > 0 else "-Infinity"
    mantissa, _, exponent = text.partition("e")
    power = int(exponent)
    if power < -6:
        return f"{mantissa}e{power}"
    if power < 0:
        sign = "-" if mantissa[0] == "-" else ""
        return f"{sign}0.{'0' * (-power - 1)}{mantissa.lstrip('-').replace('.', '')}"
    return str(int(number)) if power < 21 else f"{mantissa}e+{power}"


def summarize(recorded: Any, limit: int = 80) -> str:
    """A recorded value in at most about `limit` UTF-16 units."""
    kind = type(recorded)  # pyright: ignore[reportUnknownVariableType]
    if kind is str:
        return f'"{_cut(recorded, limit)}"'
    if kind is int:
        return str(recorded)
    if kind is float:
        return js_number(recorded)
    if kind is Raw:
        inside = _inside(recorded)
        count = len(inside)
        if type(inside) is list:
            return "[]" if not count else "(1 item)" if count == 1 else f"({count} items)"
        if not count:
            return "{}"
        if count > _SHOWN_KEYS:
            preview = f"{{{', '.join(list(inside)[:_SHOWN_KEYS])}, ... ({count} keys)}}"
        else:
            preview = f"{{{', '.join(inside)}}}"
        return preview if len(preview) <= limit else f"{{{count} keys}}"
    if recorded is None:
        return "null"
    if recorded is UNSET:
        return "undefined"
    return "true" if recorded else "false"


def _cut(text: str, limit: int) -> str:
    if len(text) * 2 <= limit or (len(text) <= limit and text.isascii()):
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= limit * 2:
        return text
    # A cut through a surrogate pair leaves half of it, which no UTF-8 text can hold: it becomes U+FFFD.
    return units[: (limit - 3) * 2].decode("utf-16-le", "replace") + "..."


def members(recorded: Any) -> list[tuple[str, Any]]:
    """A recorded object's members, each in recorded form; none for anything else."""
    if type(recorded) is not Raw or bytes(recorded)[:1] != b"{":
        return []
    return [(key, raw if bytes(raw)[:1] in (b"{", b"[") else _scalar(raw)) for key, raw in _members(recorded).items()]

"""The tagged forms of values that have no parts, and the two ways out: the escape of keys and the lossy mark.

A tagged form is a JSON object whose first member is `"$footpath"`, the kind:

    {"$footpath": "decimal", "value": "1.50"}
    {"$footpath": "dataclass", "type": "app.orders:Order", "value": {"id": 7}}
    {"$footpath": "lossy", "type": "app.db:Connection", "text": "<Connection open>"}

`docs/values.md` lists every kind. Keys of a stage's own that read like the tag (`$footpath...`, `$$footpath...`) get
one more `$`, so nothing that a stage wrote is ever taken for a tag.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import UNSET, Raw

from footpath.values._absent import ABSENT, TAG
from footpath.values._scan import EXACT, MOST_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_A_LEAF: Final = object()
_ADDRESS = r" at 0x[0-9a-fA-F]+"
_LOSSY_LENGTH = 200
_TOO_LONG = 10**MOST_DIGITS


def escape_key(key: str) -> str:
    """Keep a key that a stage made from reading as a tag."""
    return "$" + key if _reads_like_tag(key) else key


def unescape_key(key: str) -> str:
    """Undo `escape_key`."""
    return key[1:] if key.startswith("$$") and _reads_like_tag(key) else key


def _reads_like_tag(key: str) -> bool:
    return key.startswith("$") and key.lstrip("$").startswith("footpath")


def type_name(cls: type) -> str:
    """`module:Qualified.Name`, without the module for built-in types; "unknown" when the class won't say."""
    try:
        module = str(cls.__module__)
        name = cls.__qualname__ if module == "builtins" else f"{module}:{cls.__qualname__}"
        return _escaped(name)
    except Exception:  # noqa: BLE001  # a metaclass may do anything
        return "unknown"


def lossy(value: Any) -> dict[str, Any]:
    """Mark a value that can't be recorded whole: its type, and its repr cut to 200 characters.

    Memory addresses are taken out: the same run gives the same bytes.
    """
    try:
        text = str(repr(value))
    except Exception as error:  # noqa: BLE001  # a repr is a stage's own code
        text = f"<its repr raised {type_name(type(error))}>"
    text = re.sub(_ADDRESS, "", text[: 4 * _LOSSY_LENGTH])
    if len(text) > _LOSSY_LENGTH:
        text = text[: _LOSSY_LENGTH - 3] + "..."
    return {TAG: "lossy", "type": type_name(type(value)), "text": _escaped(text)}


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def text_form(value: str) -> Any:
    r"""A str as it is; one that holds half of a surrogate pair tagged: the halves as `\udXXX`, backslashes doubled."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return {TAG: "str", "value": _escaped(value.replace("\\", "\\\\"))}
    return value


def text_of_form(escaped: str) -> str:
    """Undo the escapes of `text_form`.

    Raises:
        ValueError: it has others.
    """
    octets = escaped.encode("ascii", "backslashreplace")  # the halves and doubled backslashes are escapes already
    return octets.decode("unicode_escape")


def int_form(value: int) -> Any:
    """An int as it is; one of more than 4,300 digits, or of more than this process may write, tagged, as hexadecimal text."""
    limit = sys.get_int_max_str_digits()
    too_long = 10**limit if 0 < limit < MOST_DIGITS else _TOO_LONG
    return value if -too_long < value < too_long else {TAG: "int", "value": hex(value)}


def float_form(value: float) -> Any:
    """A finite float as it is; the others tagged, by JavaScript's names."""
    if value - value == 0.0:
        return value
    return {TAG: "float", "value": "Infinity" if value > 0 else "-Infinity" if value < 0 else "NaN"}


def _moment(kind: str) -> Callable[[Any], Any]:
    def form(value: datetime | time) -> Any:
        tagged: dict[str, Any] = {TAG: kind, "value": value.isoformat()}
        zone = getattr(value.tzinfo, "key", None)
        if type(zone) is str:
            tagged["zone"] = zone  # zoneinfo's name: the offset alone does not tell
        if value.fold:
            tagged["fold"] = 1
        return tagged

    return form


def _octets(kind: str) -> Callable[[Any], Any]:
    def form(value: Any) -> dict[str, Any]:
        from binascii import b2a_base64

        return {TAG: kind, "value": b2a_base64(bytes(value), newline=False).decode()}

    return form


def _text(kind: str) -> Callable[[Any], Any]:
    return lambda value: {TAG: kind, "value": str(value)}


_FORMS: Final[dict[type, Callable[[Any], Any]]] = {
    str: text_form,
    int: int_form,
    float: float_form,
    bool: lambda value: value,
    type(None): lambda value: value,
    type(ABSENT): lambda value: value,
    type(UNSET): lambda _: ABSENT,
    complex: lambda value: {TAG: "complex", "value": [float_form(value.real), float_form(value.imag)]},
    bytes: _octets("bytes"),
    bytearray: _octets("bytearray"),
    memoryview: _octets("memoryview"),
    Raw: _octets("raw"),
    Decimal: _text("decimal"),
    UUID: _text("uuid"),
    datetime: _moment("datetime"),
    date: lambda value: {TAG: "date", "value": value.isoformat()},
    time: _moment("time"),
    timedelta: lambda value: {TAG: "timedelta", "value": value // timedelta(microseconds=1)},
    range: lambda value: {TAG: "range", "value": [int_form(n) for n in (value.start, value.stop, value.step)]},
}


def leaf(value: Any) -> Any:
    """The JSON form of a value without parts; `NOT_A_LEAF` for any other.

    An instance of a subclass of one of these types, enums aside, is recorded as the text, number, date, ... that it is.
    """
    cls = type(value)
    form = _FORMS.get(cls)
    if form is not None:
        return form(value)
    if not issubclass(cls, Enum):
        for base in cls.__mro__:
            form = _FORMS.get(base)
            if form is not None:
                exact = EXACT.get(base)
                return form(value if exact is None else exact(value))
    return NOT_A_LEAF

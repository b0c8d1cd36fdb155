"""The JavaScript semantics that a case's expressions are written in, on plain Python values.

A value is None, bool, int, float, str, list, dict, `datetime` or ABSENT (JavaScript's `undefined`). Numbers are IEEE
doubles: an int stands for a double that happens to be whole and below 2**53. Nothing here knows the engine but for
ABSENT, so that the interpreter cannot agree with it by sharing its code.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from footpath.values import ABSENT

__all__ = [
    "ABSENT",
    "add",
    "arithmetic",
    "copy",
    "date",
    "iso",
    "js_keys",
    "json_text",
    "less",
    "load_json",
    "member",
    "number",
    "number_text",
    "size",
    "strictly_equal",
    "text",
    "truthy",
    "utf16",
]

_WHOLE_MAX = 2**53
_NUMERAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INDEX = re.compile(r"0|[1-9]\d{0,9}")
_INDEX_MAX = 2**32 - 2
_JS_SPACE = " \t\n\v\f\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def whole(value: float) -> int | float:
    """Give a double the Python form the cases use: an int when it is whole and exact, but not for -0."""
    if value.is_integer() and abs(value) < _WHOLE_MAX and not (value == 0 and math.copysign(1, value) < 0):
        return int(value)
    return value


def double(value: float) -> float:
    """The IEEE double an int or float stands for; too large an int is an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def number_text(value: float) -> str:
    """A number as JavaScript prints it: shortest digits, no exponent from 1e-6 up to below 1e21."""
    x = double(value)
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Infinity" if x > 0 else "-Infinity"
    if x == 0:
        return "0"
    sign = "-" if x < 0 else ""
    mantissa, _, exponent = repr(abs(x)).partition("e")
    head, _, tail = mantissa.partition(".")
    leading = head + tail
    digits = leading.lstrip("0")
    point = len(head) + int(exponent or 0) - (len(leading) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


def number(value: Any) -> float:
    """ToNumber: what `value` counts as in arithmetic and in comparison; NaN for words, lists of several and objects."""
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return double(value)
    if value is ABSENT:
        return math.nan
    if isinstance(value, datetime):
        return float(round(_moment(value).timestamp() * 1000))
    return _numeral(value if isinstance(value, str) else _primitive(value))


def _numeral(string: str) -> float:
    trimmed = string.strip(_JS_SPACE)
    if not trimmed:
        return 0.0
    if _RADIX.fullmatch(trimmed):
        return double(int(trimmed, 0))
    if trimmed.lstrip("+-") == "Infinity" and len(trimmed) <= 9:
        return -math.inf if trimmed[0] == "-" else math.inf
    return float(trimmed) if _NUMERAL.fullmatch(trimmed) else math.nan


def add(left: Any, right: Any) -> Any:
    """The `+` operator: text as soon as one side is text (or a container), else a sum."""
    a, b = _operand(left), _operand(right)
    if isinstance(a, str) or isinstance(b, str):
        return text(a) + text(b)
    return whole(number(a) + number(b))


def arithmetic(operator: str, left: Any, right: Any) -> int | float:
    """`sub mul div mod` on doubles; nothing raises: division by zero gives an infinity or NaN."""
    a, b = number(left), number(right)
    if operator == "sub":
        return whole(a - b)
    if operator == "mul":
        return whole(a * b)
    if operator == "mod":
        if math.isnan(a) or math.isnan(b) or math.isinf(a) or b == 0:
            return math.nan
        return whole(math.fmod(a, b))
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return whole(a / b)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def utf16(string: str) -> bytes:
    """A string's UTF-16 units, big-endian: what JavaScript counts and compares. Lone surrogates stay as they are."""
    return string.encode("utf-16-be", "surrogatepass")


def text(value: Any) -> str:
    """The text of a value in `$concat`: containers and dates as compact JSON, the rest as `String(value)`."""
    if isinstance(value, str):
        return value
    if value is ABSENT:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    return json_text(value)


def json_text(value: Any) -> str:
    """`JSON.stringify`: members in JavaScript's order, absent ones left out, absent items and NaN as null."""
    out: list[str] = []
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Verbatim):
            out.append(item)
        elif isinstance(item, str):
            out.append(_quoted(item))
        elif item is None or item is ABSENT:
            out.append("null")
        elif isinstance(item, bool):
            out.append("true" if item else "false")
        elif isinstance(item, (int, float)):
            out.append(number_text(item) if math.isfinite(double(item)) else "null")
        elif isinstance(item, datetime):
            out.append(_quoted(iso(item)))
        elif _is_error(item):
            out.append("{}")
        elif isinstance(item, Mapping):
            parts: list[Any] = [_Verbatim("}")]
            kept = [k for k in js_keys(item) if item[k] is not ABSENT]
            for index, key in reversed(list(enumerate(kept))):
                parts += [item[key], _Verbatim("," * (index > 0) + _quoted(key) + ":")]
            stack += [*parts, _Verbatim("{")]
        else:
            parts = [_Verbatim("]")]
            for index in range(len(item) - 1, -1, -1):
                parts += [item[index], _Verbatim("," * (index > 0))]
            stack += [*parts, _Verbatim("[")]
    return "".join(out)


class _Verbatim(str):
    """A piece of JSON syntax between values."""

    __slots__ = ()


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile('[\\x00-\\x1f"\\\\\\ud800-\\udfff]')


def _quoted(string: str) -> str:
    return '"' + _ESCAPED.sub(lambda m: _ESCAPES.get(m[0]) or f"\\u{ord(m[0]):04x}", string) + '"'


def iso(moment: datetime) -> str:
    """A date as JavaScript's JSON prints it: UTC, milliseconds, `Z`."""
    return _moment(moment).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def date(string: str) -> datetime:
    """A date from the ISO text of `$date`; without a zone it is UTC."""
    return _moment(datetime.fromisoformat(string))


def _moment(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _operand(value: Any) -> Any:
    """ToPrimitive for `+`: containers and dates turn into text, primitives stay."""
    if isinstance(value, datetime):
        return _moment(value).strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")
    return _primitive(value) if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str) else value


def _primitive(value: Any) -> str:
    """The text of a container outside JSON: objects say nothing, lists join their items by commas."""
    if isinstance(value, Mapping):
        return "[object Object]"
    parts: list[str] = []
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Verbatim):
            parts.append(item)
        elif item is None or item is ABSENT:
            continue
        elif isinstance(item, Mapping):
            parts.append("[object Object]")
        elif isinstance(item, datetime):
            parts.append(_operand(item))
        elif isinstance(item, Sequence) and not isinstance(item, str):
            for index in range(len(item) - 1, -1, -1):
                stack += [item[index], _Verbatim("," * (index > 0))]
        else:
            parts.append(text(item))
    return "".join(parts)


# ── logic ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def truthy(value: Any) -> bool:
    """Whether a condition holds: absent, null, false, "", 0 and NaN do not; an empty list does."""
    if value is None or value is ABSENT or value is False or value == "":
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value != 0 and not math.isnan(value)
    return True


def strictly_equal(left: Any, right: Any) -> bool:
    """`===` between two evaluated expressions; containers are copies of one another, hence never the same."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return double(left) == double(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is right and (left is None or left is ABSENT)


def less(left: Any, right: Any) -> bool | None:
    """`<`; None when the two don't compare (a NaN on either side), for which `>=` is false as well."""
    a = _primitive(left) if _is_container(left) else left
    b = _primitive(right) if _is_container(right) else right
    if isinstance(a, str) and isinstance(b, str):
        return utf16(a) < utf16(b)
    x, y = number(a), number(b)
    return None if math.isnan(x) or math.isnan(y) else x < y


def _is_container(value: Any) -> bool:
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, str)


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def member(value: Any, key: Any) -> Any:
    """An own member of an object, list or string (`length` included); ABSENT when there is none."""
    name = key if isinstance(key, str) else text(key)
    if isinstance(value, str):
        units = utf16(value)
        if name == "length":
            return len(units) // 2
        if _INDEX.fullmatch(name) and int(name) < len(units) // 2:
            return units[2 * int(name) : 2 * int(name) + 2].decode("utf-16-be", "surrogatepass")
        return ABSENT
    if isinstance(value, Mapping):
        return value.get(name, ABSENT)
    if isinstance(value, Sequence):
        if name == "length":
            return len(value)
        return value[int(name)] if _INDEX.fullmatch(name) and int(name) < len(value) else ABSENT
    return ABSENT


def size(value: Any) -> Any:
    """`$len`: items, UTF-16 units or keys; 0 when absent or null; absent for a number or boolean."""
    if value is None or value is ABSENT or has_no_members(value):
        return 0
    if isinstance(value, str):
        return len(utf16(value)) // 2
    return ABSENT if isinstance(value, (bool, int, float)) else len(value)


def js_keys(mapping: Mapping[str, Any]) -> list[str]:
    """Keys in JavaScript's order: integer-like ones first, ascending, then the others as they were added."""
    keys = list(mapping)
    indices = sorted((k for k in keys if _INDEX.fullmatch(k) and int(k) <= _INDEX_MAX), key=int)
    return indices + [k for k in keys if not (_INDEX.fullmatch(k) and int(k) <= _INDEX_MAX)] if indices else keys


LANGUAGE_ERRORS = frozenset({"EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"})


def _copied_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """What `structuredClone` leaves of an error: its message, and its name when that is one of the language's own."""
    name = error["name"] if error["name"] in LANGUAGE_ERRORS else "Error"
    return {"$error": {"name": name, "message": error["message"]}}


def copy(value: Any) -> Any:
    """A private plain copy, as `structuredClone` makes one: lists and dicts, whatever Mapping or Sequence they came as."""
    result: list[Any] = [None]
    stack: list[tuple[Any, Any, Any]] = [(result, 0, value)]
    while stack:
        holder, key, item = stack.pop()
        if isinstance(item, datetime):
            filled: Any = item.replace()  # another object: a merge unites dates by identity
        elif _is_error(item):
            filled = _copied_error(item["$error"])
        elif isinstance(item, Mapping):
            filled = dict.fromkeys(item)
            stack += [(filled, k, item[k]) for k in item]
        elif _is_container(item):
            filled = [None] * len(item)
            stack += [(filled, i, x) for i, x in enumerate(item)]
        else:
            filled = item
        holder[key] = filled
    return result[0]


def _is_error(value: Any) -> bool:
    """Whether it is an error, as a fork's record shows one."""
    return isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("$error"), Mapping)


def has_no_members(value: Any) -> bool:
    """Whether it is a date or an error: JavaScript merges these as objects, and finds nothing in them."""
    return isinstance(value, datetime) or _is_error(value)


def mergeable(value: Any, replaced: Callable[[Any], None]) -> Any:
    """What a merge finds in a patch: a date or an error in it is an object without members; one in a list is left whole.

    `replaced` is told each of them.
    """
    holder: list[Any] = [value]
    stack: list[tuple[Any, Any]] = [(holder, 0)]
    while stack:
        box, at = stack.pop()
        part = box[at]
        if has_no_members(part):
            replaced(part)
            box[at] = {}
        elif isinstance(part, dict):
            box[at] = dict(part)
            stack += [(box[at], key) for key in part]
    return holder[0]


# ── reading JSON as JavaScript does ──────────────────────────────────────────────────────────────────────────────────
def load_json(source: str) -> Any:
    """Parse JSON the way JavaScript does: every number a double, members in JavaScript's order."""
    return json.loads(source, parse_int=_literal, object_pairs_hook=_ordered)


def _literal(digits: str) -> int | float:
    return whole(float(digits))


def _ordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return {k: members[k] for k in js_keys(members)}

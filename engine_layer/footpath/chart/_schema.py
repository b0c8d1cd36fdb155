"""JSON Schemas of contracts: is one well formed, and does a value keep it?

A subset, small enough to read and to trust. A keyword that is not part of it is refused when the contract is declared:
a constraint that is silently not checked is worse than none. The wording of what footprintjs checks too (required
members and types at the top) is footprintjs's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeGuard

import msgspec

from footpath.chart._options import fault

Issue = dict[str, Any]
"""`path` (keys and indices), `message`, `code`; for a wrong type also `expected` and `received`."""

MAX_SCHEMA_LEVELS = 64
MAX_SCHEMA_VALUES = 100_000

_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_ANNOTATIONS = frozenset(
    {"$comment", "$id", "$schema", "default", "deprecated", "description", "examples", "format", "readOnly", "title"}
    | {"writeOnly"}
)


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_array(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# ── declaring ──────────────────────────────────────────────────────────────────────────────────────────────────────
def private_copy(schema: Any, where: str, *, strict: bool) -> dict[str, Any] | Literal[True] | None:
    if schema is None or schema is True:
        return schema
    if not _is_object(schema):
        msg = f"contract(): {where} must be a JSON Schema (a mapping, or True, which anything meets), got {type(schema).__name__}"
        raise fault(msg)
    _check_levels(schema, where)
    try:
        copy = msgspec.json.decode(msgspec.json.encode(schema))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        msg = f"contract(): {where} is no JSON: {error}"
        raise fault(msg) from error
    if strict:
        _check_schema(copy, where)
    return copy


def _check_levels(schema: Any, where: str) -> None:
    level: list[Any] = [schema]
    for _ in range(MAX_SCHEMA_LEVELS):
        deeper: list[Any] = []
        for value in level:
            if _is_object(value):
                deeper.extend(value.values())
            elif _is_array(value):
                deeper.extend(value)
        if not deeper:
            return
        if len(deeper) > MAX_SCHEMA_VALUES:
            break
        level = deeper
    msg = f"contract(): {where} nests deeper than {MAX_SCHEMA_LEVELS} levels, or holds more than {MAX_SCHEMA_VALUES} values"
    raise fault(msg)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_type(value: object) -> bool:
    return value in _TYPES if isinstance(value, str) else _is_array(value) and all(kind in _TYPES for kind in value)


def _is_pattern(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


_KEYWORDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "type": (_is_type, f"one of {', '.join(_TYPES)}, or a list of them"),
    "properties": (_is_object, "an object of schemas"),
    "required": (lambda v: _is_array(v) and all(isinstance(k, str) for k in v), "a list of names"),
    "additionalProperties": (lambda v: isinstance(v, bool) or _is_object(v), "true, false or a schema"),
    "items": (_is_object, "a schema"),
    "enum": (_is_array, "a list of values"),
    "const": (lambda _: True, "a value"),
    "minimum": (_is_number, "a number"),
    "maximum": (_is_number, "a number"),
    "exclusiveMinimum": (_is_number, "a number"),
    "exclusiveMaximum": (_is_number, "a number"),
    "minLength": (_is_count, "a count"),
    "maxLength": (_is_count, "a count"),
    "minItems": (_is_count, "a count"),
    "maxItems": (_is_count, "a count"),
    "minProperties": (_is_count, "a count"),
    "maxProperties": (_is_count, "a count"),
    "pattern": (_is_pattern, "a regular expression"),
    "anyOf": (lambda v: _is_array(v) and len(v) > 0, "a list of schemas"),
}


def _check_schema(schema: Any, where: str) -> None:
    """See that every keyword is known and well formed; recursion is bounded by `MAX_SCHEMA_LEVELS`."""
    if not _is_object(schema):
        msg = f"contract(): {where} must be a JSON Schema (an object), got {type(schema).__name__}"
        raise fault(msg)
    for keyword, value in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        known = _KEYWORDS.get(keyword)
        if known is None:
            msg = (
                f"contract(): {where} uses '{keyword}', which is not supported; supported are {', '.join(_KEYWORDS)}. "
                "With strict=False the schema is only told to readers, and checked as footprintjs does"
            )
            raise fault(msg)
        accepts, wanted = known
        if not accepts(value):
            msg = f"contract(): {where}.{keyword} must be {wanted} (got {value!r})"
            raise fault(msg)
    for key, sub in schema.get("properties", {}).items():
        _check_schema(sub, f"{where}.properties.{key}")
    for number, sub in enumerate(schema.get("anyOf", ())):
        _check_schema(sub, f"{where}.anyOf[{number}]")
    for keyword in ("items", "additionalProperties"):
        if _is_object(schema.get(keyword)):
            _check_schema(schema[keyword], f"{where}.{keyword}")


# ── checking ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _type_name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    if _is_object(value):
        return "object"
    if _is_array(value):
        return "array"
    return type(value).__name__


def accepts(declared: str | list[str], value: object) -> bool:
    kinds = [declared] if isinstance(declared, str) else declared
    name = _type_name(value)
    if name == "number" and "integer" in kinds:
        return isinstance(value, int) or "number" in kinds or (isinstance(value, float) and value.is_integer())
    return name in kinds


def _missing(path: list[str | int], key: str) -> Issue:
    return {"path": [*path, key], "message": f'Missing required field "{key}"', "code": "missing_field"}


def _wrong_type(path: list[str | int], expected: str, value: object) -> Issue:
    received = _type_name(value)
    message = f"Expected {expected}, received {received}"
    return {"path": path, "message": message, "code": "invalid_type", "expected": expected, "received": received}


def check_shallow(schema: dict[str, Any], value: object) -> list[Issue]:
    """Check what footprintjs checks, as it does: no integers, no values inside, null is of every type."""
    properties = schema.get("properties")
    if not isinstance(schema.get("type"), str) and not (_is_object(properties) or _is_array(properties)):
        return []
    if not (_is_object(value) or _is_array(value)):
        return [{"path": [], "message": "Expected an object", "code": "invalid_type", "expected": "object"}]
    required = schema.get("required")
    issues = [
        _missing([], key)
        for key in (required if _is_array(required) else ())
        if not (_is_object(value) and key in value)
    ]
    if _is_object(properties) and _is_object(value):
        for key, sub in properties.items():
            expected = sub.get("type") if _is_object(sub) else None
            found = value.get(key)
            if isinstance(expected, str) and found is not None and _type_name(found) != expected:
                issues.append(_wrong_type([key], expected, found))
    return issues


def check(root_schema: dict[str, Any], root: object) -> list[Issue]:
    """Check a value against the whole schema, without recursion over the value."""
    issues: list[Issue] = []
    todo: list[tuple[dict[str, Any], object, list[str | int]]] = [(root_schema, root, [])]
    while todo:
        schema, value, path = todo.pop()
        declared = schema.get("type")
        if declared is not None and not accepts(declared, value):
            issues.append(_wrong_type(path, declared if isinstance(declared, str) else " or ".join(declared), value))
            continue
        issues.extend(
            {"path": path, "message": message, "code": code} for code, message in _broken_limits(schema, value)
        )
        inside: list[tuple[dict[str, Any], object, list[str | int]]] = []
        if _is_object(value):
            issues.extend(_missing(path, key) for key in schema.get("required", ()) if key not in value)
            properties = schema.get("properties", {})
            inside.extend((sub, value[key], [*path, key]) for key, sub in properties.items() if key in value)
            more = schema.get("additionalProperties", True)
            if more is not True:
                for key in value:
                    if key in properties:
                        continue
                    if more is False:
                        message = f'Unknown field "{key}"'
                        issues.append({"path": [*path, str(key)], "message": message, "code": "unknown_field"})
                    else:
                        inside.append((more, value[key], [*path, str(key)]))
        elif _is_array(value) and "items" in schema:
            inside.extend((schema["items"], item, [*path, number]) for number, item in enumerate(value))
        todo.extend(reversed(inside))
    return issues


def _broken_limits(schema: dict[str, Any], value: object) -> list[tuple[str, str]]:
    """Check the keywords that look at one value as a whole; gives codes and messages."""
    broken: list[tuple[str, str]] = []
    if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
        choices = ", ".join(msgspec.json.encode(choice).decode() for choice in schema["enum"])
        broken.append(("invalid_enum_value", f"Expected one of {choices}"))
    if "const" in schema and not _same(value, schema["const"]):
        broken.append(("invalid_literal", f"Expected {msgspec.json.encode(schema['const']).decode()}"))
    for least, most, size, unit in (
        ("minimum", "maximum", value if _is_number(value) else None, ""),
        ("minLength", "maxLength", len(value) if isinstance(value, str) else None, " characters"),
        ("minItems", "maxItems", len(value) if _is_array(value) else None, " items"),
        ("minProperties", "maxProperties", len(value) if _is_object(value) else None, " fields"),
    ):
        if size is None:
            continue
        if least in schema and not size >= schema[least]:
            broken.append(("too_small", f"Expected at least {schema[least]}{unit}, received {size}"))
        if most in schema and not size <= schema[most]:
            broken.append(("too_big", f"Expected at most {schema[most]}{unit}, received {size}"))
    if _is_number(value):
        if "exclusiveMinimum" in schema and not value > schema["exclusiveMinimum"]:
            broken.append(("too_small", f"Expected more than {schema['exclusiveMinimum']}, received {value}"))
        if "exclusiveMaximum" in schema and not value < schema["exclusiveMaximum"]:
            broken.append(("too_big", f"Expected less than {schema['exclusiveMaximum']}, received {value}"))
    if "pattern" in schema and isinstance(value, str) and re.search(schema["pattern"], value) is None:
        broken.append(("invalid_string", f"Expected text that matches {schema['pattern']}"))
    if "anyOf" in schema and all(check(choice, value) for choice in schema["anyOf"]):
        broken.append(("invalid_union", f"Matches none of the {len(schema['anyOf'])} forms allowed"))
    return broken


def _same(left: object, right: object) -> bool:
    """Compare as JSON does: 1 and 1.0 are the same, 1 and true are not."""
    todo = [(left, right)]
    while todo:
        a, b = todo.pop()
        if _type_name(a) != _type_name(b):
            return False
        if _is_object(a) and _is_object(b):
            if a.keys() != b.keys():
                return False
            todo.extend((a[key], b[key]) for key in a)
        elif _is_array(a) and _is_array(b):
            if len(a) != len(b):
                return False
            todo.extend(zip(a, b, strict=True))
        elif a != b:
            return False
    return True

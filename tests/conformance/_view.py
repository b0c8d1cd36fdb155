"""The JSON view of what the engine gives: what the reference's runner would have written (FORMAT, "Normalized").

Values go through JSON as JavaScript does it: members that are absent are left out, absent items, NaN and infinities are
null, dates are ISO text, errors are `{"$error": ...}`. Times become 0. The recorded form's own tags for such values
(docs/values.md) are read the same way; this is the rule "recorded form" of docs/parity.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from footpath import StageNode
from footpath.errors import FootpathError
from footpath.replay import NarrativeEntry
from footpath.values import live_name
from tests.conformance import _js
from tests.conformance._js import ABSENT

__all__ = ["error_view", "is_run_id", "json_view", "name_runs"]

_TIMES = frozenset({"timestamp", "pausedAt", "duration"})
_decode = msgspec.json.Decoder().decode


def error_view(error: BaseException) -> dict[str, Any]:
    """An exception as `{name, message, code?, issues?}`; the library's own by the name it reports itself under."""
    name = error.reported_name if isinstance(error, FootpathError) else getattr(error, "name", None)
    view: dict[str, Any] = {"name": name or type(error).__name__, "message": str(error)}
    code = getattr(error, "code", None)
    if isinstance(code, str):
        view["code"] = code
    issues = getattr(error, "issues", None)
    if isinstance(issues, (list, tuple)):
        view["issues"] = json_view(issues)
    return view


def json_view(value: Any) -> Any:
    """Plain JSON data of any engine value: None, bool, int, float, str, list and dict; a private copy."""
    result: list[Any] = [None]
    stack: list[tuple[Any, Any, Any]] = [(result, 0, value)]
    while stack:
        holder, key, item = stack.pop()
        item = _plain(item)
        if isinstance(item, Mapping):
            members = _members(item)
            members = {live_name(name) if isinstance(name, str) else name: member for name, member in members.items()}
            filled: Any = dict.fromkeys(members)
            stack += [(filled, name, member) for name, member in members.items()]
        elif isinstance(item, (list, tuple)):
            filled = [None] * len(item)
            stack += [(filled, index, member) for index, member in enumerate(item)]
        else:
            filled = live_name(item) if isinstance(item, str) else item
        holder[key] = filled
    return result[0]


def _plain(item: Any) -> Any:
    """One step towards JSON: a scalar, or a container whose insides are still to be seen to."""
    if item is None or isinstance(item, (str, bool, int)):
        return item
    if isinstance(item, float):
        return item if math.isfinite(item) else None
    if item is ABSENT or item is msgspec.UNSET:
        return None
    if isinstance(item, msgspec.Raw):
        return _plain(_decode(item))
    if isinstance(item, NarrativeEntry):
        return _plain(item.as_json())
    if isinstance(item, StageNode):
        return _node(item.id, item.name, item.next)
    if isinstance(item, msgspec.Struct):
        return _plain(_decode(msgspec.json.encode(item)))
    if isinstance(item, datetime):
        return _js.iso(item)
    if isinstance(item, BaseException):
        return {"$error": error_view(item)}
    if isinstance(item, Mapping):
        return _untagged(item)
    if isinstance(item, Sequence):
        return list(item)
    raise TypeError(f"the engine gave a {type(item).__name__}, which has no JSON view: {item!r:.80}")


def _node(id: str, name: str, following: Any) -> dict[str, Any]:
    """A node that a stage returned and nobody went on from, as the case describes it: one to fan out from, or to go on to."""
    if following is None:
        return {"name": name, "id": id, "children": []}
    held = following["value"] if isinstance(following, dict) else {"id": following.id, "name": following.name}
    return {"name": name, "id": id, "next": {"name": held["name"], "id": held["id"]}}


_TAG = "$footpath"
_ESCAPED_KEY = re.compile(r"\$+footpath")
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")


def _untagged(item: Mapping[Any, Any]) -> Any:
    """Read the recorded form of what JSON can't hold as JavaScript's JSON would have written the value."""
    kind = item.get(_TAG)
    if kind == "absent":
        return None  # an item, or a value that a query gives alone
    if kind == "float":
        return None  # NaN and the infinities
    if kind == "graph":
        return _joined(item["value"])
    if kind == "struct" and item["type"].endswith(":StageNode"):
        return _node(item["value"]["id"], item["value"]["name"], item["value"]["next"])
    if kind == "datetime":
        return _js.iso(datetime.fromisoformat(item["value"]))
    if kind == "str":  # holds half a surrogate pair
        return _ESCAPE.sub(lambda m: "\\" if m[1] == "\\" else chr(int(m[1][1:], 16)), item["value"])
    if kind == "dict":  # has a member's name that holds one
        named = [(_untagged(key) if isinstance(key, Mapping) else key, member) for key, member in item["value"]]
        return dict(named) if all(isinstance(key, str) for key, _ in named) else item
    if any(isinstance(key, str) and key.startswith("$$") for key in item):
        return {key[1:] if _ESCAPED_KEY.match(key) else key: member for key, member in item.items()}
    return item


def _joined(nodes: list[Any]) -> Any:
    """A value that is too deep for its plain form: its containers in a list, referring to one another by number."""
    for node in nodes:
        for key, part in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(part, Mapping) and part.get(_TAG) == "ref":
                node[key] = nodes[part["value"]]
    return nodes[0]


def _is_absent(member: Any) -> bool:
    if isinstance(member, msgspec.Raw):
        member = _decode(member)
    return member is ABSENT or member is msgspec.UNSET or (isinstance(member, dict) and member.get(_TAG) == "absent")


def _members(item: Mapping[Any, Any]) -> dict[str, Any]:
    """The members that JSON keeps, times as 0, without the raw error that the reference keeps beside its text."""
    has_message = isinstance(item.get("message"), str)
    members: dict[str, Any] = {}
    for name, member in item.items():
        if _is_absent(member) or (name == "raw" and has_message):
            continue
        is_time = name in _TIMES and isinstance(member, (int, float)) and not isinstance(member, bool)
        members[name] = 0 if is_time else member
    return members


_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_run_id(text: str) -> bool:
    """Whether a text has the form of this engine's run ids, UUIDv7."""
    return _RUN_ID.fullmatch(text) is not None


def name_runs(result: dict[str, Any], is_run_id: Callable[[str], bool]) -> None:
    """Turn run ids into `<run-1>`, `<run-2>`, ... by first appearance: events first, then snapshots. In place."""
    names: dict[str, str] = {}
    for run in result["runs"]:
        for phase in run["phases"]:
            for part in ("events", "snapshot", "snapshotRedacted", "checkpoint", "queries"):
                _name_runs_in(phase.get(part), names, is_run_id)


def _name_runs_in(value: Any, names: dict[str, str], is_run_id: Callable[[str], bool]) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += reversed(item)
        elif isinstance(item, dict):
            for key, member in item.items():
                if key == "runId" and isinstance(member, str) and is_run_id(member):
                    item[key] = names.setdefault(member, f"<run-{len(names) + 1}>")
            stack += reversed([m for m in item.values() if isinstance(m, (list, dict))])

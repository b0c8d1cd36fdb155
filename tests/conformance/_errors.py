"""Errors and dates in the state, of which the reference keeps less than we do (rule 1 of docs/parity.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.conformance._difference import STATES, dicts_in, dicts_in_both, let_pass
from tests.conformance._js import LANGUAGE_ERRORS

__all__ = ["errors_in_the_state", "merged_whole"]

Json = Any
Result = dict[str, Json]


def errors_in_the_state(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """Of an error in the state the reference has the message alone; ours may have the name and code it was raised with, too."""
    for theirs, ours in zip(expected["runs"], got["runs"], strict=False):
        raised = [found["structuredError"] for found in dicts_in(theirs["phases"]) if "structuredError" in found]
        lost = _LostName([{name: error.get(name) for name in _ERROR_PARTS} for error in raised])
        for one, other in zip(theirs["phases"], ours["phases"], strict=False):
            let_pass(one, other, lost, [*STATES, "events", "narrative"])
            for held, mine in dicts_in_both(one.get("snapshot"), other.get("snapshot")):
                for log in ("commitLog", "history"):
                    logs = held.get(log), mine.get(log)
                    if all(isinstance(each, list) for each in logs):  # else a key of somebody's state
                        lost.forget_written_again(*logs)


_ERROR_PARTS = ("name", "message", "code")


class _LostName:
    """Whether ours is an error that was raised, and the reference's a copy of it."""

    def __init__(self, raised: list[Json]) -> None:
        self._raised = raised

    def __call__(self, theirs: Json, ours: Json) -> bool:
        if not (isinstance(theirs, dict) and isinstance(ours, dict) and theirs.keys() == ours.keys() == {"$error"}):
            return False
        error = ours["$error"]
        if not isinstance(error, dict) or {name: error.get(name) for name in _ERROR_PARTS} not in self._raised:
            return False
        name = error["name"] if error["name"] in LANGUAGE_ERRORS else "Error"
        return theirs["$error"] == {"name": name, "message": error["message"]}

    def forget_written_again(self, theirs: Json, ours: Json) -> None:
        """In a log, what the reference takes for a change: the same value as before, in which an error is no longer like its copy."""
        told = [error["message"] for error in self._raised if error["name"] != "Error" or error["code"] is not None]
        written: list[tuple[str, Json]] = []
        for bundle, mine in zip(theirs, ours, strict=False):
            if not (_is_bundle(bundle) and _is_bundle(mine)):
                return  # a member of somebody's state that is called as a log is
            values = dict(bundle["overwrite"])
            for key in [key for key in values if key not in mine["overwrite"]]:
                errors = [found["$error"] for found in dicts_in(values[key]) if found.keys() == {"$error"}]
                if (key, values[key]) in written and any(error["message"] in told for error in errors):
                    del bundle["overwrite"][key]
                    bundle["trace"] = [row for row in bundle["trace"] if row["path"].partition("\x1f")[0] != key]
            written += values.items()


def _is_bundle(entry: Json) -> bool:
    return isinstance(entry, dict) and "overwrite" in entry and "trace" in entry


def merged_whole(phases: list[Json], values: list[Json]) -> None:
    """In the record of an update, a date or an error that was merged reads as what the merge found in it: nothing.

    Ours was given to the engine so (`_js.mergeable`), for the reference's merge makes `{}` of it; the record shows what
    was given.
    """
    last: dict[tuple[Json, Json], Json] = {}
    for phase in phases:
        for entry in phase["events"]:
            event = entry["event"]
            if entry["method"] == "onWrite":
                last[event["runtimeStageId"], event["key"]] = event.get("operation")
            for record in (event, *event.get("mutations", ())):
                if record.get("operation") == "update" and "value" in record:
                    _empty(record, "value", values)
        states = [phase.get(name) for name in STATES]
        merged = _merged_last(states)
        for node in dicts_in(states):
            for key in node.get("stageWrites") or ():
                at = node.get("runtimeStageId"), key
                if last[at] == "update" if at in last else at in merged:
                    _empty(node["stageWrites"], key, values)
        for line in phase["narrative"]:
            if _UPDATED.match(line["text"]) and "rawValue" in line:
                _empty(line, "rawValue", values)


def _merged_last(states: list[Json]) -> set[tuple[Json, Json]]:
    """By their commits, the executions and keys that were merged into last: what the reference's runner did not hear of stands there alone."""
    last = {
        (bundle["runtimeStageId"], row["path"].partition("\x1f")[0]): row["verb"]
        for bundle in dicts_in(states)
        if _is_bundle(bundle) and {"updates", "redactedPaths", "runtimeStageId"} <= bundle.keys()
        for row in bundle["trace"]
    }
    return {at for at, verb in last.items() if verb == "merge"}


_UPDATED = re.compile(r"(?:Step \d+: )?Update ")


def _empty(holder: Json, at: Any, values: list[Json]) -> None:
    """Put `{}` in the place of each of these values."""
    stack = [(holder, at)]
    while stack:
        box, key = stack.pop()
        part = box[key]
        if part in values:
            box[key] = {}
        elif isinstance(part, dict):
            stack += [(part, name) for name in part]

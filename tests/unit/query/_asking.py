"""Asks the questions of golden files, and makes events of their JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from footpath import query
from footpath.query import as_json

GOLDEN = Path(__file__).parent / "golden"
MADE_UP = frozenset({"made-up-logs", "corners"})
"""Golden files whose phases are snapshots of no run, each by itself."""
_SEPARATOR = "\x1f"
_LIMITS = {"maxDepth": "max_depth", "maxNodes": "max_nodes", "before": "before"}


def golden(name: str) -> dict[str, Any]:
    """A golden file: the reference's snapshots, events and answers, a phase at a time."""
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def events_of(recorded: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """(hook, event) pairs with the attributes that events have, of the reference's JSON."""
    return [(snake(each["method"]), _event(each["event"])) for each in recorded]


def _event(members: dict[str, Any]) -> Any:
    event = {snake(name): value for name, value in members.items()}
    for name in ("traversal_context", "structured_error"):
        if name in event:
            event[name] = SimpleNamespace(**{snake(key): value for key, value in event[name].items()})
    return SimpleNamespace(**event)


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda hit: "_" + hit[0].lower(), name)


def control_of(events: list[tuple[str, Any]]) -> query.ControlDependencies:
    """Control dependencies that have seen the flow events."""
    control = query.ControlDependencies()
    for hook, event in events:
        if hook in {"on_decision", "on_selected", "on_stage_executed", "on_error"}:
            getattr(control, hook)(event)
    return control


class Asked:
    """One phase to ask; `indexed` asks through a `CommitIndex`, else of the bare log."""

    def __init__(self, snapshot: dict[str, Any], events: list[tuple[str, Any]], seen: Any, *, indexed: bool) -> None:
        self.snapshot = snapshot
        self.control = control_of(seen)
        log = snapshot.get("commitLog") or []
        self.log: Any = query.CommitIndex(log) if indexed else log
        self.reads = query.keys_read_from_execution_tree(snapshot.get("executionTree"), events)

    def answer(self, q: dict[str, Any]) -> Any:
        """The answer in the reference's JSON."""
        return getattr(self, "_" + snake(q["q"]))(q)

    def _options(self, q: dict[str, Any], *names: str) -> dict[str, Any]:
        options: dict[str, Any] = {_LIMITS[name]: q[name] for name in names if name in q and name in _LIMITS}
        if q.get("control") and "control" in names:
            options["control"] = self.control.lookup
        return options

    def _find_last_writer(self, q: dict[str, Any]) -> Any:
        return _reference(query.find_last_writer(self.log, q["key"], q.get("before")))

    def _find_commit(self, q: dict[str, Any]) -> Any:
        return _reference(query.find_commit(self.log, q["stageId"], q.get("key")))

    def _find_commits(self, q: dict[str, Any]) -> Any:
        return [_reference(bundle) for bundle in query.find_commits(self.log, q["stageId"])]

    def _commit_value_at(self, q: dict[str, Any]) -> Any:
        key = q["key"]
        return query.commit_value_at(self.log, q.get("idx"), _SEPARATOR.join(key) if isinstance(key, list) else key)

    def _state_at(self, q: dict[str, Any]) -> Any:
        return as_json(query.state_at(self.snapshot, q["idx"]))

    def _causal_chain(self, q: dict[str, Any]) -> Any:
        writer = query.find_last_writer(self.log, q["key"]) if "key" in q else None
        start = q.get("runtimeStageId") or (writer or {}).get("runtimeStageId")
        options = self._options(q, "maxDepth", "maxNodes", "control")
        chain = query.causal_chain(self.log, start, self.reads, **options)
        if chain is None:
            return None
        body = as_json(chain)
        for node in body["nodes"]:
            node["parents"] = [{"id": edge.pop("parentId"), **edge} for edge in node["parents"]]
        return {**body, "text": query.format_causal_chain(chain)}

    def _slice_for_key(self, q: dict[str, Any]) -> Any:
        options = self._options(q, "before", "maxDepth", "maxNodes", "control")
        found = query.slice_for_key(self.log, q["key"], self.reads, **options)
        return {"json": query.slice_to_json(found), "text": query.format_slice(found)}

    def _forward_slice_for_key(self, q: dict[str, Any]) -> Any:
        options = self._options(q, "before", "maxDepth", "maxNodes")
        found = query.forward_slice_for_key(self.log, q["key"], self.reads, **options)
        return {"json": query.forward_slice_to_json(found), "text": query.format_forward_slice(found)}

    def _key_timeline(self, q: dict[str, Any]) -> Any:
        found = query.key_timeline(self.log, q["key"], self.reads, **self._options(q, "before"))
        return {"json": as_json(found), "text": query.format_timeline(found)}

    def _array_provenance(self, q: dict[str, Any]) -> Any:
        return as_json(query.array_provenance(self.log, q["key"], q.get("idx")))

    def _stops(self, _: dict[str, Any]) -> Any:
        return as_json(tuple(query.stops(self.snapshot)))

    def _tag_stops(self, q: dict[str, Any]) -> Any:
        # The reference's runner hands a text to a function that takes a list of tags, so each character is one.
        return as_json(tuple(query.tag_stops(self.snapshot, list(q["tag"]))))

    def _subflow_paths(self, _: dict[str, Any]) -> Any:
        return query.list_subflow_paths(self.snapshot)

    def _parse_runtime_stage_id(self, q: dict[str, Any]) -> Any:
        return as_json(query.parse_runtime_stage_id(q["id"]))


def _reference(bundle: Any) -> Any:
    return None if bundle is None else {"idx": bundle["idx"], "runtimeStageId": bundle["runtimeStageId"]}

"""Asks a case's queries of a snapshot, through the engine's own query functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from footpath import query
from tests.conformance._expressions import CaseFormatError
from tests.conformance._view import json_view

__all__ = ["QUERIES", "ControlRecorder", "answer", "reads_of"]

ControlRecorder = query.ControlDependencies
KeysRead = query.KeysRead
Query = Mapping[str, Any]
Snapshot = Mapping[str, Any]

_PATH_SEPARATOR = "\x1f"


def reads_of(executor: Any, snapshot: Snapshot, *, tracked: bool) -> KeysRead:
    """What a run read, absent keys too: a tree in JSON has lost those, while the reference asks its live one."""
    frames = executor._follow()[1].tree.frames if tracked and snapshot["runId"] else ()  # the live tree
    live = [
        ("on_read", SimpleNamespace(runtime_stage_id=frame.rsid, key=key)) for frame in frames for key in frame.reads
    ]
    return query.keys_read_from_execution_tree(snapshot.get("executionTree"), live)


def answer(q: Query, snapshot: Snapshot, control: ControlRecorder, reads: KeysRead) -> Any:
    """The answer in the reference's JSON shape.

    Raises:
        CaseFormatError: the format knows no such query.
    """
    ask = QUERIES.get(q["q"])
    if ask is None:
        raise CaseFormatError(f"unknown query {q['q']}")
    return ask(q, snapshot, control, reads)


def _log(snapshot: Snapshot) -> Any:
    return snapshot.get("commitLog") or []


def _reference(bundle: Any) -> Any:
    return None if bundle is None else {"idx": bundle["idx"], "runtimeStageId": bundle["runtimeStageId"]}


def _limits(q: Query, control: ControlRecorder, *names: str) -> dict[str, Any]:
    known = {"before": "before", "maxDepth": "max_depth", "maxNodes": "max_nodes"}
    options: dict[str, Any] = {known[name]: q[name] for name in names if name in known and name in q}
    if q.get("control") and "control" in names:
        options["control"] = control.lookup
    return options


def _causal_chain(q: Query, snapshot: Snapshot, control: ControlRecorder, reads: KeysRead) -> Any:
    log = _log(snapshot)
    start = q.get("runtimeStageId")
    if start is None:
        writer = query.find_last_writer(log, q["key"])
        start = None if writer is None else writer["runtimeStageId"]
    options = _limits(q, control, "maxDepth", "maxNodes", "control")
    chain = query.causal_chain(log, start, reads, **options)
    if chain is None:
        return None
    view = json_view(chain)
    for node in view["nodes"]:
        node["parents"] = [
            {"id": edge["parentId"], "weight": 1, **{k: v for k, v in edge.items() if k != "parentId"}}
            for edge in node.get("parents") or ()
        ]
    return {**view, "text": query.format_causal_chain(chain)}


def _slice(q: Query, snapshot: Snapshot, control: ControlRecorder, reads: KeysRead) -> Any:
    options = _limits(q, control, "before", "maxDepth", "maxNodes", "control")
    found = query.slice_for_key(_log(snapshot), q["key"], reads, **options)
    return {"json": query.slice_to_json(found), "text": query.format_slice(found)}


def _forward_slice(q: Query, snapshot: Snapshot, control: ControlRecorder, reads: KeysRead) -> Any:
    options = _limits(q, control, "before", "maxDepth", "maxNodes")
    found = query.forward_slice_for_key(_log(snapshot), q["key"], reads, **options)
    return {"json": query.forward_slice_to_json(found), "text": query.format_forward_slice(found)}


def _timeline(q: Query, snapshot: Snapshot, control: ControlRecorder, reads: KeysRead) -> Any:
    found = query.key_timeline(_log(snapshot), q["key"], reads, **_limits(q, control, "before"))
    return {"json": found, "text": query.format_timeline(found)}


def _commit_value(q: Query, snapshot: Snapshot, _: ControlRecorder, _reads: KeysRead) -> Any:
    key = q["key"]
    path = _PATH_SEPARATOR.join(key) if isinstance(key, list) else key
    return query.commit_value_at(_log(snapshot), q.get("idx"), path)


QUERIES: dict[str, Callable[[Query, Snapshot, ControlRecorder, KeysRead], Any]] = {
    "findLastWriter": lambda q, s, *_: _reference(query.find_last_writer(_log(s), q["key"], q.get("before"))),
    "findCommit": lambda q, s, *_: _reference(query.find_commit(_log(s), q["stageId"], q.get("key"))),
    "findCommits": lambda q, s, *_: [_reference(b) for b in query.find_commits(_log(s), q["stageId"])],
    "commitValueAt": _commit_value,
    "stateAt": lambda q, s, *_: query.state_at(s, q.get("idx")),
    "causalChain": _causal_chain,
    "sliceForKey": _slice,
    "forwardSliceForKey": _forward_slice,
    "keyTimeline": _timeline,
    "arrayProvenance": lambda q, s, *_: query.array_provenance(_log(s), q["key"], q.get("idx")),
    "stops": lambda _q, s, *_: query.stops(s),
    # The reference's runner hands a text to a function that takes a list of tags, so each character is one.
    "tagStops": lambda q, s, *_: query.tag_stops(s, list(q["tag"])),
    "subflowPaths": lambda _q, s, *_: query.list_subflow_paths(s),
    "parseRuntimeStageId": lambda q, *_: query.parse_runtime_stage_id(q["id"]),
}

"""Commits and tree nodes made by hand."""

from __future__ import annotations

from typing import Any


def commit(position: int, step: str, **values: Any) -> dict[str, Any]:
    """A commit that set these keys whole."""
    stage_id = step.rpartition("#")[0]
    overwrite: dict[str, Any] = {}
    for path, value in values.items():
        root, _, below = path.partition("\x1f")
        overwrite[root] = {below: value} if below else value
    return {
        "idx": position,
        "overwrite": overwrite,
        "updates": {},
        "redactedPaths": [],
        "trace": [{"path": path, "verb": "set"} for path in values],
        "stage": stage_id.capitalize(),
        "stageId": stage_id,
        "runtimeStageId": step,
    }


def writes(position: int, step: str, keys: list[str]) -> dict[str, Any]:
    """A commit that wrote these keys in this order, some perhaps twice."""
    rows = [{"path": key, "verb": "set"} for key in keys]
    return {**commit(position, step, **dict.fromkeys(keys, position)), "trace": rows}


def node(step: str, *, reads: dict[str, Any] | None = None, following: Any = None) -> dict[str, Any]:
    """A node of an execution tree."""
    made: dict[str, Any] = {"id": step.rpartition("#")[0], "runtimeStageId": step, "name": step.rpartition("#")[0]}
    if reads is not None:
        made["stageReads"] = reads
    if following is not None:
        made["next"] = following
    return made

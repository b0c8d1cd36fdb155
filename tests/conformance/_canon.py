"""Canonical form of a result whose parallel branches are charts (FORMAT, "Comparing", `deep`).

Step numbers and the order among branches depend on how the branches interleave. Execution indices become the ordinal
of that stage's executions; events, narrative entries and commits are grouped by stage execution, their order inside a
group kept; stage numbers in texts and the answers to queries are dropped.
"""

from __future__ import annotations

import copy
import re
from typing import Any

__all__ = ["canonical"]

_EXECUTION = re.compile(r"(.+)#(\d+)")
_STAGE_NUMBER = re.compile(r"Stage \d+: ")

Json = Any


def canonical(result: dict[str, Json]) -> dict[str, Json]:
    """The canonical form, a new document; `result` is left as it was."""
    out = copy.deepcopy(result)
    for run in out["runs"]:
        names = _ordinals(run)
        run["phases"] = [_phase(phase, names) for phase in run["phases"]]
    return out


def _execution_of(entry: dict[str, Json]) -> str:
    event = entry.get("event") or {}
    context = event.get("traversalContext") or {}
    for found in (event.get("runtimeStageId"), context.get("runtimeStageId"), entry.get("runtimeStageId")):
        if found is not None:
            return found
    return ""


def _ordinals(run: dict[str, Json]) -> dict[str, str]:
    """From `stage#7` to `stage#@0`, the first execution of that stage in the run."""
    executions: dict[str, set[int]] = {}
    for phase in run["phases"]:
        for entry in [*phase["events"], *phase["snapshot"]["commitLog"]]:
            found = _EXECUTION.fullmatch(_execution_of(entry))
            if found and found[1] != "__root__":
                executions.setdefault(found[1], set()).add(int(found[2]))
    return {
        f"{stage}#{index}": f"{stage}#@{ordinal}"
        for stage, indices in executions.items()
        for ordinal, index in enumerate(sorted(indices))
    }


def _renamed(value: Json, names: dict[str, str]) -> Json:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return value


def _grouped(entries: list[Json]) -> list[Json]:
    return sorted(entries, key=lambda entry: _execution_of(entry).encode("utf-16-be", "surrogatepass"))


def _log(bundles: list[Json], names: dict[str, str]) -> list[Json]:
    return _grouped(_renamed([{k: v for k, v in b.items() if k != "idx"} for b in bundles], names))


def _phase(phase: dict[str, Json], names: dict[str, str]) -> dict[str, Json]:
    q = _renamed({key: value for key, value in phase.items() if key != "queries"}, names)
    q["events"] = _grouped(q["events"])
    q["narrative"] = _grouped(
        [
            {**entry, "text": _STAGE_NUMBER.sub("Stage *: ", entry["text"], count=1)}
            if _STAGE_NUMBER.match(entry["text"])
            else entry
            for entry in q["narrative"]
        ]
    )
    for snapshot in (q.get("snapshot"), q.get("snapshotRedacted")):
        if not snapshot:
            continue
        snapshot["commitLog"] = _log(snapshot["commitLog"], names)
        for found in (snapshot.get("subflowResults") or {}).values():
            context = found.get("treeContext") if isinstance(found, dict) else None
            if context and context.get("history"):
                context["history"] = _log(context["history"], names)
    return q

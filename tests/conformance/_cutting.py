"""Cuts the phases of both sides where one rule says that they are not compared any further; up to there they are.

What is left of a phase that was cut: its first events; of log, narrative, tree and subflow results what these events'
stages left, and what was there before the phase. No phase after it.
"""

from __future__ import annotations

import builtins
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Ends", "Told", "cut_both", "cut_later", "executions", "first"]

Json = Any
Ends = tuple[int, int]
"""How many events are compared, of the reference's and of ours."""


def first(events: list[Json], holds: Callable[[Json], bool]) -> int | None:
    """The position of the first event for which `holds`."""
    return next((index for index, entry in enumerate(events) if holds(entry)), None)


def cut_both(theirs: list[Json], ours: list[Json], index: int, ends: Ends, case: Mapping[str, Any]) -> None:
    """Keep of both sides' `index`-th phase what its first events tell of, and no phase after it; in place.

    A failure of ours beyond that point in Python's own words, which no case words, is kept: nothing excuses it.
    """
    fault = _fault_in(ours[index:], case)
    sides = theirs, ours
    begun = executions(event for side, end in zip(sides, ends, strict=True) for event in side[index]["events"][:end])
    later = executions(event for side, end in zip(sides, ends, strict=True) for event in side[index]["events"][end:])
    last = [executions(side[index]["events"][:end][-1:]) for side, end in zip(sides, ends, strict=True)]
    for side, end in zip(sides, ends, strict=True):
        _cut(side, index, end, begun - later - last[0] - last[1])
    if fault is not None:
        ours[index]["error"] = fault


def cut_later(theirs: list[Json], ours: list[Json], case: Mapping[str, Any]) -> None:
    """Keep of both sides the first phase alone; in place. A failure of ours in Python's own words is kept."""
    fault = _fault_in(ours[1:], case)
    for phases in (theirs, ours):
        del phases[1:]
    if fault is not None:
        ours[0]["error"] = fault


def _fault_in(phases: list[Json], case: Mapping[str, Any]) -> Json:
    return next((phase["error"] for phase in phases if _is_fault(phase.get("error"), case)), None)


def _is_fault(error: Json, case: Mapping[str, Any]) -> bool:
    """Whether an error is one that Python raises by itself, and no program of the case."""
    if not error:
        return False
    kind = getattr(builtins, error["name"], None)
    own = isinstance(kind, type) and issubclass(kind, BaseException)
    return own and json.dumps(error["name"]) not in json.dumps(case)


def executions(events: Any) -> set[str]:
    """Which executions of stages these events tell of."""
    found: set[str] = set()
    for entry in events:
        context = entry["event"].get("traversalContext") or {}
        found |= {entry["event"].get("runtimeStageId"), context.get("runtimeStageId")} - {None, ""}
    return found


class Told:
    """What of a phase's log, narrative and tree its first events have told of.

    `over` are the executions of which all had been told by then, `following` is the event after that. A loop edge that
    it tells is noted by the decider whose branch it leaves, which may have been over.
    """

    def __init__(self, events: list[Json], over: set[str], following: Json = None) -> None:
        self._over = over
        self._untold = ""
        if following is not None and following["method"] == "onLoop":
            edge = following["event"]
            self._untold = f"Looping back to {edge['target']} (iteration {edge.get('iteration')})"
        self._commits = Counter(entry["event"]["runtimeStageId"] for entry in events if entry["method"] == "onCommit")
        self._lines = {
            (kind, (entry["event"].get("traversalContext") or {}).get("runtimeStageId"))
            for entry in events
            for kind in _TOLD_AT.get(entry["method"], ())
        }

    def is_committed(self, bundle: Json) -> bool:
        """Whether a bundle, the next of its log, is one that there has been an event of, or is of an execution that was over."""
        self._commits[bundle["runtimeStageId"]] -= 1
        return self._commits[bundle["runtimeStageId"]] >= 0 or bundle["runtimeStageId"] in self._over

    def is_line(self, line: Json) -> bool:
        """Whether a line of the narrative is one that was told by then."""
        execution = line.get("runtimeStageId")
        return (line["type"], execution) in self._lines or execution in self._over

    def stages(self, tree: Json) -> dict[str, Json]:
        """The stages of an execution tree that were over, by their execution, without what hangs on them."""
        found: dict[str, Json] = {}
        stack = [tree] if tree else []
        while stack:
            node = stack.pop()
            if node.get("runtimeStageId") in self._over:
                found[node["runtimeStageId"]] = {k: v for k, v in node.items() if k not in ("next", "children")}
                if node.get("flowMessages"):
                    messages = [each for each in node["flowMessages"] if each.get("description") != self._untold]
                    found[node["runtimeStageId"]]["flowMessages"] = messages
            stack += [part for part in (node.get("next"), *(node.get("children") or ())) if part]
        return found

    def subflows(self, results: Json) -> dict[str, Json]:
        """Results of the subflows that were over, of the outermost flow: the others are there when the one around them has ended."""
        return {id_: each for id_, each in (results or {}).items() if id_ in self._over and _NESTED.isdisjoint(id_)}


def _cut(phases: list[Json], index: int, end: int, over: set[str]) -> None:
    phase = phases[index]
    before = phases[index - 1] if index else {"snapshot": {"commitLog": []}, "narrative": []}
    snapshot = phase["snapshot"]
    told = Told(phase["events"][:end], over, next(iter(phase["events"][end:]), None))
    phases[index:] = [
        {
            "op": phase["op"],
            "events": phase["events"][:end],
            "snapshot": {
                "commitLog": _up_to(snapshot["commitLog"], before["snapshot"]["commitLog"], told.is_committed),
                "stages": told.stages(snapshot.get("executionTree")),
                "subflowResults": told.subflows(snapshot.get("subflowResults")),
            },
            "narrative": _up_to(phase["narrative"], before["narrative"], told.is_line),
        }
    ]


_NESTED = frozenset("/~")
_TOLD_AT = {"onStageExecuted": ("stage", "step"), "onResume": ("resume",)}
"""Lines of a narrative, by what has to have happened before they are told."""


def _up_to(entries: list[Json], before: list[Json], holds: Callable[[Json], bool]) -> list[Json]:
    """What an earlier phase had, and of what came after it that for which `holds`."""
    # By what they are of: what is hidden in them may be hidden in one phase, and not yet in the one before.
    goes_on = [_of(entry) for entry in entries[: len(before)]] == [_of(entry) for entry in before]
    kept = len(before) if goes_on else 0
    return [*entries[:kept], *filter(holds, entries[kept:])]


def _of(entry: Json) -> tuple[Json, ...]:
    return tuple(entry.get(name) for name in ("type", "stage", "runtimeStageId", "idx"))

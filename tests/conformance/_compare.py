"""Compares our result of a case with the reference's, by the rules of docs/parity.md.

A rule is a function that is applied to both sides alike before anything is compared, so that none can hide a difference on
one side only; or, where one side is known to lose what the other keeps, one that looks at both sides together, and lets
pass what the reference has lost where we have it, and not the other way round. What is left must be equal as JSON: numbers by
value (1 and 1.0 are the same), members in any order.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.conformance._canon import canonical
from tests.conformance._difference import MISSING, Difference, dicts_in, difference
from tests.conformance._secrets import Hiding, hide_everywhere
from tests.conformance._view import name_runs

__all__ = ["RULES", "first_difference"]

Json = Any
Result = dict[str, Json]


def first_difference(expected: Result, got: Result, case: Mapping[str, Any]) -> Difference | None:
    """The first difference left by the rules; None when the two agree.

    The reference's `concurrency` says how: strictly, or by canonical form when parallel branches were charts.
    """
    sides = [copy.deepcopy(expected), copy.deepcopy(got)]
    hidings = [run.pop("hiding", Hiding()) for run in sides[1]["runs"]]
    for side in sides:
        for run, hiding in zip(side["runs"], hidings, strict=False):
            for phase in run["phases"]:
                if hiding.active:
                    hide_everywhere(phase, hiding)
        side.pop("engine", None)
        for rule in RULES:
            rule(side, case)
        name_runs(side, _is_named_run)  # once more: what the rules leave out may have been the first to show one
    if expected.get("concurrency") == "deep":
        sides = [canonical(side) for side in sides]
    for lost in LOSSES:
        lost(*sides, case)
    return difference(sides[0], sides[1])


def _is_named_run(text: str) -> bool:
    return text.startswith("<run-")


# ── rules (docs/parity.md) ───────────────────────────────────────────────────────────────────────────────────────────
def nothing_is_none(result: Result, _case: Mapping[str, Any]) -> None:
    """None is nothing: a null result, a null payload of the run's end and a null reason of a break are left out."""
    for run in result["runs"]:
        for phase in run["phases"]:
            if phase.get("result", MISSING) is None:
                del phase["result"]
            for entry in phase["events"]:
                member = _MAY_BE_NONE.get(entry["method"])
                if member is not None and entry["event"].get(member, MISSING) is None:
                    del entry["event"][member]


_MAY_BE_NONE = {"onRunEnd": "payload", "onBreak": "reason"}


def extras(result: Result, _case: Mapping[str, Any]) -> None:
    """What our checkpoints and commits carry beyond the reference's is left out."""
    for run in result["runs"]:
        for phase in run["phases"]:
            for name in _CHECKPOINT_EXTRAS:
                phase.get("checkpoint", {}).pop(name, None)
            for item in dicts_in([phase.get("snapshot"), phase.get("snapshotRedacted")]):
                if "trace" in item and "overwrite" in item:
                    item.pop("results", None)


_CHECKPOINT_EXTRAS = ("redactedKeys",)


def fresh_narrative(result: Result, case: Mapping[str, Any]) -> None:
    """From a resume in a new executor on, the narrative is left out: the reference's is empty there."""
    for run, ran in zip(_runs(case), result["runs"], strict=False):
        fresh = False
        for entry, phase in zip(run.get("resume") or (), ran["phases"][1:], strict=False):
            fresh = fresh or bool(entry.get("fresh"))
            if fresh:
                phase["narrative"] = []


def nothing_is_lost(result: Result, case: Mapping[str, Any]) -> None:
    """Where the reference leaves out a part of the work, what comes of it is left out."""
    charts = list(_calls([case.get("chart"), case.get("charts")]))
    mounts = {call["id"] for calls in charts for call in calls if call["call"] in _MOUNTED}
    hung = set[Json]().union(*map(_hung_on, charts))
    after_resume = _AfterResume(case, charts, hung)
    for ran in result["runs"]:
        if hung & mounts:
            ran["phases"] = []
            result.pop("concurrency", None)
        for index, phase in enumerate(ran["phases"]):
            checkpoint = phase.get("checkpoint")
            if checkpoint is None or index + 1 == len(ran["phases"]):
                continue
            resumed = ran["phases"][index + 1]
            right = after_resume.events_before_it_goes_wrong(checkpoint, resumed["events"])
            if right is not None:
                ran["phases"][index + 1 :] = [
                    {"op": "resume", "events": right, "narrative": [], "snapshot": {"commitLog": []}}
                ]
                result.pop("concurrency", None)
                break


class _AfterResume:
    """How far the reference goes on as it should after a pause."""

    def __init__(self, case: Mapping[str, Any], charts: list[list[dict[str, Json]]], hung: set[Json]) -> None:
        self._in_line = {call["id"] for call in case.get("chart", ()) if call["call"] == "subflowNext"}
        self._branches = [
            [branch["id"]]
            for call in case.get("chart", ())
            if call["call"] == "decider"
            for branch in call["branches"]
            if branch.get("kind") == "subflow"
        ]
        self._hung = hung
        self._parallel = set[Json]().union(*map(_parallel, charts))
        self._looping = {
            call["id"]
            for calls in charts
            for call, following in pairwise(calls)
            if following["call"] == "loopTo" and "id" in call
        }

    def events_before_it_goes_wrong(self, checkpoint: Json, events: list[Json]) -> list[Json] | None:
        """The events of a resumed phase that are as they should be; None when all are."""
        path = checkpoint.get("subflowPath") or []
        stage = checkpoint["pausedStageId"].split("/")[-1]
        if len(path) > 1 or (path and path[0] not in self._in_line and path not in self._branches):
            return []  # not found when the chart is lazy, begun anew when it is nested
        if stage in self._parallel:
            return events[:_RESUMING]  # forgets that the stage was one of several
        if stage in self._hung or stage in self._looping or path[:1] in self._branches:
            return _through(
                events, lambda entry: entry["method"] == "onStageExecuted" and entry["event"]["stageType"] == "linear"
            )
        return _before_loop_back(events, checkpoint["pausedStageId"])


_RESUMING = 3
"""Events before anything of the chart runs: the flow resumes, the scope, the run starts."""


def _through(events: list[Json], last: Callable[[Json], bool]) -> list[Json]:
    return next((events[: index + 1] for index, entry in enumerate(events) if last(entry)), events)


def _before_loop_back(events: list[Json], paused: str) -> list[Json] | None:
    """Events up to a loop edge to the stage that paused, or before it: to none that has run since."""
    ran: set[Json] = set()
    for index, entry in enumerate(events):
        event = entry["event"]
        if entry["method"] == "onLoop" and event["target"] not in ran:
            return events[:index]
        if entry["method"] == "onStageStart" and event["stageId"] != paused:
            ran.add(event["stageName"])
    return None


_MOUNTED = frozenset({"subflowNext", "lazySubflowNext"})
_CHILDREN = frozenset({"fork", "subflow", "lazySubflow"})


def _calls(parts: Json) -> Iterator[list[dict[str, Json]]]:
    """Every list of builder calls in a case's charts."""
    stack: list[Json] = [parts]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            if item and all(isinstance(call, dict) and "call" in call for call in item):
                yield item
            stack += item


def _hung_on(calls: list[dict[str, Json]]) -> set[Json]:
    """Ids of the steps that parallel children hang on."""
    hung: set[Json] = set()
    step = None
    for call in calls:
        if call["call"] in _CHILDREN:
            hung.add(step)
        elif "id" in call:
            step = call["id"]
    return hung


def _parallel(calls: list[dict[str, Json]]) -> set[Json]:
    """Ids of the parallel children that are stages."""
    return {child["id"] for call in calls if call["call"] == "fork" for child in call["children"]}


_HALF = re.compile("[\ud800-\udfff]")
_CUT_HALF = re.compile(r"\\ud[89ab][0-9a-f]{2}(?=\.\.\.)")


def halves_in_texts(result: Result, _case: Mapping[str, Any]) -> None:
    """Half of a surrogate pair in a narrative text is written out as an escape; one left by a cut is left out."""
    for run in result["runs"]:
        for phase in run["phases"]:
            for entry in phase["narrative"]:
                entry["text"] = _CUT_HALF.sub("", _HALF.sub(lambda m: f"\\u{ord(m[0]):04x}", entry["text"]))


def _runs(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return case.get("runs") or [case.get("run") or {}]


_STATES = ("snapshot", "snapshotRedacted", "checkpoint", "queries")


def errors_in_the_state(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """Of an error that stands in the state the reference has the message alone; ours may have its name and code, too."""

    def lost(theirs: Json, ours: Json) -> bool:
        if not (isinstance(theirs, dict) and isinstance(ours, dict) and theirs.keys() == ours.keys() == {"$error"}):
            return False
        error = ours["$error"]
        return isinstance(error, dict) and theirs["$error"] == {"name": "Error", "message": error.get("message")}

    for theirs, ours in _phases_of(expected, got):
        _let_pass(theirs, ours, lost, [*_STATES, "events"])


_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def merged_dates(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """In a case that patches and has dates, the reference may have an object without members where we have a date."""
    text = json.dumps([case.get("chart"), case.get("charts")])
    if '"$date"' in text and ('"update"' in text or '"update_path"' in text):
        for theirs, ours in _phases_of(expected, got):
            _let_pass(theirs, ours, _is_lost_date, [*_STATES, "events", "result", "narrative"])


def _is_lost_date(theirs: Json, ours: Json) -> bool:
    return theirs == {} and isinstance(ours, str) and _DATE.fullmatch(ours) is not None


def _phases_of(expected: Result, got: Result) -> Iterator[tuple[Json, Json]]:
    """The phases of both sides, as far as both have them."""
    for theirs, ours in zip(expected["runs"], got["runs"], strict=False):
        yield from zip(theirs["phases"], ours["phases"], strict=False)


def _let_pass(theirs: Json, ours: Json, lost: Callable[[Json, Json], bool], names: Iterable[str]) -> None:
    """Put what the reference has in place of ours where `lost` says that it lost it; in the named parts of a phase."""
    stack = [(theirs, ours, name) for name in names if name in theirs and name in ours]
    while stack:
        left, right, at = stack.pop()
        one, other = left[at], right[at]
        if lost(one, other):
            right[at] = one
        elif isinstance(one, dict) and isinstance(other, dict):
            stack += [(one, other, key) for key in one if key in other]
        elif isinstance(one, list) and isinstance(other, list):
            stack += [(one, other, index) for index in range(min(len(one), len(other)))]


_HIDDEN = "[REDACTED]"
_TELLING_OPERATORS = frozenset({"eq", "ne", "in", "notIn"})
_TELLING_CONDITION = re.compile(r"(\[REDACTED\] (?:eq|ne|in|notIn) ).*?(?= [✓✗])", re.DOTALL)


def hidden_thresholds(result: Result, _case: Mapping[str, Any]) -> None:
    """Where a condition's actual value is hidden, so is a threshold it was compared with for equality."""
    for run in result["runs"]:
        for phase in run["phases"]:
            for condition in dicts_in(phase):
                if condition.get("redacted") is True and condition.get("op") in _TELLING_OPERATORS:
                    condition["threshold"] = _HIDDEN
            for entry in phase["narrative"]:
                entry["text"] = _TELLING_CONDITION.sub(rf"\1{_HIDDEN}", entry["text"])


RULES: tuple[Callable[[Result, Mapping[str, Any]], None], ...] = (
    nothing_is_none,
    extras,
    fresh_narrative,
    nothing_is_lost,
    halves_in_texts,
    hidden_thresholds,
)
LOSSES: tuple[Callable[[Result, Result, Mapping[str, Any]], None], ...] = (errors_in_the_state, merged_dates)

"""Compares our result of a case with the reference's, by the rules of docs/parity.md.

Every rule is a function applied to both sides before anything is compared, so that none can hide a difference on one
side only. What is left must be equal as JSON: numbers by value (1 and 1.0 are the same), members in any order.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
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


_PREVIEW = re.compile(r"(?:(?<= = )|(?<=: ))\{(?:([^{}]*?)(?:, \.\.\. )?)?(?:\((\d+) keys\)|(\d+) keys)?\}$")
_SHOWN_KEYS = 4
_LONGEST_PREVIEW = 80


def absent_members(result: Result, case: Mapping[str, Any]) -> None:
    """In a narrative's preview of an object, keys whose value is absent are left out and not counted."""
    for run, ran in zip(_runs(case), result["runs"], strict=False):
        longest = ((run.get("options") or {}).get("narrative") or {}).get("maxValueLength", _LONGEST_PREVIEW)
        for phase in ran["phases"]:
            payloads = _payloads(phase)
            for index, entry in enumerate(phase["narrative"]):
                value, preview = payloads.get(index, entry.get("rawValue")), _PREVIEW.search(entry["text"])
                if isinstance(value, dict) and preview:
                    listed = preview[1].split(", ") if preview[1] else []
                    if int(preview[2] or preview[3] or len(listed)) > len(value):
                        entry["text"] = entry["text"][: preview.start()] + _preview(list(value), longest)


def _payloads(phase: dict[str, Json]) -> dict[int, Json]:
    """The payloads of the narrative's emit lines, by the line's number; of stages that told all their emits."""
    sent: dict[str, list[Json]] = {}
    for entry in phase["events"]:
        if entry["method"] == "onEmit":
            sent.setdefault(entry["event"].get("runtimeStageId"), []).append(entry["event"].get("payload"))
    told: dict[str, list[int]] = {}
    for index, entry in enumerate(phase["narrative"]):
        if entry.get("type") == "emit":
            told.setdefault(entry.get("runtimeStageId"), []).append(index)
    return {
        index: payload
        for stage, lines in told.items()
        if len(lines) == len(sent.get(stage, ()))
        for index, payload in zip(lines, sent[stage], strict=True)
    }


def _preview(keys: list[str], longest: int) -> str:
    shown = ", ".join(keys[:_SHOWN_KEYS]) + (f", ... ({len(keys)} keys)" if len(keys) > _SHOWN_KEYS else "")
    return f"{{{shown}}}" if len(shown) + 2 <= longest else f"{{{len(keys)} keys}}"


def _runs(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return case.get("runs") or [case.get("run") or {}]


_SUMMARY_OF = {"onWrite": "stageWrites", "onRead": "stageReads"}


def absent_members_in_sizes(result: Result, _case: Mapping[str, Any]) -> None:
    """In a summary of an object, members whose value is absent are not counted: the event of that access tells which are there."""
    for run in result["runs"]:
        accessed: dict[tuple[str, Json, Json], Json] = {}
        for phase in run["phases"]:
            for entry in phase["events"]:
                event = entry["event"]
                if entry["method"] in _SUMMARY_OF:
                    accessed[_SUMMARY_OF[entry["method"]], event.get("runtimeStageId"), event.get("key")] = event.get(
                        "value"
                    )
                elif entry["method"] == "onCommit":
                    for mutation in event.get("mutations") or ():
                        _shrink_size(
                            mutation.get("value"),
                            accessed.get(("stageWrites", event["runtimeStageId"], mutation["key"])),
                        )
            for node in dicts_in([phase.get("snapshot"), phase.get("snapshotRedacted"), phase.get("checkpoint")]):
                for name in _SUMMARY_OF.values():
                    for key, summary in (node.get(name) or {}).items() if isinstance(node.get(name), dict) else ():
                        _shrink_size(summary, accessed.get((name, node.get("runtimeStageId"), key)))


def _shrink_size(summary: Json, value: Json) -> None:
    if isinstance(summary, dict) and summary.get("type") == "object" and isinstance(value, dict):
        summary["size"] = min(summary.get("size", 0), len(value))


def kept_errors(result: Result, _case: Mapping[str, Any]) -> None:
    """Of an error that stands in the state, name and code are not compared."""
    for run in result["runs"]:
        for phase in run["phases"]:
            parts = [phase.get(name) for name in ("snapshot", "snapshotRedacted", "checkpoint", "queries")]
            parts += [entry["event"] for entry in phase["events"] if entry.get("channel") == "scope"]
            for item in dicts_in(parts):
                error = item.get("$error")
                if isinstance(error, dict):
                    item["$error"] = {"message": error.get("message")}


_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def merged_dates(result: Result, case: Mapping[str, Any]) -> None:
    """In a case that patches and has dates, a date is an object without members: what the reference makes of it in a patch."""
    text = json.dumps([case.get("chart"), case.get("charts")])
    if '"$date"' not in text or not ('"update"' in text or '"update_path"' in text):
        return
    stack: list[Json] = [run["phases"] for run in result["runs"]]
    while stack:
        item = stack.pop()
        for key, member in item.items() if isinstance(item, dict) else enumerate(item):
            if isinstance(member, (dict, list)):
                stack.append(member)
            elif isinstance(member, str) and _DATE.fullmatch(member):
                item[key] = {}


def absent_items(result: Result, _case: Mapping[str, Any]) -> None:
    """An absent item of a list is null, also where a query gives it alone."""
    for run in result["runs"]:
        for phase in run["phases"]:
            for query in phase.get("queries") or ():
                answer = query.get("answer")
                for birth in (answer.get("births") or ()) if isinstance(answer, dict) else ():
                    birth.setdefault("value", None)


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
    absent_members,
    absent_members_in_sizes,
    kept_errors,
    merged_dates,
    absent_items,
    hidden_thresholds,
)

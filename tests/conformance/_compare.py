"""Compares our result of a case with the reference's, by the rules of docs/parity.md.

A rule is a function that is applied to both sides alike before anything is compared, so that none can hide a difference
on one side only; or, where one side is known to lose what the other keeps, one that looks at both sides together, and
lets pass what the reference has lost where we have it, and not the other way round. What is left must be equal as JSON:
numbers by value (1 and 1.0 are the same), members in any order.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.conformance._canon import canonical
from tests.conformance._difference import (
    HIDDEN,
    STATES,
    Difference,
    dicts_in,
    dicts_in_both,
    difference,
    let_pass,
    phases_of,
)
from tests.conformance._ends import never_begun, the_end_is_the_end
from tests.conformance._errors import errors_in_the_state, merged_whole
from tests.conformance._hidden_texts import TELLING_OPERATORS
from tests.conformance._hiding import Hiding
from tests.conformance._partings import denied_names, runs_of, where_it_parts
from tests.conformance._secrets import forgive_cuts, hide_in_both, shown_by_us_alone
from tests.conformance._view import name_runs

__all__ = ["RULES", "first_difference", "same_events"]

Json = Any
Result = dict[str, Json]


def first_difference(expected: Result, got: Result, case: Mapping[str, Any]) -> Difference | None:
    """The first difference left by the rules; None when the two agree.

    The reference's `concurrency` says how: strictly, or by canonical form when parallel branches were charts.
    """
    sides = _under_the_rules(expected, got, case)
    if expected.get("concurrency") != "deep":
        for lost in LOSSES:
            lost(*sides, case)
        return difference(sides[0], sides[1])
    as_told = [canonical(side) for side in (expected, got)]
    sides = [canonical(side) for side in sides]
    forgive_cuts(*sides)
    for lost in LOSSES:
        lost(*sides, case)
    return difference(sides[0], sides[1]) or _shown_by_us_alone(sides[0], *as_told)


def _shown_by_us_alone(compared: Result, theirs: Result, ours: Result) -> Difference | None:
    """What we alone show, in those phases of which the rules compare all."""
    for number, run in enumerate(compared["runs"]):
        for index, phase in enumerate(run["phases"]):
            both = [side["runs"][number]["phases"][index] for side in (theirs, ours)]
            if "outcome" in phase and len(phase["events"]) == len(both[0]["events"]):
                found = shown_by_us_alone(*both, f"$.runs[{number}].phases[{index}]")
                if found is not None:
                    return found
    return None


def same_events(expected: Result, got: Result, case: Mapping[str, Any]) -> list[list[bool]]:
    """Of each run's phases, whether the rules compare all of its events, and they are the same in the same order."""
    sides = _under_the_rules(expected, got, case)
    for lost in (nothing_is_none, hidden_thresholds):
        lost(*sides, case)
    found: list[list[bool]] = []
    behind = False
    runs = runs_of(case)
    for number, run in enumerate(expected["runs"]):
        behind = behind and number < len(runs) and bool(runs[number].get("sameExecutor"))
        others = behind  # what the run before left behind goes on in what its executor's recorders hear
        behind = behind or any(phase.get("leftBehind") for phase in _phases_at(got, number))
        left = [_phases_at(side, number) for side in sides]
        found.append([False] * len(run["phases"]))
        for index, (theirs, ours) in enumerate(zip(*left, strict=False)):
            whole = [entry for entry in run["phases"][index]["events"] if entry["channel"] != "stream"]
            heard = [[entry for entry in phase["events"] if entry["channel"] != "stream"] for phase in (theirs, ours)]
            is_whole = "outcome" in theirs and len(heard[0]) == len(whole)
            leaves = got["runs"][number]["phases"][index].get("leftBehind")
            found[-1][index] = is_whole and not (others or leaves) and difference(*heard) is None
    return found


def _phases_at(result: Result, number: int) -> list[Json]:
    return result["runs"][number]["phases"] if number < len(result["runs"]) else []


def _under_the_rules(expected: Result, got: Result, case: Mapping[str, Any]) -> list[Result]:
    """What the rules leave of both sides, what the reference loses aside."""
    sides = [copy.deepcopy(expected), copy.deepcopy(got)]
    hidings = [run.pop("hiding", Hiding()) for run in sides[1]["runs"]]
    merged = [run.pop("mergedWhole", []) for run in sides[1]["runs"]]
    for side in sides:
        for run, values in zip(side["runs"], merged, strict=False):
            if values:
                merged_whole(run["phases"], values)
    aligned = expected.get("concurrency") != "deep"
    for theirs, ours, hiding in zip(sides[0]["runs"], sides[1]["runs"], hidings, strict=False):
        if hiding.active:
            hide_in_both(theirs["phases"], ours["phases"], hiding, aligned=aligned)
    for side in sides:
        side.pop("engine", None)
        for rule in RULES:
            rule(side, case)
    the_end_is_the_end(*sides, case)
    fresh_narrative(*sides, case)
    where_it_parts(*sides, case, LOSSES)
    never_begun(*sides, case)
    for side in sides:
        name_runs(side, _is_named_run)  # once more: what the rules leave out may have been the first to show one
    return sides


def _is_named_run(text: str) -> bool:
    return text.startswith("<run-")


# ── rules (docs/parity.md) ───────────────────────────────────────────────────────────────────────────────────────────
def nothing_is_none(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """None is nothing: of a null result, a null payload of the run's end and a null reason of a break we may say nothing."""
    for theirs, ours in phases_of(expected, got):
        _forget_null(theirs, ours, "result")
        for one, other in dicts_in_both(theirs, ours):
            if {"id", "isError"} <= one.keys() & other.keys():  # of a parallel child
                _forget_null(one, other, "result")
        for entry, other in zip(theirs["events"], ours["events"], strict=False):
            member = _MAY_BE_NONE.get(entry["method"])
            if member is not None:
                _forget_null(entry["event"], other["event"], member)
        let_pass(theirs, ours, _is_null_branch, [*STATES, "events", "error", "narrative", "result"])


_NULL_BRANCH = re.compile(
    r"(returned branch ID '|returned unknown child IDs: |^Returned '|^returned branchId: )null('|$|\. Available)|^null$"
)


def _is_null_branch(theirs: Json, ours: Json) -> bool:
    """Whether a text differs in what is said of a branch that nobody named."""
    return isinstance(theirs, str) and theirs != ours and ours == _NULL_BRANCH.sub(r"\1undefined\2", theirs)


_MAY_BE_NONE = {"onRunEnd": "payload", "onBreak": "reason"}


def _forget_null(theirs: Json, ours: Json, member: str) -> None:
    if member in theirs and theirs[member] is None and member not in ours:
        del theirs[member]


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


def fresh_narrative(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """From a resume in a new executor on, the reference's narrative is empty; ours may tell what happened."""
    for run, theirs, ours in zip(runs_of(case), expected["runs"], got["runs"], strict=False):
        fresh = False
        for entry, *sides in zip(run.get("resume") or (), theirs["phases"][1:], ours["phases"][1:], strict=False):
            fresh = fresh or bool(entry.get("fresh"))
            if fresh and sides[0]["narrative"] == []:
                sides[1]["narrative"] = []


_HALF = re.compile("[\ud800-\udfff]")
_CUT_HALF = re.compile(r"\\ud[89ab][0-9a-f]{2}(?=\.\.\.)")


def halves_in_texts(result: Result, _case: Mapping[str, Any]) -> None:
    """Half of a surrogate pair in a text about a value is written out as an escape; one left by a cut is left out."""
    for run in result["runs"]:
        for phase in run["phases"]:
            for entry in phase["narrative"]:
                entry["text"] = _without_halves(entry["text"])
            for summary in dicts_in(phase):
                if not _SUMMARIES.isdisjoint(summary) and isinstance(summary.get("preview"), str):
                    summary["preview"] = _LAST_HALF.sub("", _without_halves(summary["preview"]))
                for name in _VALUE_TEXTS:
                    if isinstance(summary.get(name), str):
                        summary[name] = _without_halves(summary[name])


_SUMMARIES = frozenset({"__readSummary", "__writeSummary"})
_VALUE_TEXTS = ("actualSummary", "valueSummary")  # of conditions and of what a function rule read
_LAST_HALF = re.compile(r"\\ud[89ab][0-9a-f]{2}$")


def _without_halves(text: str) -> str:
    return _CUT_HALF.sub("", _HALF.sub(lambda m: f"\\u{ord(m[0]):04x}", text))


def charts_as_built(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """The reference writes what stages of the outermost chart do into returned charts, too, at the same ids; ours stay as they were built."""
    if "return_subflows" not in json.dumps(case):
        return
    outermost = _ids_outside(case["chart"])
    for theirs, ours in dicts_in_both(expected["runs"], got["runs"]):
        for name in ("pipelineStructure", "specStructure"):
            for built, mine in dicts_in_both(theirs.get(name), ours.get(name)):
                if built.get("id") in outermost and built.get("id") == mine.get("id"):
                    for member in _WRITTEN_WHILE_RUNNING:
                        built.pop(member, None)
                        if member in mine:
                            built[member] = mine[member]


_WRITTEN_WHILE_RUNNING = (
    "children",
    "next",
    "iterationCount",
    "isSubflowRoot",
    "subflowId",
    "subflowName",
    "subflowStructure",
)


def _ids_outside(chart: Json) -> set[Json]:
    """Ids of the stages of a chart, and of those that they return; not of those in charts that it mounts or that they return."""
    found: set[Json] = set()
    stack = [chart]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part.get("id"), str):
                found.add(part["id"])
            stack += [value for name, value in part.items() if name != "chart"]
        elif isinstance(part, list):
            stack += part
    return found


_HIDDEN = "[REDACTED]"
_TELLING_CONDITION = re.compile(rf"(\[REDACTED\] (?:{'|'.join(sorted(TELLING_OPERATORS))}) ).*?(?= [✓✗])", re.DOTALL)


def hidden_thresholds(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """Where a condition's actual value is hidden, we hide a threshold that it was compared with for equality."""
    for condition in dicts_in(got["runs"]):
        hidden = condition.get("redacted") is True and condition.get("actualSummary") == HIDDEN
        if hidden and condition.get("op") in TELLING_OPERATORS:
            condition["threshold"] = _HIDDEN  # the comparison itself has hidden it, on both sides
    for run in expected["runs"]:
        for phase in run["phases"]:
            for condition in dicts_in(phase):
                if condition.get("redacted") is True and condition.get("op") in TELLING_OPERATORS:
                    condition["threshold"] = _HIDDEN
            for entry in phase["narrative"]:
                entry["text"] = _TELLING_CONDITION.sub(rf"\1{_HIDDEN}", entry["text"])


RULES: tuple[Callable[[Result, Mapping[str, Any]], None], ...] = (
    extras,
    halves_in_texts,
)
LOSSES: tuple[Callable[[Result, Result, Mapping[str, Any]], None], ...] = (
    nothing_is_none,
    hidden_thresholds,
    errors_in_the_state,
    charts_as_built,
    denied_names,
)

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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from tests.conformance._canon import canonical
from tests.conformance._difference import HIDDEN, Difference, dicts_in, difference
from tests.conformance._js import LANGUAGE_ERRORS
from tests.conformance._secrets import Hiding, forgive_cuts, hide_in_both
from tests.conformance._view import name_runs

__all__ = ["RULES", "first_difference", "same_events"]

Json = Any
Result = dict[str, Json]


def first_difference(expected: Result, got: Result, case: Mapping[str, Any]) -> Difference | None:
    """The first difference left by the rules; None when the two agree.

    The reference's `concurrency` says how: strictly, or by canonical form when parallel branches were charts.
    """
    sides = _under_the_rules(expected, got, case)
    if expected.get("concurrency") == "deep":
        sides = [canonical(side) for side in sides]
        forgive_cuts(*sides)
    for lost in LOSSES:
        lost(*sides, case)
    return difference(sides[0], sides[1])


def same_events(expected: Result, got: Result, case: Mapping[str, Any]) -> list[list[bool]]:
    """Of each run's phases, whether the rules compare all of its events, and they are the same in the same order."""
    sides = _under_the_rules(expected, got, case)
    for lost in (nothing_is_none, hidden_thresholds):
        lost(*sides, case)
    found: list[list[bool]] = []
    for number, run in enumerate(expected["runs"]):
        left = [side["runs"][number]["phases"] if number < len(side["runs"]) else [] for side in sides]
        found.append([False] * len(run["phases"]))
        for index, (theirs, ours) in enumerate(zip(*left, strict=False)):
            whole = [entry for entry in run["phases"][index]["events"] if entry["channel"] != "stream"]
            heard = [[entry for entry in phase["events"] if entry["channel"] != "stream"] for phase in (theirs, ours)]
            is_whole = "outcome" in theirs and len(heard[0]) == len(whole)
            found[-1][index] = (
                is_whole and not got["runs"][number]["phases"][index].get("leftBehind") and difference(*heard) is None
            )
    return found


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
    for cut in CUTS:
        cut(*sides, case)
    for side in sides:
        name_runs(side, _is_named_run)  # once more: what the rules leave out may have been the first to show one
    return sides


def _is_named_run(text: str) -> bool:
    return text.startswith("<run-")


# ── rules (docs/parity.md) ───────────────────────────────────────────────────────────────────────────────────────────
def nothing_is_none(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """None is nothing: of a null result, a null payload of the run's end and a null reason of a break we may say nothing."""
    for theirs, ours in _phases_of(expected, got):
        _forget_null(theirs, ours, "result")
        for one, other in _dicts_in_both(theirs, ours):
            if {"id", "isError"} <= one.keys() & other.keys():  # of a parallel child
                _forget_null(one, other, "result")
        for entry, other in zip(theirs["events"], ours["events"], strict=False):
            member = _MAY_BE_NONE.get(entry["method"])
            if member is not None:
                _forget_null(entry["event"], other["event"], member)
        _let_pass(theirs, ours, _is_null_branch, [*_STATES, "events", "error", "narrative", "result"])


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


def never_begun(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """A run that never began shows what its executor's last one left: where that is left out, so is this. The reference has dropped its lines and its pause."""
    left_out = False
    for number, run in enumerate(_runs(case)[: min(len(expected["runs"]), len(got["runs"]))]):
        phases = expected["runs"][number]["phases"], got["runs"][number]["phases"]
        never = run.get("sameExecutor") and all(kept and not kept[0]["events"] for kept in phases)
        if never and phases[0][0]["narrative"] == []:
            phases[1][0]["narrative"] = []
            del phases[1][1:]
        if never and left_out:
            for kept in phases:
                kept[0].update(snapshot={"commitLog": []}, narrative=[])
                for name in _ASKED:
                    kept[0].pop(name, None)
            continue
        more = len(run.get("resume") or ())
        left_out = any(_is_cut_short(kept, more) for kept in phases)


def _is_cut_short(phases: list[Json], resumes: int) -> bool:
    """Whether the rules left out a part of a run's phases; `resumes`: how often it was to be resumed."""
    return not phases or "outcome" not in phases[-1] or ("checkpoint" in phases[-1] and len(phases) <= resumes)


def fresh_narrative(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """From a resume in a new executor on, the reference's narrative is empty; ours may tell what happened."""
    for run, theirs, ours in zip(_runs(case), expected["runs"], got["runs"], strict=False):
        fresh = False
        for entry, *sides in zip(run.get("resume") or (), theirs["phases"][1:], ours["phases"][1:], strict=False):
            fresh = fresh or bool(entry.get("fresh"))
            if fresh and sides[0]["narrative"] == []:
                sides[1]["narrative"] = []


def failing_on_resume(result: Result, case: Mapping[str, Any]) -> None:
    """Where a recorder raises in `onResume`, what follows the resume is left out."""
    kept = False
    for run, ran in zip(_runs(case), result["runs"], strict=False):
        throwing = (run.get("options") or {}).get("throwingRecorder") or {}
        fails = any("onResume" in methods for methods in throwing.values())
        kept = kept if run.get("sameExecutor") else fails  # an executor keeps its recorders
        if (fails or kept) and len(ran["phases"]) > 1:
            del ran["phases"][1:]
            result.pop("concurrency", None)


def the_end_is_the_end(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """What children that a failure or a pause left behind do when the run has ended is left out, in that run and in those after it."""
    hurries = '"failFast": true' in json.dumps(case)
    for number, (theirs, ours) in enumerate(zip(expected["runs"], got["runs"], strict=False)):
        left = [bool(phase.pop("leftBehind", False)) for phase in ours["phases"]]
        pairs = list(zip(theirs["phases"], ours["phases"], strict=False))
        behind = [hurries and each and _goes_on(*pair) for each, pair in zip(left, pairs, strict=False)]
        if True not in behind:
            continue
        index = behind.index(True)
        one, other = pairs[index]
        end = _first(one["events"], lambda entry: entry["method"] in _ENDS)
        del one["events"][len(other["events"]) if end is None else end + 1 :]
        log, lines = other["snapshot"]["commitLog"], other["narrative"]
        del one["snapshot"]["commitLog"][len(log) :], one["narrative"][len(lines) :]
        for phase in (one, other):
            phase["snapshot"] = {"commitLog": phase["snapshot"]["commitLog"]}
            for name in _ASKED:
                phase.pop(name, None)
            for name in _OF_STATE:
                phase.get("checkpoint", {}).pop(name, None)
        after = _runs(case)[number + 1 : number + 2]
        # It can be noticed by the same executor's recorders, and by what the case itself counts.
        shared = any(run.get("sameExecutor") for run in after) or '"fail_times"' in json.dumps(case)
        for result in (expected, got):
            del result["runs"][number]["phases"][index + 1 :]
            result.pop("concurrency", None)
            if shared:
                del result["runs"][number + 1 :]


def _goes_on(theirs: Json, ours: Json) -> bool:
    """Whether somebody may have been stopped: nobody else tells what paused from what was left behind by a pause."""
    more = any(len(one) > len(other) for one, other in zip(_done(theirs), _done(ours), strict=True))
    return ours.get("outcome") != "paused" or more


def _done(phase: Json) -> tuple[Json, Json]:
    return phase["events"], phase["snapshot"]["commitLog"]


_ENDS = frozenset({"onRunEnd", "onRunFailed"})
_OF_STATE = ("sharedState", "executionTree", "subflowStates", "subflowResults", "executionCount", "visitCounts")
"""Members of a checkpoint that show what has been done, rather than where it waits."""
_ASKED = ("snapshotRedacted", "redactionReport", "queries")
"""Members of a phase that are asked of what it left, beside snapshot and narrative."""


def nothing_is_lost(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """From where on the reference leaves out a part of the work, neither side is compared; up to there, both are."""
    losses = _Losses(case)
    lacks, held = False, None
    for run, theirs, ours in zip(_runs(case), expected["runs"], got["runs"], strict=False):
        hung = ours.pop("hung", [])
        # An executor keeps the state that its runs begin with.
        lacks = lacks if run.get("sameExecutor") else _denies((run.get("options") or {}).get("defaultValuesForContext"))
        if lacks and theirs["phases"] and ours["phases"]:
            _cut(theirs["phases"], 0, 0)
            _cut(ours["phases"], 0, 0)
            continue
        checkpoints = [None, *(phase.get("checkpoint") for phase in theirs["phases"])]
        if run.get("sameExecutor") and theirs["phases"] and not theirs["phases"][0]["events"]:
            checkpoints[1] = held  # a run that never began leaves the executor waiting, if it did
        own = takewhile(lambda entry: not entry.get("fresh"), run.get("resume") or ())
        held = checkpoints[: 2 + sum(1 for _ in own)][-1]
        for index, phase in enumerate(theirs["phases"]):
            sides = [side["phases"][index : index + 1] for side in (theirs, ours)]
            if not all(sides):
                break
            before = checkpoints[index]
            for side in (phase, ours["phases"][index]):
                _without_stream_of(before, side)
            unheard = ours["phases"][index].pop("unheard", None)
            ends = losses.ends(before, phase, ours["phases"][index])
            if before and unheard is not None and losses.unheard(before, unheard):
                ends = 0, 0
            if hung and ends is None:
                ends = _up_to_mount(hung, phase, ours["phases"][index])
            if ends is not None:
                for side, end in zip((theirs, ours), ends, strict=True):
                    _cut(side["phases"], index, end)
                for result in (expected, got):
                    result.pop("concurrency", None)
                    name_runs(result, _is_named_run)  # as later runs are looked at, too
                break


def _up_to_mount(ids: list[str], theirs: Json, ours: Json) -> tuple[int, int] | None:
    """How many events there are until one of those mounts is left: it hands out members by name over a list or a date."""

    def leaves(entry: Json) -> bool:
        return entry["method"] == "onSubflowExit" and entry["event"]["subflowId"].rpartition("/")[2] in ids

    ends = [_first(side["events"], leaves) for side in (theirs, ours)]
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def _without_stream_of(checkpoint: Json, phase: Json) -> None:
    """Leave out what a stage that goes on streams: the reference's does not. Up to its commit, or to all that is there."""
    if checkpoint is None:
        return
    paused = checkpoint["pausedStageId"]
    events = phase["events"]
    until = _first(events, lambda entry: entry["method"] == "onCommit" and entry["event"].get("stageId") == paused)
    until = len(events) if until is None else until
    events[:until] = [entry for entry in events[:until] if entry.get("channel") != "stream"]


class _Losses:
    """Where the reference begins to leave out what a case's charts ask for."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        charts = list(_calls([case.get("chart"), case.get("charts")]))
        steps = [call for calls in charts for call in calls]
        branches = [branch for call in steps for branch in call.get("branches") or ()]
        self._hung = set[Json]().union(*map(_hung_on, charts))
        self._hung_mounts = self._hung & {call["id"] for call in steps if call["call"] in _MOUNTED}
        self._lazy = {call["id"] for call in steps if call["call"].startswith("lazy")}
        self._lazy |= {branch["id"] for branch in branches if branch.get("kind") == "lazySubflow"}
        self._apart = {call["id"] for call in steps if call["call"] in _CHILDREN - {"fork"}}
        self._apart |= {branch["id"] for branch in branches if branch.get("kind") in ("subflow", "lazySubflow")}
        self._children = {child["id"] for call in steps if call["call"] == "fork" for child in call["children"]}
        self._branches = {branch["id"] for branch in branches}
        self._last = set[Json]().union(*map(_last, charts))
        self._choosing = {call["id"] for call in steps if call["call"] in _CHOOSING}
        falling = [[call["id"] for call in calls if call.get("default") is not None] for calls in charts]
        self._later = {each for ids in falling for each in ids[1:]}
        self._unfound = _mounts_it_cannot_find(case)

    def ends(self, checkpoint: Json, theirs: Json, ours: Json) -> tuple[int, int] | None:
        """How many events of a phase are to be compared on each side; None when the whole phase is.

        `checkpoint` is what the phase before left when it paused.
        """
        both = theirs["events"], ours["events"]
        written = [_first(events, _writes_denied) for events in both]
        if written[0] is not None and written[0] == written[1]:
            return written[0] + 1, written[0] + 1
        end = self._of_pause(checkpoint, theirs, ours) if checkpoint else None
        if end is None and self._unfound:
            entered = [_first(events, self._is_unfound) for events in both]
            if entered[0] is not None and entered[1] is not None:
                # Of parallel children, how far the others are by then hangs on what the reference does with this one.
                alone = not any(entry["method"] == "onFork" for entry in both[0][: entered[0]])
                return (entered[0], entered[1]) if alone else (0, 0)
        if end is None and self._hung_mounts:
            found = [_first(events, self._is_at_hung_mount) for events in both]
            return None if found[0] is None or found[1] is None else (found[0], found[1])
        return end

    def unheard(self, checkpoint: Json, events: list[Json]) -> bool:
        """Whether something is left out after that pause, in a phase whose events the reference's runner does not hear.

        These are of an executor that was resumed afresh before; `events` are ours.
        """
        return self._may_follow(checkpoint) or _first(events, _LoopsBack(checkpoint["pausedStageId"])) is not None

    def _may_follow(self, checkpoint: Json) -> bool:
        path = {mount.rpartition("/")[2] for mount in checkpoint.get("subflowPath") or ()}
        stage = checkpoint["pausedStageId"].rpartition("/")[2]
        odd = self._children | self._hung | self._choosing
        return len(path) > 1 or bool(path & (self._lazy | self._apart)) or stage in odd

    def _is_unfound(self, entry: Json) -> bool:
        return entry["method"] == "onSubflowEntry" and entry["event"]["subflowId"] in self._unfound

    def _is_at_hung_mount(self, entry: Json) -> bool:
        """Whether an event is of a mount that children hang on: they run in place of what it mounts."""
        event = entry["event"]
        context = event.get("traversalContext") or {}
        ids = (event.get("subflowId"), context.get("stageId"), event.get("stageId"))
        return any(isinstance(found, str) and found.rpartition("/")[2] in self._hung_mounts for found in ids)

    def _of_pause(self, checkpoint: Json, theirs: Json, ours: Json) -> tuple[int, int] | None:
        both = theirs["events"], ours["events"]
        path = [mount.rpartition("/")[2] for mount in checkpoint.get("subflowPath") or ()]
        stage = checkpoint["pausedStageId"].rpartition("/")[2]
        if self._lazy.intersection(path) and _refused(theirs) and not _refused(ours):
            return 0, 0
        if stage == "default" and str(checkpoint.get("invokerStageId")).rpartition("/")[2] in self._later:
            return 0, 0  # takes the first decider's default branch
        if len(path) > 1:
            return _ENTERING, _ENTERING  # begins the outer chart anew
        if stage in self._children or self._apart.intersection(path):
            ended = len(both[0]) - 1
            if len(both[1]) > len(both[0]) and difference(both[0][:ended], both[1][:ended]) is None:
                return ended, ended  # ends there, without what comes after the branch or the children
            if path and (stage in self._children or stage in self._last):
                return _through_stage(both[0]), _through_stage(both[1])  # ends the chart, or goes on inside of it
        if stage in self._branches and "continuationStageId" not in checkpoint:
            ended = len(both[0]) - 1  # paused there before: what comes after its decider is forgotten
            if len(both[1]) > len(both[0]) and difference(both[0][:ended], both[1][:ended]) is None:
                return ended, ended
        if stage in self._hung and stage not in self._choosing:
            return _through_stage(both[0]), _through_stage(both[1])
        if stage in self._choosing:
            ends = [_first(events, lambda entry: entry["method"] == "onCommit") for events in both]
            if ends[0] is not None and ends[1] is not None:
                return ends[0] + 1, ends[1] + 1
        if str(theirs.get("error", {}).get("message")).startswith("dynamicNext target node not found: "):
            parts = next(
                (at for at, pair in enumerate(zip(*both, strict=False)) if difference(*pair) is not None), None
            )
            if parts is not None and both[1][parts]["method"] == "onLoop":
                return parts, parts  # a stage goes back to one before the stage that paused
        back = [_first(events, _LoopsBack(checkpoint["pausedStageId"])) for events in both]
        return None if back[0] is None or back[1] is None else (back[0], back[1])


def _mounts_it_cannot_find(case: Mapping[str, Any]) -> set[str]:
    """What charts are called that are mounted in a chart mounted in a lazy one, or in one of a for-each."""
    named = case.get("charts") or {}

    def mounted(chart: Json) -> list[dict[str, Json]]:
        calls = named.get(chart, []) if isinstance(chart, str) else chart or []
        steps = [*calls, *(branch for call in calls for branch in call.get("branches", ()))]
        return [step for step in steps if (step.get("call") or step.get("kind")) in _FOUND_WHEN_BUILT]

    found: set[str] = set()
    for item in dicts_in([case.get("chart"), case.get("charts")]):
        each = item.get("call") == "parallelForEach"
        lazy = each or str(item.get("call") or item.get("kind")).startswith("lazy")
        for outer in mounted(item.get("branch" if each else "chart")) if lazy else ():
            found.update(f"{outer['id']}/{mount['id']}" for mount in mounted(outer["chart"]))
    return found


_FOUND_WHEN_BUILT = frozenset({"subflow", "subflowNext"})
_CHOOSING = frozenset({"decider", "selector", "startSelector"})
_ENTERING = 3
"""Events before anything of the chart runs: the flow resumes, the scope, the run starts."""


_DENIED = frozenset({"__proto__", "constructor", "prototype"})


def _writes_denied(entry: Json) -> bool:
    """Whether an event is a write to a key that the reference never keeps, as it might reach what JavaScript inherits."""
    event = entry["event"]
    return entry["method"] == "onWrite" and event.get("operation") != "delete" and event.get("key") in _DENIED


def _denies(defaults: Json) -> bool:
    """Whether defaults of a state name a key that the reference drops there."""
    return any(name in _DENIED for part in dicts_in(defaults) for name in part)


def _refused(phase: Json) -> bool:
    return "error" in phase and phase["error"]["message"].startswith("Cannot resume: stage ")


def _first(events: list[Json], holds: Callable[[Json], bool]) -> int | None:
    return next((index for index, entry in enumerate(events) if holds(entry)), None)


def _through_stage(events: list[Json]) -> int:
    """Events up to the end of the stage that goes on."""
    end = _first(events, lambda entry: entry["method"] == "onStageExecuted" and entry["event"]["stageType"] == "linear")
    return len(events) if end is None else end + 1


class _LoopsBack:
    """Finds a loop edge to the stage that paused, or before it: to none that has run since."""

    def __init__(self, paused: str) -> None:
        self._paused = paused
        self._ran: set[Json] = set()

    def __call__(self, entry: Json) -> bool:
        event = entry["event"]
        if entry["method"] == "onStageStart" and event["stageId"] != self._paused:
            self._ran.add(event["stageName"])
        return entry["method"] == "onLoop" and event["target"] not in self._ran


def _cut(phases: list[Json], index: int, end: int) -> None:
    """Keep of a phase its first events, and of log and narrative what these stages left; and no phase after it."""
    phase = phases[index]
    events = phase["events"][:end]
    commits = Counter(entry["event"]["runtimeStageId"] for entry in events if entry["method"] == "onCommit")
    told = {
        (kind, (entry["event"].get("traversalContext") or {}).get("runtimeStageId"))
        for entry in events
        for kind in _TOLD_AT.get(entry["method"], ())
    }
    before = phases[index - 1] if index else {"snapshot": {"commitLog": []}, "narrative": []}
    log, lines = phase["snapshot"]["commitLog"], phase["narrative"]
    phases[index:] = [
        {
            "op": phase["op"],
            "events": events,
            "snapshot": {"commitLog": _up_to(log, before["snapshot"]["commitLog"], _Committed(commits))},
            "narrative": _up_to(
                lines,
                before["narrative"],
                lambda line: (line["type"], line.get("runtimeStageId")) in told,
            ),
        }
    ]


class _Committed:
    """Whether a commit is one that there has been an event of."""

    def __init__(self, commits: Counter[Json]) -> None:
        self._left = commits

    def __call__(self, bundle: Json) -> bool:
        self._left[bundle["runtimeStageId"]] -= 1
        return self._left[bundle["runtimeStageId"]] >= 0


_TOLD_AT = {"onStageExecuted": ("stage", "step"), "onResume": ("resume",)}
"""Lines of a narrative, by what has to have happened before they are told."""


def _up_to(entries: list[Json], before: list[Json], holds: Callable[[Json], bool]) -> list[Json]:
    """What an earlier phase had, and of what came after it the first for which `holds`."""
    # By what they are of: what is hidden in them may be hidden in one phase, and not yet in the one before.
    goes_on = [_of(entry) for entry in entries[: len(before)]] == [_of(entry) for entry in before]
    kept = len(before) if goes_on else 0
    return [*entries[:kept], *takewhile(holds, entries[kept:])]


def _of(entry: Json) -> tuple[Json, ...]:
    return tuple(entry.get(name) for name in ("type", "stage", "runtimeStageId", "idx"))


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


def _last(calls: list[dict[str, Json]]) -> set[Json]:
    """Ids of the last step of a chart and of its branches."""
    steps = [call for call in calls if "id" in call]
    return {step["id"] for step in (*steps[-1:], *(steps[-1].get("branches") or () if steps else ()))}


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


def _runs(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return case.get("runs") or [case.get("run") or {}]


_STATES = ("snapshot", "snapshotRedacted", "checkpoint", "queries")


def errors_in_the_state(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """Of an error in the state the reference has the message alone; ours may have the name and code it was raised with, too."""
    for theirs, ours in zip(expected["runs"], got["runs"], strict=False):
        raised = [found["structuredError"] for found in dicts_in(theirs["phases"]) if "structuredError" in found]
        lost = _LostName([{name: error.get(name) for name in _ERROR_PARTS} for error in raised])
        for one, other in zip(theirs["phases"], ours["phases"], strict=False):
            _let_pass(one, other, lost, [*_STATES, "events", "narrative"])
            for bundle, mine in _dicts_in_both(one.get("snapshot"), other.get("snapshot")):
                if "overwrite" in bundle and "trace" in bundle:
                    lost.forget_written_again(bundle, mine)


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
        """In a commit, what the reference takes for a change: an error that is no longer like its copy."""
        told = [error["message"] for error in self._raised if error["name"] != "Error" or error["code"] is not None]
        for key in [key for key in theirs["overwrite"] if key not in ours["overwrite"]]:
            errors = [found["$error"] for found in dicts_in(theirs["overwrite"][key]) if found.keys() == {"$error"}]
            if any(error["message"] in told for error in errors):
                del theirs["overwrite"][key]
                theirs["trace"] = [row for row in theirs["trace"] if row["path"].partition("\x1f")[0] != key]


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
        for node in dicts_in([phase.get(name) for name in _STATES]):
            for key in node.get("stageWrites") or ():
                if last.get((node.get("runtimeStageId"), key)) == "update":
                    _empty(node["stageWrites"], key, values)
        for line in phase["narrative"]:
            if _UPDATED.match(line["text"]) and "rawValue" in line:
                _empty(line, "rawValue", values)


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


def _phases_of(expected: Result, got: Result) -> Iterator[tuple[Json, Json]]:
    """The phases of both sides, as far as both have them."""
    for theirs, ours in zip(expected["runs"], got["runs"], strict=False):
        yield from zip(theirs["phases"], ours["phases"], strict=False)


def _dicts_in_both(theirs: Json, ours: Json) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
    """Every object that stands at the same place on both sides."""
    stack = [(theirs, ours)]
    while stack:
        one, other = stack.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            yield one, other
            stack += [(one[key], other[key]) for key in one if key in other]
        elif isinstance(one, list) and isinstance(other, list):
            stack += zip(one, other, strict=False)


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


def charts_as_built(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """The reference writes what stages of the outermost chart do into returned charts, too, at the same ids; ours stay as they were built."""
    if "return_subflows" not in json.dumps(case):
        return
    outermost = _ids_outside(case["chart"])
    for theirs, ours in _dicts_in_both(expected["runs"], got["runs"]):
        for name in ("pipelineStructure", "specStructure"):
            for built, mine in _dicts_in_both(theirs.get(name), ours.get(name)):
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
_TELLING_OPERATORS = frozenset({"eq", "ne", "in", "notIn"})
_TELLING_CONDITION = re.compile(r"(\[REDACTED\] (?:eq|ne|in|notIn) ).*?(?= [✓✗])", re.DOTALL)


def hidden_thresholds(expected: Result, got: Result, _case: Mapping[str, Any]) -> None:
    """Where a condition's actual value is hidden, we hide a threshold that it was compared with for equality."""
    for condition in dicts_in(got["runs"]):
        hidden = condition.get("redacted") is True and condition.get("actualSummary") == HIDDEN
        if hidden and condition.get("op") in _TELLING_OPERATORS:
            condition["threshold"] = _HIDDEN  # the comparison itself has hidden it, on both sides
    for run in expected["runs"]:
        for phase in run["phases"]:
            for condition in dicts_in(phase):
                if condition.get("redacted") is True and condition.get("op") in _TELLING_OPERATORS:
                    condition["threshold"] = _HIDDEN
            for entry in phase["narrative"]:
                entry["text"] = _TELLING_CONDITION.sub(rf"\1{_HIDDEN}", entry["text"])


RULES: tuple[Callable[[Result, Mapping[str, Any]], None], ...] = (
    extras,
    failing_on_resume,
    halves_in_texts,
)
CUTS: tuple[Callable[[Result, Result, Mapping[str, Any]], None], ...] = (
    the_end_is_the_end,
    fresh_narrative,
    nothing_is_lost,
    never_begun,
)
LOSSES: tuple[Callable[[Result, Result, Mapping[str, Any]], None], ...] = (
    nothing_is_none,
    hidden_thresholds,
    errors_in_the_state,
    charts_as_built,
)

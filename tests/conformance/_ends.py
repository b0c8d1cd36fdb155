"""What a run shows that is not its own: what children still do when it has ended, and what the one before it left (rules 6 and 8)."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.conformance._cutting import Told, cut_later, executions, first
from tests.conformance._partings import runs_of

__all__ = ["never_begun", "the_end_is_the_end"]

Json = Any
Result = dict[str, Json]


def the_end_is_the_end(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """What children that a failure or a pause left behind do when the run has ended is left out, in that run and in those after it."""
    hurries = '"failFast": true' in json.dumps(case)
    for number, (theirs, ours) in enumerate(zip(expected["runs"], got["runs"], strict=False)):
        left = [bool(phase.pop("leftBehind", False)) for phase in ours["phases"]]
        if not hurries or True not in left:
            continue
        # It can be noticed by the same executor's recorders, and by what the case itself counts.
        for later in _on_the_same_executor(case, number):
            for pair in zip(*(result["runs"][later : later + 1] for result in (expected, got)), strict=False):
                _hear_the_same(*pair)
        pairs = list(zip(theirs["phases"], ours["phases"], strict=False))
        behind = [each and _goes_on(*pair) for each, pair in zip(left, pairs, strict=False)]
        if True not in behind:
            continue
        index = behind.index(True)
        _cut_at_the_end(*pairs[index])
        counts = '"fail_times"' in json.dumps(case)
        for result in (expected, got):
            del result["runs"][number]["phases"][index + 1 :]
            result.pop("concurrency", None)
            if counts:
                del result["runs"][number + 1 :]


def _on_the_same_executor(case: Mapping[str, Any], number: int) -> Iterator[int]:
    """Positions of the runs that follow one on its executor."""
    runs = runs_of(case)
    for later in range(number + 1, len(runs)):
        if not runs[later].get("sameExecutor"):
            return
        yield later


def _hear_the_same(theirs: Json, ours: Json) -> None:
    """Take what a later run's recorders heard, and what they make of it, for the same: some is of the children of the one before."""
    for one, other in zip(theirs["phases"], ours["phases"], strict=False):
        for name in _HEARD:
            if name in one and name in other:
                one[name] = copy.deepcopy(other[name])


_HEARD = ("events", "narrative", "queries")


def _cut_at_the_end(theirs: Json, ours: Json) -> None:
    """Leave out what the reference's children do when it has ended or paused, and what that changes."""
    end = first(theirs["events"], lambda entry: entry["method"] in _ENDS)
    at = len(ours["events"]) if end is None else end + 1
    begun, later = (executions(events) for events in (theirs["events"][:at], theirs["events"][at:]))
    over = Told([], begun - later)
    told = Told(theirs["events"][:at], set())
    del theirs["events"][at:]
    for of, entries, ours_of in (
        (told.is_committed, theirs["snapshot"]["commitLog"], ours["snapshot"]["commitLog"]),
        (told.is_line, theirs["narrative"], ours["narrative"]),
    ):
        kept = [index for index, entry in enumerate(entries) if of(entry)]
        del entries[max([len(ours_of), *(index + 1 for index in kept)]) :]
    for phase in (theirs, ours):
        phase["snapshot"] = {
            "commitLog": phase["snapshot"]["commitLog"],
            "stages": over.stages(phase["snapshot"].get("executionTree")),
        }
        for name in _ASKED:
            phase.pop(name, None)
        for name in _OF_STATE:
            phase.get("checkpoint", {}).pop(name, None)


def _goes_on(theirs: Json, ours: Json) -> bool:
    """Whether somebody may have been stopped: nobody else tells what paused from what was left behind by a pause."""
    more = any(len(one) > len(other) for one, other in zip(_done(theirs), _done(ours), strict=True))
    if ours.get("outcome") == "paused":
        return more and any(entry["method"] == "onPause" for entry in ours["events"])
    return True


def _done(phase: Json) -> tuple[Json, Json]:
    return phase["events"], phase["snapshot"]["commitLog"]


_ENDS = frozenset({"onRunEnd", "onRunFailed"})
_OF_STATE = ("sharedState", "executionTree", "subflowStates", "subflowResults", "executionCount", "visitCounts")
"""Members of a checkpoint that show what has been done, rather than where it waits."""
_ASKED = ("snapshotRedacted", "redactionReport", "queries")
"""Members of a phase that are asked of what it left, beside snapshot and narrative."""


def never_begun(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """A run that never began shows what its executor's last one left, and goes on from its pause: where that is left out, so is this. The reference has dropped its lines and its pause."""
    left_out = False
    for number, run in enumerate(runs_of(case)[: min(len(expected["runs"]), len(got["runs"]))]):
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
            cut_later(*phases, case)
            continue
        more = len(run.get("resume") or ())
        left_out = any(_is_cut_short(kept, more) for kept in phases)


def _is_cut_short(phases: list[Json], resumes: int) -> bool:
    """Whether the rules left out a part of a run's phases; `resumes`: how often it was to be resumed."""
    return not phases or "outcome" not in phases[-1] or ("checkpoint" in phases[-1] and len(phases) <= resumes)

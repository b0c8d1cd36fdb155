"""Where the reference parts from us: it leaves out, or does anew, what a run still has to do (rules 5 and 6 of docs/parity.md).

Both sides are compared event by event. Where the first two events differ, and that difference is one of `PLACES`, what
was told before it is compared, and nothing after it; everywhere else a difference is one. A place says what each side
does next, and by whose fault, so that another fault at the same place is still told.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from tests.conformance._cutting import Ends, cut_both, executions, first
from tests.conformance._difference import dicts_in, dicts_in_both, difference
from tests.conformance._view import name_runs

__all__ = ["DENIED", "PLACES", "charts_of", "denied_names", "runs_of", "where_it_parts"]

Json = Any
Result = dict[str, Json]
Loss = Callable[[Result, Result, Mapping[str, Any]], None]


def where_it_parts(expected: Result, got: Result, case: Mapping[str, Any], losses: tuple[Loss, ...]) -> None:
    """Leave out on both sides what follows where the reference parts from us; `losses` are rules about single values."""
    hung = [run.pop("hung", []) for run in got["runs"]]
    unheard = [[phase.pop("unheard", None) for phase in run["phases"]] for run in got["runs"]]
    charts = charts_of(case)
    odd = charts.hung_mounts or charts.unfound or inherited_defaults(case)
    if not (odd or _waits(expected) or any(hung) or _names_denied(got)):
        return
    forgiven = copy.deepcopy(expected), copy.deepcopy(got)
    for lost in losses:
        lost(*forgiven, case)
    held = None
    for number, (run, theirs, ours) in enumerate(zip(runs_of(case), expected["runs"], got["runs"], strict=False)):
        checkpoints = [None, *(phase.get("checkpoint") for phase in theirs["phases"])]
        if run.get("sameExecutor") and theirs["phases"] and not theirs["phases"][0]["events"]:
            checkpoints[1] = held  # a run that never began leaves the executor waiting, if it did
        own = takewhile(lambda entry: not entry.get("fresh"), run.get("resume") or ())
        held = checkpoints[: 2 + sum(1 for _ in own)][-1]
        for index, (one, other) in enumerate(zip(theirs["phases"], ours["phases"], strict=False)):
            phases = [side["runs"][number]["phases"][index] for side in forgiven]
            for pair in ((one, other), phases):
                _without_stream(charts, checkpoints[index], *pair)
            ends = _ends(charts, checkpoints[index], *phases, hung=hung[number], unheard=unheard[number][index])
            if ends is not None:
                for both in ((expected, got), forgiven):
                    cut_both(*(side["runs"][number]["phases"] for side in both), index, ends, case)
                    for side in both:
                        side.pop("concurrency", None)
                        name_runs(side, lambda text: text.startswith("<run-"))  # as later runs are looked at, too
                break


def _waits(result: Result) -> bool:
    return any("checkpoint" in phase for run in result["runs"] for phase in run["phases"])


def _names_denied(result: Result) -> bool:
    return any(_tells_denied(phase["events"]) for run in result["runs"] for phase in run["phases"])


def _ends(
    charts: Charts, checkpoint: Json, theirs: Json, ours: Json, *, hung: list[str], unheard: list[Json] | None
) -> Ends | None:
    """How many events of a phase are to be compared on each side; None when the whole phase is."""
    both = theirs["events"], ours["events"]
    at = next((at for at, pair in enumerate(zip(*both, strict=False)) if difference(*pair) is not None), None)
    if at is None and len(both[0]) != len(both[1]):
        at = min(map(len, both))
    if at is None:
        # Nothing that was heard says more; what is left behind may.
        if checkpoint and unheard is not None and charts.may_part_unheard(checkpoint, unheard):
            return (0, 0) if difference(theirs, ours) is not None else None
        left = _left(both[0], hung) if hung else None
        if left is not None and difference(theirs, ours) is not None:
            # The commit that hands them out is told before the exit; a log of deltas has lost them there, too.
            return (left - 1, left - 1) if left and both[0][left - 1]["method"] == "onCommit" else (left, left)
        return None
    parting = Parting(charts, checkpoint, theirs, ours, at, hung)
    place = next((place for place in PLACES if place(parting)), None)
    if place is loop_finds_another_target:
        # What it runs instead may tell the same for a while; what it leaves behind doesn't, its commits' tags, say.
        at = min(at, 1 + (parting.looped_back or at))
    return None if place is None else (at, at)


@dataclass(frozen=True)
class Parting:
    """The first two events of a phase that differ, and what is known about it.

    Attributes:
        charts: what the case's charts are made of.
        checkpoint: what the reference left when it paused before this phase; None for a run.
        theirs: the reference's phase.
        ours: our phase.
        at: how many events are the same.
        hung: ids of the mounts that handed out members by name over a list or a date.
    """

    charts: Charts
    checkpoint: Json
    theirs: Json
    ours: Json
    at: int
    hung: list[str]

    @property
    def paused(self) -> str:
        """The full id of the stage that paused; empty in a run."""
        return self.checkpoint["pausedStageId"] if self.checkpoint else ""

    @property
    def stage(self) -> str:
        """The stage's own id."""
        return own_id(self.paused)

    @property
    def path(self) -> list[str]:
        """The mounts around the stage, from the outermost in."""
        return (self.checkpoint or {}).get("subflowPath") or []

    @property
    def they(self) -> Entry:
        """What the reference tells next."""
        return Entry.at(self.theirs["events"], self.at)

    @property
    def we(self) -> Entry:
        """What we tell next."""
        return Entry.at(self.ours["events"], self.at)

    @property
    def same(self) -> list[Json]:
        """What both have told before."""
        return self.ours["events"][: self.at]

    @property
    def they_then(self) -> Entry:
        """What the reference tells behind that."""
        return Entry.at(self.theirs["events"], self.at + 1)

    @property
    def we_then(self) -> Entry:
        """What we tell behind that."""
        return Entry.at(self.ours["events"], self.at + 1)

    def mounts_by_other_names(self, mounts: Sequence[str]) -> bool:
        """Whether both enter one of those mounts, which is told by the name of the stage that its chart begins with."""
        both = self.they, self.we
        kinds = {(entry.method, entry.event.get("stageType"), entry.stage) for entry in both}
        names = [entry.event.get("stageName") for entry in both]
        known = {("onStageExecuted", "subflow-mount", mount) for mount in mounts}
        return len(kinds) == 1 and kinds <= known and names[0] != names[1]

    @property
    def tell_of_the_same(self) -> bool:
        """Whether both tell of a thing of one kind that the same stage did, with other values."""
        return (self.they.method, self.they.stage) == (self.we.method, self.we.stage)

    @property
    def looped_back(self) -> int | None:
        """Where both have told of a loop edge to the stage that paused, or to one before it."""
        return first(self.same, LoopsBack(self.paused))

    @property
    def we_go_on(self) -> bool:
        """Whether we tell of what follows a stage that is over: of an edge, or of an execution that is new."""
        told = executions(self.same)
        begun = executions(self.ours["events"][self.at : self.at + 1]) - told
        return self.we.method in ("onNext", "onLoop") or bool(begun)

    @property
    def their_error(self) -> str:
        """The message of the error that the reference's phase failed with."""
        return str(self.theirs.get("error", {}).get("message", ""))


@dataclass(frozen=True)
class Entry:
    """One event: its method and who told it; nothing at all behind the last one."""

    method: str
    event: Mapping[str, Json]
    is_last: bool

    @classmethod
    def at(cls, events: list[Json], at: int) -> Entry:
        """The `at`-th of them."""
        if at >= len(events):
            return cls("", {}, is_last=False)
        return cls(events[at]["method"], events[at]["event"], at == len(events) - 1)

    @property
    def stage(self) -> str:
        """Full id of the stage that it is about."""
        context = self.event.get("traversalContext") or {}
        return str(self.event.get("stageId") or context.get("stageId") or "")

    @property
    def mount(self) -> str:
        """Full id of the mount that it enters."""
        return self.event["subflowId"] if self.method == "onSubflowEntry" else ""

    def is_in(self, mounts: Iterable[str]) -> bool:
        """Whether it is of one of those mounts, or of a stage in them."""
        return any(f"{self.stage}/".startswith(f"{mount}/") for mount in mounts)


def own_id(full_id: str) -> str:
    """An id without the mounts before it."""
    return full_id.rpartition("/")[2]


# ── the places (docs/parity.md lists them by these names) ────────────────────────────────────────────────────────────
def recorder_fails_on_resume(p: Parting) -> bool:
    """A recorder's failure in `onResume` ends the reference's resume, and nothing else is told."""
    failed = p.their_error.startswith("recorder bad-") and p.their_error.endswith(" failed in onResume")
    return failed and not p.they.method and p.we.method in ("onResume", "onError")


def lazy_chart_is_refused(p: Parting) -> bool:
    """The reference refuses to look for the stage in a lazy chart; we go on in it."""
    message = f"Cannot resume: stage '{p.paused}' not found in flowchart. The chart may have changed since the checkpoint was created."
    lazy = any(own_id(mount) in p.charts.lazy for mount in p.path)
    return lazy and p.their_error == message and not p.they.method and p.we.method == "onResume"


def first_default_is_taken(p: Parting) -> bool:
    """The reference goes on with the default branch of the first decider that has one, we with that of the decider that took it."""
    later = p.stage == "default" and own_id(str(p.checkpoint.get("invokerStageId"))) in p.charts.later_defaults
    refused = p.their_error.startswith("Cannot resume: stage '") and not p.they.method and p.we.method == "onResume"
    return later and (refused or own_id(p.they.stage) == own_id(p.we.stage) == "default")


def outer_chart_begins_anew(p: Parting) -> bool:
    """In a chart inside of a chart: the reference runs the outer one from its start, we enter the inner one."""
    outer, _, inner = p.we.mount.rpartition("/")
    return bool(inner) and p.we.mount in p.path[1:] and p.they.stage.startswith(f"{outer}/")


def ends_after_a_branch(p: Parting) -> bool:
    """The reference ends the run, or the chart, after the parallel child or the branch that paused; we go on with the line."""
    if not p.checkpoint:
        return False
    forgotten = p.stage in p.charts.branches and "continuationStageId" not in p.checkpoint
    alone = p.stage in p.charts.children or forgotten
    apart = alone or any(own_id(mount) in p.charts.apart for mount in p.path)
    ends = (alone and p.they.method == "onSubflowExit") or (apart and p.they.method == "onRunEnd" and p.they.is_last)
    return ends and p.we_go_on


def goes_on_inside_a_branch(p: Parting) -> bool:
    """Behind the last stage of a branch's chart the reference goes on inside of it with what follows the decider; we leave it first."""
    follows = (p.checkpoint or {}).get("continuationStageId")
    inside = bool(p.path and follows) and p.stage in p.charts.last_stages
    return inside and p.they.method == "onNext" and p.they.stage == p.paused and p.we.method == "onSubflowExit"


def children_are_left_out(p: Parting) -> bool:
    """The reference goes on without the children that hang on the stage; we run them."""
    forks = p.stage in p.charts.hung and p.we.method == "onFork" and p.we.stage == p.paused
    return forks and p.they.method in (
        "onNext",
        "onLoop",
        "onStageStart",
        "onSubflowEntry",
        "onSubflowExit",
        "onRunEnd",
    )


def choice_is_left_out(p: Parting) -> bool:
    """A decider or selector that goes on is a stage like any other to the reference; ours chooses, or fails to."""
    linear = p.they.method == "onStageExecuted" and p.they.event["stageType"] == "linear"
    chooses = p.we.method in ("onDecision", "onSelected", "onRunFailed")
    return p.stage in p.charts.choosing and linear and p.they.stage == p.paused and chooses


def loop_finds_another_target(p: Parting) -> bool:
    """A loop edge to the stage that paused, or to one before it, finds the half that went on, or a stage without a line behind it."""
    if not p.checkpoint:
        return False
    by_id = p.they.method == p.we.method == "onLoop" and own_id(p.they.event["target"]) in p.charts.ids
    told = p.ours["events"][: p.at + by_id]
    return first(told, LoopsBack(p.paused)) is not None


def next_finds_no_target(p: Parting) -> bool:
    """What a stage returned, to go on to one before the stage that paused, is not found."""
    lost = p.they.method == "onRunFailed" and p.their_error.startswith("dynamicNext target node not found: ")
    return bool(p.checkpoint) and lost and p.we.method == "onLoop"


def mount_is_not_found(p: Parting) -> bool:
    """A chart mounted in a chart mounted in a lazy one, or in a for-each's: the reference finds no chart there, or another one."""
    if p.we.mount:
        return p.we.mount == p.they.mount and p.we.mount in p.charts.unfound
    entered = [mount for mount in map(_enters, p.same) if mount in p.charts.unfound]
    runs = p.we_then.is_in(entered) and p.we_then.method != "onSubflowExit"
    return p.mounts_by_other_names(entered) and runs


def children_take_the_mounts_place(p: Parting) -> bool:
    """Children hung on a mount run in place of its chart, after the stage of its id that a returned chart has brought; ours run after it."""
    entered = [mount for mount in map(_enters, p.same) if own_id(mount) in p.charts.hung_mounts]
    begins = p.they_then if p.mounts_by_other_names(entered) else p.they
    brought = begins.method == "onStageStart" and begins.stage in p.charts.returned
    return (begins.method == "onFork" or brought) and begins.stage in entered


def denied_key_is_read(p: Parting) -> bool:
    """A key that the reference never keeps is read, or something else is done with what it would have held."""
    reads = p.we.method == "onRead" and p.we.event.get("key") in DENIED
    return p.tell_of_the_same and (reads or _tells_denied(p.same))


def inherited_default_is_read(p: Parting) -> bool:
    """A default for a key that every JavaScript object inherits is read; the reference takes it for there already, and has none."""
    reads = p.they.method == p.we.method == "onRead" and p.they.event.get("key") == p.we.event.get("key")
    return reads and p.we.event.get("key") in p.charts.inherited and "value" not in p.they.event


def hanging_members_are_read(p: Parting) -> bool:
    """Members that a subflow handed out by name over a list or a date are there in JavaScript, in no JSON."""
    return p.tell_of_the_same and _left(p.same, p.hung) is not None


PLACES: tuple[Callable[[Parting], bool], ...] = (
    recorder_fails_on_resume,
    lazy_chart_is_refused,
    first_default_is_taken,
    outer_chart_begins_anew,
    ends_after_a_branch,
    goes_on_inside_a_branch,
    children_are_left_out,
    choice_is_left_out,
    loop_finds_another_target,
    next_finds_no_target,
    mount_is_not_found,
    children_take_the_mounts_place,
    denied_key_is_read,
    inherited_default_is_read,
    hanging_members_are_read,
)


class LoopsBack:
    """Finds a loop edge to the stage that paused, or before it: to none that has run since."""

    def __init__(self, paused: str) -> None:
        self._paused = paused
        self._ran: set[Json] = set()

    def __call__(self, entry: Json) -> bool:
        """Whether that event, the next one, is of such an edge."""
        event = entry["event"]
        if entry["method"] == "onStageStart" and event["stageId"] != self._paused:
            self._ran.add(event["stageName"])
        return entry["method"] == "onLoop" and event["target"] not in self._ran


def _enters(entry: Json) -> str:
    return entry["event"]["subflowId"] if entry["method"] == "onSubflowEntry" else ""


def _left(events: list[Json], mounts: list[str]) -> int | None:
    """Where one of those mounts was left."""
    return first(
        events, lambda entry: entry["method"] == "onSubflowExit" and own_id(entry["event"]["subflowId"]) in mounts
    )


# ── names that JavaScript denies ─────────────────────────────────────────────────────────────────────────────────────
DENIED = frozenset({"__proto__", "constructor", "prototype"})
"""Keys that the reference never keeps, as they might reach what all objects inherit."""


_INHERITED = frozenset(
    {
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    }
)
"""Keys, beside the denied ones, that every JavaScript object seems to have: the reference leaves a state's defaults for them out."""


def inherited_defaults(case: Mapping[str, Any]) -> dict[str, Json]:
    """A case's defaults for such keys."""
    given = [(run.get("options") or {}).get("defaultValuesForContext") for run in runs_of(case)]
    return {key: value for each in given if isinstance(each, dict) for key, value in each.items() if key in _INHERITED}


def denied_names(expected: Result, got: Result, case: Mapping[str, Any]) -> None:
    """Of a key that the reference never keeps ours may have the value, and the row of a commit that says so; of one that objects inherit the default."""
    defaults = inherited_defaults(case)
    for theirs, ours in dicts_in_both(expected["runs"], got["runs"]):
        for name in ours.keys() - theirs.keys():
            is_default = name in defaults and difference(defaults[name], ours[name]) is None
            if name in DENIED or is_default or _holds_denied_alone(ours[name]):
                del ours[name]
        if isinstance(theirs.get("trace"), list) and isinstance(ours.get("trace"), list):
            ours["trace"] = [row for row in ours["trace"] if not _is_denied(row) or row in theirs["trace"]]


def _holds_denied_alone(value: Json) -> bool:
    """Whether an object is there for such keys' sake only, as that of a parallel child that wrote nothing else."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(name in DENIED or _holds_denied_alone(part) for name, part in value.items())
    )


def _is_denied(row: Json) -> bool:
    return not DENIED.isdisjoint(str(row.get("path")).split("\x1f"))


def _has_denied(event: Json) -> bool:
    return any(name in DENIED for part in dicts_in(event) for name in part)


def _tells_denied(events: list[Json]) -> bool:
    """Whether an event tells of a value under such a name."""
    return any(entry["event"].get("key") in DENIED or _has_denied(entry["event"]) for entry in events)


# ── what a stage that goes on streams ────────────────────────────────────────────────────────────────────────────────
def _without_stream(charts: Charts, checkpoint: Json, theirs: Json, ours: Json) -> None:
    """Leave out of ours what a streaming stage that goes on streams, where the reference's does not; until it commits."""
    if checkpoint is None or own_id(checkpoint["pausedStageId"]) not in charts.streaming:
        return

    def commits(entry: Json) -> bool:
        return entry["method"] == "onCommit" and entry["event"].get("stageId") == checkpoint["pausedStageId"]

    parts = [events[: first(events, commits)] for events in (theirs["events"], ours["events"])]
    if not any(entry["channel"] == "stream" for entry in parts[0]):
        ours["events"][: len(parts[1])] = [entry for entry in parts[1] if entry["channel"] != "stream"]


# ── what a case's charts are made of ─────────────────────────────────────────────────────────────────────────────────
def runs_of(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A case's runs, one or more."""
    return case.get("runs") or [case.get("run") or {}]


@dataclass(frozen=True)
class Charts:
    """Ids of a case's steps, branches and parallel children, by what they are; without the mounts before them.

    Attributes:
        ids: of all of them.
        hung: what parallel children hang on.
        hung_mounts: mounts among them.
        lazy: mounts of lazy charts.
        apart: mounts that are parallel children or branches.
        children: parallel children with a function.
        branches: branches of deciders and selectors.
        last_stages: the last step of each chart, and its branches.
        choosing: deciders and selectors.
        streaming: streaming stages.
        later_defaults: deciders with a default branch that are not the first with one in their chart.
        unfound: full ids of charts mounted in a chart mounted in a lazy one, or in one of a for-each.
        returned: of the stages of charts that a stage returns, and of those that are mounted in them.
        inherited: keys with a default that every JavaScript object inherits.
    """

    ids: set[str]
    hung: set[str]
    hung_mounts: set[str]
    lazy: set[str]
    apart: set[str]
    children: set[str]
    branches: set[str]
    last_stages: set[str]
    choosing: set[str]
    streaming: set[str]
    later_defaults: set[str]
    unfound: set[str]
    returned: set[str]
    inherited: Collection[str]

    def may_part_unheard(self, checkpoint: Json, events: list[Json]) -> bool:
        """Whether something is left out after that pause, in a phase whose events the reference's runner does not hear.

        These are of an executor that was resumed afresh before; `events` are ours.
        """
        path = {own_id(mount) for mount in checkpoint.get("subflowPath") or ()}
        odd = self.children | self.hung | self.choosing
        if len(path) > 1 or path & (self.lazy | self.apart) or own_id(checkpoint["pausedStageId"]) in odd:
            return True
        if any(_enters(entry) in self.unfound for entry in events):
            return True
        return first(events, LoopsBack(checkpoint["pausedStageId"])) is not None


def charts_of(case: Mapping[str, Any]) -> Charts:
    """What a case's charts are made of."""
    charts = list(_calls([case.get("chart"), case.get("charts")]))
    steps = [call for calls in charts for call in calls]
    branches = [branch for call in steps for branch in call.get("branches") or ()]
    hung = set[str]().union(*map(_hung_on, charts))
    falling = [[call["id"] for call in calls if call.get("default") is not None] for calls in charts]
    children = {child.get("id") for call in steps if call["call"] == "fork" for child in call["children"]}
    return Charts(
        ids={step["id"] for step in (*steps, *branches) if "id" in step} | children,
        hung=hung,
        hung_mounts=hung & {call["id"] for call in steps if call["call"] in ("subflowNext", "lazySubflowNext")},
        lazy={call["id"] for call in steps if call["call"].startswith("lazy")}
        | {branch["id"] for branch in branches if branch.get("kind") == "lazySubflow"},
        apart={call["id"] for call in steps if call["call"] in ("subflow", "lazySubflow")}
        | {branch["id"] for branch in branches if branch.get("kind") in ("subflow", "lazySubflow")},
        children=children,
        branches={branch["id"] for branch in branches},
        last_stages=set[str]().union(*map(_last, charts)),
        choosing={call["id"] for call in steps if call["call"] in ("decider", "selector", "startSelector")},
        streaming={call["id"] for call in steps if call["call"] == "streaming"},
        later_defaults={each for ids in falling for each in ids[1:]},
        unfound=_unfound(case),
        returned=_returned(case),
        inherited=inherited_defaults(case).keys(),
    )


def _returned(case: Mapping[str, Any]) -> set[str]:
    named = case.get("charts") or {}
    stack: list[Json] = [each["chart"] for each in _returns([case.get("chart"), named])]
    found: set[str] = set()
    seen: set[str] = set()
    while stack:
        part = stack.pop()
        if isinstance(part, str) and part in named and part not in seen:
            seen.add(part)
            part = named[part]
        for item in dicts_in(part):
            if isinstance(item.get("id"), str):
                found.add(item["id"])
            stack += [item[name] for name in ("chart", "branch") if isinstance(item.get(name), str)]
    return found


def _returns(parts: Json) -> Iterator[dict[str, Json]]:
    """What stages return to mount: each a chart with an id and a name."""
    for item in _lists_in(parts):
        if item and item[0] == "return_subflows":
            yield from item[2]


def _unfound(case: Mapping[str, Any]) -> set[str]:
    named = case.get("charts") or {}

    def mounted(chart: Json) -> list[dict[str, Json]]:
        calls = named.get(chart, []) if isinstance(chart, str) else chart or []
        steps = [*calls, *(branch for call in calls for branch in call.get("branches", ()))]
        return [step for step in steps if (step.get("call") or step.get("kind")) in ("subflow", "subflowNext")]

    found: set[str] = set()
    for item in dicts_in([case.get("chart"), case.get("charts")]):
        each = item.get("call") == "parallelForEach"
        lazy = each or str(item.get("call") or item.get("kind")).startswith("lazy")
        for outer in mounted(item.get("branch" if each else "chart")) if lazy else ():
            found.update(f"{outer['id']}/{mount['id']}" for mount in mounted(outer["chart"]))
    return found


def _calls(parts: Json) -> Iterator[list[dict[str, Json]]]:
    """Every list of builder calls in a case's charts."""
    for item in _lists_in(parts):
        if item and all(isinstance(call, dict) and "call" in call for call in item):
            yield item


def _lists_in(parts: Json) -> Iterator[list[Json]]:
    """Every list, at any depth."""
    stack: list[Json] = [parts]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            yield item
            stack += item


def _last(calls: list[dict[str, Json]]) -> set[str]:
    """Ids of the last step of a chart and of its branches."""
    steps = [call for call in calls if "id" in call]
    return {step["id"] for step in (*steps[-1:], *(steps[-1].get("branches") or () if steps else ()))}


def _hung_on(calls: list[dict[str, Json]]) -> set[str]:
    """Ids of the steps that parallel children hang on."""
    hung: set[str] = set()
    step = ""
    for call in calls:
        if call["call"] in ("fork", "subflow", "lazySubflow"):
            hung.add(step)
        elif "id" in call:
            step = call["id"]
    return hung

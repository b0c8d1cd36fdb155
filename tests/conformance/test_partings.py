"""Where the reference parts from us (rules 1, 5 and 6 of docs/parity.md): what Python does instead, and that nothing beside it is forgiven."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.conformance import _partings
from tests.conformance._compare import first_difference
from tests.conformance._js import load_json
from tests.conformance._partings import PLACES, Parting
from tests.conformance._places import OWN
from tests.conformance._run import run_case

Json = Any
_PARITY = Path(__file__).parents[2] / "docs" / "parity.md"


class Shown(NamedTuple):
    """A case that shows a place.

    Attributes:
        place: its name.
        case: the case's name.
        phase: which phase of its first run parts.
        stages: those that ours executes in that phase, in order.
        state: what the state has of it with us, at least.
        since: how many events before the first that differs the difference begins to be excused.
        is_exact: whether what we tell first has to be of one kind.
        is_ours: whether only ours may tell it, and not the reference in our place.
    """

    place: str
    case: str
    phase: int
    stages: str
    state: Mapping[str, Json] = MappingProxyType({})
    since: int = 0
    is_exact: bool = True
    is_ours: bool = True


SHOWN = [
    Shown("recorder_fails_on_resume", "resume-where-a-recorder-fails", 1, "ask z", {"ask": "yes", "z": 1}),
    Shown("lazy_chart_is_refused", "resume-in-a-lazy-chart", 1, "s s/ask s/in z", {"in": 1, "z": 1}),
    Shown("first_default_is_taken", "resume-second-default-branch", 1, "default f2", {"b2": 1}),
    Shown("outer_chart_begins_anew", "resume-in-a-chart-in-a-chart", 1, "outer outer/inner outer/inner/ask outer/inner/in outer/last z"),
    Shown("ends_after_a_branch", "resume-in-a-child", 1, "ask z", {"said": "yes", "z": 1}),
    Shown("ends_after_a_branch", "resume-in-a-child-of-a-chart", 1, "s s/ask s/join z", {"z": 1}),
    Shown("ends_after_a_branch", "resume-in-the-chart-of-a-branch", 1, "b b/ask b/in z", {"z": 1}),
    Shown("ends_after_a_branch", "resume-twice-in-a-branch", 2, "b z", {"again": 1, "z": 1}),
    Shown("goes_on_inside_a_branch", "resume-at-the-end-of-the-chart-of-a-branch", 1, "b b/ask z", {"z": 1}),
    Shown("children_are_left_out", "resume-with-children", 1, "ask ask k1 k2 z", {"runs": {"k1": {"k1": 1}, "k2": {"k2": 1}}}),
    Shown("choice_is_left_out", "interrupt-in-decider", 1, "p b1 tail", {"b": 1}),
    Shown("choice_is_left_out", "interrupt-in-selector", 1, "p p b1 b2 tail", {"runs": {"b1": {"b": 1}, "b2": {"b": 2}}}),
    Shown("loop_finds_another_target", "resume-before-a-loop", 1, "ask m a", {"n": 2}),
    Shown("loop_finds_another_target", "resume-before-a-loop-to-itself", 1, "ask m", {"n": 1, "ask_asked": 1}, since=2, is_exact=False, is_ours=False),
    Shown("next_finds_no_target", "resume-before-a-returned-id", 1, "ask m a", {"n": 2}),
    Shown("mount_is_not_found", "mount-in-a-chart-in-a-lazy-one", 0, "a lazy lazy/l lazy/mid mid/m mid/inner mid/inner/i z", since=1),
    Shown("mount_is_not_found", "mount-in-a-chart-of-a-for-each", 0, "a each each~0 each~0/l each~0/mid mid/m mid/inner mid/inner/i z", since=1),
    Shown("children_take_the_mounts_place", "children-hung-on-a-mount", 0, "a s s/in s k1 k2 z", {"in": 1, "runs": {"k1": {"k1": 1}, "k2": {"k2": 1}}}),
    Shown("children_take_the_mounts_place", "children-hung-on-a-mount-of-a-brought-id", 0, "a a kid k k s s s/in s k1 z", {"in": 1, "z": 1}, since=1),
    Shown("denied_key_is_read", "denied-keys-that-are-read", 0, "a b", {"constructor": 1, "found": 1}, since=8, is_ours=False),
    Shown("denied_key_is_read", "denied-keys-in-an-object", 0, "a b", {"o": {"k": 5, "constructor": 1}, "y": 1}, since=8, is_ours=False),
    Shown("inherited_default_is_read", "defaults-that-javascript-inherits", 0, "a b c", {"toString": 1, "y": 1, "z": 1}),
    Shown("hanging_members_are_read", "members-that-hang-on-a-list", 0, "a s s/in y z", {"v": [1, 2], "w": "none"}, since=4, is_ours=False),
    Shown("hanging_members_are_read", "members-that-hang-on-a-date", 0, "a s s/in y z", {"v": {"a": 5, "b": 6}, "w": 5}, since=3, is_ours=False),
]  # fmt: skip


@pytest.fixture(scope="module", params=SHOWN, ids=lambda shown: shown.case)
def told(request: pytest.FixtureRequest) -> tuple[Shown, Json, Json, Json]:
    """What is shown, the case, the reference's result, and ours."""
    shown: Shown = request.param
    case, expected = (
        load_json((OWN / part / f"{shown.case}.json").read_text("utf-8")) for part in ("cases", "expected")
    )
    return shown, case, expected, run_case(case)


def _parting(case: Json, expected: Json, got: Json) -> tuple[str, Parting]:
    """The place at which the first run parts, and what is known there."""
    found: list[tuple[str, Parting]] = []

    def watched(place: Any) -> Any:
        def holds(parting: Parting) -> bool:
            held = place(parting)
            if held:
                found.append((place.__name__, parting))
            return held

        return holds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_partings, "PLACES", tuple(map(watched, PLACES)))
        assert first_difference(expected, got, case) is None
    return found[0]


def _phase(got: Json, shown: Shown) -> Json:
    return got["runs"][0]["phases"][shown.phase]


def test_we_go_on_where_the_reference_parts(told: tuple[Shown, Json, Json, Json]) -> None:
    """Python does the work that the reference leaves out; that place alone excuses the difference, and only on that side."""
    shown, case, expected, got = told
    phase = _phase(got, shown)
    executed = [entry["event"]["traversalContext"]["stageId"] for entry in phase["events"] if entry["method"] == "onStageExecuted"]  # fmt: skip
    assert " ".join(executed) == shown.stages
    assert {name: phase["snapshot"]["sharedState"][name] for name in shown.state} == shown.state
    name, parting = _parting(case, expected, got)
    assert name == shown.place
    assert parting.ours["op"] == ("resume" if shown.phase else "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_partings, "PLACES", tuple(place for place in PLACES if place.__name__ != shown.place))
        assert first_difference(expected, got, case) is not None


def test_what_comes_before_is_compared(told: tuple[Shown, Json, Json, Json]) -> None:
    """An event before the place that is not the reference's, one that is missing, and another commit, line or part of the tree."""
    shown, case, expected, got = told
    _, parting = _parting(case, expected, got)
    before = parting.at - shown.since - 1
    if before >= 0:
        changed, lacking = copy.deepcopy(got), copy.deepcopy(got)
        _phase(changed, shown)["events"][before]["event"]["more"] = 1
        del _phase(lacking, shown)["events"][before]
        assert first_difference(expected, changed, case) is not None
        assert first_difference(expected, lacking, case) is not None
    narrates = expected["runs"][0]["phases"][shown.phase]["narrative"]  # not after a resume in a new executor
    for holds in (_log, _lines, _tree) if narrates else (_log, _tree):
        other = copy.deepcopy(got)
        holds(_phase(other, shown))["more"] = 1
        assert first_difference(expected, other, case) is not None, holds.__name__


def _log(phase: Json) -> Json:
    return phase["snapshot"]["commitLog"][0]


def _lines(phase: Json) -> Json:
    """What the run before told is compared in its own phase, and again in this one."""
    return phase["narrative"][0]


def _tree(phase: Json) -> Json:
    """The first stage of the run, where it is over before the place; else its commit."""
    return phase["snapshot"]["executionTree"] if phase["op"] == "run" else phase["snapshot"]["commitLog"][0]


def test_no_other_difference_is_excused_there(told: tuple[Shown, Json, Json, Json]) -> None:
    """Where we tell something else than what the place says, do no more than the reference, or fail in Python's own words."""
    shown, case, expected, got = told
    _, parting = _parting(case, expected, got)
    failed = copy.deepcopy(got)
    _phase(failed, shown)["error"] = {"name": "AttributeError", "message": "'NoneType' object has no attribute 'x'"}
    assert first_difference(expected, failed, case) is not None
    if shown.is_exact:
        other = copy.deepcopy(got)
        _phase(other, shown)["events"][parting.at : parting.at + 1] = [
            {"channel": "scope", "method": "onEmit", "event": {"name": "alien"}}
        ]
        assert first_difference(expected, other, case) is not None
    if shown.is_ours:
        ours, theirs = copy.deepcopy(expected), copy.deepcopy(got)
        for run in theirs["runs"]:
            for name in ("hiding", "mergedWhole", "hung"):
                run.pop(name)
            for phase in run["phases"]:
                phase.pop("leftBehind", None)
        assert first_difference(theirs, ours, case) is not None, "the other way round"


def test_every_place_is_shown_and_told() -> None:
    """By a case of the suite's own, and by a line of docs/parity.md, in the same order."""
    names = [place.__name__ for place in PLACES]
    assert set(names) == {shown.place for shown in SHOWN}
    lines = re.findall(r"^- `(\w+)`: ", _PARITY.read_text("utf-8"), re.MULTILINE)
    assert lines == names


def test_a_key_that_javascript_denies_is_all_that_differs() -> None:
    """Where nobody reads it: all else of the run is compared, the state, too, and nothing is forgiven of other keys."""
    case, expected = (load_json((OWN / part / "denied-keys.json").read_text("utf-8")) for part in ("cases", "expected"))
    got = run_case(case)
    state = _phase(got, SHOWN[0]._replace(phase=0))["snapshot"]["sharedState"]
    assert state["constructor"] == 1
    assert state["runs"] == {"k": {"constructor": 5}}
    assert first_difference(expected, got, case) is None
    for change in ({"builder": 1}, {"z": 2}):
        other = copy.deepcopy(got)
        other["runs"][0]["phases"][0]["snapshot"]["sharedState"] |= change
        assert first_difference(expected, other, case) is not None
    theirs = copy.deepcopy(expected)
    theirs["runs"][0]["phases"][0]["snapshot"]["sharedState"]["constructor"] = 1
    assert first_difference(theirs, got, case) is None, "the same"
    theirs["runs"][0]["phases"][0]["snapshot"]["sharedState"]["constructor"] = 2
    assert first_difference(theirs, got, case) is not None


def test_a_default_that_javascript_inherits_is_all_that_differs() -> None:
    """Where nobody reads it; with another value, or under another key, it is a difference, and so is one that the reference alone has."""
    case, expected = (load_json((OWN / part / "defaults-that-nobody-reads.json").read_text("utf-8")) for part in ("cases", "expected"))  # fmt: skip
    got = run_case(case)
    assert got["runs"][0]["phases"][0]["snapshot"]["sharedState"] == {"toString": 1, "valueOf": {"x": 1}, "k": 7, "q": 1, "a": 1, "in": 1, "z": 1}  # fmt: skip
    assert first_difference(expected, got, case) is None
    for change in ({"toString": 2}, {"isPrototypeOf": 1}, {"k": 8}, {"z": 2}):
        other = copy.deepcopy(got)
        other["runs"][0]["phases"][0]["snapshot"]["sharedState"] |= change
        assert first_difference(expected, other, case) is not None, change
    theirs = copy.deepcopy(expected)
    theirs["runs"][0]["phases"][0]["snapshot"]["sharedState"]["hasOwnProperty"] = 1
    assert first_difference(theirs, got, case) is not None


def test_where_the_runner_does_not_hear_a_mount_that_is_not_found() -> None:
    """What we heard there says that ours was entered; without that, all of the phase is compared, and of a run that begins so, too."""
    name = "resume-unheard-before-a-mount-in-a-lazy-one"
    case, expected = (load_json((OWN / part / f"{name}.json").read_text("utf-8")) for part in ("cases", "expected"))
    got = run_case(case)
    last = got["runs"][0]["phases"][2]
    assert last["outcome"] == "completed"
    assert last["snapshot"]["sharedState"]["z"] == 1
    assert first_difference(expected, got, case) is None
    elsewhere, failed, before = (copy.deepcopy(got) for _ in range(3))
    for entry in elsewhere["runs"][0]["phases"][2]["unheard"]:
        if entry["event"].get("subflowId") == "mid/inner":
            entry["event"]["subflowId"] = "mid/other"
    failed["runs"][0]["phases"][2]["error"] = {"name": "AttributeError", "message": "no"}
    before["runs"][0]["phases"][1]["snapshot"]["sharedState"]["a"] = 2
    for other in (elsewhere, failed, before):
        assert first_difference(expected, other, case) is not None


def test_what_a_stage_that_goes_on_streams_is_ours_alone() -> None:
    """Until it commits; what streams after it is compared, and so is the stage of another kind."""
    case, expected = (load_json((OWN / part / "resume-of-a-stream.json").read_text("utf-8")) for part in ("cases", "expected"))  # fmt: skip
    got = run_case(case)
    heard = [[e["method"] for e in side["runs"][0]["phases"][1]["events"] if e["channel"] == "stream"] for side in (expected, got)]  # fmt: skip
    assert heard == [["onStart", "onToken", "onEnd"], ["onStart", "onEnd", "onStart", "onToken", "onEnd"]]
    assert first_difference(expected, got, case) is None
    assert first_difference(expected, got, {**case, "chart": []}) is not None
    for at, entry in enumerate(got["runs"][0]["phases"][1]["events"]):
        if entry["channel"] != "stream" or heard[1].index(entry["method"]) < 0:
            other = copy.deepcopy(got)
            del other["runs"][0]["phases"][1]["events"][at]
            assert first_difference(expected, other, case) is not None


def test_the_rules_are_ten_at_most() -> None:
    """Numbered from 1, in docs/parity.md."""
    numbers = re.findall(r"^\| (\d+) \|", _PARITY.read_text("utf-8"), re.MULTILINE)
    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
    assert len(numbers) <= 10


def test_every_test_that_a_rule_names_is_there() -> None:
    """By its name, in one of the suites."""
    named = set(re.findall(r"`(test_\w+)`", _PARITY.read_text("utf-8")))
    defined = {name for file in _PARITY.parents[1].glob("tests/**/test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))}  # fmt: skip
    assert named
    assert named - defined == set()

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from footpath import channels as ev
from footpath.recorders import NarrativeRecorder
from footpath.replay import NarrativeBuilder, NarrativeEntry
from footpath.values import ABSENT, plain, record
from tests.unit.recorders._cases import recorded_runs
from tests.unit.recorders._events_from_json import events_of, feed

if TYPE_CHECKING:
    from tests.unit.recorders._cases import RecordedRun


def as_json(entries: list[NarrativeEntry]) -> list[dict[str, Any]]:
    return [entry.as_json() for entry in entries]


def lost_in_json(entry: dict[str, Any]) -> bool:
    """The reference summarized a value that its own JSON no longer shows: NaN, a date, a member that is undefined."""
    raw = entry.get("rawValue", UNSET)
    text = entry["text"]
    if isinstance(raw, dict):
        named = names_in(text)
        return len(named) > len(raw) and set(raw) < set(named)
    if isinstance(raw, str):  # a date, maybe one that members hang on
        return re.search(r" = \{[^\"]*\}$", text) is not None
    return raw in (None, UNSET) and text.endswith(("NaN", "Infinity"))


def names_in(text: str) -> list[str]:
    """The members that a line names at its end."""
    return text.rpartition("{")[2].rstrip("}").split(", ")


def names_fewer(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Of an emit, whose payload no line holds: the reference's JSON of the event had lost absent members, or that it was a date."""
    lead = theirs["text"].rpartition("{")[0]
    if theirs["type"] != "emit" or not lead:
        return False
    if theirs["text"] == lead + "{}":
        return mine["text"].startswith(lead + '"')
    return mine["text"].rpartition("{")[0] == lead and set(names_in(mine["text"])) < set(names_in(theirs["text"]))


def denies_a_member(entry: dict[str, Any]) -> bool:
    """The reference lays patches over the very object that its line holds, where a member has a name that it denies."""
    raw = entry.get("rawValue", UNSET)
    return isinstance(raw, dict) and "constructor" in raw


def agreed(told: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Equal, but for what JSON lost."""
    for mine, theirs in zip(told, expected, strict=False):
        if lost_in_json(theirs) or names_fewer(mine, theirs):
            mine = {**mine, "text": theirs["text"]}
        if denies_a_member(theirs):
            mine = {**mine, "rawValue": theirs["rawValue"]}
        assert mine == theirs
    assert len(told) == len(expected)


def test_it_tells_each_conformance_run_in_the_reference_words(recorded_run: RecordedRun) -> None:
    """From the reference's events come the reference's lines, phase after phase."""
    builder = NarrativeBuilder(**recorded_run.narrative_options)
    for phase in recorded_run.phases:
        feed(builder, phase)
        if not phase["events"]:
            return  # a run that never began: from there on the reference tells what the run before had left
        fresh_executor = phase["op"] == "resume" and not phase["narrative"]
        if not fresh_executor:  # the reference has no narrative there
            agreed(as_json(builder.entries()), phase["narrative"])


def test_it_tells_the_same_however_often_it_is_asked(recorded_run: RecordedRun) -> None:
    """Lines once told stay, and asking in between changes none."""
    whole, asked = NarrativeBuilder(), NarrativeBuilder()
    so_far: list[NarrativeEntry] = []
    for phase in recorded_run.phases:
        feed(whole, phase)
        for _channel, hook, event in events_of(phase):
            if hasattr(asked, hook):
                getattr(asked, hook)(event)
                entries = asked.entries()
                assert entries[: len(so_far)] == so_far
                so_far = entries
    assert asked.entries() == whole.entries()
    assert whole.lines() == [entry.text for entry in whole.entries()]


def test_a_recorder_for_many_traces_begins_each_story_afresh(recorded_run: RecordedRun) -> None:
    """What a trace before did never shows."""
    recorder, fresh = NarrativeRecorder(), NarrativeRecorder()
    feed(recorder, recorded_run.phases[0])
    recorder.entries()
    recorder.begin_trace(object())
    feed(recorder, recorded_run.phases[-1])
    feed(fresh, recorded_run.phases[-1])
    assert recorder.entries() == fresh.entries()


def test_a_phase_after_a_pause_does_not_claim_to_be_the_beginning() -> None:
    """Told on its own, as a trace of its own is; footprintjs tells nothing there."""
    run = next(run for run in recorded_runs() if run.name.startswith("pause-and-go-on"))
    builder = NarrativeBuilder()
    feed(builder, next(phase for phase in run.phases if phase["op"] == "resume"))
    lines = builder.lines()
    assert lines[0].startswith("Execution resumed at ")
    assert lines[1].startswith("Stage 1: Next")
    assert not any("began" in line for line in lines)


# ── corners that no conformance case has ───────────────────────────────────────────────────────────────────────────
AT = ("Stage", "stage", "stage#0", "", 0.0)
HERE = ev.TraversalContext("run", "stage", "stage#0", "Stage", depth=0)


def told(*events: Any, **options: Any) -> list[str]:
    """The lines of a stage that did something and completed."""
    builder = NarrativeBuilder(**options)
    for event in events:
        builder.on_read(event)
    builder.on_stage_executed(ev.StageExecutedEvent(traversal_context=HERE, stage_name="Stage", stage_type="linear"))
    return builder.lines()[1:]


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (0, '"aaaaaaaaaaaaaaaaa..."'),
        (2, '"aaaaaaaaaaaaaaaaaaa..."'),
        (3, '"..."'),
        (5, '"aa..."'),
        (20, '"' + "a" * 20 + '"'),
    ],
)
def test_a_limit_below_three_cuts_from_the_end_as_the_reference_does(limit: int, shown: str) -> None:
    """`slice(0, limit - 3)` of JavaScript, negative ends included (seen on footprintjs 9.24.0)."""
    assert told(ev.ReadEvent(*AT, "k", "a" * 20), max_value_length=limit) == [f"Step 1: Read k = {shown}"]


def test_a_cut_pair_of_surrogates_can_still_be_encoded() -> None:
    """Half a pair is left out: a line must fit UTF-8."""
    [line] = told(ev.ReadEvent(*AT, "k", "😀" * 41))
    assert line == f'Step 1: Read k = "{"😀" * 38}..."'
    line.encode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (datetime(2026, 5, 24, tzinfo=UTC), "{}"),
        ({1, 2}, "(2 items)"),
        (1e21, "1e+21"),
        (0.5, "0.5"),
        (True, "true"),
        (None, "null"),
        (ABSENT, "undefined"),
    ],
)
def test_what_json_cannot_hold_is_told_by_what_it_was(value: Any, shown: str) -> None:
    """The line summarizes the value, not the form it was recorded in."""
    assert told(ev.WriteEvent(*AT, "k", record(value), "set")) == [f"Step 1: Write k = {shown}"]


def test_a_repeated_container_reads_the_same_each_time() -> None:
    """Summaries are remembered by identity; equal and different containers alike keep their own."""
    shared = Raw(b'{"a":1}')
    events = [ev.ReadEvent(*AT, "k", shared), ev.ReadEvent(*AT, "k", shared), ev.ReadEvent(*AT, "k", Raw(b"[1,2]"))]
    assert told(*events) == ["Step 1: Read k = {a}", "Step 2: Read k = {a}", "Step 3: Read k = (2 items)"]


def decided(evidence: dict[str, Any] | None, **members: Any) -> str:
    builder = NarrativeBuilder()
    raw = UNSET if evidence is None else Raw(msgspec.json.encode(evidence))
    builder.on_decision(ev.DecisionEvent(traversal_context=HERE, decider="D", chosen="B", raw_evidence=raw, **members))
    return builder.lines()[-1]


def condition(threshold: str) -> dict[str, Any]:
    return {
        "rules": [
            {
                "type": "filter",
                "ruleIndex": 0,
                "branch": "b",
                "matched": True,
                "conditions": [
                    {"key": "x", "op": "ne", "threshold": Raw(threshold.encode()), "actualSummary": "1", "result": True}
                ],
            }
        ]
    }


@pytest.mark.parametrize(
    ("threshold", "shown"),
    [
        ("1.0", "1"),
        ("-0.0", "0"),
        ("1e21", "1e+21"),
        ("1e16", "10000000000000000"),
        ("1.5e-7", "1.5e-7"),
        ("0.000001", "0.000001"),
        ('["1.0",2.0,{"1e5":[1e5]}]', '["1.0",2,{"1e5":[100000]}]'),
        (r'"say \"1.0\" 2.0"', r'"say \"1.0\" 2.0"'),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_thresholds_are_printed_as_javascript_prints_json(threshold: str, shown: str) -> None:
    """Numbers in JavaScript's form wherever they stand, strings to the character."""
    assert decided(condition(threshold)) == f"[Condition]: It evaluated Rule 0: x 1 ne {shown} ✓, and chose B."


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "A decision was made, and the path taken was B."),
        ({"description": "Route it"}, "It Route it and chose B."),
        ({"rationale": "because"}, "A decision was made: because, so the path taken was B."),
        ({"rationale": "because", "description": "Route it"}, "It Route it: because, so it chose B."),
        ({"rationale": []}, "A decision was made: , so the path taken was B."),
        (
            {"rationale": [plain(record(math.inf)), 1, None, {}]},
            "A decision was made: Infinity,1,,[object Object], so the path taken was B.",
        ),
        ({"rationale": plain(record(math.nan))}, "A decision was made, and the path taken was B."),
        ({"rationale": 0}, "A decision was made, and the path taken was B."),
    ],
)
def test_a_choice_without_rules_says_what_is_known(members: dict[str, Any], sentence: str) -> None:
    """A plain return, with and without a description and a rationale, which reads as in JavaScript."""
    assert decided(None, **members) == f"[Condition]: {sentence}"


def test_one_rule_that_threw_is_one_rule() -> None:
    """Singular and plural, as the reference has them."""
    threw = {"type": "function", "ruleIndex": 0, "branch": "b", "matched": False, "inputs": [], "matchError": "boo"}
    assert "(1 rule threw errors)" in decided({"rules": [threw]})
    assert "(2 rules threw errors)" in decided({"rules": [threw, threw]})


@pytest.mark.parametrize("evidence", [{"rules": 5}, {}, {"rules": [{"conditions": "x"}]}])
def test_evidence_of_another_shape_leaves_a_true_sentence(evidence: dict[str, Any]) -> None:
    """Whoever wrote the trace: the narrative claims nothing that it can't read."""
    assert decided(evidence) == "[Condition]: A decision was made, and the path taken was B."

"""The rules of docs/parity.md, one test or more each: what it forgives, and that it forgives nothing else."""

from __future__ import annotations

import copy
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from footpath.errors import BuildError, InputValidationError
from footpath.values import MARK, record
from tests.conformance import _js
from tests.conformance._canon import canonical
from tests.conformance._charts import mount_options
from tests.conformance._compare import first_difference
from tests.conformance._expressions import CaseError
from tests.conformance._hiding import Hiding
from tests.conformance._js import ABSENT
from tests.conformance._programs import Runtime
from tests.conformance._secrets import hide_in_both
from tests.conformance._view import error_view, is_run_id, json_view, name_runs


def _result(**phase: Any) -> dict[str, Any]:
    full: dict[str, Any] = {"op": "run", "outcome": "completed", "snapshot": {"commitLog": []}, "narrative": []}
    return {"format": 1, "build": {}, "runs": [{"phases": [{**full, "events": [], **phase}]}], "concurrency": "none"}


@pytest.mark.parametrize(
    ("expected", "got", "path"),
    [
        ({"result": 1}, {"result": 1.0}, None),
        ({"result": {"a": 1, "b": [2]}}, {"result": {"b": [2], "a": 1}}, None),
        ({"result": None}, {}, None),
        ({}, {"result": None}, "$.runs[0].phases[0].result"),
        (
            {"result": {"k": {"id": "k", "isError": False, "result": None}}},
            {"result": {"k": {"id": "k", "isError": False}}},
            None,
        ),
        (
            {"result": {"k": {"id": "k", "result": None}}},
            {"result": {"k": {"id": "k"}}},
            "$.runs[0].phases[0].result.k.result",
        ),
        ({"result": 1}, {"result": True}, "$.runs[0].phases[0].result"),
        ({"result": {"a": None}}, {"result": {}}, "$.runs[0].phases[0].result.a"),
        ({"result": [1, 2]}, {"result": [1]}, "$.runs[0].phases[0].result[1]"),
        ({"result": ""}, {"result": None}, "$.runs[0].phases[0].result"),
        ({"narrative": [{"text": "x"}]}, {}, "$.runs[0].phases[0].narrative[0]"),
    ],
)
def test_the_comparison_forgives_what_the_rules_name_and_nothing_else(
    expected: dict[str, Any], got: dict[str, Any], path: str | None
) -> None:
    """Numbers by value, members in any order, a null result as none; all else is a difference with its path."""
    found = first_difference(_result(**expected), _result(**got), {"chart": [], "run": {}})
    assert (found.path if found else None) == path


def test_the_canonical_form_forgets_step_numbers_and_the_order_of_branches() -> None:
    """Two interleavings of the same two branches are one; another value in one of them is not."""

    def interleaved(*steps: tuple[str, int]) -> dict[str, Any]:
        events = [{"channel": "scope", "method": "onRead", "event": {"runtimeStageId": s, "key": k}} for s, k in steps]
        return {**_result(events=events), "concurrency": "deep"}

    one = interleaved(("l/a#1", 1), ("r/a#2", 2), ("l/b#3", 3), ("r/b#4", 4))
    other = interleaved(("l/a#1", 1), ("l/b#2", 3), ("r/a#3", 2), ("r/b#4", 4))
    wrong = interleaved(("l/a#1", 1), ("l/b#2", 3), ("r/a#3", 9), ("r/b#4", 4))
    assert canonical(one) == canonical(other)
    assert first_difference(one, other, {"chart": [], "run": {}}) is None
    assert first_difference(one, wrong, {"chart": [], "run": {}}) is not None


def test_the_recorded_form_reads_as_javascripts_json() -> None:
    """What JSON can't hold is tagged in our records; it is compared as what JavaScript's JSON makes of it."""
    moment = datetime(2024, 2, 29, 12, 30, 0, 250_000, tzinfo=UTC)
    value = [math.nan, -math.inf, moment, "half \ud83d", ABSENT, {"gone": ABSENT, "kept": None, "$footpath": 1}]
    expected = [None, None, "2024-02-29T12:30:00.250Z", "half \ud83d", None, {"kept": None, "$footpath": 1}]
    assert json_view(record(value)) == expected
    assert [json_view(record(item)) for item in value] == expected


def test_a_value_too_deep_for_its_plain_form_reads_as_itself() -> None:
    """Its record is a list of containers that refer to one another."""
    deep: Any = {"leaf": [1, math.nan]}
    for _ in range(1500):
        deep = [deep, {"side": 2}]
    assert b"graph" in bytes(record(deep))
    seen, depth = json_view(record(deep)), 0
    while isinstance(seen, list):
        assert seen[1] == {"side": 2}
        seen, depth = seen[0], depth + 1
    assert (seen, depth) == ({"leaf": [1, None]}, 1500)


def test_other_tagged_forms_are_shown_as_they_are() -> None:
    """The rule covers no more than what the format's values can be."""
    assert json_view(record({1, 2})) != [1, 2]
    assert "$footpath" in json_view(record(b"bytes"))


def test_the_narrative_after_a_fresh_resume_is_not_compared() -> None:
    """Only there: the narrative of the run before, and of a resume on the same executor, is."""
    line = {"text": "x"}

    def told(*narratives: list[Any]) -> dict[str, Any]:
        result = _result()
        (phase,) = result["runs"][0]["phases"]
        result["runs"][0]["phases"] = [{**phase, "narrative": narrative} for narrative in narratives]
        return result

    fresh: dict[str, Any] = {"run": {"resume": [{"fresh": True}]}}
    same: dict[str, Any] = {"run": {"resume": [{}]}}
    assert first_difference(told([line], []), told([line], [line]), fresh) is None
    assert first_difference(told([line], []), told([line], [line]), same) is not None
    assert first_difference(told([], []), told([line], []), fresh) is not None


def test_a_null_child_and_a_null_choice_are_none() -> None:
    """A parallel child's null result is none; a null branch reads as no branch."""

    def child(**members: Any) -> dict[str, Any]:
        return {"events": [_event(payload={"k": {"id": "k", **members, "isError": False}})]}

    def error(text: str) -> dict[str, Any]:
        return {"error": {"message": f"decider 'd' returned branch ID '{text}' which doesn't match any child"}}

    assert not _differs(child(result=None), child())
    assert _differs(child(result=0), child())
    assert not _differs(error("null"), error("undefined"))
    assert _differs(error("nil"), error("undefined"))


def test_run_ids_are_named_by_first_appearance() -> None:
    """Ids of the engine's form only: a state key that is called runId keeps its value."""
    first, second = "0190b5a0-0000-7000-8000-000000000001", "0190b5a0-0000-7000-8000-000000000002"
    events = [{"event": {"runId": second}}, {"event": {"runId": first}}, {"event": {"runId": "my own"}}]
    result = _result(events=events, snapshot={"runId": first, "commitLog": []})
    name_runs(result, is_run_id)
    (phase,) = result["runs"][0]["phases"]
    assert [entry["event"]["runId"] for entry in phase["events"]] == ["<run-1>", "<run-2>", "my own"]
    assert phase["snapshot"]["runId"] == "<run-2>"


def test_a_library_error_goes_by_the_name_it_reports() -> None:
    """Only the library's own; a stage's error keeps the name it has, or its class's."""
    assert error_view(BuildError("no"))["name"] == "Error"
    assert error_view(InputValidationError("no", [{"path": []}])) == {
        "name": "InputValidationError",
        "message": "no",
        "issues": [{"path": []}],
    }
    assert error_view(CaseError("no", "PaymentError", "E_PAY")) == {
        "name": "PaymentError",
        "message": "no",
        "code": "E_PAY",
    }
    assert error_view(KeyError("k"))["name"] == "KeyError"


def _differs(expected: dict[str, Any], got: dict[str, Any], hiding: Hiding | None = None) -> bool:
    left, right = _result(**expected), _result(**got)
    if hiding is not None:
        right["runs"][0]["hiding"] = hiding
    return first_difference(left, right, {"chart": [], "run": {}}) is not None


def test_halves_of_characters_in_texts() -> None:
    """A half before a cut is dropped, another is an escape; texts that differ otherwise still differ."""
    assert not _differs({"narrative": [{"text": 'x = "a\ud83d..."'}]}, {"narrative": [{"text": 'x = "a..."'}]})
    assert not _differs({"narrative": [{"text": 'x = "\ud83d"'}]}, {"narrative": [{"text": 'x = "\\ud83d"'}]})
    assert _differs({"narrative": [{"text": 'x = "\ud83d"'}]}, {"narrative": [{"text": 'x = ""'}]})
    assert _differs({"narrative": [{"text": 'x = "a\U0001f600..."'}]}, {"narrative": [{"text": 'x = "a..."'}]})


def test_halves_of_characters_in_evidence() -> None:
    """What a condition found, and what a function rule read, are such texts, too."""

    def found(text: str) -> dict[str, Any]:
        rules = [
            {"conditions": [{"key": "k", "actualSummary": text}]},
            {"inputs": [{"key": "k", "valueSummary": text}]},
        ]
        return {"events": [_event(evidence={"rules": rules})]}

    assert not _differs(found('"abc\ud83d..."'), found('"abc..."'))
    assert _differs(found('"abc\ud83d..."'), found('"ab..."'))


def test_halves_of_characters_in_previews() -> None:
    """A summary's preview is a text like those of the narrative."""

    def read(preview: str) -> dict[str, Any]:
        tree = {"stageReads": {"k": {"__readSummary": True, "type": "string", "size": 99, "preview": preview}}}
        return {"snapshot": {"commitLog": [], "executionTree": tree}}

    assert not _differs(read("abc\ud83d..."), read("abc..."))
    assert _differs(read("abc\ud83d..."), read("ab..."))


def test_a_threshold_that_tells_a_hidden_value_is_hidden() -> None:
    """Thresholds of equality, of hidden conditions, and no others."""

    def decided(operator: str, threshold: Any, *, redacted: bool) -> dict[str, Any]:
        condition = {"key": "k", "op": operator, "threshold": threshold, "redacted": redacted}
        actual = "[REDACTED]" if redacted else "1"
        text = f"It evaluated Rule 0: k {actual} {operator} {threshold} ✓, and chose A."
        return {"events": [_event(evidence={"rules": [{"conditions": [condition]}]})], "narrative": [{"text": text}]}

    for operator in ("eq", "ne", "in", "notIn"):
        assert not _differs(decided(operator, "1", redacted=True), decided(operator, "[REDACTED]", redacted=True))
        assert _differs(decided(operator, "1", redacted=True), decided(operator, "1", redacted=True)), "we told it"
    assert _differs(decided("gt", "1", redacted=True), decided("gt", "[REDACTED]", redacted=True))
    assert _differs(decided("eq", "1", redacted=False), decided("eq", "[REDACTED]", redacted=False))

    hiding = Hiding()
    hiding.wrote("k", math.nan, redact=True)  # which no text can tell

    def told(threshold: str) -> dict[str, Any]:
        text = f"It evaluated Rule 0: k [REDACTED] eq {threshold} ✓, and chose A."
        return {"narrative": [{"type": "condition", "text": text}]}

    assert not _differs(told('"any text"'), told('"[REDACTED]"'), hiding), "as we quote it"
    assert _differs(told('"any text"'), told('"any text"'), hiding)


def _event(**members: Any) -> dict[str, Any]:
    return {"channel": "scope", "method": "onWrite", "event": members}


def test_a_hidden_value_is_hidden_wherever_it_stands() -> None:
    """Copies and derived texts, and on our side only; values that were never hidden, and the live state, must agree."""
    hiding = Hiding({"keys": ["ssn"]})
    hiding.wrote("ssn", "123-45-6789")
    hiding.wrote("name", "Ada Lovelace")
    copied = _event(key="copy", value="123-45-6789")
    marked = _event(key="copy", value="[REDACTED]")
    assert not _differs({"events": [copied]}, {"events": [marked]}, hiding)
    assert not _differs({"events": [copied]}, {"events": [copied]}, hiding)
    assert _differs({"events": [marked]}, {"events": [copied]}, hiding), "we show what the reference hides"
    assert not _differs(
        {"events": [_event(value={"t": "is 123-45-6789!"})]},
        {"events": [_event(value={"t": "is [REDACTED]!"})]},
        hiding,
    )
    said, hid = ({"narrative": [{"type": "emit", "text": f"[emit] e: {shown}"}]} for shown in ('"1234"', "[REDACTED]"))
    assert _differs(said, hid, hiding)
    hiding.wrote("ssn", "1234")
    assert not _differs(said, hid, hiding)
    assert _differs(hid, said, hiding)
    whole, cut = ("a" * 74 + "123-45", "a" * 70 + '123-45..."')
    ends = {"narrative": [{"text": "a" * 70 + "[REDACTED]"}]}
    end = {"narrative": [{"text": "a" * 74 + "[REDACTED]"}]}
    assert _differs({"narrative": [{"text": whole}]}, end, hiding), "a line is not cut for being as long as a preview"
    assert not _differs({"narrative": [{"text": cut}]}, ends, hiding)
    assert _differs({"events": [copied]}, {"events": [marked]})
    assert _differs({"events": [_event(value="Ada Lovelace")]}, {"events": [_event(value="[REDACTED]")]}, hiding)
    raw = {"commitLog": [], "sharedState": {"ssn": "123-45-6789"}}
    assert _differs({"snapshot": raw}, {"snapshot": {"commitLog": [], "sharedState": {"ssn": "[REDACTED]"}}}, hiding)


def test_what_is_hidden_is_compared_where_parallel_branches_are_charts() -> None:
    """Secrets are taken out of both sides there; what the reference hides and we show is told all the same, in texts, too."""
    hiding = Hiding({"keys": ["ssn"]})
    hiding.wrote("ssn", "123-45-6789")

    def told(value: str, text: str) -> dict[str, Any]:
        line = {"type": "step", "runtimeStageId": "b#1", "text": text}
        return {"events": [_event(runtimeStageId="a#0", value=value)], "narrative": [line]}

    def differs(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
        sides = [{**_result(**side), "concurrency": "deep"} for side in (theirs, ours)]
        sides[1]["runs"][0]["hiding"] = hiding
        return first_difference(*sides, {"chart": [], "run": {}}) is not None

    raw, hid = told("123-45-6789", "is 123-45-6789"), told("[REDACTED]", "is [REDACTED]")
    assert not differs(hid, hid)
    assert not differs(raw, hid)
    assert differs(hid, raw)
    assert differs(hid, told("123-45-6789", "is [REDACTED]"))
    assert differs(hid, told("[REDACTED]", "is 123-45-6789"))


def test_a_number_that_the_engine_gives_is_no_secret() -> None:
    """However like a hidden one it is: a step's number, a commit's place."""
    hiding = Hiding({"keys": ["pin"]})
    hiding.wrote("pin", 4711)

    def told(number: Any, value: Any) -> dict[str, Any]:
        line = {"type": "step", "text": "Step", "stepNumber": number, "rawValue": value}
        return {"narrative": [line], "queries": [{"q": "stops", "answer": [{"lastCommitIdx": number}]}]}

    assert not _differs(told(4711, 4711), told(4711, "[REDACTED]"), hiding)
    assert _differs(told(4711, 4711), told("[REDACTED]", 4711), hiding)


def test_an_error_of_a_stage_is_no_remark() -> None:
    """A policy for remarks of errors, which the engine emits, does not hide it; it hides those."""
    hiding = Hiding({"emitPatterns": ["error"]})

    def noted(**errors: Any) -> dict[str, Any]:
        tree = {"logs": {}, "errors": errors, "metrics": {}, "evals": {}}
        return {"snapshot": {"commitLog": [], "executionTree": tree}}

    assert not _differs(noted(code="E1"), noted(code="[REDACTED]"), hiding)
    assert _differs(noted(stageExecutionError="no"), noted(stageExecutionError="[REDACTED]"), hiding)


def test_a_report_may_list_more_after_a_resume() -> None:
    """Of ours, keys that are hidden; all that the reference lists, and in a run the same."""
    hiding = Hiding({"keys": ["ssn"], "fields": {"o": ["zip"]}})
    hiding.wrote("pin", 1, redact=True)

    def lists(op: str, *keys: str) -> dict[str, Any]:
        return {"op": op, "events": [], "redactionReport": {"redactedKeys": [*keys]}}

    assert not _differs(lists("resume", "ssn"), lists("resume", "pin", "ssn", "o.zip"), hiding)
    assert _differs(lists("resume", "ssn"), lists("resume", "o.n", "ssn"), hiding), "no field that is hidden"
    assert _differs(lists("resume", "ssn"), lists("resume", "pin"), hiding), "one is missing"
    assert _differs(lists("resume", "ssn"), lists("resume", "other", "ssn"), hiding), "nothing hides it"
    assert _differs(lists("run", "ssn"), lists("run", "pin", "ssn"), hiding)


def test_a_value_may_stay_hidden_under_its_key() -> None:
    """However common it is, where the reference has forgotten that it is hidden; no other value may, and none elsewhere."""
    hiding = Hiding()
    hiding.wrote("k", 0, redact=True)

    def read(key: str, value: Any) -> dict[str, Any]:
        line = {"type": "step", "text": f"Step 1: Read {key} = {value}", "rawValue": value}
        return {"events": [_event(key=key, value=value)], "narrative": [line]}

    marked = read("k", "[REDACTED]")
    assert not _differs(read("k", 0), marked, hiding)
    assert _differs(marked, read("k", 0), hiding), "we show what the reference hides"
    assert _differs(read("k", 1), marked, hiding)
    assert _differs(read("m", 0), read("m", "[REDACTED]"), hiding)
    cut, ours = read("k", 0), read("k", "[REDACTED]")  # a summary so short that it says nothing
    cut["narrative"][0]["text"] = ours["narrative"][0]["text"] = "Step 1: Read k = ..."
    assert not _differs(cut, ours, hiding)
    ours["narrative"][0]["text"] = "Step 1: Read k = 1..."
    assert _differs(cut, ours, hiding)


def test_a_checkpoint_may_say_where_hidden_texts_stand() -> None:
    """Ours may; the reference forgets them."""
    hiding = Hiding({"keys": ["ssn"]})
    place = {"at": ["sharedState", "note"], "from": 0, "to": 4}
    plain, told = {"checkpoint": {"sharedState": {}}}, {"checkpoint": {"sharedState": {}, "redactedTexts": [place]}}
    assert not _differs(plain, told, hiding)
    assert _differs(told, plain, hiding)
    assert _differs(plain, told)


def test_what_a_rule_saw_of_a_hidden_key_is_hidden() -> None:
    """In the line that tells the rule as in its event, however common the value is."""

    def decided(key: str, seen: str, *, redacted: bool) -> dict[str, Any]:
        condition = {
            "key": key,
            "op": "gt",
            "threshold": 1,
            "actualSummary": seen,
            "result": False,
            "redacted": redacted,
        }
        text = f"It evaluated Rule 0: {key} {seen} gt 1 ✗, and chose A."
        evidence = {"rules": [{"conditions": [condition]}]}
        return {"events": [_event(evidence=evidence)], "narrative": [{"type": "condition", "text": text}]}

    hiding = Hiding({"keys": ["k"]})
    shown, marked = decided("k", "[]", redacted=False), decided("k", "[REDACTED]", redacted=True)
    assert not _differs(shown, marked, hiding)
    assert _differs(marked, shown, hiding), "we show what the reference hides"
    assert _differs(decided("m", "[]", redacted=False), decided("m", "[REDACTED]", redacted=True), hiding)


def test_an_object_that_is_hidden_by_its_name_may_be_hidden_member_by_member() -> None:
    """By us; the members are the same, and one that we show is the reference's."""
    hiding = Hiding({"keys": ["card"]})

    def result(card: Any) -> dict[str, Any]:
        return {"checkpoint": {"subflowResults": {"s": {"treeContext": {"globalContext": {"card": card}}}}}}

    assert not _differs(result({"pin": 1, "of": 2}), result({"pin": "REDACTED", "of": "REDACTED"}), hiding)
    assert not _differs(result({"pin": 1, "of": 2}), result({"pin": "REDACTED", "of": 2}), hiding)
    assert _differs(result({"pin": 1, "of": 2}), result({"pin": "REDACTED", "of": 3}), hiding)
    assert _differs(result({"pin": 1, "of": 2}), result({"pin": "REDACTED"}), hiding)
    assert _differs(result({"pin": "REDACTED"}), result({"pin": 1}), hiding), "we show what the reference hides"
    assert not _differs(result({"of": {"pin": [1], "b": 2}}), result({"of": {"pin": "REDACTED", "b": 2}}), hiding)
    assert _differs(result({"of": {"pin": [1], "b": 2}}), result({"of": {"pin": "REDACTED", "b": 3}}), hiding)
    assert not _differs(result({"pins": [1, {"of": 2}]}), result({"pins": ["REDACTED", {"of": 2}]}), hiding)
    assert _differs(result({"pins": [1, {"of": 2}]}), result({"pins": ["REDACTED", {"of": 3}]}), hiding)
    assert _differs(result({"pins": [1, 2]}), result({"pins": ["REDACTED"]}), hiding), "an item is missing"


def test_a_text_that_was_cut_before_something_in_it_was_hidden() -> None:
    """Both agree as far as the reference kept it; what it kept must be the same."""
    hiding = Hiding({"keys": ["ssn"]})
    hiding.wrote("ssn", "123-45-6789")

    def told(text: str) -> dict[str, Any]:
        return {"narrative": [{"type": "step", "text": f'Step 1: Write t = "{text}"'}]}

    assert not _differs(told("a 123-45-6789 and..."), told("a [REDACTED] and so on"), hiding)
    assert not _differs(told("a 123-45-6789 and 123-..."), told("a [REDACTED] and [REDACTED] on"), hiding)
    assert _differs(told("a 123-45-6789 but..."), told("a [REDACTED] and so on"), hiding)
    assert _differs(told("a 123-45-6789 and"), told("a [REDACTED] and so on"), hiding), "it was not cut"

    assert _differs(told("a 123-45-6789 and but..."), told("a [REDACTED] and [REDACTED] on"), hiding), "no beginning"
    assert _differs(told("a 123-45-6789 and..."), {"narrative": [{"type": "step", "text": "[REDACTED]"}]}, hiding)

    shown, ours = told("a 123-45-6789 and..."), told("a [REDACTED] and so on")
    shown["narrative"].append({"type": "step", "text": "Step 2"})
    assert _shows_the_same(shown, ours, hiding), "where the sides part further on"


def test_a_hidden_field_may_be_a_member_with_a_dot_in_its_name() -> None:
    """What stood there is a secret, as what stands at the path is."""
    hiding = Hiding({"fields": {"p": ["a.b"]}})
    hiding.wrote("p", {"a.b": "one secret", "a": {"c": 1}})
    hiding.wrote("p", {"a": {"b": "other secret"}})
    for held in ("one secret", "other secret"):
        assert not _differs(
            {"events": [_event(key="k", value=held)]}, {"events": [_event(key="k", value=MARK)]}, hiding
        )
    assert _differs({"events": [_event(key="k", value="no secret")]}, {"events": [_event(key="k", value=MARK)]}, hiding)


def test_where_next_to_nothing_of_a_text_is_shown_the_mark_itself_is_cut() -> None:
    """The reference cuts the text that a copy of a hidden value is, and we the mark in its place: of either the beginning must fit."""
    hiding = Hiding({"keys": ["ssn"]})
    hiding.wrote("ssn", "123-45-6789")

    def told(text: str, **members: Any) -> dict[str, Any]:
        return {"narrative": [{"type": "step", "text": f"Step 1: Write t = {text}", **members}]}

    assert not _differs(told('"123-45-..."'), told('"[REDAC..."'), hiding)
    assert not _differs(told('"t: 123-..."'), told('"t: [RED..."'), hiding)
    assert not _differs(told('"123-45-..."'), told("[REDACTED]"), hiding), "our mark is short enough"
    copied = {"rawValue": "123-45-6789"}, {"rawValue": MARK}
    assert not _differs(told('"123-45-..."', **copied[0]), told('"[REDAC..."', **copied[1]), hiding)
    for wrong in ('"123-99-..."', '"other t..."', '"123-45-"', '"u: 123-..."'):
        assert _differs(told(wrong), told('"[REDAC..."'), hiding), "no beginning of it, or not cut"
    assert _differs(told('"123-45-..."'), told('"[REDOC..."'), hiding), "no beginning of the mark"
    assert _differs(told('"123-45-..."'), told('"..."'), hiding), "nothing of the mark"


def _shows_the_same(theirs: dict[str, Any], ours: dict[str, Any], hiding: Hiding) -> bool:
    """Whether the first line is the same when secrets are taken out."""
    sides = [_result(**side)["runs"][0]["phases"] for side in (theirs, ours)]
    hide_in_both(*sides, hiding, aligned=True)
    return sides[0][0]["narrative"][0] == sides[1][0]["narrative"][0]


def test_which_paths_are_hidden_is_judged_from_their_beginning() -> None:
    """By a key, by the dotted name of a member, or as a field of the key; not by the name of some member."""
    hiding = Hiding({"keys": ["ssn", "o.pin"], "fields": {"p": ["a.b"]}})
    hidden = ("ssn", "ssn\x1fx", "o\x1fpin", "p\x1fa\x1fb", "p\x1fa.b", "runs\x1fk\x1fssn")
    assert [path for path in hidden if not hiding.names(path)] == []
    assert [path for path in ("o\x1fssn", "q\x1fp\x1fa\x1fb", "p\x1fa", "o") if hiding.names(path)] == []
    assert hiding.names("p\x1fa\x1fb", by_policy=True)
    hiding.wrote("p", {"a": {"b": 1}}, redact=True)  # as a whole, which the reference has forgotten after a resume
    assert not hiding.names("p\x1fa\x1fb", by_policy=True)


def test_a_hidden_key_stays_hidden_after_a_resume() -> None:
    """In resumed phases only: the reference forgets which keys redacted writes had marked."""
    hiding = Hiding()
    hiding.wrote("pin", 1234, redact=True)

    def read(op: str, **members: Any) -> dict[str, Any]:
        return {"op": op, "events": [{"method": "onRead", "channel": "scope", "event": {"key": "pin", **members}}]}

    hidden = {"value": "[REDACTED]", "redacted": True}
    assert not _differs(read("resume", value=1234), read("resume", **hidden), hiding)
    assert not _differs(read("resume"), read("resume", **hidden), hiding)
    assert _differs(read("run", value=1234), read("run", **hidden), hiding)

    def waits(op: str, value: Any) -> dict[str, Any]:
        """What was read in a chart that waits, in a checkpoint."""
        return {"op": op, "events": [], "checkpoint": {"stageReads": {"pin": value}}}

    assert not _differs(waits("resume", 12), waits("resume", "[REDACTED]"), hiding)
    assert _differs(waits("run", 12), waits("run", "[REDACTED]"), hiding)

    def copied(op: str, value: Any) -> dict[str, Any]:
        """What stands elsewhere, too, of a value that another flow holds under that key."""
        event = {"method": "onRead", "channel": "scope", "event": {"key": "copy", "value": value}}
        return {"op": op, "events": [event], "snapshot": {"commitLog": [], "sharedState": {"pin": "a long text"}}}

    assert not _differs(copied("resume", "a long text"), copied("resume", "[REDACTED]"), hiding)
    assert _differs(copied("resume", "another text"), copied("resume", "[REDACTED]"), hiding)
    assert _differs(copied("run", "a long text"), copied("run", "[REDACTED]"), hiding)


def test_a_new_executor_of_the_reference_knows_its_own_policy_alone() -> None:
    """What an earlier one hid is hidden with us, and may be shown by the reference, in the run that went on in the new one."""
    before = Hiding({"keys": ["ssn"]})
    hiding = before.in_one_run()
    hiding.also({"patterns": [{"source": "^pan"}]})
    assert [hiding.hides(key) for key in ("ssn", "pan", "k")] == [True, True, False]
    assert [hiding.hides_by_policy(key) for key in ("ssn", "pan", "k")] == [False, True, False]
    assert [hiding.has_forgotten(key) for key in ("ssn", "pan", "k")] == [True, False, False]
    assert before.hides_by_policy("ssn")
    assert not before.hides("pan")


def test_what_a_redacted_snapshot_hides_is_hidden_elsewhere() -> None:
    """Fields, too, which the policy names by path."""
    shown = {
        "snapshot": {"commitLog": [], "sharedState": {"p": {"zip": "90210", "n": 1776}}},
        "snapshotRedacted": {"commitLog": [], "sharedState": {"p": {"zip": "REDACTED", "n": 1776}}},
    }
    ours_alone = {
        **shown,
        "snapshotRedacted": {"commitLog": [], "sharedState": {"p": {"zip": "REDACTED", "n": "REDACTED"}}},
    }
    assert _differs(shown, ours_alone, Hiding({"fields": {"p": ["zip"]}})), "what we alone hide is no secret for that"
    copied = {**shown, "events": [_event(value="90210")]}
    marked = {**shown, "events": [_event(value="[REDACTED]")]}
    assert not _differs(copied, marked, Hiding({"fields": {"p": ["zip"]}}))
    assert _differs(copied, {**shown, "events": [_event(value="90211")]}, Hiding({"fields": {"p": ["zip"]}}))


_ASK: dict[str, Any] = {"call": "pausable", "id": "ask"}
_FORK: dict[str, Any] = {"call": "fork", "children": [{"id": "k"}]}


def _phases(*phases: dict[str, Any]) -> dict[str, Any]:
    """A result of one run that pauses and is resumed."""
    full = _result()
    full["runs"][0]["phases"] = [_result(**phase)["runs"][0]["phases"][0] for phase in phases]
    return full


def _paused(*path: str) -> dict[str, Any]:
    return {"checkpoint": {"pausedStageId": "/".join([*path[-1:], "ask"]), "subflowPath": list(path)}}


def _executed(stage: str, kind: str = "linear") -> dict[str, Any]:
    context = {"stageId": stage, "runtimeStageId": f"{stage}#1"}
    return {"method": "onStageExecuted", "event": {"stageType": kind, "traversalContext": context}}


def _of(stage: str) -> dict[str, Any]:
    return {"traversalContext": {"stageId": stage}}


def _committed(stage: str) -> dict[str, Any]:
    return {"method": "onCommit", "event": {"runtimeStageId": f"{stage}#1"}}


def _other(method: str, **event: Any) -> dict[str, Any]:
    return {"method": method, "event": event}


def test_a_loop_back_before_the_pause_is_not_compared() -> None:
    """To a stage that has run since the pause, it is."""
    case = {"chart": [_ASK], "run": {}}
    began = _other("onStageStart", stageId="late", stageName="Late")

    def looped(target: str, then: str) -> dict[str, Any]:
        return _phases(_paused(), {"events": [began, _other("onLoop", target=target), _other(then)]})

    assert first_difference(looped("Early", "onX"), looped("Early", "onY"), case) is None
    assert first_difference(looped("Late", "onX"), looped("Late", "onY"), case) is not None


@pytest.mark.parametrize(
    ("value", "members", "hangs"),
    [([1], {"a": 2}, True), ([1], {"0": 2}, False), (datetime(2024, 2, 29, tzinfo=UTC), {"a": 1}, True), (datetime(2024, 2, 29, tzinfo=UTC), {}, False),
     ({}, {"a": 1}, False), (5, {"a": 1}, False), ([1], [2], False)],
)  # fmt: skip
def test_members_hang_by_name_on_lists_and_dates(value: Any, members: Any, hangs: bool) -> None:
    """An index of a list is a place in it."""
    runtime = Runtime()
    mount = {"output": {"keys": ["v"]}}
    hand_out = mount_options({"id": "sf", "mount": mount}, runtime)["output_mapper"]
    hand_out({"v": members}, {"v": value})
    assert runtime.hung == (["sf"] if hangs else [])


def test_a_loop_back_that_the_runner_does_not_hear_is_not_compared() -> None:
    """Its list is that of the executor before, so what we heard ourselves says whether there was one."""
    case = {"chart": [_ASK], "run": {}}
    began = _other("onStageStart", stageId="late", stageName="Late")

    def resumed(result: int, **more: Any) -> dict[str, Any]:
        return _phases(_paused(), {"result": result, **more})

    for target, differs in (("Early", False), ("Late", True)):
        ours = resumed(2, unheard=[began, _other("onLoop", target=target)])
        assert (first_difference(resumed(1), ours, case) is not None) is differs
    assert first_difference(resumed(1), resumed(2), case) is not None


def test_a_run_after_one_that_was_cut_is_looked_at_by_the_same_names() -> None:
    """What was left out of ours may have named a run; a later run that goes by another one's name is a difference still."""
    case = {"chart": [_ASK], "runs": [{}, {}]}
    lost = {"outcome": "failed", "error": {"name": "Error", "message": "dynamicNext target node not found: first"}}
    back = _other("onLoop", target="First")

    def runs(*each: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        sides = [_phases(_paused(), {"events": events, **more}) for events in each]
        return {**sides[0], "runs": [run for side in sides for run in side["runs"]]}

    def went(number: int) -> dict[str, Any]:
        return _other("onNext", runId=f"<run-{number}>")

    theirs = runs([went(1), _other("onRunFailed")], [went(2), _other("onRunFailed")], **lost)
    assert first_difference(theirs, runs([went(1), back, went(2)], [went(3), back]), case) is None
    assert first_difference(theirs, runs([went(1), back, went(2)], [went(1), back]), case) is not None


def test_what_was_told_before_a_cut_is_known_by_what_it_is_of() -> None:
    """What is hidden in it since, or shown again, does not make it new."""
    case = {"chart": [_ASK, _FORK], "run": {}}

    def told(first: str, again: str, after: str) -> dict[str, Any]:
        lines = [{"type": "step", "runtimeStageId": "ask#1", "text": text} for text in (again, after)]
        return _phases({**_paused(), "narrative": [{**lines[0], "text": first}]}, {"narrative": lines})

    cut = told("x", "[REDACTED]", "a"), told("x", "[REDACTED]", "b")
    for side in cut:
        side["runs"][0]["phases"][1]["events"] = [_committed("ask"), _executed("ask"), _other("onNext", **_of("ask"))]
    cut[1]["runs"][0]["phases"][1]["events"][2]["method"] = "onFork"
    assert first_difference(*cut, case) is not None, "a line of the stage that went on"
    for side in cut:
        side["runs"][0]["phases"][1]["narrative"][1]["type"] = "fork"
    assert first_difference(*cut, case) is None, "and one of its children"


def test_what_children_do_that_a_failure_left_behind_is_not_compared_after_the_end() -> None:
    """Up to there it is, and without any left behind all of it; in later runs only where it can be noticed."""
    end = _other("onRunFailed")

    def failed(log: list[int], *events: dict[str, Any], later: int = 0, **more: Any) -> dict[str, Any]:
        snapshot = {"commitLog": [{"n": n, "runtimeStageId": f"s#{n}"} for n in log], "sharedState": {"n": len(log)}}
        full = _result(outcome="failed", events=[*events], snapshot=snapshot, **more)
        full["runs"] += _result(result=later)["runs"]
        return full

    def differs(theirs: dict[str, Any], ours: dict[str, Any], *runs: dict[str, Any], chart: Any = ()) -> bool:
        case = {"chart": [{"failFast": True}, *chart], "runs": [{}, *(runs or [{}])]}
        return first_difference(theirs, ours, case) is not None

    theirs = failed([1, 2], _other("onX"), end, _other("onCommit"))
    assert not differs(theirs, failed([1], _other("onX"), end, leftBehind=True))
    assert differs(theirs, failed([1], _other("onX"), end, leftBehind=False))
    assert differs(theirs, failed([1], end, leftBehind=True))
    assert differs(theirs, failed([3], _other("onX"), end, leftBehind=True))
    told = failed([1, 2], _committed("s"), end, _other("onX"))
    assert differs(told, failed([], _committed("s"), end, leftBehind=True)), "a commit that was told of before the end"
    assert not differs(told, failed([1], _committed("s"), end, leftBehind=True))
    assert differs(failed([], end), failed([1], end, leftBehind=True)), "what we have done, it must have done"
    later = failed([1], _other("onX"), end, later=1, leftBehind=True)
    assert differs(theirs, later)
    assert differs(theirs, later, {"sameExecutor": True}), "what came of it is its own"
    heard = failed([1], _other("onX"), end, leftBehind=True)
    heard["runs"][1]["phases"][0] |= {"events": [_other("onCommit")], "narrative": [{"text": "x"}]}
    assert not differs(theirs, heard, {"sameExecutor": True}), "its recorders hear those children, too"
    assert differs(theirs, heard, {}), "another executor's do not"
    heard["runs"].append(copy.deepcopy(heard["runs"][1]))
    after = copy.deepcopy(theirs)
    after["runs"].append(copy.deepcopy(after["runs"][1]))
    assert not differs(after, heard, {"sameExecutor": True}, {"sameExecutor": True})
    assert differs(after, heard, {"sameExecutor": True}, {}), "nor do those of a later one"
    assert not differs(theirs, later, chart=[{"call": "start", "id": "a", "program": [["fail_times", 1, "x"]]}])
    assert first_difference(theirs, failed([1], _other("onX"), end, leftBehind=True), {"runs": [{}, {}]}) is not None


def test_what_children_do_that_a_pause_left_behind_is_not_compared_after_it() -> None:
    """Nor how far the run has come: where it waits, it is, and what we have told."""

    def paused(count: int, *events: str, **more: Any) -> dict[str, Any]:
        checkpoint = {"pausedStageId": "ask", "subflowPath": [], "executionCount": count}
        return _phases(
            {"outcome": "paused", "checkpoint": checkpoint, "events": [*map(_other, events)], **more}, {"result": count}
        )

    case = {"chart": [{"failFast": True}], "run": {}}
    theirs = paused(2, "onPause", "onCommit")
    assert first_difference(theirs, paused(1, "onPause", leftBehind=True), case) is None
    assert first_difference(theirs, paused(1, "onPause"), case) is not None
    assert first_difference(theirs, paused(1, "onStageStart", leftBehind=True), case) is not None
    assert first_difference(theirs, paused(1, "onPause", leftBehind=True), {"chart": [], "run": {}}) is not None
    assert first_difference(paused(2, "onPause"), paused(1, "onPause", leftBehind=True), case) is not None

    again = {"chart": [{"failFast": True}], "runs": [{}, {"sameExecutor": True}]}
    sides = paused(2, "onPause"), paused(2, "onPause", leftBehind=True)
    for side in sides:
        side["runs"] += _result()["runs"]
    sides[0]["runs"][1]["phases"][0]["events"] = [_other("onCommit")]
    assert first_difference(*sides, again) is None, "what they do is heard in the next run alone"
    assert first_difference(*sides, {**again, "runs": [{}, {}]}) is not None


def test_a_run_that_never_began_is_not_compared_in_what_the_one_before_left_out() -> None:
    """It shows that one's lines: they are compared where that one was, and its own failure is."""
    case = {"chart": [_ASK, _FORK], "runs": [{"resume": [{}]}, {"sameExecutor": True}]}

    def then(line: str, error: str, *events: dict[str, Any]) -> dict[str, Any]:
        full = _phases(_paused(), {"events": [_committed("ask"), _executed("ask"), *events]})
        refused = {"narrative": [{"text": line}], "outcome": "failed", "error": {"name": "Error", "message": error}}
        full["runs"] += _result(**refused)["runs"]
        return full

    goes, forks = (_other(method, **_of("ask")) for method in ("onNext", "onFork"))
    assert first_difference(then("a", "no", goes), then("b", "no", forks), case) is None
    assert first_difference(then("a", "no", goes), then("b", "yes", forks), case) is not None
    compared = {**case, "chart": [_ASK]}
    assert first_difference(then("a", "no"), then("b", "no"), compared) is not None

    resumed = [_result(op="resume", outcome="failed")["runs"][0]["phases"][0] for _ in range(2)]
    still = then("a", "no", goes)
    still["runs"][1]["phases"] += resumed
    assert first_difference(still, then("b", "no", forks), case) is None, "its pause is that one's, too"
    assert first_difference(
        {**still, "runs": [then("a", "no")["runs"][0], still["runs"][1]]}, then("a", "no"), compared
    )
    fault = then("b", "no", forks)
    fault["runs"][1]["phases"] += [{**resumed[0], "error": {"name": "KeyError", "message": "no"}}]
    assert first_difference(still, fault, case) is not None


def test_a_run_that_never_began_may_keep_the_lines_of_the_one_before() -> None:
    """And its pause, where the reference has none; never the other way round, and not in a run that began."""
    case = {"chart": [], "runs": [{}, {"sameExecutor": True}]}

    def refused(lines: list[str], *events: dict[str, Any]) -> dict[str, Any]:
        full = _result()
        full["runs"] += _result(narrative=[{"text": line} for line in lines], events=list(events))["runs"]
        return full

    assert first_difference(refused([]), refused(["a"]), case) is None
    gone_on = refused(["a"])
    gone_on["runs"][1]["phases"] += _result(op="resume")["runs"][0]["phases"]
    assert first_difference(refused([]), gone_on, case) is None
    assert first_difference(gone_on, refused(["a"]), case) is not None
    assert first_difference(refused(["a"]), refused([]), case) is not None
    assert first_difference(refused(["a"]), refused(["b"]), case) is not None
    began = _other("onRunStart")
    assert first_difference(refused([], began), refused(["a"], began), case) is not None


def test_a_returned_chart_is_shown_as_it_was_built() -> None:
    """The reference's may have been written to at the ids of the outermost chart's stages, and at those alone."""
    returns = ["return_subflows", "kids", [{"id": "k", "chart": [{"call": "start", "id": "inner"}]}]]
    case = {"chart": [{"call": "start", "id": "a", "program": [returns]}], "run": {}}

    def shown(**spec: Any) -> dict[str, Any]:
        return _result(snapshot={"commitLog": [], "subflowResults": {"k": {"pipelineStructure": spec}}})

    built = shown(id="a", next={"id": "inner"})
    assert first_difference(shown(id="a", next={"id": "inner"}, iterationCount=2), built, case) is None
    assert first_difference(shown(id="a", next={"id": "b"}, children=[{"id": "c"}]), built, case) is None
    assert first_difference(shown(id="a", name="A", next={"id": "inner"}), built, case) is not None
    assert first_difference(shown(id="inner", iterationCount=2), shown(id="inner"), case) is not None
    nothing_returned = {"chart": [{"call": "start", "id": "a"}], "run": {}}
    assert first_difference(shown(id="a", iterationCount=2), shown(id="a"), nothing_returned) is not None


def test_a_checkpoint_may_name_the_hidden_keys() -> None:
    """That member alone."""
    assert not _differs(
        {"checkpoint": {"pausedStageId": "a"}}, {"checkpoint": {"pausedStageId": "a", "redactedKeys": []}}
    )
    assert _differs({"checkpoint": {"pausedStageId": "a"}}, {"checkpoint": {"pausedStageId": "a", "more": []}})


def test_a_commit_may_say_what_came_of_its_patches() -> None:
    """That member alone, and of commits alone."""
    commit = {"trace": [], "overwrite": {}, "updates": {}}
    with_results = {**commit, "results": {"k": 1}}
    assert not _differs({"snapshot": {"commitLog": [commit]}}, {"snapshot": {"commitLog": [with_results]}})
    assert _differs({"snapshot": {"commitLog": [commit]}}, {"snapshot": {"commitLog": [{**commit, "more": {}}]}})
    assert _differs({"snapshot": {"sharedState": {}}}, {"snapshot": {"sharedState": {"results": {}}}})


def test_a_name_that_is_spelled_out_reads_as_it_is() -> None:
    """A key, and where it is told; two names that only read alike stay two."""
    ours = {"\ufffd\\ud83d": 1, "\\ud83d": 2, "\ufffd\ufffd\\ud83d": 3, "key": "a\ufffd\\ud83d"}
    assert json_view(record({"in": {"\ud83d": [1]}})) == {"in": {"\ud83d": [1]}}
    assert json_view(ours) == {"\ud83d": 1, "\\ud83d": 2, "\ufffd\\ud83d": 3, "key": "a\ud83d"}


def test_an_error_in_the_state_may_have_a_name() -> None:
    """Those that it was raised with, where the reference has lost them; never the other way round, and no other value."""
    raised = {"name": "PaymentError", "message": "m", "code": "E"}

    def kept(**error: Any) -> dict[str, Any]:
        event = {"stageName": "s", "structuredError": raised}
        return {
            "events": [{"channel": "flow", "method": "onError", "event": event}],
            "snapshot": {"commitLog": [], "sharedState": {"r": {"$error": error}}},
        }

    assert not _differs(kept(name="Error", message="m"), kept(name="PaymentError", message="m", code="E"))
    assert _differs(kept(name="PaymentError", message="m", code="E"), kept(name="Error", message="m"))
    assert _differs(kept(name="Error", message="m"), kept(name="Error", message="n"))
    assert _differs(kept(name="Error", message="m"), kept(name="OtherError", message="m", code="E"))
    assert _differs(kept(name="Error", message="m"), kept(name="PaymentError", message="m", code="F"))
    assert _differs(
        {"result": {"$error": {"name": "A", "message": "m"}}}, {"result": {"$error": {"name": "B", "message": "m"}}}
    )
    assert _differs({"snapshot": {"sharedState": {"r": {}}}}, kept(name="Error", message="m"))


def test_an_error_with_a_name_is_a_change_when_it_is_written_again() -> None:
    """In the reference, whose copy has no name; not one without, not another value, and not in ours alone."""

    def wrote(overwrite: dict[str, Any], raised: dict[str, Any]) -> dict[str, Any]:
        event = {"stageName": "s", "structuredError": {"message": "m", **raised}}
        rows = [{"path": key, "verb": "set"} for key in overwrite]
        return {
            "events": [{"channel": "flow", "method": "onError", "event": event}],
            "snapshot": {"commitLog": [{"overwrite": first, "trace": []}, {"overwrite": overwrite, "trace": rows}]},
        }

    named, plain, coded = {"name": "PaymentError"}, {"name": "Error"}, {"name": "Error", "code": "E"}
    again, first = ({"k": [{"$error": {"name": "Error", "message": "m"}}]} for _ in range(2))
    other = {"k": [*again["k"], 1]}
    for raised, differs in ((named, False), (coded, False), (plain, True)):
        assert _differs(wrote(again, raised), wrote({}, raised)) is differs
    assert _differs(wrote({}, named), wrote(again, named))
    assert _differs(wrote(other, named), wrote({}, named)), "what holds the error has changed"
    assert _differs(wrote({"k": 1}, named), wrote({}, named))
    state = {"snapshot": {"sharedState": {"commitLog": 1, "history": 2}, "commitLog": []}}
    assert not _differs(state, state), "a key of a stage's own that is called as a log is"


def test_a_merge_finds_nothing_in_a_date_or_an_error() -> None:
    """Ours is given `{}` for one in a patch; the record of that update, and nothing else, may show what it was."""
    date = "2024-01-01T00:00:00.000Z"

    def updated(value: Any, operation: str = "update", **more: Any) -> dict[str, Any]:
        write = {"runtimeStageId": "s#0", "key": "o", "operation": operation, "value": {"d": value}}
        tree = {"runtimeStageId": "s#0", "stageWrites": {"o": {"d": value}}, **more}
        phase = _result(events=[{"channel": "scope", "method": "onWrite", "event": write}])
        phase["runs"][0]["phases"][0]["snapshot"] = {"commitLog": [], "executionTree": tree}
        return phase

    def differ(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
        ours["runs"][0]["mergedWhole"] = [date]
        return first_difference(theirs, ours, {}) is not None

    assert not differ(updated(date), updated({}))
    assert differ(updated(date, "set"), updated({}, "set"))
    assert differ(updated("2024-01-01T00:00:00.001Z"), updated({}))
    assert differ(updated(date, stageReads={"o": date}), updated({}, stageReads={"o": {}}))

    def unheard(value: Any, verb: str, key: str = "o") -> dict[str, Any]:
        phase = updated(value)
        phase["runs"][0]["phases"][0]["events"] = []
        rows = [{"path": f"{key}\x1fd", "verb": verb}]
        bundle = {"overwrite": {}, "updates": {}, "redactedPaths": [], "trace": rows, "runtimeStageId": "s#0"}
        phase["runs"][0]["phases"][0]["snapshot"]["commitLog"] = [bundle]
        return phase

    assert not differ(unheard(date, "merge"), unheard({}, "merge")), "its commit tells it"
    assert differ(unheard(date, "set"), unheard({}, "set"))
    assert differ(unheard(date, "merge", "p"), unheard({}, "merge", "p"))

    replaced: list[Any] = []
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    patch = {"d": moment, "in": {"d": moment, "l": [moment]}, "n": 1}
    assert _js.mergeable(patch, replaced.append) == {"d": {}, "in": {"d": {}, "l": [moment]}, "n": 1}
    assert _js.mergeable(moment, replaced.append) == {}
    assert replaced == [moment] * 3
    assert patch["d"] == moment


def test_what_a_case_copies_of_an_error_is_its_message() -> None:
    """As `structuredClone` does it: the code goes, and the name when it is none of the language's."""
    copied = _js.copy({"e": {"$error": {"name": "PaymentError", "message": "m", "code": "E1"}}})
    assert copied == {"e": {"$error": {"name": "Error", "message": "m"}}}
    kept = {"$error": {"name": "TypeError", "message": "m"}}
    assert _js.copy([kept]) == [kept]
    assert _js.json_text([kept]) == "[{}]"
    assert _js.size(kept) == 0

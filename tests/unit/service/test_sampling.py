from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from footpath.trace import decode_trace
from footpath_service.sampling import KEPT, Sampler, is_always_kept, read_sampling, share_of
from tests.unit.service._traces import document, trace_id


def trace(number: int = 1, **changed: Any) -> Any:
    return decode_trace(document(number, **changed))


def judged(rules: list[Any], number: int = 1, **changed: Any) -> Any:
    return Sampler(read_sampling(json.dumps(rules))).judge(trace(number, **changed))


def test_a_trace_that_no_rule_fits_is_kept() -> None:
    """Rules name what may be left out; the rest is none of their business."""
    assert judged([{"chart": "another", "keep": 0.000001}]) == KEPT
    assert judged([]) == KEPT


def test_the_first_rule_that_fits_decides() -> None:
    """So an exception stands before the rule."""
    assert judged([{"chart": "receive", "keep": 1}, {"keep": 0.000001}]) == KEPT
    assert judged([{"keep": 0.000001}, {"chart": "receive", "keep": 1}]).keep is False


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"chart": "receive"}, True),
        ({"chart": "Receive"}, False),
        ({"status": "completed"}, True),
        ({"minDurationMs": 5}, True),
        ({"minDurationMs": 5.1}, False),
        ({"attributes": {"context.tenant": "gold"}}, True),
        ({"attributes": {"context.tenant": ["silver", "gold"]}}, True),
        ({"attributes": {"context.tenant": "silver"}}, False),
        ({"attributes": {"input.amount": 500}}, True),
        ({"attributes": {"result.decision": "approved", "input.amount": 501}}, False),
        ({"attributes": {"input.name.first": "x"}}, False),
        ({"chart": "receive", "minDurationMs": 6}, False),
    ],
)
def test_a_rule_fits_when_every_condition_does(rule: dict[str, Any], fits: bool) -> None:
    """Chart, status, duration, and what the header says of context, input and result."""
    verdict = judged([{**rule, "keep": 0.000001}], context={"tenant": "gold"}, duration=5.0)
    assert verdict.keep is not fits


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "failed"},
        {"status": "paused"},
        {"status": "deadline"},
        {"revision": 0},
        {"continues": trace_id(9)},
        {"truncated": {"at": 1, "reason": "bytes", "dropped": 1}},
    ],
)
def test_what_somebody_will_ask_about_is_always_kept(changed: dict[str, Any]) -> None:
    """Failures, pauses, deadlines, what follows a pause, a partial trace, one that was cut: with the weight of one."""
    assert judged([{"keep": 0.000001}], **changed) == KEPT


@pytest.mark.parametrize(
    "entry",
    [
        [27, ["Error", "no"]],
        [28, 1, 3, 0, ["Error", "no"]],
        [17, 0, "error", "k", "v"],
        [35, "errors", "k", "v"],
    ],
)
def test_a_run_that_met_an_error_and_went_on_is_always_kept(entry: list[Any]) -> None:
    """A failed branch, a retry, a remark of the stage's: the run completed, and is not like the others."""
    journal = msgspec.json.decode(document())["journal"]
    assert is_always_kept(trace(journal=[*journal, entry]))
    assert not is_always_kept(trace())


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_share_is_kept_and_weighs_as_much_as_all(share: float) -> None:
    """Over many ids; the same ids every time."""
    ids = [trace_id(number) for number in range(20_000)]
    kept = [one for one in ids if share_of(one) < share]
    assert abs(len(kept) / share - len(ids)) < len(ids) * 0.05
    assert kept == [one for one in ids if share_of(one) < share]
    assert judged([{"keep": share}], next(number for number in range(100) if share_of(trace_id(number)) < share)) == (
        True,
        1 / share,
    )


def test_who_is_kept_at_a_share_is_kept_at_a_larger_one() -> None:
    """Turning sampling up never loses a trace that less of it would have kept."""
    few = {number for number in range(1000) if share_of(trace_id(number)) < 0.1}
    more = {number for number in range(1000) if share_of(trace_id(number)) < 0.3}
    assert few < more


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSON"),
        ("{}", "Expected `array`"),
        ("[1]", "Expected `object`"),
        ('[{"chart": "a"}]', "keep"),
        ('[{"keep": 0}]', "keeps 0"),
        ('[{"keep": 1.5}]', "keeps 1.5"),
        ('[{"keep": 0.1, "shart": "a"}]', "shart"),
        ('[{"keep": 0.1, "status": "odd"}]', "'odd'"),
        ('[{"keep": 0.1, "status": "failed"}]', "always kept"),
        ('[{"keep": 0.1, "attributes": {"journal.x": 1}}]', "'journal.x'"),
    ],
)
def test_a_wrong_rule_is_named(text: str, said: str) -> None:
    """With its number, its value and what is due."""
    with pytest.raises(ValueError, match="rules") as caught:
        read_sampling(text)
    assert said in str(caught.value)

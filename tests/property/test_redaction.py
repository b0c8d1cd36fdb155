"""Law 6: a redacted value leaves no trace of itself in what is kept of a run."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from footpath import replay
from footpath.replay import NarrativeBuilder, follow, tell
from footpath.values import Secrets
from tests.property._budget import examples
from tests.property._canaries import CANARIES, POLICY, canary_operations, last_canary_operations
from tests.property._charts import with_operations
from tests.property._runs import Case, Heard, Phase, Running, cases


@st.composite
def leaky_cases(draw: Callable[..., Any]) -> Case:
    """Any case, with secrets in its stages, its input and its first state."""
    case = draw(cases(policies=st.sampled_from((POLICY, POLICY, None))))
    operations = canary_operations() | last_canary_operations()
    more = draw(st.lists(st.tuples(st.integers(0, 60), operations), min_size=2, max_size=12))
    given_input = {"i0": "plain", "i_secret": CANARIES[0], "i_leak": [f"for {CANARIES[0]}"], "i_late": str(CANARIES[1])}
    initial = {**case.initial, "l1": ("json", [f"at first {CANARIES[2]}"])}
    return dataclasses.replace(
        case, chart=with_operations(case.chart, more), input=draw(st.sampled_from((None, given_input))), initial=initial
    )


def spellings(canary: Any) -> list[bytes]:
    """How a canary would stand in a document: as it is, as JSON text, in base64."""
    text = str(canary)
    return [text.encode(), json.dumps(text)[1:-1].encode(), msgspec.json.encode(text)[1:-1]]


def secrets_of(case: Case, running: Running, *, first: bool) -> set[Any]:
    """The canaries that must not be seen any more."""
    secrets = {canary for how, canary in running.world.marked if how == "call" or case.policy is not None}
    if first and case.policy is not None and case.input is not None and "i_secret" in case.input:
        secrets.add(case.input["i_secret"])
    return secrets


@settings(max_examples=examples(60))
@given(case=leaky_cases())
def test_no_secret_stands_in_a_document(case: Case) -> None:
    """Marked by key, pattern, field, call or event name; leaked before or after, in any place a value can reach."""
    running = Running(case)

    def unseen(phase: Phase, number: int) -> None:
        for canary in secrets_of(case, running, first=number == 0):
            for spelling in spellings(canary):
                assert spelling not in phase.document, (canary, number)
        replay(phase.trace, Heard())
        assert phase.trace.snapshot is not None
        assert phase.trace.narrative is not None

    running.phases(after_phase=unseen)


@settings(max_examples=examples(25))
@given(case=leaky_cases())
def test_live_events_differ_from_replayed_ones_only_in_what_was_not_known_yet(case: Case) -> None:
    """The same calls; and what a live event shows too much is what sealing takes out: secrets, as values, texts and names."""
    running = Running(case)
    live = Heard()
    start = 0

    def alike(phase: Phase, _: int) -> None:
        nonlocal start
        again = Heard()
        replay(phase.trace, again)
        heard, start = live.calls[start:], len(live.calls)
        assert [call[:2] for call in heard] == [call[:2] for call in again.calls]
        redaction = phase.executor._phases[-1].run.redaction
        secrets = Secrets() if redaction is None else redaction.secrets
        for (hook, _, told), (_, _, retold) in zip(heard, again.calls, strict=True):
            assert scrubbed(told, secrets) == scrubbed(retold, secrets), hook

    running.phases(live, after_phase=alike)


@settings(max_examples=examples(25))
@given(case=leaky_cases())
def test_views_of_a_redacted_trace_are_the_redacted_views_of_the_run(case: Case) -> None:
    """Snapshot and story from the document say what the executor says live: the same marks, summaries and sizes."""

    def alike(phase: Phase, number: int) -> None:
        if not phase.fresh or number:
            return  # the executor's views are of all phases, the trace's of one
        live, told = phase.executor.get_snapshot(redact=True), dict(phase.trace.snapshot)
        if "initialState" not in live:
            del told["initialState"]
        assert json.loads(msgspec.json.encode(live)) == json.loads(msgspec.json.encode(told))
        assert phase.executor.get_narrative_entries() == phase.trace.narrative

    Running(case).phases(after_phase=alike)


@settings(max_examples=examples(25))
@given(case=leaky_cases())
def test_a_redacted_journal_is_enough_for_every_view(case: Case) -> None:
    """Laws 2 and 5 hold for the redacted form: story by entries and by events, state by the fold and by following."""
    running = Running(case)

    def enough(phase: Phase, _: int) -> None:
        trace = phase.trace
        heard = NarrativeBuilder(**trace.narrative_options)
        follow(trace, heard)
        assert trace.narrative == heard.entries()
        assert tell(trace, text_only=True).lines() == heard.lines()
        snapshot = trace.snapshot
        assert trace.state_at(len(snapshot["commitLog"])) == json.loads(msgspec.json.encode(snapshot["sharedState"]))

    running.phases(after_phase=enough)


_NUMBER = re.compile(rb"\[REDACTED\](?: \(\d+\))")
"""What tells two names apart that would read the same; one run of sealing numbers them all, an event's own objects by themselves."""


def scrubbed(event: bytes, secrets: Secrets) -> Any:
    """An event's JSON without secrets."""
    shown = secrets.scrub_recorded(msgspec.Raw(event))
    return json.loads(_NUMBER.sub(b"[REDACTED]", bytes(shown)))

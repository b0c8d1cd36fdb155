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
from footpath.journal import entries
from footpath.replay import NarrativeBuilder, follow, tell
from footpath.trace import Trace, sealed
from footpath.values import Secrets
from footpath.values._secrets import SECRET_LENGTH
from tests.property._budget import examples
from tests.property._canaries import CANARIES, POLICY, canary_operations, last_canary_operations
from tests.property._charts import with_operations
from tests.property._runs import Case, Heard, Phase, Running, cases, state_folds_commit_by_commit


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
        state_folds_commit_by_commit(trace, case)
        heard = NarrativeBuilder(**trace.narrative_options)
        follow(trace, heard)
        assert trace.narrative == heard.entries()
        assert tell(trace, text_only=True).lines() == heard.lines()
        snapshot = trace.snapshot
        assert trace.state_at(len(snapshot["commitLog"])) == json.loads(msgspec.json.encode(snapshot["sharedState"]))

    running.phases(after_phase=enough)


OWN_TEXTS = re.compile(r"[0-9a-f-]{36}|footpath\.\w+|\$footpath|__root__.*|\[REDACTED\]")
"""What the engine itself writes: ids of runs, its marks."""
OWN_PARTS = {entries.EXECUTED: (1,), entries.NOTE: (2,), entries.BAG: (1, 2), entries.MESSAGE: (1,)}
"""Words of the engine's own, by kind of entry."""


def texts_of(document: bytes) -> set[str]:
    """Every text in what a document says of its run: values, and names of keys and nodes. Not names of members, which may be the engine's own."""
    told = json.loads(document)
    texts: set[str] = set()
    for entry in told["journal"]:
        for at in OWN_PARTS.get(entry[0], ()) if isinstance(entry, list) else ():
            entry[at] = None
        if isinstance(entry, list) and entry[0] == entries.OUTPUT:  # a read is a key and a member
            entry[3] = [read.split(".", 1) if isinstance(read, str) else read for read in entry[3]]
    todo: list[Any] = [told["journal"], *[told.get(part) for part in ("input", "result", "error", "context")]]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            texts.add(part)
        elif isinstance(part, list):
            todo += part
        elif isinstance(part, dict):
            todo += [value for name, value in part.items() if name != "$footpath"]
    return {text for text in texts if len(text) >= SECRET_LENGTH and not OWN_TEXTS.fullmatch(text)}


def is_told_by(spec: str, text: str) -> bool:
    """Whether a text is in the chart anyhow, mount by mount, but for what tells the branches of a for-each apart."""
    return all(re.sub(r"(~\d+| \[\d+\])?(#\d+)?$", "", part) in spec for part in text.split("/"))


@settings(max_examples=examples(25))
@given(case=cases())
def test_any_text_of_a_run_can_be_taken_out_of_its_trace(case: Case) -> None:
    """Whatever a run has recorded may turn out to be secret at its end, all of it at once: no part of any entry keeps it."""

    def leaves_none(phase: Phase, _: int) -> None:
        document = phase.trace.document
        spec = json.dumps(json.loads(bytes(document.spec)), ensure_ascii=False)
        secret: set[str] = set()
        secrets = Secrets()
        for text in texts_of(phase.document):
            before = len(secrets)
            if not is_told_by(spec, text):
                secrets.add(text)
            if len(secrets) != before:  # some are too common to be one
                secret.add(text)
        left = Trace(sealed(document, secrets))
        kept = texts_of(left.encoded)
        still = {text for text in secret if any(text in each for each in kept)}
        assert not still, [
            entry for entry in json.loads(left.encoded)["journal"] if any(text in str(entry) for text in still)
        ]
        replay(left, Heard())

    Running(case).phases(after_phase=leaves_none)


_NUMBER = re.compile(rb"\[REDACTED\](?: \(\d+\))")
"""What tells two names apart that would read the same; one run of sealing numbers them all, an event's own objects by themselves."""


def scrubbed(event: bytes, secrets: Secrets) -> Any:
    """An event's JSON without secrets."""
    shown = secrets.scrub_recorded(msgspec.Raw(event))
    return json.loads(_NUMBER.sub(b"[REDACTED]", bytes(shown)))

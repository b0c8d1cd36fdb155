"""The audit trail: what changed, what was decided and on what grounds, what went wrong; each row sealed to the last.

Rows hold nothing but what the events hold: no clock, no ids of their own. So the same events give the same rows to
the byte, live and replayed. The chain shows that no row was changed, added, dropped or moved *inside* a trail; that
the trail as a whole is the one written is the business of the archive's signed digests.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field, structs

from footpath.channels import FlowErrorEvent, FlowPauseEvent, FlowResumeEvent
from footpath.values import js_reason, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from footpath.channels import (
        BreakEvent,
        CommitEvent,
        DecisionEvent,
        EmitEvent,
        LoopEvent,
        Mutation,
        RunEndEvent,
        RunFailedEvent,
        RunStartEvent,
        ScopeErrorEvent,
        ScopePauseEvent,
        ScopeResumeEvent,
        SelectedEvent,
        StageRetryEvent,
        StructuredError,
        SubflowEntryEvent,
        SubflowExitEvent,
        TraversalContext,
    )

GENESIS = "0" * 64
"""What the first row is chained to."""


class AuditRow(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False, kw_only=True):
    """One thing that happened. JSON members are the camelCase names, in this order; what does not apply is left out.

    Attributes:
        seq: 0, 1, 2 ... inside the trail.
        kind: "run-start", "write", "decision", "selection", "emit", "retry", "error", "break", "loop", "pause",
            "resume", "subflow-entry", "subflow-exit", "run-end" or "run-failed".
        run_id: of the run, on its start.
        stage_id, runtime_stage_id: where; absent on a loop that hangs on a decider.
        at: milliseconds since the Unix epoch, as the event says; absent where events carry no time.
        key, operation: of a write; the operation is "set", "update" (the value is the patch), "append" or "delete".
        name: the branch chosen, the event emitted, the loop's target, the subflow.
        names: the branches a selector chose.
        number: a retry's attempt, a loop's iteration, a selector's branches in all.
        value: what was written, emitted, paused with, mapped in or out, given to the run or returned by it
            (recorded form; absent is not null).
        evidence: what the rules of a decision or selection saw (recorded form).
        message: of an error; a break's reason.
        error_type, code: of an error.
        hash: lower-case hex SHA-256 over the previous row's hash and this row without its hash.
    """

    seq: int
    kind: str
    run_id: str | UnsetType = UNSET
    stage_id: str | UnsetType = UNSET
    runtime_stage_id: str | UnsetType = UNSET
    at: float | UnsetType = UNSET
    key: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    names: tuple[str, ...] | UnsetType = UNSET
    number: int | UnsetType = UNSET
    raw_value: Any = field(default=UNSET, name="value")
    raw_evidence: Any = field(default=UNSET, name="evidence")
    message: str | UnsetType = UNSET
    error_type: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    hash: str | UnsetType = UNSET

    @property
    def value(self) -> Any:
        """The value as JSON; None when absent."""
        return plain(self.raw_value)

    @property
    def evidence(self) -> Any:
        """What the rules saw, as JSON; None when absent."""
        return plain(self.raw_evidence)


class AuditRecorder:
    """Keeps the audit trail of a run, or of one trace after the other (`clear` starts a new trail).

    Left out: reads, stages that wrote nothing, and failures of recorders, which are no part of the run. A parallel
    child commits twice and a mount's output is committed through its parent's stage: footprintjs then tells of the
    same mutations again; here each is one row, and another where its value has changed since.

    Example:
        >>> audit = AuditRecorder()
        >>> replay(trace, audit)
        >>> [row.kind for row in audit.rows()], verify_chain(audit.encoded())
        (['run-start', 'write', 'decision', 'write', 'run-end'], None)
    """

    def __init__(self, id: str = "audit") -> None:  # the recorder contract's name
        self.id = id
        self._rows: list[AuditRow] = []
        self._sealed: list[bytes] = []
        self._last_hash = GENESIS
        # Mutations told so far, by runtime stage id: a later commit of the same execution repeats them first.
        self._told: dict[str, tuple[Mutation, ...]] = {}

    def clear(self) -> None:
        """Begin a new trail; the old one is gone."""
        self._rows.clear()
        self._sealed.clear()
        self._last_hash = GENESIS
        self._told.clear()

    # ── the trail ────────────────────────────────────────────────────────────────────────────────────────────────────
    def rows(self) -> list[AuditRow]:
        """The trail so far, each row with its hash."""
        self.encoded()
        return [
            structs.replace(row, hash=sealed[-66:-2].decode())
            for row, sealed in zip(self._rows, self._sealed, strict=True)
        ]

    def encoded(self) -> bytes:
        """The trail so far as a JSON array: what is archived, and what the hashes are over."""
        sealed = self._sealed
        previous = self._last_hash
        for row in self._rows[len(sealed) :]:
            body = _encode(row)
            previous = _seal(previous, body)
            sealed.append(b'%b,"hash":"%b"}' % (body[:-1], previous.encode()))
        self._last_hash = previous
        return b"[%b]" % b",".join(sealed)

    # ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────
    def on_run_start(self, event: RunStartEvent) -> None:
        """The run begins."""
        context = event.traversal_context
        run_id = context.run_id if context is not UNSET else UNSET
        self._rows.append(AuditRow(seq=len(self._rows), kind="run-start", run_id=run_id, raw_value=event.raw_payload))

    def on_commit(self, event: CommitEvent) -> None:
        """A stage's writes reached the shared state."""
        mutations = event.mutations
        if not mutations:
            return
        stage = event.runtime_stage_id
        told = self._told.get(stage, ())
        self._told[stage] = mutations
        rows = self._rows
        for mutation, before in zip_longest(mutations, told):
            if mutation is None or mutation == before:
                continue  # one that has another value now is told again
            rows.append(
                AuditRow(
                    seq=len(rows),
                    kind="write",
                    stage_id=event.stage_id,
                    runtime_stage_id=stage,
                    at=event.timestamp,
                    key=mutation.key,
                    operation=mutation.operation,
                    raw_value=mutation.raw_value,
                )
            )

    def on_decision(self, event: DecisionEvent) -> None:
        """A decider chose."""
        reason = js_reason(event.rationale)
        self._add(
            "decision",
            event.traversal_context,
            name=event.chosen,
            raw_evidence=event.raw_evidence,
            message=UNSET if reason is None else reason,
        )

    def on_selected(self, event: SelectedEvent) -> None:
        """A selector chose."""
        self._add(
            "selection",
            event.traversal_context,
            names=event.selected,
            number=event.total,
            raw_evidence=event.raw_evidence,
        )

    def on_emit(self, event: EmitEvent) -> None:
        """The application said something."""
        self._rows.append(
            AuditRow(
                seq=len(self._rows),
                kind="emit",
                stage_id=event.runtime_stage_id.rpartition("#")[0],
                runtime_stage_id=event.runtime_stage_id,
                at=event.timestamp,
                name=event.name,
                raw_value=event.raw_payload,
            )
        )

    def on_stage_retry(self, event: StageRetryEvent) -> None:
        """An attempt failed and another follows."""
        self._add("retry", event.traversal_context, number=event.attempt, **_said(event.structured_error))

    def on_error(self, event: FlowErrorEvent | ScopeErrorEvent) -> None:
        """A stage raised; a recorder's failure is passed over."""
        if isinstance(event, FlowErrorEvent):
            self._add("error", event.traversal_context, **_said(event.structured_error))

    def on_break(self, event: BreakEvent) -> None:
        """A stage stopped its line."""
        self._add("break", event.traversal_context, message=event.reason)

    def on_loop(self, event: LoopEvent) -> None:
        """A loop edge was taken."""
        self._add("loop", event.traversal_context, name=event.target, number=event.iteration)

    def on_pause(self, event: FlowPauseEvent | ScopePauseEvent) -> None:
        """The run waits."""
        if isinstance(event, FlowPauseEvent):
            self._add("pause", event.traversal_context, raw_value=event.raw_pause_data)

    def on_resume(self, event: FlowResumeEvent | ScopeResumeEvent) -> None:
        """The run goes on."""
        if isinstance(event, FlowResumeEvent):
            self._add("resume", event.traversal_context)

    def on_subflow_entry(self, event: SubflowEntryEvent) -> None:
        """A mounted chart begins."""
        self._add("subflow-entry", event.traversal_context, name=event.subflow_id, raw_value=event.raw_mapped_input)

    def on_subflow_exit(self, event: SubflowExitEvent) -> None:
        """A mounted chart ended."""
        self._add("subflow-exit", event.traversal_context, name=event.subflow_id, raw_value=event.raw_output_state)

    def on_run_end(self, event: RunEndEvent) -> None:
        """The run completed."""
        self._rows.append(AuditRow(seq=len(self._rows), kind="run-end", raw_value=event.raw_payload))

    def on_run_failed(self, event: RunFailedEvent) -> None:
        """The run ended by an error."""
        self._rows.append(AuditRow(seq=len(self._rows), kind="run-failed", **_said(event.structured_error)))

    def _add(self, kind: str, context: TraversalContext | UnsetType, **members: Any) -> None:
        if context is not UNSET:
            members["stage_id"] = context.stage_id
            members["runtime_stage_id"] = context.runtime_stage_id
        self._rows.append(AuditRow(seq=len(self._rows), kind=kind, **members))


def _said(error: StructuredError) -> dict[str, Any]:
    return {
        "message": error.message,
        "error_type": error.name,
        "code": error.code,
        "raw_value": error.issues,
    }


# ── the chain ──────────────────────────────────────────────────────────────────────────────────────────────────────
_encode = msgspec.json.Encoder().encode
_HASH_MEMBER = re.compile(rb',"hash":"([0-9a-f]{64})"}$')
_decode_rows = msgspec.json.Decoder(list[Raw]).decode


class ChainFault(Struct, frozen=True):
    """Where a trail stops being the one that was written: the first bad row's index, and what is wrong with it."""

    index: int
    reason: str


def verify_chain(rows: bytes | Raw | Iterable[AuditRow | Mapping[str, Any]]) -> ChainFault | None:
    """Check a trail; None when every row is as it was written.

    A chain cannot tell that rows are missing at its end, nor that a whole trail was written anew: the archive's
    digests can.

    Args:
        rows: the trail as archived (a JSON array, to the byte), the recorder's rows, or rows as parsed JSON objects
            whose members still stand in the order they were written in.
    """
    try:
        sealed = _decode_rows(rows) if isinstance(rows, bytes | Raw) else rows
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return ChainFault(0, f"not a JSON array of rows: {error}")
    previous = GENESIS
    for index, row in enumerate(sealed):
        parted = _parted(row)
        if parted is None:
            return ChainFault(index, "the row ends without a hash")
        body, claimed = parted
        if not body.startswith(b'{"seq":%d,' % index):
            return ChainFault(index, f"the row does not say that it is number {index}")
        previous = _seal(previous, body)
        if previous != claimed:
            return ChainFault(index, "the hash does not fit the row and the one before it")
    return None


def _seal(previous: str, body: bytes) -> str:
    return sha256(previous.encode() + body).hexdigest()


def _parted(row: Raw | AuditRow | Mapping[str, Any]) -> tuple[bytes, str] | None:
    """A row's bytes without its hash, and its hash; None when it has none."""
    if isinstance(row, Raw):
        text = bytes(row)
        found = _HASH_MEMBER.search(text)
        return None if found is None else (text[: found.start()] + b"}", found[1].decode())
    if isinstance(row, AuditRow):
        return None if row.hash is UNSET else (_encode(structs.replace(row, hash=UNSET)), row.hash)
    members = dict(row)
    claimed = members.pop("hash", None)
    try:
        return (_encode(members), claimed) if isinstance(claimed, str) else None
    except (TypeError, ValueError, RecursionError):
        return None

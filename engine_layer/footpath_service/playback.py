"""Replaying the traces of one batch to its recorders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.channels import STRUCTURE_HOOKS, Dispatcher
from footpath.errors import ReplayTooLargeError
from footpath.recorders import ArchiveRecorder, TraceViews
from footpath.replay import Story, cursor_for, run_through

if TYPE_CHECKING:
    from collections.abc import Sequence

    from footpath.trace import Trace
    from footpath_service.ports import Log
    from footpath_service.recorders import ArchivedTrace, ReplayedTrace

MAX_UNFOLDED_BYTES = 64 << 20
"""What a replay may make of a journal. Recorders keep what they are given until the trace ends, and views over 8 MiB are omitted anyway."""

_CHANNELS = ("structure", "scope", "flow", "emit")
_NO_VIEWS = TraceViews(omitted="no recorder rendered them")


class Playback:
    """Plays traces one after the other. Recorders are looked at once, not once a trace.

    Args:
        recorders: of the batch; one that is no recorder, or has the id of one before it, is counted, logged and left
            out.
        log: told of each recorder's first failure.
    """

    def __init__(self, recorders: Sequence[Any], log: Log) -> None:
        self._log = log
        self._own_failures = 0
        self._dispatcher = Dispatcher()
        self._recorders: list[Any] = []
        ids: set[str] = set()
        for recorder in recorders:
            try:
                identity: Any = getattr(recorder, "id", None)
                if identity in ids:
                    # The dispatcher would put it in the other's place, which would go on without an event, and silently.
                    raise ValueError(f"two recorders have the id {identity!r}: give one of them another")  # noqa: TRY301
                self._dispatcher.attach(recorder, *_CHANNELS)
                ids.add(identity)
            except Exception as error:  # noqa: BLE001  # no id, no hook, or a property of its own that fails
                self._failed("a recorder could not be attached", error)
            else:
                self._recorders.append(recorder)
        self._archivist = next((one for one in self._recorders if isinstance(one, ArchiveRecorder)), None)
        self._structural = any(self._dispatcher.table("structure", hook) for hook in STRUCTURE_HOOKS)

    @property
    def failure_count(self) -> int:
        """How many calls of recorders failed so far."""
        return self._own_failures + sum(self._dispatcher.failures.values())

    def play(self, replayed: ReplayedTrace) -> TraceViews:
        """Tell a trace to the recorders, and give what the (first) archive recorder made of it.

        A journal that unfolds to too much is told up to there: the recorders hear no `end_trace`, and its views are
        omitted.

        Raises:
            ReplayError: its journal is malformed.
            SpecDocumentError: its spec is.
        """
        self._tell("begin_trace", replayed)
        try:
            self._play_events(replayed.trace)
        except ReplayTooLargeError as error:
            # Nothing is wrong with it: what can't be shown can still be kept.
            self._log.warning("a trace unfolds to too much to be shown", trace_id=replayed.trace_id, why=str(error))
            return TraceViews(omitted=f"the journal unfolds to more than {MAX_UNFOLDED_BYTES} bytes")
        except SystemExit as error:
            # It would end the process, and the same batch would end the next one, until all of it were dead letters.
            self._failed("a recorder would end the process", error)
            return TraceViews(omitted="a recorder would have ended the process")
        self._tell("end_trace", replayed)
        return self._archivist.views or _NO_VIEWS if self._archivist is not None else _NO_VIEWS

    def flush(self, archived: Sequence[ArchivedTrace]) -> None:
        """Let recorders have their effects for what lies in the archive now."""
        if archived:
            self._tell("flush", archived)

    def _play_events(self, trace: Trace) -> None:
        dispatcher = self._dispatcher
        if self._structural:
            for hook, event in trace.structure():
                dispatcher.fire(dispatcher.table("structure", hook), event)
        # Told in the same pass as the events; only an archive recorder asks for it.
        story = Story(**trace.narrative_options, text_only=True) if self._archivist is not None else None
        trace.max_unfolded_bytes = MAX_UNFOLDED_BYTES
        dispatcher.clear()  # each trace begins anew, also one that goes on after a pause: others may lie between
        try:
            run_through(trace, cursor_for(trace, dispatcher, story=story))
        finally:
            dispatcher.drain()

    def _tell(self, method: str, told: object) -> None:
        for recorder in self._recorders:
            try:
                call = getattr(recorder, method, None)
                if callable(call):
                    call(told)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's recorder never stops the archive
                self._failed(f"recorder {type(recorder).__name__} failed in {method}", error)

    def _failed(self, what: str, error: BaseException) -> None:
        self._own_failures += 1
        self._log.warning(what, error=repr(error)[:400])

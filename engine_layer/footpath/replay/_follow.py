"""Replaying a trace: the same calls as the live run's, in the same order, with the same payloads."""

# Entries are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from contextlib import contextmanager
from operator import length_hint
from typing import TYPE_CHECKING, Any

import msgspec

from footpath.errors import ReplayError
from footpath.journal import entries as journal_entries
from footpath.journal.entries import RESUME, RUN_START

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from footpath.channels import AttachOptions, Dispatcher, Recorder
    from footpath.replay._cursor import Cursor
    from footpath.replay._story import Story
    from footpath.replay._views import Views
    from footpath.trace import Trace

_MALFORMED = (
    TypeError,
    LookupError,
    ValueError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    msgspec.MsgspecError,
)
"""What following a journal raises that does not hold together; recorders' own errors never come this far."""


def cursor_for(
    trace: Trace, dispatcher: Dispatcher, views: Views | None = None, *, story: Story | None = None
) -> Cursor:
    """A cursor at the beginning of a trace."""
    return trace.make_cursor(dispatcher, views, story)


@contextmanager
def declared(trace: Trace) -> Generator[None]:
    """Whatever a malformed journal makes of our code becomes the one error that says so."""
    try:
        yield
    except _MALFORMED as error:
        message = f"trace {trace.trace_id}: the journal is malformed: {type(error).__name__}: {error!s:.200}"
        raise ReplayError(message) from error


def _feed(trace: Trace, cursor: Cursor) -> None:
    """Feed a trace's journal to a cursor; the error names the entry at which it does not hold together."""
    journal = trace.document.journal
    entries = iter(journal)  # knows how far it has come, so nobody has to count
    try:
        cursor.feed_all(entries)
    except _MALFORMED as error:
        number = len(journal) - length_hint(entries) - 1
        entry = journal[number]
        message = (
            f"trace {trace.trace_id}: the journal is malformed: entry {number} of {len(journal)}, counted from 0, "
            f"{_kind_of(entry)}: {_fault_of(entry, cursor, error)}"
        )
        raise ReplayError(message) from error


def _kind_of(entry: Any) -> str:
    """What an entry is, in words; not what it holds."""
    if isinstance(entry, str):
        return "a read"
    if not isinstance(entry, (list, tuple)):
        kind = type(entry).__name__
        return f"{'an' if kind == 'int' else 'a'} {kind}"
    first: Any = entry[0] if entry else None
    if isinstance(first, str):
        return "a write"
    from footpath.replay._table import HANDLERS

    names: dict[Any, str] = {}
    for name, code in vars(journal_entries).items():
        if type(code) is int:
            names.setdefault(code, name)  # codes are defined before the flags and links that are small numbers, too
    if type(first) is int and first in HANDLERS:
        return names[first]
    return f"of kind {first!r:.60}" if entry else "an empty list"


def _fault_of(entry: Any, cursor: Cursor, error: Exception) -> str:
    """What is wrong with it, as far as that can be told."""
    from footpath.replay._declared import UnknownPartError

    if not isinstance(entry, (list, tuple, str)):
        return "an entry is a text or a list"
    if not entry and not isinstance(entry, str):
        return "an entry begins with its kind"
    if isinstance(error, UnknownPartError):
        return str(error)
    if cursor.current is None and isinstance(error, (AttributeError, AssertionError, TypeError)):
        return "no stage has begun that it could belong to; the journal's beginning is missing"
    if isinstance(error, (IndexError, ValueError, AttributeError, TypeError, KeyError, AssertionError)):
        return f"it does not have the parts of such an entry, or does not fit those before it ({type(error).__name__}: {error!s:.200})"
    return f"{type(error).__name__}: {error!s:.200}"


def run_through(trace: Trace, cursor: Cursor) -> None:
    """Feed a trace's journal to a cursor.

    Raises:
        ReplayError: the journal is malformed.
    """
    _feed(trace, cursor)
    with declared(trace):
        trace.ended_with(cursor.top.recorded_state(), cursor.story)


def tell_recorders(trace: Trace, recorders: Sequence[Recorder], options: AttachOptions) -> None:
    """Replay a trace to recorders: structure first, from the spec, then the run; see `footpath.replay`."""
    from footpath.channels import STRUCTURE_HOOKS, Dispatcher, delivery_options

    given: object = trace  # whoever has read a file may have bytes in hand
    if isinstance(given, bytes | bytearray | memoryview | str):
        message = f"replay() takes a Trace, not {type(given).__name__}: decode_trace(data) makes one"
        raise TypeError(message)
    dispatcher = Dispatcher()
    for recorder in recorders:
        dispatcher.attach(
            recorder, "structure", "scope", "flow", "emit", options=delivery_options(options) if options else None
        )
    try:
        if any(dispatcher.table("structure", hook) for hook in STRUCTURE_HOOKS):
            for hook, event in trace.structure():
                dispatcher.fire(dispatcher.table("structure", hook), event)
        if _begins_a_run(trace):
            dispatcher.clear()
        run_through(trace, cursor_for(trace, dispatcher))
    finally:
        dispatcher.drain()


def _begins_a_run(trace: Trace) -> bool:
    """Whether a trace is of a run's first phase: one after a pause says so before anything else happens."""
    with declared(trace):
        for entry in trace.document.journal:
            kind = entry[0] if type(entry) is list or type(entry) is tuple else None
            if kind in {RESUME, RUN_START}:
                return kind == RUN_START
        return True


def follow(trace: Trace, recorder: Any) -> None:
    """Replay the run, without the structure, to one recorder."""
    from footpath.channels import Dispatcher

    dispatcher = Dispatcher()
    dispatcher.attach(recorder, "scope", "flow", "emit")
    run_through(trace, cursor_for(trace, dispatcher))


def tell(trace: Trace, *, text_only: bool = False) -> Story:
    """The story of a trace, told as it asks for.

    Raises:
        ReplayError: the journal is malformed.
    """
    from footpath.channels import Dispatcher
    from footpath.replay._story import Story

    story = Story(**trace.narrative_options, text_only=text_only)
    run_through(trace, cursor_for(trace, Dispatcher(), story=story))
    return story


def build_views(trace: Trace) -> dict[str, Any]:
    """The snapshot of a trace."""
    from footpath.channels import Dispatcher
    from footpath.replay._views import Views

    options = trace.document.options
    views = Views(
        commit_values=str(options.get("commitValues", "full")),
        write_provenance=str(options.get("writeProvenance", "off")),
        read_tracking=str(options.get("readTracking", "full")),
        write_tracking=str(options.get("writeTracking", "full")),
    )
    cursor = cursor_for(trace, Dispatcher(), views)
    run_through(trace, cursor)
    return views.snapshot(cursor.top, trace.run_id)


def state_after(snapshot: dict[str, Any], count: int) -> dict[str, Any]:
    """The fold of a snapshot's first `count` commits over its initial state."""
    from footpath.replay._fold import fold

    return fold(snapshot["initialState"], snapshot["commitLog"][:count])

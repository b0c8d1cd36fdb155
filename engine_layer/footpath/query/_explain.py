"""Answering "why": from a value back to the decisions, reads and inputs behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import UNSET, Struct

from footpath.query._causes import Walk
from footpath.query._explanation import Explanation, Subject
from footpath.query._log import PATH_SEPARATOR, rows_of
from footpath.query._matches import MASKS
from footpath.query._notes import Note
from footpath.query._patch import recorded_at
from footpath.query._phases import joined
from footpath.query._record import RunRecord
from footpath.query._scopes import FORK_KEY, Scope, Scopes
from footpath.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_MAX_STEPS = 40
DEFAULT_MAX_DEPTH = 20
MAX_STARTS = 8

NO_EVENTS = Note(
    "no-events",
    "no events were given: decisions are unknown, and reads are those of the whole stage, not those before a write.",
)
TRUNCATED = Note(
    "truncated", "more causes exist beyond this horizon; ask again with higher limits, or about a key below."
)


class TraceView(Struct, frozen=True):
    """What an explanation needs of a trace.

    `events` are (hook, event) pairs, as `Trace.events()` gives them: without them reads come from the execution tree
    and decisions are unknown. `run_input` (default: the payload of `on_run_start`) only names the fields that a stage
    took from it; its values are not shown. `earlier` are the phases before a resume, oldest first: without them what
    they left is the initial state.
    """

    snapshot: Mapping[str, Any]
    events: Iterable[tuple[str, Any]] = ()
    run_input: Any = UNSET
    earlier: tuple[TraceView, ...] = ()


def explain(
    view: TraceView, key: str | None = None, *, max_steps: int = DEFAULT_MAX_STEPS, max_depth: int = DEFAULT_MAX_DEPTH
) -> Explanation:
    """Why `key` has the value it ended with; without a key, why the run ended as it did.

    A key is a state key, or a path into one (`runs.left.total`, `customer.address`): then what wrote that part is
    explained, else what wrote the whole. A key that only parallel children or subflows wrote is found there.

    Values are those of the commit log and of read events, so what was masked when the run was recorded stays masked.

    Raises:
        TraceDecodeError: the snapshot is malformed.
        TypeError: `view` is no `TraceView`.

    Example:
        >>> view = TraceView(trace.snapshot, trace.events(), trace.input)
        >>> print(format_explanation(explain(view, "approved")))
        WHY approved = true
        [1] Approve (approve#2) wrote approved = true
            ran because [2] Route chose Approve: rule "low risk"
        [2] Route (route#1) chose Approve
            ✓ "low risk" → approve: risk eq "low" ✓ (it was "low")
            read risk ← [3]
        [3] Assess (assess#0) wrote risk = "low"
            took some of the run input (which fields is not recorded)
    """
    given = cast("object", view)  # a caller without a type checker may give anything
    if not isinstance(given, TraceView):
        message = (
            f"explain() takes a TraceView(trace.snapshot, trace.events(), trace.input), not {type(given).__name__}"
        )
        raise TypeError(message)
    phases = (*view.earlier, view)
    scopes = Scopes(joined([phase.snapshot for phase in phases]))
    record = RunRecord(event for phase in phases for event in phase.events)
    inputs = (phase.run_input for phase in phases if phase.run_input is not UNSET)
    run_input = next(inputs, record.run_input)
    walk = Walk(scopes, record, run_input, max(1, max_steps), max(0, max_depth))
    answer = _end_of_run(scopes, record, walk) if key is None else _value_of(key, scopes, walk)
    walk.run()
    notes = list(answer.notes)
    steps = walk.steps
    if not record.seen_any and steps:
        notes.append(NO_EVENTS)
    notes.extend(
        Note("inner-history-missing", f"the snapshot holds no history of {mount}, so its mapping is where this ends.")
        for mount in sorted(walk.lost_mounts)
    )
    if walk.truncated:
        notes.append(TRUNCATED)
    return Explanation(
        subject=answer.subject,
        key=answer.key,
        value=answer.value,
        redacted=answer.redacted,
        error=answer.error,
        origin=answer.origin,
        missing=UNSET if steps else answer.missing,
        steps=steps,
        notes=tuple(notes),
        truncated=walk.truncated,
    )


def _value_of(key: str, scopes: Scopes, walk: Walk) -> Explanation:
    """Start at the writers of a key; the answer so far."""
    starts, path, inside = _find_key(key, scopes)
    walk.truncated = len(starts) > MAX_STARTS
    for scope, position, part in starts[:MAX_STARTS]:
        walk.ask_write(scope, position, part)
    home = starts[0][0] if starts else scopes.root
    whole = home.value_before(path, len(home.index))
    value = recorded_at(whole, inside)
    hidden = any(of is home and of.hides(at, path) for of, at, part in starts if part == path)
    redacted = hidden or any(isinstance(each, str) and each in MASKS for each in (whole, value))
    known = not starts and path.partition(PATH_SEPARATOR)[0] in scopes.root.initial
    missing = "never-written" if len(scopes.root.index) else "empty-log"
    of_whole = Note(
        "explains-whole", f"{key!r} was never written by itself: this is about {path.replace(PATH_SEPARATOR, '.')!r}."
    )
    return Explanation(
        subject="key",
        key=key,
        value=UNSET if value is ABSENT or redacted else value,
        redacted=redacted,
        origin=UNSET if starts else "initial-state" if known else "absent",
        missing=missing,
        notes=(of_whole,) if inside else (),
    )


def _find_key(key: str, scopes: Scopes) -> tuple[list[tuple[Scope, int, str]], str, list[str]]:
    """The writes that a question about `key` starts from, newest first; the path they made, and what is asked inside it."""
    root = scopes.root
    end = len(root.index)
    exact = root.writers(key, end)
    if exact:  # also a key that has a dot in it
        return [(root, at, part) for at, part in reversed(exact)], key, []
    segments = key.replace(".", PATH_SEPARATOR).split(PATH_SEPARATOR)
    for length in range(len(segments), 0, -1):
        path, inside = PATH_SEPARATOR.join(segments[:length]), segments[length:]
        found = root.writers(path, end)
        if found:
            return [(root, at, part) for at, part in reversed(found)], path, inside
    if segments[0] in root.initial:
        return [], PATH_SEPARATOR.join(segments), []
    tail = PATH_SEPARATOR + key
    paths = (path for path in root.index.paths() if path.startswith(FORK_KEY + PATH_SEPARATOR) and path.endswith(tail))
    parallel = sorted((at, path) for path in paths for at, _ in root.writers(path, end)[:1])
    if parallel:
        return [(root, at, path) for at, path in reversed(parallel)], parallel[-1][1], []
    for scope in reversed(scopes.inner()):
        found = [(at, part) for at, part in scope.writers(key, len(scope.index)) if scope.step_at(at)]
        if found:
            return [(scope, at, part) for at, part in reversed(found)], key, []
    return [], key, []


def _end_of_run(scopes: Scopes, record: RunRecord, walk: Walk) -> Explanation:
    """Start at what failed or paused, else at the last stage that wrote something; the answer so far."""
    subject: Subject = "outcome"
    step: str | None = None
    if record.failed:
        subject, step = "failure", next(reversed(record.errors), record.last_step)
    elif record.paused is not None:
        subject, step = "pause", record.paused
    scope = None if step is None else scopes.home(step)
    if step is not None:
        draft = walk.ask_step(scope or scopes.root, step)
        if draft is not None:
            walk.ask_reads(draft)
    else:
        log = scopes.root.index.log
        last = next((at for at in range(len(log) - 1, -1, -1) if rows_of(log[at])), None)
        if last is not None:
            for path in dict.fromkeys(row["path"] for row in rows_of(log[last])):
                walk.ask_write(scopes.root, last, path)
    missing = "never-written" if len(scopes.root.index) else "empty-log"
    return Explanation(subject=subject, missing=missing, error=record.failure or UNSET)

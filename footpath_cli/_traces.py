"""`footpath traces`: list, tell, explain and replay what is archived."""

from __future__ import annotations

import json
import sys
import traceback
from difflib import get_close_matches
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec

from footpath import replay
from footpath.channels import ALL_HOOKS
from footpath.query import TraceView, explain, format_explanation
from footpath.trace import Trace, decode_trace
from footpath_cli._exits import CommandError, Exit
from footpath_cli._named import made
from footpath_cli._output import as_json, as_json_lines, cell, harmless, remark, say, table
from footpath_cli._story import tell

if TYPE_CHECKING:
    from footpath.archive import Line, StoredTrace
    from footpath_cli._places import Place

_LIST_COLUMNS = ("trace", "started", "chart", "status", "ms", "error")


def list_traces(place: Place, *, limit: int, chart: str | None, status: str | None, as_lines: bool) -> None:
    """Print the newest traces.

    Raises:
        CommandError: the archive is empty, or nothing in it fits the filters.
    """
    place.check_not_empty()
    found: list[Line] = []
    for line in place.reader.newest():
        if (chart is None or line.chart == chart) and (status is None or line.status == status):
            found.append(line)
            if len(found) >= limit:
                break
    if not found:
        raise CommandError("no trace fits", "drop --chart or --status", exit_code=Exit.NOT_FOUND)
    rows = [
        (line.trace_id, line.started_at, line.chart, line.status, line.duration_ms, line.error_message)
        for line in found
    ]
    if as_lines:
        as_json_lines(_LIST_COLUMNS, rows)
    else:
        table(_LIST_COLUMNS, [(trace_id, (started or "")[:19], *rest) for trace_id, started, *rest in rows])


def load(place: Place, text: str) -> tuple[StoredTrace, Trace]:
    """The trace that an id, or the beginning of one, names.

    Raises:
        CommandError: the archive is empty.
        ArchiveError: the id is malformed, unknown or ambiguous, or what it names is damaged.
    """
    place.check_not_empty()
    reader = place.reader
    stored = reader.get(reader.resolve(text))
    return stored, decode_trace(stored.document)


def get_trace(place: Place, text: str, *, document: bool, footprintjs: bool) -> None:
    """Print a trace: its story, its document as captured, or what footprintjs reads.

    Raises:
        CommandError, ArchiveError, TraceError: as `load`.
    """
    stored, trace = load(place, text)
    if document:
        sys.stdout.write(stored.document.decode("utf-8", "backslashreplace") + "\n")
        return
    if footprintjs:
        sys.stdout.write(msgspec.json.encode(trace.to_footprintjs()).decode() + "\n")
        return
    line = stored.line
    say(f"{line.trace_id}  {line.chart_name or line.chart or 'a chart without a name'}", "bold")
    facts = [
        line.status,
        f"started {line.started_at}" if line.started_at else "",
        f"{line.duration_ms:.1f} ms" if line.duration_ms is not None else "",
        f"revision {line.revision}" if line.revision != 1 else "",
    ]
    say(", ".join(fact for fact in facts if fact), "dim")
    if line.error_message:
        say(harmless(f"{line.error_type}: {line.error_message} (at {line.error_stage or 'no stage'})"), "bold red")
    say()
    tell(trace.narrative)
    if trace.result is not None:
        say()
        say(f"Result: {cell(trace.result)}")


def why(place: Place, text: str, key: str | None, *, as_data: bool, max_steps: int) -> None:
    """Print why a key has its value, or why the run ended as it did.

    Raises:
        CommandError: the run never wrote that key.
        ArchiveError, TraceError: as `load`.
    """
    _, trace = load(place, text)
    explanation = explain_trace(trace, key, max_steps=max_steps)
    if key is not None and explanation.missing is not msgspec.UNSET and not explanation.steps:
        origin = explanation.origin
        if origin is msgspec.UNSET or origin in {"absent", "unknown"}:
            known = ", ".join(state_keys(trace)) or "none"
            raise CommandError(
                f"the run never wrote {key!r}", f"its final state has the keys: {known}", exit_code=Exit.NOT_FOUND
            )
    if as_data:
        as_json(msgspec.to_builtins(explanation))
    else:
        say(harmless(format_explanation(explanation)))


def explain_trace(trace: Trace, key: str | None, *, max_steps: int) -> Any:
    """The explanation of a trace's key, or of how it ended."""
    view = TraceView(trace.snapshot, trace.events(), trace.input)
    return explain(view, key, max_steps=max_steps)


def state_keys(trace: Trace) -> list[str]:
    """The keys of the final state."""
    state: Any = trace.snapshot.get("sharedState")
    return list(cast("dict[str, Any]", state)) if isinstance(state, dict) else []


def replay_trace(place: Place, text: str, recorder_path: str) -> None:
    """Replay a trace to a recorder of the user's, and print what it reports.

    Raises:
        CommandError: there is no such recorder, or it is none, or it failed.
        ArchiveError, TraceError: as `load`.
    """
    recorder = made(recorder_path, "--recorder")
    _, trace = load(place, text)
    watched = _Watched(recorder)
    try:
        replay(trace, watched.hooks)
    except TypeError as error:
        cure = "a recorder has an `id` and at least one hook, such as `on_decision(self, event)`"
        raise CommandError(f"{recorder_path} is no recorder: {error}", cure, exit_code=Exit.USAGE) from error
    report = getattr(recorder, "report", None)
    if callable(report):
        try:
            answer: Any = report()
        except Exception as error:
            remark(harmless("".join(traceback.format_exception(error))))
            raise CommandError(f"report() of {recorder_path} failed: {error!r}", "mend the recorder") from error
        say(harmless(answer) if isinstance(answer, str) else json.dumps(answer, indent=2, default=str))
    remark(f"replayed {trace.trace_id} to {recorder_path}: {watched.call_count} calls of {len(watched.names)} hooks")
    for name in watched.strangers:
        near = "".join(f"; did you mean {hook}?" for hook in get_close_matches(name, ALL_HOOKS, n=1))
        remark(f"{name} is no hook, and was not called{near}")
    if watched.failure is not None:
        remark(harmless("".join(traceback.format_exception(watched.failure))))
        raise CommandError(
            f"{watched.failure_count} calls failed, the first with {watched.failure!r}", "mend the recorder"
        )


class _Watched:
    """A recorder's hooks, called as they are, with an eye on what they raise: a dispatcher passes over it.

    Attributes:
        hooks: stands in for the recorder.
        names: the hooks that it has.
        strangers: its methods that are called as hooks are, and are none.
        failure: the first that a hook raised.
    """

    def __init__(self, recorder: Any) -> None:
        called_so = [name for name in dir(recorder) if name.startswith("on_") and callable(getattr(recorder, name))]
        self.names = [name for name in called_so if name in ALL_HOOKS]
        self.strangers = [name for name in called_so if name not in ALL_HOOKS]
        wrapped = {name: self._watching(getattr(recorder, name)) for name in self.names}
        about = {name: getattr(recorder, name) for name in ("clear", "delivery") if hasattr(recorder, name)}
        # An error about the stand-in names the recorder's own class.
        stand_in = type(type(recorder).__name__, (SimpleNamespace,), {})
        self.hooks: Any = stand_in(id=getattr(recorder, "id", None), **about, **wrapped)
        self.call_count = 0
        self.failure_count = 0
        self.failure: Exception | None = None

    def _watching(self, hook: Any) -> Any:
        def call(event: Any) -> None:
            self.call_count += 1
            try:
                hook(event)
            except Exception as error:
                self.failure_count += 1
                self.failure = self.failure or error
                raise

        return call

"""From journal entries to events: the one place where an event is made, for a live run and for a replayed one alike."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.channels import (
    BreakEvent,
    CommitEvent,
    DecisionEvent,
    EmitEvent,
    FlowErrorEvent,
    FlowPauseEvent,
    FlowResumeEvent,
    ForkEvent,
    LoopEvent,
    Mutation,
    NextEvent,
    ReadEvent,
    RunEndEvent,
    RunFailedEvent,
    RunStartEvent,
    ScopePauseEvent,
    ScopeResumeEvent,
    SelectedEvent,
    StageEndEvent,
    StageExecutedEvent,
    StageRetryEvent,
    StageStartEvent,
    StructuredError,
    SubflowEntryEvent,
    SubflowExitEvent,
    SubflowRegisteredEvent,
    TraversalContext,
    WriteEvent,
)
from footpath.errors import ReplayTooLargeError
from footpath.journal.entries import LINK_BRANCH, LINK_NEXT, LINK_PARALLEL, LINK_ROOT
from footpath.replay._merge import merged
from footpath.replay._mirror import Declared, MirrorFrame, MirrorRegion, extended, log_marked, normal, opened, packed
from footpath.values import ATOMS, MARK, TAG, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from footpath.channels import Dispatcher
    from footpath.replay._views import Views

ROOT_ID = "__root__"
NO_LIMIT = 1 << 62
_LONG_NAME = 200
_MANY_WRITES = 256
_NOTE_NAMES = {"debug": "log.debug.", "log": "log.debug.", "error": "log.error.", "metric": "metric.", "eval": "eval."}


def recorded(value: Any) -> Any:
    """An entry's value as a recorded form: a decoded container is encoded again, the rest is recorded already."""
    kind = type(value)
    if kind is dict or kind is list or kind is tuple:
        return Raw(encode(value))
    return value


class Cursor:
    """Follows a journal, entry by entry.

    Attributes:
        views: gathers snapshot, commit log and tree as well; None when only events are wanted.
        top: the outermost flow's state.
        allowance: how many bytes the journal may still unfold to; see `spend`.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        run_id: str,
        started_ms: float,
        views: Views | None = None,
        *,
        read_tracking: str = "full",
        write_tracking: str = "full",
    ) -> None:
        self.dispatcher = dispatcher
        self.run_id = run_id
        self.started_ms = started_ms
        self.views = views
        self.provenance = views is not None and views.provenance
        self.keeps_writes = views is not None or bool(dispatcher.table("scope", "on_commit"))
        self.read_tracking = read_tracking
        self.write_tracking = write_tracking
        self.decls: list[Declared] = []
        self.frames: list[MirrorFrame] = []
        self.current: Any = None
        self.top = MirrorRegion("")
        self.regions: dict[int, MirrorRegion] = {}
        self.visits: dict[str, int] = {}
        self.parallel = 0
        self.marked: set[str] = set()
        self.loop_suffix: str = ""
        self.first_frame = 0
        self.ghost: MirrorFrame | None = None
        self.allowance = NO_LIMIT
        self.long_names = False
        self.root = TraversalContext(run_id, ROOT_ID, f"{ROOT_ID}#0", ROOT_ID, depth=0)
        table = dispatcher.table
        self.on_read = table("scope", "on_read")
        self.on_write = table("scope", "on_write")
        self.on_commit = table("scope", "on_commit")
        self.on_stage_start = table("scope", "on_stage_start")
        self.on_stage_end = table("scope", "on_stage_end")
        self.on_emit = table("emit", "on_emit")
        self.on_stage_executed = table("flow", "on_stage_executed")
        self.on_next = table("flow", "on_next")
        self.handlers: list[Callable[[Any], None]] = [
            self._node,
            self._open,
            self._done,
            self._end,
            self._commit,
            self._executed,
            self._next,
            self._frame,
            self._update,
            self._delete,
            self._append,
            self._has,
            self._source,
            self._set_with,
            self._read_redacted,
            self._changed,
            self._emit,
            self._note,
            self._decide,
            self._select,
            self._fork,
            self._mount,
            self._output,
            self._exit,
            self._settle,
            self._loop,
            self._break,
            self._fail,
            self._retry,
            self._again,
            self._pause,
            self._resume,
            self._run_start,
            self._run_end,
            self._run_failed,
            self._bag,
            self._register,
            self._token,
            self._seed,
            self._message,
            self._refuse,
            self._halt,
            self._advance,
            self._cycle,
            self._take,
            self._proceed,
            self._remerge,
        ]

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────────
    def feed(self, entry: Any) -> None:
        """Follow one entry."""
        self.feed_all((entry,))

    def feed_all(self, entries: Iterable[Any]) -> None:
        """Follow many. Plain reads and writes, by far the most, are followed right here."""
        handlers = self.handlers
        gathers, keeps_writes, provenance = self.views is not None, self.keeps_writes, self.provenance
        on_read, on_write = self.on_read, self.on_write
        for entry in entries:
            if type(entry) is str:
                frame = self.current
                value = frame.staged.get(entry, UNSET)
                if value is UNSET:
                    value = frame.lookup(entry) if frame.branch else frame.base.get(entry, UNSET)
                    if type(value) is dict:
                        value = packed(value)
                if gathers:
                    frame.reads[entry] = value
                if on_read:
                    decl = frame.decl
                    event = ReadEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, entry, value)
                    for identity, method in on_read:
                        try:
                            method(event)
                        except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                            self.dispatcher.failed_scope("on_read", identity, event, error)
                continue
            key = entry[0]
            if type(key) is not str:
                handlers[key](entry)
                continue
            value = entry[1]
            if type(value) not in ATOMS:
                value = recorded(value)
            frame = self.current
            if self.parallel and not frame.staged:
                frame.base = dict(frame.region.values)
                self.spend(8 * len(frame.base))
            frame.staged[key] = value
            if keeps_writes:
                if gathers:
                    frame.ops.append((key, "set", value, tuple(frame.reads) if provenance else ()))
                frame.writes[key] = (value, "set")
            if on_write:
                decl = frame.decl
                event = WriteEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, key, value, "set")
                for identity, method in on_write:
                    try:
                        method(event)
                    except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                        self.dispatcher.failed_scope("on_write", identity, event, error)

    def spend(self, amount: int) -> None:
        """Count what a journal unfolds to beyond its own size: values that grow, states that are copied, in bytes, roughly.

        Raises:
            ReplayTooLargeError: it is more than this cursor's `allowance`.
        """
        self.allowance -= amount
        if self.allowance < 0:
            message = "the journal unfolds to more than is allowed: values grow, or long names recur, too often"
            raise ReplayTooLargeError(message)

    def _fire(self, channel: str, hook: str, make: Callable[[], Any]) -> None:
        table = self.dispatcher.table(channel, hook)
        if table:
            if channel == "scope":
                self.dispatcher.fire_scope(hook, table, make())
            else:
                self.dispatcher.fire(table, make())

    def _ms(self, t: float) -> float:
        return self.started_ms + t / 1000

    def _context(self, frame: MirrorFrame) -> TraversalContext:
        context = frame.context
        if context is None:
            decl = frame.decl
            parent = frame.parent
            region_id = frame.region.id
            under = frame.under
            context = frame.context = TraversalContext(
                self.run_id,
                decl.id,
                frame.rsid,
                decl.name,
                UNSET if parent is None or under else parent.decl.id,
                UNSET if parent is None else parent.rsid,
                decl.id if not frame.has_scope and frame.number in self.regions else (region_id or UNSET),
                frame.branch or UNSET,
                frame.loop_iteration,
                frame.depth,
            )
        return context

    # ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _node(self, entry: Any) -> None:
        size = len(entry)
        if len(entry[1]) + len(entry[2]) > _LONG_NAME:
            self.long_names = True
        if size == 3:
            self.decls.append(Declared(entry[1], entry[2]))
            return
        description = entry[3]
        self.decls.append(
            Declared(
                entry[1],
                entry[2],
                UNSET if description is None else description,
                entry[4] if size > 4 else None,
            )
        )

    def _begin(self, t: int, ordinal: int, link: int, origin: MirrorFrame | None) -> MirrorFrame:
        decl = self.decls[ordinal]
        branch = ""
        if link == LINK_NEXT and origin is not None:
            region = origin.region
            branch = origin.branch
        elif link == LINK_ROOT:
            region = self.top if origin is None else self.regions[origin.number]
        else:
            assert origin is not None
            region = origin.region
            branch = decl.id if link == LINK_PARALLEL else origin.branch
        number = self.first_frame + len(self.frames)
        time = self.started_ms + t / 1000
        frame = MirrorFrame(number, decl, region, branch, origin, f"{decl.id}#{number}", region.values, time, time)
        self.frames.append(frame)
        if self.long_names:
            self.spend(2 * (len(decl.id) + len(decl.name)))
        visited = self.visits.get(decl.id, 0)
        if visited:
            frame.loop_iteration = visited
        self.visits[decl.id] = visited + 1
        if link == LINK_ROOT:
            frame.under = True
        elif origin is not None:
            frame.depth = origin.depth + 1
        self.current = frame
        if self.views is not None:
            suffix, self.loop_suffix = self.loop_suffix, ""
            self.views.opened(frame, link, origin, suffix)
        return frame

    def _open(self, entry: Any) -> None:
        if len(entry) == 3:
            frame = self._begin(entry[1], entry[2], LINK_NEXT, self.current)
        else:
            origin = entry[4]
            frame = self._begin(entry[1], entry[2], entry[3], None if origin < 0 else self.frame(origin))
        if self.on_stage_start:
            self._start_event(frame)

    def frame(self, number: int) -> MirrorFrame:
        """A frame by its number.

        Raises:
            IndexError: the journal has no such frame.
        """
        index = number - self.first_frame
        if index < 0:
            if self.ghost is None or self.ghost.number != number:
                message = f"frame {number} is not in this journal"
                raise IndexError(message)
            return self.ghost
        return self.frames[index]

    def _frame(self, entry: Any) -> None:
        self.current = self.frame(entry[1])

    def _done(self, entry: Any) -> None:
        self._end(entry)
        frame = self.current
        self._commit_frame(frame, entry[3] if len(entry) > 3 else None)
        decl = frame.decl
        if self.on_stage_executed:
            self.dispatcher.fire(
                self.on_stage_executed,
                StageExecutedEvent(
                    traversal_context=frame.context or self._context(frame),
                    stage_name=decl.name,
                    description=decl.description,
                    stage_type="linear",
                ),
            )
        if len(entry) > 2 and entry[2] is not None:
            self._next_to(frame, entry[2])

    def _cycle(self, entry: Any) -> None:
        self._done((0, entry[1], None, entry[4]) if len(entry) > 4 else (0, entry[1]))
        self._loop((0, entry[2], entry[3]))
        self._open((0, entry[1], entry[2]))

    def _take(self, entry: Any) -> None:
        self._end(entry)
        frame = self.current
        self._commit_frame(frame, entry[5] if len(entry) > 5 else None)
        self._decide((0, entry[2], entry[3], entry[4]) if len(entry) > 4 else (0, entry[2], entry[3]))
        self._open((0, entry[1], entry[2], LINK_BRANCH, frame.number))

    def _proceed(self, entry: Any) -> None:
        self._next_to(self.current, entry[2])
        self._open(entry)

    def _advance(self, entry: Any) -> None:
        self._done(entry)
        frame = self._begin(entry[1], entry[2], LINK_NEXT, self.current)
        if self.on_stage_start:
            self._start_event(frame)

    def _start_event(self, frame: MirrorFrame) -> None:
        decl = frame.decl
        self.dispatcher.fire_scope(
            "on_stage_start",
            self.on_stage_start,
            StageStartEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp),
        )

    def _end(self, entry: Any) -> None:
        frame = self.current
        frame.bag_time = time = self.started_ms + entry[1] / 1000
        if self.on_stage_end:
            decl = frame.decl
            self.dispatcher.fire_scope(
                "on_stage_end", self.on_stage_end, StageEndEvent(decl.name, decl.id, frame.rsid, frame.branch, time)
            )

    def _executed(self, entry: Any) -> None:
        frame = self.current
        if self.on_stage_executed:
            decl = frame.decl
            self.dispatcher.fire(
                self.on_stage_executed,
                StageExecutedEvent(
                    traversal_context=frame.context or self._context(frame),
                    stage_name=entry[2] if len(entry) > 2 else decl.name,
                    description=decl.description,
                    stage_type=entry[1],
                ),
            )

    def _next(self, entry: Any) -> None:
        self._next_to(self.current, entry[1])

    def _next_to(self, frame: MirrorFrame, ordinal: int) -> None:
        to = self.decls[ordinal]
        if self.on_next:
            self.dispatcher.fire(
                self.on_next,
                NextEvent(
                    traversal_context=frame.context or self._context(frame),
                    from_=frame.decl.name,
                    to=to.name,
                    description=to.description,
                ),
            )
        if self.views is not None and not frame.decided:
            self.views.message(frame, "next", f"Moving to {to.name} stage", to.name)

    # ── reads and writes ─────────────────────────────────────────────────────────────────────────────────────────
    def _read_redacted(self, entry: Any) -> None:
        frame = self.current
        key = entry[1]
        held = frame.lookup(key)
        value = held if len(entry) > 2 else MARK
        if self.views is not None:
            frame.reads[key] = UNSET if held is UNSET else value
        if self.on_read:
            decl = frame.decl
            self.dispatcher.fire_scope(
                "on_read",
                self.on_read,
                ReadEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, key, value, True),
            )

    def _has(self, entry: Any) -> None:
        if self.views is not None:
            frame = self.current
            frame.reads[entry[1]] = frame.lookup(entry[1])

    def _source(self, entry: Any) -> None:
        frame = self.current
        if frame.sources is None:
            frame.sources = []
        frame.sources.append(entry[1])

    def _stage(self, frame: MirrorFrame, key: str, value: Any) -> None:
        if not frame.staged and self.parallel:
            frame.base = dict(frame.region.values)
            self.spend(8 * len(frame.base))
        frame.staged[key] = value

    def _write_event(self, frame: MirrorFrame, key: str, value: Any, operation: str, redacted: Any = UNSET) -> None:
        if self.on_write:
            decl = frame.decl
            self.dispatcher.fire_scope(
                "on_write",
                self.on_write,
                WriteEvent(
                    decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, key, value, operation, redacted
                ),
            )

    def _hide(self, frame: MirrorFrame, key: str) -> None:
        if frame.redacted is None:
            frame.redacted = {}
        frame.redacted[key] = None
        self.marked.add(key)
        if self.views is not None:
            self.views.hides = True

    def _hide_fields(self, frame: MirrorFrame, key: str, paths: Any) -> None:
        if frame.fields is None:
            frame.fields = {}
        frame.fields.setdefault(key, {}).update(dict.fromkeys(paths))
        if self.views is not None:
            self.views.hides = True

    def _set_with(self, entry: Any) -> None:
        frame = self.current
        key, flags = entry[1], entry[3]
        value: Any = MARK if flags & 1 else UNSET if flags & 2 else recorded(entry[2])
        self._stage(frame, key, UNSET if flags & 2 else value)
        frame.ops.append((key, "set", UNSET if flags & 2 else value, tuple(frame.reads) if self.provenance else ()))
        frame.writes[key] = (value, "set")
        redacted: Any = UNSET
        if flags & 1:
            self._hide(frame, key)
            redacted = True
        if flags & 4:
            self._hide_fields(frame, key, entry[5])
            redacted = True
        self._write_event(frame, key, value, "set", redacted)
        if len(entry) > 4 and entry[4] is not None and self.views is not None:
            text = entry[4]
            self.views.bag(frame, "logs", "message", text if text.startswith("[") else f"[WRITE] {text}")

    def _update(self, entry: Any) -> None:
        frame = self.current
        key = entry[1]
        redacted: Any = UNSET
        flags = entry[3] if len(entry) > 3 else 0
        if flags & 1:
            patch: Any = MARK
            after: Any = UNSET if flags & 2 else MARK
            self._hide(frame, key)
            redacted = True
        else:
            patch = UNSET if flags & 2 else recorded(entry[2])
            if flags & 8:
                frame.whole = {**(frame.whole or {}), key: None}
                after = UNSET if entry[5] is None and patch is UNSET else recorded(entry[5])
            else:
                held = frame.staged.get(key, MARK)
                after = merged(UNSET if held is UNSET else frame.lookup(key), patch)
                if type(after) is Raw:
                    self.spend(4 * len(memoryview(after)))
            if flags & 4:
                self._hide_fields(frame, key, entry[4])
                redacted = True
        self._stage(frame, key, after)
        frame.ops.append((key, "merge", patch, tuple(frame.reads) if self.provenance else ()))
        frame.writes[key] = (patch, "update")
        self._write_event(frame, key, patch, "update", redacted)

    def _remerge(self, entry: Any) -> None:
        frame = self.current
        key = entry[1]
        frame.staged[key] = value = recorded(entry[2])
        if type(value) is Raw and TAG.encode() in bytes(value):
            frame.whole = {**(frame.whole or {}), key: None}

    def _append(self, entry: Any) -> None:
        frame = self.current
        key = entry[1]
        value = extended(frame.lookup(key), entry[2])
        self.spend(len(memoryview(value)))
        self._stage(frame, key, value)
        frame.ops.append((key, "set", value, tuple(frame.reads) if self.provenance else ()))
        frame.writes[key] = (value, "set")
        self._write_event(frame, key, value, "set")

    def _delete(self, entry: Any) -> None:
        frame = self.current
        key = entry[1]
        self._stage(frame, key, UNSET)
        frame.ops.append((key, "delete", UNSET, tuple(frame.reads) if self.provenance else ()))
        hidden = len(entry) > 2 and bool(entry[2])
        if len(entry) > 3:
            self._hide_fields(frame, key, entry[3])
        if hidden:
            self._hide(frame, key)
        self.marked.discard(key)
        frame.writes[key] = (MARK if hidden else UNSET, "delete")
        self._write_event(frame, key, UNSET, "delete")
        if self.views is not None:
            self.views.bag(frame, "logs", "message", f"[WRITE] deleted {key}")

    def _changed(self, entry: Any) -> None:
        frame = self.current
        key, value = entry[1], recorded(entry[2])
        self._stage(frame, key, value)
        frame.ops.append((key, "set", value, tuple(frame.reads) if self.provenance else ()))
        frame.writes[key] = (value, "set")
        if self.on_write:
            decl = frame.decl
            self.dispatcher.fire_scope(
                "on_write",
                self.on_write,
                WriteEvent(
                    decl.name,
                    decl.id,
                    frame.rsid,
                    frame.branch,
                    frame.timestamp,
                    key,
                    value,
                    "set",
                    in_place=True,
                ),
            )

    # ── commits ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _mutations(self, frame: MirrorFrame) -> tuple[Mutation, ...]:
        tracking = self.write_tracking
        if tracking == "off":
            return ()
        writes: Iterable[tuple[str, tuple[Any, str]]] = frame.writes.items()
        marked = self.marked
        if marked:
            # Hidden by now, though it may have been written before it was.
            writes = [(key, (MARK, write[1]) if key in marked else write) for key, write in writes]
        if tracking == "full":
            return tuple([Mutation(key, value, operation) for key, (value, operation) in writes])
        from footpath.replay._views import summary_marker

        return tuple(
            [Mutation(key, summary_marker(value, "__writeSummary"), operation) for key, (value, operation) in writes]
        )

    def _commit_event(self, frame: MirrorFrame) -> None:
        if self.on_commit and frame.has_scope:
            if len(frame.writes) > _MANY_WRITES:
                self.spend(64 * len(frame.writes))
            decl = frame.decl
            self.dispatcher.fire_scope(
                "on_commit",
                self.on_commit,
                CommitEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, self._mutations(frame)),
            )

    def _commit(self, entry: Any) -> None:
        self._commit_frame(self.current, entry[1] if len(entry) > 1 else None)

    def _commit_frame(self, frame: MirrorFrame, dropped: Any) -> None:
        region = frame.region
        staged = frame.staged
        if dropped is not None:
            dropped = frozenset(dropped)
        if self.views is not None:
            self.views.commit(frame, dropped)
        if staged:
            values = region.values
            if frame.branch:
                runs = values.get("runs")
                self.spend(8 * len(staged) * (len(values) + (len(runs) if type(runs) is dict else 0)))
                for key, value in staged.items():
                    if dropped is None or key not in dropped:
                        region.put(("runs", frame.branch, key), value)
            elif dropped is None:
                values.update(staged)
            else:
                for key, value in staged.items():
                    if key not in dropped:
                        values[key] = value
            frame.staged = {}
            frame.ops = []
        frame.base = region.values
        if self.on_commit:
            self._commit_event(frame)

    def _settle(self, entry: Any) -> None:
        if self.parallel:
            self.parallel -= 1
        if len(entry) > 1:
            if self.views is not None:
                self.views.refused_commit()
            return
        frame = self.current
        if self.views is not None:
            self.views.empty_commit(frame)
        self._commit_event(frame)

    # ── what a stage says ────────────────────────────────────────────────────────────────────────────────────────
    def _emit(self, entry: Any) -> None:
        if self.on_emit:
            self._emit_event(entry[1], entry[2], recorded(entry[3]) if len(entry) > 3 else UNSET)

    def _emit_event(self, t: int, name: str, payload: Any) -> None:
        frame = self.current
        event = EmitEvent(
            name,
            payload,
            frame.decl.name,
            frame.rsid,
            tuple(frame.decl.id.split("/")[:-1]),
            frame.branch,
            self.started_ms + t / 1000,
        )
        self.dispatcher.fire_scope("on_emit", self.on_emit, event)

    def _note(self, entry: Any) -> None:
        _, t, kind, key, value = entry[:5]
        absent = len(entry) > 5
        value = recorded(value)
        if kind == "debug" and key == "deciderRationale" and not absent:
            self.current.rationale = plain(value)
        if self.views is not None and (not absent or kind == "log"):
            self.views.note(self.current, kind, key, value)
        if not self.on_emit:
            return
        name = _NOTE_NAMES[kind] + key
        if value == MARK:
            payload: Any = MARK
        elif absent and kind == "log":
            payload = Raw(b'{"level":"debug"}')
        elif absent:
            payload = Raw(encode({"name": key} if kind in ("metric", "eval") else {"key": key, "level": kind}))
        elif kind == "log":
            payload = Raw(encode({"value": value, "level": "debug"}))
        elif kind in ("metric", "eval"):
            payload = Raw(encode({"name": key, "value": value}))
        else:
            payload = Raw(encode({"key": key, "value": value, "level": kind}))
        self._emit_event(t, name, payload)

    def _bag(self, entry: Any) -> None:
        if self.views is not None:
            self.views.bag(self.current, entry[1], entry[2], recorded(entry[3]))

    def _message(self, entry: Any) -> None:
        if self.views is not None:
            more = {"count": entry[4]} if len(entry) > 4 else {}
            self.views.message(self.current, entry[1], entry[2], entry[3] if len(entry) > 3 else None, **more)

    def _token(self, entry: Any) -> None:
        """Tokens are heard by stream handlers, live; a replay has none."""

    # ── flow ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _executed_as(self, frame: MirrorFrame, stage_type: str, name: str, description: Any) -> None:
        if self.on_stage_executed:
            self.dispatcher.fire(
                self.on_stage_executed,
                StageExecutedEvent(
                    traversal_context=self._context(frame),
                    stage_name=name,
                    description=description,
                    stage_type=stage_type,
                ),
            )

    def _decide(self, entry: Any) -> None:
        frame = self.current
        decl = frame.decl
        chosen = self.decls[entry[1]]
        returned = entry[2]
        evidence = UNSET if len(entry) < 4 or entry[3] is None else recorded(entry[3])
        fallback = len(entry) > 4
        frame.decided = True
        if self.views is not None:
            self.views.decided(frame, chosen.name, returned, fallback)
        self._fire(
            "flow",
            "on_decision",
            lambda: DecisionEvent(
                traversal_context=self._context(frame),
                decider=decl.name,
                chosen=chosen.name,
                rationale=frame.rationale,
                description=decl.description,
                raw_evidence=evidence,
            ),
        )
        self._executed_as(frame, "decider", decl.name, decl.description)

    def _select(self, entry: Any) -> None:
        frame = self.current
        decl = frame.decl
        names = tuple(self.decls[ordinal].name for ordinal in entry[1])
        evidence = recorded(entry[5]) if len(entry) > 5 and names else UNSET
        if self.views is not None:
            self.views.selected(frame, names, recorded(entry[2]), entry[3], entry[4])
        self._fire(
            "flow",
            "on_selected",
            lambda: SelectedEvent(
                traversal_context=self._context(frame),
                parent=decl.name,
                selected=names,
                total=entry[3],
                raw_evidence=evidence,
            ),
        )
        self._executed_as(frame, "selector", decl.name, decl.description)

    def _fork(self, entry: Any) -> None:
        frame = self.current
        kind = entry[1]
        names = tuple(self.decls[ordinal].name for ordinal in entry[2])
        self.parallel += len(names)
        if self.views is not None and kind == 0:
            self.views.forked(frame, names)
        name = "selector-temp" if kind == 1 else frame.decl.name
        self._fire(
            "flow",
            "on_fork",
            lambda: ForkEvent(traversal_context=self._context(frame), parent=name, children=names),
        )
        self._executed_as(frame, "fork", name, UNSET if kind == 1 else frame.decl.description)

    def _mount(self, entry: Any) -> None:
        _, t, ordinal, link, origin, first, mapped, subflow_name = entry[:8]
        decl = self.decls[ordinal]
        parent = None if origin < 0 else self.frame(origin)
        inner_id = decl.id
        region = MirrorRegion(inner_id)
        frame = self._begin(t, ordinal, link, parent)
        self.regions[frame.number] = region
        frame.has_scope = False
        region.mount = frame
        region.first = self.decls[first]
        mapped = recorded(mapped)
        if self.views is not None:
            self.views.entered(frame, region, subflow_name)
        if type(mapped) is Raw and bytes(mapped) != b"{}":
            for key, value in opened(mapped).items():
                region.values[key] = normal(value)
            for key, names in entry[8].items() if len(entry) > 8 else ():
                region.values[key] = Raw(encode(dict.fromkeys(names, MARK)))
            if self.views is not None:
                self.views.seeded(region)
        inner = region.first
        assert inner is not None  # a mount enters at the first node of its flow
        self._fire(
            "flow",
            "on_subflow_entry",
            lambda: SubflowEntryEvent(
                traversal_context=self._context(frame),
                name=subflow_name,
                subflow_id=inner_id,
                description=inner.description,
                raw_mapped_input=mapped,
            ),
        )
        self._executed_as(frame, "subflow-mount", inner.name, inner.description)
        frame.path = (subflow_name,)

    def _output(self, entry: Any) -> None:
        _, number, writes, reads, dropped = entry
        frame = self.frame(number)
        region = frame.region
        rows: list[tuple[tuple[str, ...], Any]] = [(tuple(path), recorded(value)) for path, value in writes]
        gone = set(dropped)
        if self.views is not None:
            for name in reads:
                path = tuple(name.split(".", 1))
                frame.reads[name] = region.get(path)
            self.views.output(frame, rows, gone, reads)
        for index, (path, value) in enumerate(rows):
            if len(path) > 1:
                frame.writes[".".join(path)] = (value, "set")
            if index not in gone:
                region.put(path, value)
        self._commit_event(frame)

    def _exit(self, entry: Any) -> None:
        frame = self.current
        region = self.regions[frame.number]
        name = frame.path[0]
        if self.views is not None:
            self.views.left(frame, region, name)
        self._fire(
            "flow",
            "on_subflow_exit",
            lambda: SubflowExitEvent(
                traversal_context=self._context(frame),
                name=name,
                subflow_id=region.id,
                raw_output_state=_output_state(region, entry[1] if len(entry) > 1 else None),
            ),
        )

    def _loop(self, entry: Any) -> None:
        frame = self.current
        target = self.decls[entry[1]]
        iteration = entry[2]
        bare = len(entry) > 3
        if self.views is not None:
            self.views.looped(frame, target, iteration)
            self.loop_suffix = f".{iteration - 1}" if iteration > 1 else ""
        self._fire(
            "flow",
            "on_loop",
            lambda: LoopEvent(
                traversal_context=UNSET if bare else self._context(frame),
                target=target.name,
                iteration=iteration,
                description=target.description,
            ),
        )

    def _break(self, entry: Any) -> None:
        frame = self.current
        reason = UNSET if len(entry) < 2 or entry[1] is None else recorded(entry[1])
        origin = entry[2] if len(entry) > 2 else UNSET
        self._fire(
            "flow",
            "on_break",
            lambda: BreakEvent(
                traversal_context=self._context(frame),
                stage_name=frame.decl.name if origin is UNSET else frame.path[0],
                reason=reason,
                propagated_from_subflow=origin,
            ),
        )

    def _fail(self, entry: Any) -> None:
        frame = self.current
        error = structured(entry[1])
        if self.views is not None:
            self.views.bag(frame, "errors", "stageExecutionError", f"{error.name}: {error.message}")
        self._fire(
            "flow",
            "on_error",
            lambda: FlowErrorEvent(
                traversal_context=self._context(frame),
                stage_name=frame.decl.name,
                message=f"{error.name}: {error.message}",
                structured_error=error,
                channel="flow",
            ),
        )

    def _retry(self, entry: Any) -> None:
        frame = self.current
        _, attempt, most, delay_ms, details = entry
        error = structured(details)
        frame.staged = {}
        frame.ops = []
        frame.writes = {}
        frame.earlier, frame.reads = frame.all_reads(), {}
        self._fire(
            "flow",
            "on_stage_retry",
            lambda: StageRetryEvent(
                traversal_context=self._context(frame),
                stage_name=frame.decl.name,
                stage_id=frame.decl.id,
                attempt=attempt,
                max_attempts=most,
                delay_ms=delay_ms,
                message=error.message,
                structured_error=error,
                channel="flow",
            ),
        )

    def _again(self, entry: Any) -> None:
        frame = self.current
        frame.timestamp = self._ms(entry[1])
        if self.on_stage_start:
            self._start_event(frame)

    def _pause(self, entry: Any) -> None:
        frame = self.current
        decl = frame.decl
        _, half, data, subflow_path = entry
        data = UNSET if data is None else recorded(data[0])
        if half == 0:
            self._fire(
                "scope",
                "on_pause",
                lambda: ScopePauseEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, data, "scope"),
            )
            return
        self._fire(
            "flow",
            "on_pause",
            lambda: FlowPauseEvent(
                traversal_context=self._context(frame),
                stage_name=decl.name,
                stage_id=decl.id,
                raw_pause_data=data,
                subflow_path=tuple(subflow_path),
                channel="flow",
            ),
        )

    def _resume(self, entry: Any) -> None:
        _, name, stage_id, rsid, has_input, base = entry
        self.decls = []
        if self.views is not None:
            self.views.results.clear()
        if not self.frames:
            # Nothing of the phase before is known here but what the base says.
            self.first_frame = base["executionCount"]
            self.visits = dict(base["visitCounts"])
            for key, value in base["state"].items():
                self.top.values[key] = recorded(value)
            self.top.initial = self.top.recorded_state()
        tail = base["tail"]
        if tail is not None and (not self.frames or tail[0] < self.first_frame):
            decl = Declared(tail[1], tail[2])
            self.ghost = MirrorFrame(tail[0], decl, self.top, "", None, f"{tail[1]}#{tail[0]}", self.top.values)
            self.ghost.depth = tail[3]
        self._fire(
            "flow",
            "on_resume",
            lambda: FlowResumeEvent(
                traversal_context=TraversalContext(self.run_id, stage_id, rsid, name, depth=0),
                stage_name=name,
                stage_id=stage_id,
                has_input=has_input,
                channel="flow",
            ),
        )
        self._fire(
            "scope",
            "on_resume",
            lambda: ScopeResumeEvent(name, stage_id, rsid, "", self.started_ms, has_input, "scope"),
        )

    def _run_start(self, entry: Any) -> None:
        payload = recorded(entry[1]) if len(entry) > 1 else UNSET
        self._fire("flow", "on_run_start", lambda: RunStartEvent(traversal_context=self.root, raw_payload=payload))

    def _run_end(self, entry: Any) -> None:
        payload = recorded(entry[1]) if len(entry) > 1 else UNSET
        self._fire("flow", "on_run_end", lambda: RunEndEvent(traversal_context=self.root, raw_payload=payload))

    def _run_failed(self, entry: Any) -> None:
        error = structured(entry[1])
        self._fire("flow", "on_run_failed", lambda: RunFailedEvent(traversal_context=self.root, structured_error=error))

    def _register(self, entry: Any) -> None:
        _, subflow_id, name, description, spec = entry
        if self.views is not None and spec is not None:
            self.views.registered[subflow_id] = recorded(spec)
        self._fire(
            "flow",
            "on_subflow_registered",
            lambda: SubflowRegisteredEvent(
                subflow_id,
                name,
                UNSET if description is None else description,
                UNSET if spec is None else recorded(spec),
            ),
        )

    def _seed(self, entry: Any) -> None:
        if len(entry) > 2:
            region = self.regions[self.current.number]
            for path, value in entry[1]:
                region.put(tuple(path), recorded(value))
            if self.views is not None:
                self.views.seeded(region, whole=True)
            return
        for path, value in entry[1]:
            self.top.put(tuple(path), recorded(value))
        self.top.initial = {key: packed(value) for key, value in self.top.values.items()}

    def _halt(self, entry: Any) -> None:
        _, t, ordinal, link, origin = entry
        self._begin(t, ordinal, link, None if origin < 0 else self.frame(origin))

    def _refuse(self, entry: Any) -> None:
        _, ordinal, link, origin = entry
        if self.views is not None:
            parent = None if origin < 0 else self.frame(origin)
            self.views.refused(self.decls[ordinal], link, parent)


def _output_state(region: MirrorRegion, hidden: Any) -> Raw:
    """A subflow's state as its exit shows it; with `hidden`, those keys hidden by name."""
    state = region.recorded_state()
    if hidden is None:
        return log_marked(Raw(encode(state)))
    state.update((key, MARK) for key in hidden if key in state)
    return Raw(encode(state))


def structured(details: Any) -> StructuredError:
    """An error entry as data."""
    size = len(details)
    code = details[2] if size > 2 and details[2] is not None else UNSET
    return StructuredError(details[1], details[0], code, recorded(details[3]) if size > 3 else UNSET)

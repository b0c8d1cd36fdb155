"""One phase of one run: what its frames share while it is alive."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from footpath.errors import RunError
from footpath.journal.entries import (
    BAG,
    CHART,
    FRAME,
    HALT,
    LINK_NEXT,
    NODE,
    OPEN,
    SEED,
    SETTLE,
    THROTTLED,
    TOKEN,
)
from footpath.scope import DeltaFrame, Frame, Paused
from footpath.state import Region, untracked
from footpath.values import ABSENT, ATOMS, MARK, in_js_order, record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath.chart import FlowChart, Mount, Node
    from footpath.replay import Cursor
    from footpath.scope import Redaction


def _nowhere(entry: Any) -> None:
    """Stands where a run is not yet whole."""


def _declaration(node: Node, prefix: str) -> tuple[Any, ...]:
    """Declare a node that is not in the spec, or whose chart is not."""
    lead = f"{prefix}/" if prefix else ""
    entry: tuple[Any, ...] = (NODE, lead + node.id, lead + node.name)
    if node.tags:
        entry += (node.description, list(node.tags))
    elif node.description is not None:
        entry += (node.description,)
    return entry


class Resuming:
    """The stage at which a paused run goes on.

    Attributes:
        node: the stage, as the resumed line has it.
        half: the function that goes on; None when the stage interrupted and runs again from its top.
        takes_input: whether that function takes the input beside the scope.
        input: what the run is resumed with.
    """

    __slots__ = ("half", "input", "node", "takes_input")

    def __init__(self, node: Node, half: Callable[..., Any] | None, takes_input: bool, given: Any) -> None:
        self.node = node
        self.half = half
        self.takes_input = takes_input
        self.input = given


class Reentry:
    """A mount that a paused run goes back into: with which state, and at which stage."""

    __slots__ = ("root", "state")

    def __init__(self, root: Node, state: Mapping[str, Any]) -> None:
        self.root = root
        self.state = state


class Run(Struct, eq=False):
    """The host of a phase's frames: journal, clock, counters. A struct, because every run makes one, and C does that fast.

    Attributes:
        places: of the charts in the spec's table, by `id()`.
        clock: nanoseconds that never go back; `began_ns` is what it said when the phase began.
        max_depth: how deep lines may nest (parallel children, branches, subflows); a chain or a loop does not nest.
        max_iterations: how often one loop edge's target may be gone back to.
        max_entries: how many entries of the journal are kept; None keeps all.
        counts_siblings: whether parallel children that run at the same time add up, as they do in the reference: where
            a limit was asked for. The default would refuse a fork of 500 otherwise.
        top: state of the outermost flow.
        journal: the entries, in order.
        record_entry: appends an entry, and feeds the cursor when anybody listens.
        quick: the same where an access asks for nothing else, None where it has to be looked at; see `Frame.quick`.
        spells: whether the state holds a key under another name than its stages': one that UTF-8 can hold.
        deadline_ns: when its time is up, by the clock; None when it may take as long as it likes.
        spans: where the nodes of each declared chart begin among all declared ones, by place and prefix.
    """

    places: Mapping[int, int]
    clock: Callable[[], int]
    began_ns: int
    max_depth: int
    max_iterations: int
    max_entries: int | None
    counts_siblings: bool
    env: Any
    redaction: Redaction | None
    cursor: Cursor | None
    top: Region
    stream_handlers: Any
    is_throttling: Callable[[BaseException], bool] | None
    journal: list[Any] = []
    spans: dict[tuple[int, str], int] = {}
    record_entry: Callable[[Any], None] = _nowhere
    quick: Callable[[Any], None] | None = None
    make_frame: type[Frame] = Frame
    delta_commits: bool = False
    parallel: int = 0
    spells: bool = False
    careful: bool = False
    watched: bool = False
    deadline_ns: int | None = None
    current: Frame | None = None
    tail: Frame | None = None
    frame_count: int = 0
    node_count: int = 0
    resuming: Resuming | None = None
    reentries: dict[int, Reentry] = {}
    resolved: dict[int, FlowChart] = {}
    finals: dict[str, dict[str, Any]] = {}
    failed_stage: str | None = None
    dropped: int = 0
    cut_by: str = "entries"
    _weighed_entries: int = 0
    _weighed_bytes: int = 0
    _timeout_ms: float | None = None
    _signal: Any = None

    def __post_init__(self) -> None:
        self.record_entry = self.journal.append if self.cursor is None else self._append_and_feed
        if self.redaction is None:
            self.quick = self.record_entry
        else:
            self.careful = True

    def _append_and_feed(self, entry: Any) -> None:
        self.journal.append(entry)
        cursor = self.cursor
        if cursor is None:
            return
        try:
            cursor.feed(entry)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not become the run's
            self.cursor = None
            import logging  # 3 ms of a cold start that never comes here

            # Only the type: a message may quote a value.
            message = "no more events of this run: making one raised %s; its journal goes on"
            logging.getLogger("footpath").error(message, type(error).__name__)  # noqa: TRY400  # a traceback may quote one, too

    # A limit of the trace costs the run nothing: entries are appended as ever, and those beyond it are let go of now
    # and then. What is kept depends on their number alone, not on when somebody looked.
    def shed(self) -> None:
        """Let go of the entries beyond the limit, and count them. Safe from another thread, while entries are appended."""
        most = self.max_entries
        journal = self.journal
        over = 0 if most is None else len(journal) - most
        if most is not None and over > 0:
            del journal[most : most + over]
            self.dropped += over

    @property
    def kept(self) -> list[Any]:
        """The journal as far as it hangs together: behind what was let go of, entries speak of frames that nobody knows."""
        return self.journal[: self.max_entries] if self.dropped else self.journal

    def weigh(self, max_bytes: int) -> None:
        """Let go of what makes the journal longer than so many bytes of JSON. From one thread at a time."""
        from footpath.trace import encoded_bytes, fitting

        while chunk := self.journal[self._weighed_entries : self._weighed_entries + 1_000]:
            size = encoded_bytes(chunk)
            if self._weighed_bytes + size > max_bytes:
                most = self._weighed_entries + fitting(chunk, max_bytes - self._weighed_bytes)
                if self.max_entries is None or most < self.max_entries:
                    self.max_entries, self.cut_by = most, "bytes"
                break
            self._weighed_entries += len(chunk)
            self._weighed_bytes += size
        self.shed()

    def reentry(self, mount: Node) -> Reentry | None:
        """How a paused run goes back into this mount; None when it is simply entered."""
        return self.reentries.pop(id(mount), None) if self.reentries else None

    def restore(self, region: Region, state: Mapping[str, Any]) -> None:
        """Give a region that a paused run goes back into the state it had."""
        seeds: list[list[Any]] = []
        hidden: list[list[str | None]] = []
        region.holes = True
        for key in in_js_order(state):
            value = seeded(state[key])
            if value is ABSENT:
                continue
            region.values[key] = value
            recorded = record(value)
            if type(value) not in ATOMS:
                region.recorded[key] = recorded
            if self.redaction is not None:
                self.redaction.seed({key: value})
                recorded = self.redaction.show_path((key,), value, recorded, hidden)
                if hidden and hidden[-1] == [key] and isinstance(value, dict) and value:
                    recorded = record(dict.fromkeys(in_js_order(value), MARK))  # set member by member
                    hidden[-1:] = [[key, str(member)] for member in in_js_order(value)]
                else:
                    recorded = self.redaction.show_members(key, recorded, hidden)
            seeds.append([[key], recorded])
        if seeds:
            self.record_entry((SEED, seeds, 1) if self.redaction is None else (SEED, seeds, 1, hidden))

    def watch(self, timeout_ms: float | None, signal: Any) -> None:
        """Bound the run by time, or by a signal that somebody else may set."""
        self.watched = signal is not None or timeout_ms is not None
        self._signal = signal
        self._timeout_ms = timeout_ms
        if timeout_ms is not None:
            # A limit below zero is over in a millisecond, as a timer of JavaScript is.
            self.deadline_ns = self.clock() + int((timeout_ms if timeout_ms > 0 else 1) * 1_000_000)

    def time_left(self) -> tuple[float, RunError]:
        """Seconds until the run's time is up, and the error that then ends it."""
        from footpath.values import js_number

        assert self.deadline_ns is not None
        message = f"Execution timed out after {js_number(self._timeout_ms or 0)}ms"
        return (self.deadline_ns - self.clock()) / 1e9, RunError(message)

    def miss(self, region: Region, node: Node, link: int, origin: Frame | None, branch: str) -> Frame:
        """Let a stage take its step that will never start."""
        ordinal = self.declare(region, node)
        self.current = frame = self.frame(region, node, branch)
        self.record_entry((HALT, self.now(), ordinal, link, -1 if origin is None else origin.number))
        return frame

    def begin_if_stopped(self, awaitable: Any) -> None:
        """In a run that has been told to stop, let what a stage awaits come to its first wait, and no further.

        Raises:
            RunError: the time is up.
            BaseException: the signal's reason, when that is an error.
        """
        stop = self.stop_reason()
        if stop is None:
            return
        if hasattr(awaitable, "send"):
            with suppress(Exception, Paused):  # it is not waited for, so what it comes to is of no concern
                awaitable.send(None)
            awaitable.close()
        raise stop

    def told_to_stop(self) -> bool:
        """Whether somebody stopped the run, or its time is up."""
        return self.watched and self.stop_reason() is not None

    def stop_reason(self) -> BaseException | None:
        """What ends the run now, if anything does: the signal's reason, or that the time is up."""
        signal = self._signal
        if signal is not None and signal.aborted:
            reason = signal.reason
            return (
                reason if isinstance(reason, BaseException) else RunError(str(reason or "This operation was aborted"))
            )
        late = self.deadline_ns is not None and self.clock() > self.deadline_ns
        return self.time_left()[1] if late else None

    def now(self) -> int:
        """Microseconds since the phase began."""
        return (self.clock() - self.began_ns) // 1000

    def switch(self, frame: Frame) -> None:
        """Make another frame the one that entries belong to."""
        self.record_entry((FRAME, frame.number))
        self.current = frame

    def start_redaction(self) -> Redaction:
        """Begin to hide values in a run that had nothing to hide."""
        if self.redaction is None:
            from footpath.scope import Redaction

            self.redaction = Redaction(None)
            self.careful = True
            self._slow_down()
        return self.redaction

    def keep_what_changed(self) -> None:
        """Commit deltas."""
        self.delta_commits = True
        self.make_frame = DeltaFrame

    def declare(self, region: Region, node: Node) -> int:
        """The ordinal of a node's declaration, which is written at its first mention."""
        first = region.first_ordinal
        if first >= 0 and node.index >= 0:
            return first + node.index
        ordinal = region.declared.get(node)
        if ordinal is None:
            ordinal = region.declared[node] = self.node_count
            self.node_count = ordinal + 1
            self.record_entry(_declaration(node, "" if node.is_dynamic else region.prefix))
        return ordinal

    def declare_chart(self, region: Region, chart: FlowChart) -> None:
        """Declare all nodes of a region's chart at once, if the spec of this run has it; others are declared one by one."""
        place = self.places.get(id(chart))
        if place is None:
            return
        prefix = region.prefix
        first = self.spans.get((place, prefix))
        if first is None:
            first = self.spans[place, prefix] = self.node_count
            self.node_count = first + len(chart.spec.nodes)
            self.record_entry((CHART, place, prefix) if prefix else (CHART, place))
        region.first_ordinal = first

    def fan_out(self) -> None:
        """Parallel children begin."""
        self.parallel += 1
        self.careful = True
        self._slow_down()

    def fan_in(self) -> None:
        """Parallel children have ended."""
        self.parallel -= 1
        self.careful = self.parallel > 0 or self.spells or self.redaction is not None
        if not self.careful:
            self.quick = self.record_entry

    def spell(self, key: str) -> str:
        """The name under which the state holds a key. Once one has had to be spelled otherwise, every access is looked at."""
        from footpath.values import recorded_name

        name = recorded_name(key)
        if name != key:
            self.spell_out()
        return name

    def spelled(self, members: dict[Any, Any]) -> dict[Any, Any]:
        """What somebody hands into the state, by the names under which it holds that, the same mapping as a rule.

        A key that is no text stays as it is.
        """
        with suppress(TypeError):
            if "".join(members).isascii():
                return members
        return {self.spell(str.__str__(key)) if isinstance(key, str) else key: value for key, value in members.items()}

    def spell_out(self) -> None:
        """From here on the state may hold a key under another name than its stages'."""
        if not self.spells:
            self.spells = self.careful = True
            self._slow_down()

    def as_named(self, state: dict[str, Any]) -> dict[str, Any]:
        """A state by the keys of its stages, as those see it who are not told what is recorded."""
        if not self.spells:
            return state
        from footpath.values import live_name

        return {live_name(key): value for key, value in state.items()}

    def _slow_down(self) -> None:
        """From here on every access is looked at."""
        self.quick = None
        if self.current is not None:
            self.current.quick = None

    def close(self) -> None:
        """Let no stage's scope write any more."""
        if self.current is not None:
            self.current.quick = None
            self.current = None

    def let_go(self) -> None:
        """The phase is over: hold on to nobody who listened. A cycle would keep them until the collector comes."""
        if self.cursor is not None:
            self.cursor = self.quick = None
            self.record_entry = self.journal.append

    def frame(self, region: Region, node: Node, branch: str) -> Frame:
        """The next frame, without an entry."""
        number = self.frame_count
        self.frame_count = number + 1
        return self.make_frame(self, region, node, number, branch, region.values, None)

    def resolve(self, mount: Mount) -> FlowChart:
        """The chart of a mount; a lazy one is asked for once a run."""
        if mount.chart is not None:
            return mount.chart
        chart = self.resolved.get(id(mount))
        if chart is None:
            assert mount.resolver is not None
            chart = self.resolved[id(mount)] = mount.resolver()
        return chart

    def open(self, region: Region, node: Node, link: int, origin: Frame | None, branch: str) -> Frame:
        """Begin a frame and its stage."""
        ordinal = self.declare(region, node)
        number = self.frame_count
        self.frame_count = number + 1
        frame = self.make_frame(self, region, node, number, branch, region.values, self.quick)
        t = (self.clock() - self.began_ns) // 1000
        if link == LINK_NEXT and origin is self.current:
            self.record_entry((OPEN, t, ordinal))
        else:
            self.record_entry((OPEN, t, ordinal, link, -1 if origin is None else origin.number))
        self.current = frame
        return frame

    def say(self, frame: Frame, entry: tuple[Any, ...]) -> None:
        """Record an entry that belongs to a frame."""
        if self.current is not frame:
            self.switch(frame)
        self.record_entry(entry)

    def settle(self, frame: Frame | None, failure: Exception | None) -> None:
        """A parallel child ended; without a frame it was refused before it had one.

        One that failed because something asked it to slow down is marked so. As in the reference, after its last
        commit.
        """
        throttled = failure is not None and self._is_throttling(failure)
        if frame is None:
            self.record_entry((SETTLE, 1, self._throttled()) if throttled else (SETTLE, 1))
            return
        self.say(frame, (SETTLE,))
        if throttled:
            self.bag(frame, "writes", THROTTLED, self._throttled())

    def _is_throttling(self, error: Exception) -> bool:
        """Whether it counts as being asked to slow down."""
        if self.is_throttling is None:
            return False
        try:
            return bool(self.is_throttling(error))
        except Exception:  # noqa: BLE001  # the caller's function: what it raises is of no concern to the run
            return False

    def _throttled(self) -> Any:
        """What the mark says: that it is so, or that this is hidden, as a write to that place would be."""
        redaction = self.redaction
        hidden = None if redaction is None else redaction.wanted_at(tuple(THROTTLED.split(".")))
        if redaction is None or hidden is None:
            return True
        redaction.mark(hidden, ABSENT)
        return MARK

    def bag(self, frame: Frame, bag: str, key: str, value: Any) -> None:
        """Leave a remark of the engine's own on a frame."""
        self.say(frame, (BAG, bag, key, value))

    def loop(self, region: Region, target: Node) -> int:
        """Count a loop edge of a flow; gives which pass this is, from 1.

        Raises:
            RunError: the limit is reached.
        """
        passes = region.loops.get(target, 0)
        if passes >= self.max_iterations:
            from footpath.values import js_number

            lead = f"{region.prefix}/" if region.prefix and not target.is_dynamic else ""
            message = (
                f"Maximum loop iterations ({js_number(self.max_iterations)}) exceeded for node '{lead}{target.id}'. "
                "Set maxIterations to increase the limit."
            )
            raise RunError(message)
        region.loops[target] = count = passes + 1
        most = self.max_entries
        if most is not None and len(self.journal) > most:
            self.shed()
        return count

    def reason(self, given: Any) -> Any:
        """Why a line stopped, in recorded form, without what is hidden; None is no reason."""
        if given is None:
            return None
        recorded = record(given)
        return recorded if self.redaction is None else self.redaction.scrub_recorded(recorded)

    def begin_stream(self, node: Node) -> None:
        """A streaming stage begins, or tries again: a stream of its own each time."""
        self.stream("on_start", node.stream, None)

    def end_stream(self, frame: Frame) -> None:
        """A streaming stage has returned: its text is whole."""
        from footpath.values import js_text

        node = frame.node
        stream = node.stream
        text = "".join(js_text(untracked(token)) for token in frame.tokens or ())
        self.stream("on_end", stream, text)
        self.say(frame, (TOKEN, stream, record(text), 1))

    def stream(self, what: str, stream_id: str, text: Any) -> None:
        """Hand a token to the caller's stream handlers; a handler that fails changes nothing."""
        handler = getattr(self.stream_handlers, what, None)
        if handler is None and isinstance(self.stream_handlers, dict):
            handler = self.stream_handlers.get(what)
        if handler is None:
            return
        with suppress(Exception):  # an observer never changes a run
            handler(stream_id) if what == "on_start" else handler(stream_id, text)


def seeded(value: Any) -> Any:
    """What a region begins with, given a value: of an object, the members that are there; `ABSENT` when none of them is.

    Seeding is a write of each member, and a write of nothing over nothing changes nothing.
    """
    if type(value) is dict and any(member is ABSENT for member in value.values()):
        return {name: member for name, member in value.items() if member is not ABSENT} or ABSENT
    return value


def over_defaults(initial: Mapping[str, Any] | None, defaults: Mapping[str, Any] | None) -> dict[str, Any]:
    """A state to begin with, laid over defaults member by member; neither is changed."""
    state: dict[str, Any] = dict(initial or {})
    stack: list[tuple[dict[str, Any], Mapping[str, Any]]] = [(state, defaults or {})]
    while stack:
        target, source = stack.pop()
        for key, value in source.items():
            if key not in target:
                target[key] = value
            elif isinstance(target[key], dict) and isinstance(value, dict):
                target[key] = dict(target[key])
                stack.append((target[key], value))
    return state

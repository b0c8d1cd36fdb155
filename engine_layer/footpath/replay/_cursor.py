"""From journal entries to events: the one place where an event is made, for a live run and for a replayed one alike."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.channels import ReadEvent, TraversalContext, WriteEvent
from footpath.journal.entries import LINK_NEXT, LINK_PARALLEL, LINK_ROOT
from footpath.replay._allowance import NO_LIMIT, Allowance
from footpath.replay._declared import Declarations, UnknownPartError
from footpath.replay._gather import gather
from footpath.replay._grown import Grown
from footpath.replay._mirror import MirrorFrame, MirrorRegion, packed, recorded
from footpath.replay._table import HANDLERS
from footpath.state import LastWritten
from footpath.values import ATOMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from footpath.channels import Dispatcher
    from footpath.replay._declared import Declared, Header
    from footpath.replay._story import Story
    from footpath.replay._views import Views

ROOT_ID = "__root__"


class Cursor:
    """Follows a journal, entry by entry.

    Attributes:
        header: what the journal takes for known; a journal of a run before there was such a thing needs none.
        views: gathers snapshot, commit log and tree as well; None when only events are wanted.
        story: is told what happens, without an event in between; None when nobody asked for it.
        top: the outermost flow's state.
        hides: whether the journal has hidden something so far.
        quiet: nobody hears of what happens all the time, and nothing of it takes care.
        spend: counts what the journal unfolds to, against what is allowed.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        run_id: str,
        started_ms: float,
        views: Views | None = None,
        *,
        header: Header | None = None,
        story: Story | None = None,
        read_tracking: str = "full",
        write_tracking: str = "full",
        delta_commits: bool = False,
        allowance: int = NO_LIMIT,
    ) -> None:
        self.dispatcher = dispatcher
        self.run_id = run_id
        self.started_ms = started_ms
        self.views = views
        self.story = story
        self.provenance = views is not None and views.provenance
        self.keeps_writes = bool(dispatcher.table("scope", "on_commit"))
        self.read_tracking = read_tracking
        self.write_tracking = write_tracking
        self.delta_commits = delta_commits
        self.header = header
        self.allowance = Allowance(allowance)
        self.spend = self.allowance.spend
        self.decls = Declarations(self.spend)
        self.frames: list[MirrorFrame] = []
        self.current: Any = None
        self.top = MirrorRegion("")
        self.regions: dict[int, MirrorRegion] = {}
        self.visits: dict[str, int] = {}
        self.parallel = 0
        # Parallel children nested too deep, until they settle: with their region, and their node in the tree.
        self.refusals: list[tuple[Declared, MirrorRegion, dict[str, Any] | None]] = []
        self.hides = False
        self.marked: set[str] = set()
        self.hidden_fields: dict[str, list[str]] = {}
        self.loop_suffixes: dict[int, str] = {}  # of the pass that begins, by the frame that looped back
        self.first_frame = 0
        self.ghost: MirrorFrame | None = None
        self.root = TraversalContext(run_id, ROOT_ID, f"{ROOT_ID}#0", ROOT_ID, depth=0)
        table = dispatcher.table
        self.on_read = table("scope", "on_read")
        self.on_write = table("scope", "on_write")
        self.on_commit = table("scope", "on_commit")
        self.commits_with_care = bool(self.on_commit) or self.delta_commits  # or something was hidden
        self.on_stage_start = table("scope", "on_stage_start")
        self.on_stage_end = table("scope", "on_stage_end")
        self.on_emit = table("emit", "on_emit")
        self.on_stage_executed = table("flow", "on_stage_executed")
        self.on_next = table("flow", "on_next")
        self.quiet = not (
            self.provenance
            or self.commits_with_care
            or self.on_read
            or self.on_write
            or self.on_stage_start
            or self.on_stage_end
            or self.on_stage_executed
            or self.on_next
        )

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────────
    def feed(self, entry: Any) -> None:
        """Follow one entry."""
        self._follow((entry,))

    def feed_all(self, entries: Iterable[Any]) -> None:
        """Follow many."""
        if self.quiet:
            gather(self, entries)
        else:
            self._follow(entries)

    def _follow(self, entries: Iterable[Any]) -> None:
        """Plain reads and writes, by far the most, are followed right here."""
        handlers = HANDLERS
        gathers, keeps_writes, provenance = self.views is not None, self.keeps_writes, self.provenance
        tells = self.story is not None
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
                    if type(value) not in ATOMS:
                        frame.saw_scalars = False
                if tells:
                    self.step(frame, entry, "read", value)
                if on_read:
                    if type(value) is Grown:
                        value = value.packed()
                    decl = frame.decl
                    event = ReadEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, entry, value)
                    for identity, method in on_read:
                        try:
                            method(event)
                        except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                            self.dispatcher.failed_scope("on_read", identity, event, error)
                continue
            if type(entry) is not tuple and isinstance(entry, str):
                handlers[entry](self, entry)
                continue
            key = entry[0]
            if type(key) is not str:
                handlers[key](self, entry)
                continue
            frame = self.current
            value = entry[1]
            if type(value) not in ATOMS:
                value = recorded(value)
                frame.scalars = False
            if self.parallel and not frame.staged:
                frame.base = dict(frame.region.values)
                self.spend(8 * len(frame.base))
            frame.staged[key] = value
            if gathers:
                frame.ops.append((key, "set", value, tuple(frame.reads) if provenance else ()))
                frame.wrote[key] = value
            if tells:
                self.step(frame, key, "set", value)
            if keeps_writes:
                if frame.writes is None:
                    frame.writes = {}
                frame.writes[key] = (value, "set")
            if on_write:
                decl = frame.decl
                event = WriteEvent(decl.name, decl.id, frame.rsid, frame.branch, frame.timestamp, key, value, "set")
                for identity, method in on_write:
                    try:
                        method(event)
                    except Exception as error:  # noqa: BLE001  # a recorder never changes a run
                        self.dispatcher.failed_scope("on_write", identity, event, error)

    def step(self, frame: MirrorFrame, key: str, verb: str, value: Any) -> None:
        """A frame's stage did something that the story may tell."""
        if self.story is not None:
            self.story.step(frame.steps, key, verb, value, frame.decl.name, frame.place)

    def fire(self, channel: str, hook: str, make: Callable[[], Any]) -> None:
        """Give an event to whoever listens to a hook; it is made only when somebody does."""
        table = self.dispatcher.table(channel, hook)
        if table:
            if channel == "scope":
                self.dispatcher.fire_scope(hook, table, make())
            else:
                self.dispatcher.fire(table, make())

    def ms(self, t: float) -> float:
        """An entry's time in milliseconds since the Unix epoch."""
        return self.started_ms + t / 1000

    def context(self, frame: MirrorFrame) -> TraversalContext:
        """Where a frame stands in the run, made once a frame."""
        context = frame.context
        if context is None:
            decl = frame.decl
            parent = frame.parent
            under = frame.under
            context = frame.context = TraversalContext(
                self.run_id,
                decl.id,
                frame.rsid,
                decl.name,
                UNSET if parent is None or under else parent.decl.id,
                UNSET if parent is None else parent.rsid,
                frame.subflow,
                frame.branch or UNSET,
                frame.loop_iteration,
                frame.depth,
            )
        return context

    def begin(self, t: int, ordinal: int, link: int, origin: MirrorFrame | None) -> MirrorFrame:
        """Begin the next frame and make it the current one."""
        decl = self.decls[ordinal]
        time = self.started_ms + t / 1000
        if link == LINK_NEXT and origin is not None:
            region, branch = origin.region, origin.branch
        elif link == LINK_ROOT:
            region, branch = self.top if origin is None else self.regions[origin.number], ""
        else:
            assert origin is not None
            region, branch = origin.region, origin.branch or (decl.id if link == LINK_PARALLEL else "")
        frame = self.begin_as(decl, region, branch, origin, time, [], [])
        if link == LINK_ROOT:
            frame.under = True
        elif origin is not None:
            frame.depth = origin.depth + 1
        if self.views is not None:
            self.views.tree.opened(frame, link, origin, self.loop_suffix(origin))
        return frame

    def begin_as(
        self,
        decl: Declared,
        region: MirrorRegion,
        branch: str,
        origin: MirrorFrame | None,
        time: float,
        ops: list[Any],
        steps: list[Any],
    ) -> MirrorFrame:
        """Begin the next frame where it is known what it is of, and make it the current one; it fills the two empty lists."""
        frames = self.frames
        number = self.first_frame + len(frames)
        stage_id = decl.id
        rsid = f"{stage_id}#{number!r}"
        frame = MirrorFrame(number, decl, region, branch, origin, rsid, region.values, time, time, {}, ops, steps)
        frames.append(frame)
        if self.delta_commits:
            frame.staged = LastWritten()
        if self.decls.long_names:
            self.spend(2 * (len(stage_id) + len(decl.name)))
        visits = self.visits
        if stage_id in visits:
            frame.loop_iteration = visited = visits[stage_id]
            visits[stage_id] = visited + 1
        else:
            visits[stage_id] = 1
        self.current = frame
        return frame

    def loop_suffix(self, origin: MirrorFrame | None) -> str:
        """What stands behind the name of the stage that a frame has looped back to; empty when it has not."""
        return self.loop_suffixes.pop(origin.number, "") if self.loop_suffixes and origin is not None else ""

    def has_frame(self, number: int) -> bool:
        """Whether the journal so far has begun a frame of that number."""
        return self.first_frame <= number < self.first_frame + len(self.frames)

    def frame(self, number: int) -> MirrorFrame:
        """A frame by its number.

        Raises:
            UnknownPartError: the journal has no such frame.
        """
        index = number - self.first_frame
        if 0 <= index < len(self.frames):
            return self.frames[index]
        if index >= 0 or self.ghost is None or self.ghost.number != number:
            message = f"no frame {number!r:.60} has been begun"
            raise UnknownPartError(message)
        return self.ghost

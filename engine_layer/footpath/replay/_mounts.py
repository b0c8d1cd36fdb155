"""Entries about subflows."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.channels import SubflowEntryEvent, SubflowExitEvent, SubflowRegisteredEvent
from footpath.replay._commits import commit_event
from footpath.replay._data import mask_all, note_write
from footpath.replay._grown import extended
from footpath.replay._log import OutputRow, member_name
from footpath.replay._mirror import LOG_MARK, MirrorRegion, grown_ways, marks_in, normal, opened, packed, recorded
from footpath.replay._stages import executed_as
from footpath.values import ABSENT_RAW, MARK, TAG, escape_key, unescape_key

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor
    from footpath.replay._mirror import MirrorFrame

_TAG = TAG.encode()


def mount(cursor: Cursor, entry: Any) -> None:
    _, t, ordinal, link, origin, first, mapped, subflow_name = entry[:8]
    decl = cursor.decls[ordinal]
    parent = None if origin < 0 else cursor.frame(origin)
    inner_id = (entry[9] if len(entry) > 9 else None) or decl.id
    region = MirrorRegion(inner_id)
    frame = cursor.begin(t, ordinal, link, parent)
    cursor.regions[frame.number] = region
    frame.has_scope = False
    frame.inner_id = inner_id
    region.first = cursor.decls[first]
    mapped = recorded(mapped)
    hidden = entry[10] if len(entry) > 10 else None
    if cursor.views is not None:
        if len(entry) > 11:
            left = frame.region.registered
            frame.region.registered = {chart_id: left[chart_id] for chart_id in left if chart_id != inner_id}
        region.registered = frame.region.registered
        cursor.views.tree.entered(frame, region, subflow_name)
    if type(mapped) is Raw and bytes(mapped) != b"{}":
        for key, value in opened(mapped).items():
            seeded = _present(value, [path[2] for path in hidden or () if path[:2] == [None, key] and len(path) == 3])
            if seeded is not UNSET:
                region.values[unescape_key(key) if key.startswith("$$") else key] = seeded
        mask_all(cursor, region, hidden)
        for key, names in entry[8].items() if len(entry) > 8 else ():
            region.unmask((key,))
            if names:
                region.values[key] = Raw(encode(dict.fromkeys(names, MARK)))
                mask_all(cursor, region, [(key, name) for name in names])
            else:
                region.values.pop(key, None)  # hidden, and nothing
        if cursor.views is not None:
            cursor.views.seeded(region, cursor.hidden_fields)
    inner = region.first
    assert inner is not None  # a mount enters at the first node of its flow
    cursor.fire(
        "flow",
        "on_subflow_entry",
        lambda: SubflowEntryEvent(
            traversal_context=cursor.context(frame),
            name=subflow_name,
            subflow_id=inner_id,
            description=inner.description,
            raw_mapped_input=mapped,
        ),
    )
    if cursor.story is not None:
        cursor.story.entered(subflow_name, inner.description, inner_id, mapped, frame.place)
    executed_as(cursor, frame, "subflow-mount", inner.name, inner.description)
    frame.path = (subflow_name,)


def _present(value: Raw, gone: list[str]) -> Any:
    """What a seeded value leaves in the state: of an object, the members that are there; UNSET when none of them is.

    Those that are `gone` show a mark, and are hidden though absent.
    """
    if value == ABSENT_RAW:
        return UNSET
    if not gone and _TAG not in bytes(value):
        return normal(value)
    members = opened(value)
    if type(members) is not dict or not (gone or ABSENT_RAW in members.values()):
        return normal(value)
    members = {name: member for name, member in members.items() if member != ABSENT_RAW and name not in gone}
    return Raw(encode(members)) if members else UNSET


def output(cursor: Cursor, entry: Any) -> None:
    _, number, writes, reads, dropped, *more = entry
    frame = cursor.frame(number)
    region = frame.region
    hidden = (
        [tuple(path[path[0] is None :]) for path in more[1]]
        if len(more) > 1
        else _marks_of(writes)
        if cursor.hides
        else []
    )
    absent = {tuple(path[1:]) for path in more[1] if path[0] is None} if len(more) > 1 else ()
    rows = [_row(region, hidden, *write) for write in writes]
    if absent:
        rows = [row._replace(absent=row.path in absent) for row in rows]
    gone = set(dropped)
    region.commits += 1
    if cursor.views is not None:
        frame.scalars = frame.saw_scalars = False
        earlier = list(frame.reads)
        names: list[str] = []
        for read in reads:
            key, member, *told = read.split(".", 1) if type(read) is str else read
            name = f"{key}.{member}"
            names.append(name)
            path = _place(frame, (key, escape_key(member)))
            shown = told[0] if told else more[0].get(name, UNSET) if more else UNSET
            frame.reads[name] = region.get(path) if shown is UNSET else recorded(shown)
            if shown == MARK or region.hides(path):
                frame.secret_reads |= {name}
        cursor.views.log.output(frame, rows, gone, names, earlier, cursor.hidden_fields, hidden)
    for index, (path, value, _, count, is_absent) in enumerate(rows):
        key, below = path[0], path[1:]
        if below:
            name = member_name(path, frame.branch)
            shown = UNSET if value == ABSENT_RAW else value
            note_write(cursor, frame, name, shown, "set")
            frame.wrote[name] = shown
            if path in hidden:
                frame.secret_writes |= {name}
        if index not in gone:
            before = [] if count is None else region.hidden_below(key)
            around = region.shown_around(path)
            region.put(path, ABSENT_RAW if is_absent else value)
            here = [] if is_absent else [way for way in hidden if way[: len(path)] == path]
            if count is not None:
                ways = [way[len(path) :] for way in here]
                here += [(*path, *way) for way in grown_ways(ways, count)]
                here += [(key, *way) for way in before if way[: len(below)] == below]
            mask_all(cursor, region, dict.fromkeys(here))
            if around is not None:
                region.show_in(around, path, ABSENT_RAW if is_absent else value)
    commit_event(cursor, frame)


def _place(frame: MirrorFrame, path: tuple[str, ...]) -> tuple[str, ...]:
    """Where a frame finds what stands at a path: in a parallel child's own part of the state, else in the flow's."""
    own = ("runs", frame.branch, *path)
    return own if frame.branch and frame.region.get(own) is not UNSET else path


def _marks_of(writes: Any) -> list[tuple[str, ...]]:
    """In an old trace a mark in what is written is what was hidden; see `mask_all`."""
    return [(*path, *way) for path, value, *_ in writes for way in marks_in(recorded(value))]


def _row(
    region: MirrorRegion,
    hidden: list[tuple[str, ...]],
    path: list[str],
    value: Any,
    grows: int = 0,
    count: int | None = None,
) -> OutputRow:
    """What is written where, and how a list has grown by it."""
    at, held = tuple(path), recorded(value)
    if not grows or at in hidden:
        return OutputRow(at, held, held if grows else None, count)
    return OutputRow(at, packed(extended(region.get(at), value)), held)


def exit_mount(cursor: Cursor, entry: Any) -> None:
    frame = cursor.current
    region = cursor.regions[frame.number]
    name = frame.path[0]
    if cursor.views is not None:
        cursor.views.left(frame, region, name)
    if cursor.story is not None:
        cursor.story.left(name, region.id, frame.place)
    cursor.fire(
        "flow",
        "on_subflow_exit",
        lambda: SubflowExitEvent(
            traversal_context=cursor.context(frame),
            name=name,
            subflow_id=region.id,
            raw_output_state=_output_state(region, entry[1] if len(entry) > 1 else None),
        ),
    )


def register(cursor: Cursor, entry: Any) -> None:
    _, subflow_id, name, description, spec = entry
    if cursor.views is not None and spec is not None:
        returning = cursor.current.region
        returning.registered = {**returning.registered, subflow_id: recorded(spec)}
    cursor.fire(
        "flow",
        "on_subflow_registered",
        lambda: SubflowRegisteredEvent(
            subflow_id,
            name,
            UNSET if description is None else description,
            UNSET if spec is None else recorded(spec),
        ),
    )


def _output_state(region: MirrorRegion, hidden: Any) -> Raw:
    """A subflow's state as its exit shows it; with `hidden`, those keys hidden by name."""
    if hidden is None:
        return Raw(encode(region.recorded_state(LOG_MARK)))
    state = region.recorded_state(None)
    state.update((key, MARK) for key in hidden if key in region.values)  # also one that was set to nothing
    return Raw(encode(state))

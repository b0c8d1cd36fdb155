"""Entries about subflows."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw
from msgspec.json import encode

from footpath.channels import SubflowEntryEvent, SubflowExitEvent, SubflowRegisteredEvent
from footpath.replay._commits import commit_event
from footpath.replay._data import note_write
from footpath.replay._grown import extended
from footpath.replay._mirror import MirrorRegion, log_marked, normal, opened, packed, recorded
from footpath.replay._stages import executed_as
from footpath.values import ABSENT_RAW, MARK, TAG

if TYPE_CHECKING:
    from footpath.replay._cursor import Cursor

_TAG = TAG.encode()


def mount(cursor: Cursor, entry: Any) -> None:
    _, t, ordinal, link, origin, first, mapped, subflow_name = entry[:8]
    decl = cursor.decls[ordinal]
    parent = None if origin < 0 else cursor.frame(origin)
    inner_id = entry[9] if len(entry) > 9 else decl.id
    region = MirrorRegion(inner_id)
    frame = cursor.begin(t, ordinal, link, parent)
    cursor.regions[frame.number] = region
    frame.has_scope = False
    frame.inner_id = inner_id
    region.first = cursor.decls[first]
    mapped = recorded(mapped)
    if cursor.views is not None:
        cursor.views.tree.entered(frame, region, subflow_name)
    if type(mapped) is Raw and bytes(mapped) != b"{}":
        for key, value in opened(mapped).items():
            seeded = _present(value)
            if seeded is not UNSET:
                region.values[key] = seeded
        for key, names in entry[8].items() if len(entry) > 8 else ():
            if names:
                region.values[key] = Raw(encode(dict.fromkeys(names, MARK)))
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


def _present(value: Raw) -> Any:
    """What a seeded value leaves in the state: of an object, the members that are there; UNSET when none of them is."""
    if value == ABSENT_RAW:
        return UNSET
    if _TAG not in bytes(value):
        return normal(value)
    if value == ABSENT_RAW:
        return UNSET
    members = opened(value)
    if type(members) is not dict or ABSENT_RAW not in members.values():
        return normal(value)
    members = {name: member for name, member in members.items() if member != ABSENT_RAW}
    return Raw(encode(members)) if members else UNSET


def output(cursor: Cursor, entry: Any) -> None:
    _, number, writes, reads, dropped, *hidden = entry
    frame = cursor.frame(number)
    region = frame.region
    rows = [_row(region, *write) for write in writes]
    gone = set(dropped)
    region.commits += 1
    if cursor.views is not None:
        frame.scalars = frame.saw_scalars = False
        earlier = list(frame.reads)
        for name in reads:
            path = tuple(name.split(".", 1))
            shown = hidden[0].get(name, UNSET) if hidden else UNSET
            frame.reads[name] = region.get(path) if shown is UNSET else recorded(shown)
        if cursor.views.log.output(frame, rows, gone, reads, earlier, cursor.hidden_fields):
            cursor.views.hides = True
    for index, (path, value, _) in enumerate(rows):
        if len(path) > 1:
            name = ".".join(path)
            shown = UNSET if value == ABSENT_RAW else value
            note_write(cursor, frame, name, shown, "set")
            frame.wrote[name] = shown
        if index not in gone:
            region.put(path, value)
    commit_event(cursor, frame)


def _row(region: MirrorRegion, path: list[str], value: Any, grows: int = 0) -> tuple[tuple[str, ...], Any, Any]:
    """What is written where, and the items that it adds to a list; None when it does not."""
    at, held = tuple(path), recorded(value)
    if not grows or held == MARK:
        return at, held, held if grows else None
    return at, packed(extended(region.get(at), value)), held


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
        cursor.views.registered[subflow_id] = recorded(spec)
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
        return log_marked(Raw(encode(region.recorded_state())))
    state = region.recorded_state(masked=False)
    state.update((key, MARK) for key in hidden if key in region.values)  # also one that was set to nothing
    return Raw(encode(state))

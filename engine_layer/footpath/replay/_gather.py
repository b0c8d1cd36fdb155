"""Following a journal that nobody listens to, for what is left in the end: state, log, tree and story.

Nearly all of a journal are plain reads, plain writes, and linear stages that end as the next begins. `gather` knows
what these three leave, and does it with as few steps as it can; whatever else comes has the handler that it always has.
A cursor that somebody listens to is fed by `Cursor.feed_all`, which does the same with more care;
`tests/property/test_fast_paths.py` holds them together.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from footpath.journal.entries import ADVANCE, FRAME, LINK_NEXT
from footpath.replay._mirror import packed, recorded
from footpath.replay._table import HANDLERS
from footpath.values import ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.replay._cursor import Cursor
    from footpath.replay._mirror import MirrorFrame

_ENDED: Any = MappingProxyType({})
"""What is staged by a stage that has ended: the engine lets it neither read nor write any more."""


def gather(cursor: Cursor, entries: Iterable[Any]) -> None:
    """Follow entries with a `Cursor` that is `quiet`."""
    handlers, atoms, unset = HANDLERS, ATOMS, UNSET
    story: Any = cursor.story
    quick = short = 0
    before_reads: Any = ()
    before_sets: Any = ()
    line: Any = None
    if story is not None:
        from footpath.replay._story import NarrativeEntry  # a journal can be followed without a story

        quick, short, line = story.quick, story.short, None if story.text_only else NarrativeEntry
        before_reads, before_sets = story.leads_of("read"), story.leads_of("set")
    if cursor.current is not None:
        entries = chain(((FRAME, cursor.current.number),), entries)
    # What the accesses of a frame look up again and again, until a handler has left another one, or others in their
    # place.
    frame: Any = None
    staged: Any = None
    base: Any = None
    ops, steps, wrote, reads = staged, staged, staged, staged
    branch = name = stage_id = rsid = ""
    parallel = 0
    subflow: Any = unset
    for entry in entries:
        if type(entry) is str:
            key = entry
            value = staged.get(key, unset) if staged else unset
            if value is unset:
                value = frame.lookup(key) if branch else base.get(key, unset)
            kind = type(value)
            if kind is not int and kind not in atoms:
                frame.saw_scalars = False
                if kind is dict:
                    value = packed(value)
            reads[key] = value
            if story is None:
                continue
            verb, leads = "read", before_reads
        else:
            if type(entry) is not tuple and isinstance(entry, str):
                handlers[entry](cursor, entry)
                continue
            key = entry[0]
            if type(key) is not str:
                if key == ADVANCE and not branch and not cursor.commits_with_care and frame.scalars:
                    frame = _pass_on(cursor, frame, entry)
                else:
                    handlers[key](cursor, entry)
                    if cursor.current is None:
                        continue
                    frame = cursor.current
                    branch, parallel = frame.branch, cursor.parallel
                    subflow = (frame.region.id or unset) if frame.has_scope else frame.inner_id
                staged, base, ops, steps = frame.staged, frame.base, frame.ops, frame.steps
                wrote, reads, rsid, decl = frame.wrote, frame.reads, frame.rsid, frame.decl
                name, stage_id = decl.name, decl.id
                continue
            value = entry[1]
            kind = type(value)
            if kind is not int and kind not in atoms:
                value = recorded(value)
                kind = type(value)
                frame.scalars = False
                entry = (key, value)
            if parallel and not staged:
                frame.base = base = dict(frame.region.values)
                cursor.spend(8 * len(base))
            staged[key] = wrote[key] = value
            ops.append(entry)
            if story is None:
                continue
            verb, leads = "set", before_sets
        # What `Story.step` does, for nearly all steps there are.
        before = len(steps)
        if kind is int and key and before < quick:
            text = f"{leads[before]}{key} = {value!r}"
        elif kind is str and key and before < quick and len(value) <= short:
            text = f'{leads[before]}{key} = "{value}"'
        else:
            story.step(steps, key, verb, value, name, (stage_id, rsid, subflow))
            continue
        if line is None:
            steps.append(text)
        else:
            steps.append(line("step", text, 1, name, stage_id, rsid, before + 1, subflow, unset, key, value))


def _pass_on(cursor: Cursor, frame: MirrorFrame, entry: Any) -> MirrorFrame:
    """A stage that wrote scalars ended, committed and was executed, and the next one of its line begins."""
    time = cursor.started_ms + entry[1] / 1000
    frame.bag_time = time
    region, staged, decl = frame.region, frame.staged, frame.decl
    region.commits += 1
    dropped = entry[3] if len(entry) > 3 else None
    if dropped is not None:
        for key in dropped:
            staged.pop(key, None)
    views, story = cursor.views, cursor.story
    if views is not None:
        views.log.commit_scalars(frame, staged, dropped)
    else:
        frame.ops.clear()
    if staged:
        region.values.update(staged)
    if story is not None:
        story.stage(decl.name, decl.description, (decl.id, frame.rsid, region.id or UNSET), frame.steps)
        frame.steps.clear()
    frame.staged = _ENDED
    # What is told and committed leaves empty lists behind: the next frame fills them.
    following = cursor.begin_as(cursor.decls[entry[2]], region, "", frame, time, frame.ops, frame.steps)
    following.depth = frame.depth + 1
    if views is not None:
        if not frame.decided:
            views.tree.moved_on(frame, following.decl.name)
        views.tree.opened(following, LINK_NEXT, frame, cursor.loop_suffix(frame))
    return following

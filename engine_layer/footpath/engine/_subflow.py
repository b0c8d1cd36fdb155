"""Mounted charts: entering them, mapping state in and out; and one run of a chart per item of a list."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw

from footpath.chart import Mount, Node
from footpath.engine import _line, _stage
from footpath.engine._run import seeded
from footpath.engine._schedule import Group
from footpath.errors import RunError, StateError
from footpath.journal.entries import (
    BREAK,
    COMMIT,
    END,
    EXIT,
    FORK,
    HALT,
    HIDDEN_FIELDS,
    LINK_NEXT,
    LINK_ROOT,
    MESSAGE,
    MOUNT,
    OUTPUT,
)
from footpath.scope import Frame, Paused, make_scope
from footpath.state import Region, just_grew, same, untracked
from footpath.values import ABSENT, ABSENT_RAW, ATOMS, MARK, in_js_order, record, record_members

if TYPE_CHECKING:
    from collections.abc import Generator

    from footpath.chart import FlowChart
    from footpath.engine._line import LineState, Place
    from footpath.engine._run import Run
    from footpath.scope import Redaction

_EMPTY = Raw(b"{}")
_EXITED, _COMMITTED = (EXIT,), (COMMIT,)
_JS_KINDS: dict[type, str] = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object"}
MAX_NESTED_SUBFLOWS = 5000
"""How deep charts may be run in charts; one that mounts itself lazily, or that its own stages return, without end stops here."""


def enter(
    place: Place, node: Node, link: int, origin: Frame | None, state: LineState
) -> Generator[Any, Any, tuple[Any, Frame]]:
    """Run a mounted chart; returns what its last stage returned, and the mount's frame.

    Raises:
        Exception: what a stage in it raised, after the subflow was left.
        RunError: charts are mounted in charts without end.
    """
    run, region = place.run, place.region
    mount = node.mount
    assert mount is not None
    chart = mount.chart or _resolved(place, node, link, origin, state)
    prefix = _subflow_id(region, node) if region.prefix else mount.subflow_id
    nesting = region.nesting + 1
    if nesting > MAX_NESTED_SUBFLOWS:
        message = (
            f"charts are run in charts more than {MAX_NESTED_SUBFLOWS} deep at '{node.id}': "
            "is one mounted lazily in itself, or does a stage of it return it to be run?"
        )
        raise RunError(message)
    inner = _region(region, node, chart)
    displaces = False
    if region.registered is not None:
        from footpath.engine._registry import find_chart, register_lazy

        if mount.chart is None:
            displaces = register_lazy(region, prefix, chart)
        elif not mount.is_item:
            known = find_chart(run.top, region, prefix)
            if known is not None and known.chart is not chart:
                chart = known.chart
                inner = Region(chart.nodes_by_id, known.prefix, known.mounted)
        inner.registered = region.registered
    inner.nesting = nesting
    root = chart.root
    shown: Any = _EMPTY
    again = run.reentry(node) if run.reentries else None
    called = root
    if again is not None:
        root = again.root
        if root.mount is None:
            called = root  # by the stage that goes on; a chart around it by its own first, as in footprintjs
    elif mount.input_mapper is not None:
        try:
            args = _mapped(place, node, link, origin, state, prefix)
        except Exception:
            if place.task.parallel:
                yield 1
            raise
        if args:
            shown = _begin_with(run, inner, args)
    run.declare_chart(inner, chart)
    frame = _open(place, node, link, origin, inner, called, shown, displaces=displaces)
    if again is not None:
        run.restore(inner, again.state)
    if state.first is None:
        state.first = frame
    if place.depth == 1 and region is run.top:
        run.tail = frame
    inner_state = _line.LineState()
    delegate = place.delegated < _line.MAX_DELEGATED
    inner_place = _line.Place(run, place.task, inner, "", 1, place.delegated + 2 if delegate else 0)
    try:
        line = _line.walk(inner_place, root, LINK_ROOT, frame, inner_state)
        result = (yield from line) if delegate else (yield line)
    except Paused as pause:
        if place.task.parallel:
            yield 3
        pause.path.insert(0, prefix)
        pause.states[prefix] = inner.plain_view()
        if place.task.parallel:
            yield 1
        raise
    except GeneratorExit:
        raise  # the run has ended elsewhere
    except BaseException as error:
        waits = place.task.parallel and isinstance(error, Exception)
        if waits:
            yield 3
        run.bag(frame, "errors", "subflowError", _error_text(run, error))
        if inner_state.broke and mount.propagate_break:
            _propagate_break(run, frame, state, inner_state, prefix)
        run.say(frame, _EXITED if run.redaction is None else _exit(run.redaction))
        run.say(frame, _COMMITTED)
        if run.redaction is not None:
            _note_final(run, prefix, frame, inner)
        if waits:
            yield 1
        raise
    if place.task.parallel:
        yield 3
    if inner_state.broke and mount.propagate_break:
        _propagate_break(run, frame, state, inner_state, prefix)
    if mount.output_mapper is not None:
        produced = run.as_named(inner.plain_view()) if result is None else result
        target = frame if link in (LINK_NEXT, LINK_ROOT) or origin is None else origin
        try:
            mapped_out = mount.output_mapper(produced, run.as_named(region.plain_view()))
        except Exception as error:  # noqa: BLE001  # noted, and nothing is handed out, as in the reference
            run.bag(frame, "errors", "outputMapperError", _error_text(run, error))
        else:
            _write_output(run, region, target, mapped_out or {}, mount.array_merge)
    if run.current is not frame:
        run.switch(frame)
    run.record_entry(_EXITED if run.redaction is None else _exit(run.redaction))
    run.record_entry(_COMMITTED)
    state.final = inner
    if run.redaction is not None:
        _note_final(run, prefix, frame, inner)
    if place.task.parallel:
        yield 1
    return result, frame


def _note_final(run: Run, prefix: str, frame: Frame, inner: Region) -> None:
    """Keep a subflow's last state for a snapshot that shows what the journal hides; children left behind may write more."""
    run.finals[prefix] = run.finals[f"{prefix}#{frame.number}"] = inner.plain_view()


def _region(outer: Region, node: Node, chart: FlowChart) -> Region:
    """The state of a chart that is entered.

    The builder tells mounted charts apart by a prefix, and the engine those that it is given while the run goes on.
    What a stage returned to be run keeps its own names.
    """
    mount = node.mount
    assert mount is not None
    if mount.is_dynamic:
        return Region(chart.nodes_by_id)
    if mount.chart is None or mount.is_item:
        return Region(chart.nodes_by_id, _subflow_id(outer, node))
    prefix = f"{outer.mounted}/{mount.subflow_id}" if outer.mounted else mount.subflow_id
    return Region(chart.nodes_by_id, prefix, prefix)


def _mapped(place: Place, node: Node, link: int, origin: Frame | None, state: LineState, prefix: str) -> dict[str, Any]:
    """What a mount's input mapping gives, in order; when it fails, the mount takes its step and is never entered."""
    run, region = place.run, place.region
    mount = node.mount
    assert mount is not None
    assert mount.input_mapper is not None
    try:
        given = mount.input_mapper(run.as_named(region.plain_view())) or {}
    except Exception as error:
        frame = _halt(place, node, link, origin, state)
        run.say(frame, (MESSAGE, "subflow", f"Entering {mount.name} subflow", prefix))
        run.bag(frame, "errors", "inputMapperError", _error_text(run, error))
        raise
    keys = in_js_order(given)
    return given.copy() if keys is given and type(given) is dict else {key: given[key] for key in keys}


def _begin_with(run: Run, inner: Region, args: dict[str, Any]) -> Any:
    """Let a subflow begin with what was mapped into it, objects member by member; gives how that is recorded.

    Raises:
        StateError: a key is no string.
    """
    shown = record_members(args)
    if type(shown) is dict:  # texts as keys, and nothing but scalars
        inner.values = args.copy()
        inner.readonly = frozenset(args)
    else:
        named = run.spelled(args)
        if named is not args:
            shown = record(named)
        for key, value in named.items():
            key = _key(key)  # the text that it is
            if type(value) not in ATOMS:
                value = seeded(untracked(value))
                if value is ABSENT:
                    continue
                inner.recorded[key] = record(value)
            inner.values[key] = value
        inner.readonly = frozenset(named)
    inner.args = args
    return shown


def _resolved(place: Place, node: Node, link: int, origin: Frame | None, state: LineState) -> FlowChart:
    """The chart of a lazy mount; when it can't be had, the mount takes its step and is never entered."""
    mount = node.mount
    assert mount is not None
    try:
        return place.run.resolve(mount)
    except Exception:
        _halt(place, node, link, origin, state, _subflow_id(place.region, node))
        raise


def _halt(
    place: Place, node: Node, link: int, origin: Frame | None, state: LineState, subflow_id: str | None = None
) -> Frame:
    """Begin the frame of a mount that is never entered."""
    run, region = place.run, place.region
    ordinal = run.declare(region, node)
    run.current = frame = run.frame(region, node, place.branch)
    if state.first is None:
        state.first = frame
    begun = (HALT, run.now(), ordinal, link, -1 if origin is None else origin.number)
    run.record_entry((*begun, subflow_id) if subflow_id else begun)
    return frame


def _propagate_break(run: Run, frame: Frame, outer: LineState, inner: LineState, prefix: str) -> None:
    outer.broke, outer.reason = True, inner.reason
    run.say(frame, (BREAK, run.reason(inner.reason), prefix))


def _subflow_id(region: Region, node: Node) -> str:
    """What a subflow is called: its mount's id, also where the mount is taken as a fallback, under another id."""
    assert node.mount is not None
    name = node.mount.subflow_id
    return f"{region.prefix}/{name}" if region.prefix and not node.is_dynamic else name


def _exit(redaction: Redaction) -> tuple[Any, ...]:
    return _EXITED if redaction.has_policy else (EXIT, list(redaction.marked))


def _error_text(run: Run, error: BaseException) -> str:
    from footpath.values import js_error  # texts are for runs that fail

    name, message = _stage.error_entry(run, error)[:2]
    return js_error(name, message)


def _open(
    place: Place,
    node: Node,
    link: int,
    origin: Frame | None,
    inner: Region,
    root: Node,
    shown: Any,
    *,
    displaces: bool,
) -> Frame:
    """Record the mount, with what the subflow begins with."""
    run, region = place.run, place.region
    ordinal = run.declare(region, node)
    first = run.declare(inner, root)
    frame = run.frame(region, node, place.branch)
    mount = node.mount
    assert mount is not None
    more: tuple[Any, ...] = ()
    if node.id != mount.subflow_id or displaces:
        more = ({}, _subflow_id(region, node))
    redaction = run.redaction
    if redaction is not None:
        hidden: list[list[str | None]] = []
        shown = redaction.show_mapped(shown, hidden)
        more = (redaction.seed(run.spelled(inner.args)), more[1] if more else None, hidden)
        if not redaction.told_fields:
            redaction.told_fields = True
            run.record_entry((HIDDEN_FIELDS, {key: list(paths) for key, paths in redaction.fields.items()}))
    if displaces:
        more = (*more, 1) if redaction is not None else (*more, [], 1)
    number = -1 if origin is None else origin.number
    run.record_entry((MOUNT, run.now(), ordinal, link, number, first, shown, mount.name, *more))
    run.current = frame
    return frame


def _key(key: Any) -> str:
    """Let a state key pass that a mapping made.

    Raises:
        StateError: it is no string.
    """
    if not isinstance(key, str):
        message = (
            f"a mapping gave the state key {key!r:.80}, a {type(key).__name__}; a state key is a string: use str(key)"
        )
        raise StateError(message)
    return key if type(key) is str else str.__str__(key)


def _is_name(member: Any) -> bool:
    """Whether a member can be named in the path of a write: by a text that UTF-8 can hold."""
    return type(member) is str and type(record(member)) is str


def _write_output(run: Run, region: Region, target: Frame, mapped: dict[str, Any], array_merge: str) -> None:
    """Write what a subflow hands out into the parent's state, through a frame of the parent.

    Members of objects are written where that frame writes: in a parallel child's own part of the state, if it is one's, as in the
    reference; all else to the flow.
    """
    lead: tuple[str, ...] = ("runs", target.branch) if target.branch else ()
    writes: list[list[Any]] = []
    reads: list[Any] = []
    dropped: list[int] = []
    hidden: list[list[str | None]] = []
    redaction = run.redaction

    for given in in_js_order(mapped):
        key = _key(given)
        value = mapped[given]
        if not key.isascii():
            key = run.spell(key)
        if type(value) in ATOMS and redaction is None:
            before = region.values.get(key, ABSENT)
            if before is not ABSENT and same(before, value):
                dropped.append(len(writes))
            region.values[key] = value
            region.recorded.pop(key, None)
            writes.append([[key], record(value)])
            continue
        value = untracked(value)
        if value is ABSENT:
            continue
        if isinstance(value, (list, tuple)):
            before = region.values.get(key)
            tail: Any = None
            if array_merge != "replace" and isinstance(before, (list, tuple)):
                value, tail = [*before, *value], value
            _write_path(run, region, writes, dropped, hidden, (key,), value, tail)
        elif isinstance(value, dict) and all(_is_name(member) for member in dict.keys(value)):
            held = dict(dict.items(value))  # a class of its own may have methods of its own
            for member in in_js_order(held):
                item = held[member]
                before = region.get_path((*lead, key, member))
                apart = bool(lead) and before is ABSENT
                if apart:
                    before = region.get_path((key, member))
                if isinstance(item, (list, tuple, dict)):
                    shown = None
                    if before is ABSENT:
                        shown = _in_text(run, region, lead, key, member)
                    elif redaction is not None:
                        found = record(before)
                        shown = redaction.show_read((key, member), found)
                        if shown is found:
                            shown = None
                    if shown is not None:
                        reads.append([key, member, shown])
                    else:
                        reads.append([key, member] if "." in key else f"{key}.{member}")
                tail = None
                if before is not ABSENT and before is not None:
                    if isinstance(item, (list, tuple)) and isinstance(before, (list, tuple)):
                        item, tail = [*before, *item], item
                    elif isinstance(item, dict) and isinstance(before, dict):
                        item = {**before, **item}
                _write_path(run, region, writes, dropped, hidden, (key, member), item, None if apart else tail, lead)
        else:
            _write_path(run, region, writes, dropped, hidden, (key,), value)
    entry = (OUTPUT, target.number, writes, reads, dropped)
    run.record_entry(entry if redaction is None else (*entry, {}, hidden))


def _in_text(run: Run, region: Region, lead: tuple[str, ...], key: str, member: str) -> Any:
    """The recorded form of what a read of a member finds in a text, as JavaScript does; None when nothing. Of a text that is hidden nothing is shown."""
    for way in ((*lead, key), (key,)):
        text = region.get_path(way)
        if not isinstance(text, str):
            continue
        from footpath.values import member_of_text  # members are hardly ever laid over a text

        found = member_of_text(text, member)
        if found is not None:
            redaction = run.redaction
            if redaction is not None:
                text = record(text)
                if redaction.show_read((key, member), text) is not text or redaction.show(key, text) is not text:
                    return MARK
            return record(found)
    return None


def _write_path(
    run: Run,
    region: Region,
    writes: list[list[Any]],
    dropped: list[int],
    hidden: list[list[str | None]],
    path: tuple[str, ...],
    value: Any,
    tail: Any = None,
    lead: tuple[str, ...] = (),
) -> None:
    """Write one value of what a subflow hands out; its number is `dropped` when it was there already.

    `tail` are the items that a list has gained at its end; `lead` is the way to where the path begins.
    """
    place = (*lead, *path)
    recorded = ABSENT_RAW if value is ABSENT else record(value)
    before = region.get_path(place)
    unchanged = value is ABSENT if before is ABSENT else same(before, value)
    if unchanged:
        dropped.append(len(writes))
    if not unchanged or before is not ABSENT:
        region.put_path(place, value)
    told = list(place)
    if len(told) > len(lead) + 1 and told[-1].startswith("$"):  # a member's name that may read like a tag
        from footpath.values import escape_key

        told[-1] = escape_key(told[-1])
    redaction = run.redaction
    if redaction is not None and tail is None and run.delta_commits and type(before) is type(value) is list:
        tail = value[len(before) :] if just_grew(before, value) else None
    if redaction is None:
        writes.append([told, recorded])
    elif (gained := _gained(redaction, path, tail)) is not None:
        writes.append([told, gained, 1])
    else:
        known = len(hidden)
        shown = redaction.show_path(path, value, recorded, hidden)
        for way in hidden[known:]:
            start = way[0] is None
            way[start : start + len(path)] = told
        row: list[Any] = [told, shown]
        if tail and hidden and hidden[-1] == told:
            row.append(1)
        elif tail and run.delta_commits and type(before) is list and path[0] in redaction.fields:
            row += (0, len(before))
        writes.append(row)
    if lead:
        region.recorded.pop((lead[1], path[0]), None)
    elif len(path) == 1:
        if type(value) in ATOMS:
            region.recorded.pop(path[0], None)
        else:
            region.recorded[path[0]] = recorded
    else:
        region.recorded.pop(path[0], None)


def _gained(redaction: Redaction, path: tuple[str, ...], tail: Any) -> Raw | None:
    """What a list has gained, where that can be told alone: what stood there before would lack what is secret only since."""
    if not tail or redaction.needs_whole(path[0]):
        return None
    shown = redaction.show_path(path, tail, record(list(tail)), [])
    return shown if type(shown) is Raw and bytes(shown)[:1] == b"[" else None


def for_each(
    place: Place, node: Node, link: int, origin: Frame | None, state: LineState
) -> Generator[Any, Any, tuple[Any, Frame]]:
    """Run a chart once per item, in parallel, each on a state of its own; returns the results in item order.

    An item's result is what its chart's last stage returned, else its final state; a failed item has none.
    """
    run, region = place.run, place.region
    spec = node.for_each
    assert spec is not None
    frame = run.open(region, node, link, origin, place.branch)
    if state.first is None:
        state.first = frame
    try:
        items = spec.items(make_scope(frame))
        if hasattr(type(items), "__await__"):
            items = yield items
        items = _as_list(_stage.full_id(region, node), untracked(items))
        count = min(len(items), spec.max_branches)
        facts: dict[str, Any] = {
            "items": len(items),
            "branches": count,
            "maxBranches": spec.max_branches,
            "truncated": count < len(items),
        }
        if spec.into is not None:
            facts["into"] = spec.into
        run.bag(frame, "logs", "parallelForEach", record(facts))
        if count < len(items):
            text = f"maxBranches reached: running {count} of {len(items)} items ({len(items) - count} not run)"
            run.say(frame, (MESSAGE, "children", text, None, count))
        results = []
        if count:
            results = yield _each(place, node, frame, items[:count])
        if spec.into is not None:
            frame.write(spec.into, results)
    except Exception:
        # Neither committed nor reported as an error of this stage, in footprintjs as here: what failed in a branch was
        # reported there.
        if run.failed_stage is None:
            run.failed_stage = _stage.full_id(region, node)
        if place.task.parallel:
            yield 1
        raise
    run.say(frame, (END, run.now()))
    dropped = frame.commit()
    run.say(frame, (COMMIT,) if dropped is None else (COMMIT, dropped))
    if place.task.parallel:
        yield 1
    return results, frame


def _as_list(node_id: str, items: Any) -> list[Any]:
    """A for-each's items.

    Raises:
        RunError: they are no list: a text, a mapping, or nothing that can be gone through.
    """
    if items is None or items is ABSENT:
        return []
    if not isinstance(items, (str, bytes, dict)):
        try:
            return list(items)
        except TypeError:
            pass
    kind = _JS_KINDS.get(type(items), type(items).__name__)
    message = f"parallelForEach '{node_id}': items() must return an array (got {kind}). Return [] to run zero branches."
    raise RunError(message)


def _each(place: Place, node: Node, frame: Frame, items: list[Any]) -> Generator[Any, Any, list[Any]]:
    run, region = place.run, place.region
    spec = node.for_each
    assert spec is not None
    children: list[Node] = []
    states = [_line.LineState() for _ in items]
    for index, item in enumerate(items):
        name = f"{node.name} [{index}]"
        branch_id = f"{node.id}~{index}"
        chart = _branch_chart(spec.branch, item, index)
        mount = Mount(
            branch_id,
            f"{_stage.full_name(region, node)} [{index}]",
            chart,
            input_mapper=lambda _, item=item, index=index: {"item": item, "index": index},
            is_item=True,
        )
        children.append(Node(branch_id, name, kind="subflow", mount=mount))
    run.say(frame, (FORK, 2, [run.declare(region, child) for child in children]))
    run.fan_out()
    group = Group(len(children), fail_fast=node.fail_fast)
    for task, child, state in zip(group.tasks, children, states, strict=True):
        inner_place = _line.Place(run, task, region, _stage.full_id(region, child), place.depth - place.flat + 1)
        task.stack.append(_line.child(inner_place, child, frame, state))
    yield group
    if not group.left:
        run.fan_in()
    stop = group.to_raise()
    if stop is not None:
        raise stop
    results: list[Any] = []
    for state, (ok, value) in zip(states, group.results, strict=True):
        if ok and value is None and state.final is not None:
            value = run.as_named(state.final.plain_view())
        results.append(value if ok else ABSENT)
    return results


def _branch_chart(branch: Any, item: Any, index: int) -> FlowChart:
    """Ask for an item's chart; the function takes the item and its index, the item alone, or nothing."""
    import inspect  # 5 ms that a run without a for-each need not wait for

    try:
        parameters = inspect.signature(branch).parameters.values()
    except (TypeError, ValueError):
        return branch(item, index)
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if any(each.kind == each.VAR_POSITIONAL for each in parameters):
        return branch(item, index)
    return branch(*(item, index)[: len(positional)])

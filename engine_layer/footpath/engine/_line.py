"""Walking a line: stage after stage until it ends, breaks, fails or pauses."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct

from footpath.chart import LAST, LOOPING, PLAIN, QUICK, SIMPLE, STRAIGHT, Mount, Node, StageNode
from footpath.engine import _stage, _subflow
from footpath.engine._schedule import Group
from footpath.errors import RunError
from footpath.journal.entries import (
    ADVANCE,
    BREAK,
    COMMIT,
    CYCLE,
    DECIDE,
    DONE,
    END,
    EXECUTED,
    FORK,
    LINK_BRANCH,
    LINK_NEXT,
    LINK_PARALLEL,
    LOOP,
    MESSAGE,
    NEXT,
    PROCEED,
    REFUSE,
    REGISTER,
    SELECT,
    TAKE,
)
from footpath.scope import Decision, Paused, Scope, Selection, bind_scope
from footpath.values import plain, record

if TYPE_CHECKING:
    from collections.abc import Generator

    from footpath.engine._run import Run
    from footpath.engine._schedule import Task
    from footpath.scope import Frame
    from footpath.state import Region


_NOT_AWAITABLE = frozenset({str, int, float, bool, dict, list, tuple, Decision})
_CHOICES = frozenset({Decision, Selection})
_SHORTCUTS = PLAIN | LAST | LOOPING
MAX_DELEGATED = 24
"""Lines that may be called with `yield from`, which is fast but takes stack; deeper ones go through the scheduler."""


class LineState(Struct, eq=False):
    """What a line shares with the branches it takes: whether somebody stopped it, and why.

    Attributes:
        first: the first frame of the line, None until it is open.
        final: state of the subflow that the line mounted last.
    """

    broke: bool = False
    reason: Any = None
    first: Frame | None = None
    final: Region | None = None


class Place(Struct, eq=False):
    """Where a line runs.

    Attributes:
        branch: id of the parallel child, empty on a main line.
        depth: how many lines enclose it, itself included.
        delegated: how many of them wait for it in a `yield from`.
        flat: how many of them are at their end, so that this one only goes on from there: these do not count as nested.
    """

    run: Run
    task: Task
    region: Region
    branch: str
    depth: int
    delegated: int = 0
    flat: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this is the outermost line, the one that a resumed run hangs on."""
        return self.depth == 1 and self.region is self.run.top

    def branch_of(self, node: Node) -> Place:
        """The same flow, one line further in: the one that a decider takes."""
        delegated = self.delegated + 1 if self.delegated < MAX_DELEGATED else 0
        flat = self.flat + ends(node)
        return Place(self.run, self.task, self.region, self.branch, self.depth + 1, delegated, flat)


def walk(
    place: Place, node: Node, link: int, origin: Frame | None, state: LineState, opened: Frame | None = None
) -> Generator[Any, Any, Any]:
    """Run a line from `node` on, whose frame may be open already; returns what its last stage returned."""
    line = _walk(place, node, link, origin, state, opened)
    nests = link != LINK_BRANCH or origin is None or not ends(origin.node)
    return _counted(place, node, link, origin, line) if nests and place.run.counts_siblings else line


def ends(node: Node) -> bool:
    """Whether nothing follows a stage, but what it branches to."""
    return node.next is None and node.loop_target is None


def _counted(
    place: Place, node: Node, link: int, origin: Frame | None, line: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    region = place.region
    region.lines += 1
    try:
        if region.lines > place.run.max_depth:
            refuse(place, node, link, origin)
        return (yield line)
    finally:
        region.lines -= 1


def _walk(
    place: Place, node: Node, link: int, origin: Frame | None, state: LineState, opened: Frame | None
) -> Generator[Any, Any, Any]:
    run, task, region, branch = place.run, place.task, place.region, place.branch
    main = place.depth == 1 and region is run.top
    # Nothing of these changes while a run goes on.
    values, record_entry, first = region.values, run.record_entry, region.first_ordinal
    clock, began_ns, watched = run.clock, run.began_ns, run.watched
    grown = region.grown
    straight = first >= 0 and not task.parallel and not watched
    delegate = place.delegated < MAX_DELEGATED
    frame = opened
    if place.depth - place.flat > run.max_depth:
        refuse(place, node, link, origin)
    while True:
        if frame is not None:
            # The stage before has opened this one.
            pass
        elif node.mount is not None or node.for_each is not None:
            if node.mount is None:
                result, left = yield _subflow.for_each(place, node, link, origin, state)
            else:
                entering = _subflow.enter(place, node, link, origin, state)
                result, left = (yield from entering) if delegate else (yield entering)
                if state.broke:
                    return result
                if node.children:
                    # footprintjs runs them in place of the chart.
                    result = yield fork(place, left, node.children, 0, node.fail_fast)
            following = node.next if node.loop_target is None else _once_more(run, region, node.loop_target)
            if following is None:
                return result
            if task.parallel:
                yield 1
            node, link, origin = following, LINK_NEXT, left
            continue
        else:
            frame = _open(place, node, link, origin, state)
        if state.first is None:
            state.first = frame
        shape = node.shape
        if shape & QUICK and not watched and run.resuming is None:
            settled = False
            try:
                scope = Scope()
                bind_scope(scope, frame)
                out = node.fn(scope)  # type: ignore[misc]
                if out is not None and type(out) not in _NOT_AWAITABLE and hasattr(type(out), "__await__"):
                    settled = True
                    out = yield out
            except Paused as pause:
                if main:
                    run.tail = frame
                yield _stage.pause(place, frame, pause, settled)
                raise
            except GeneratorExit:
                raise  # the run has ended elsewhere
            except BaseException as error:
                waits = task.parallel and isinstance(error, Exception)  # what stops the program waits for nobody
                if waits:
                    yield _stage.turns_to_settle(settled)
                _stage.fail(run, frame, error)
                _heed_break(state, frame)
                if waits and node.kind != "stage":
                    yield 1
                raise
        else:
            if main:
                run.tail = frame
            try:
                out, settled = yield _stage.attempt(place, node, frame)
            except Exception:
                _heed_break(state, frame)
                raise
            if node.resume_fn is not None and out is not None:
                run.say(frame, (END, run.now()))
                pause = _stage.pausing_with(out)
                yield _stage.pause(place, frame, pause, settled)
                raise pause
        if shape & STRAIGHT and straight and out is None and not frame.broke and not grown:
            # The commonest of all: a stage that returns nothing, and another one after it.
            dropped = frame.commit()
            if run.current is not frame:
                run.switch(frame)
            node = node.next  # type: ignore[assignment]
            t, to = (clock() - began_ns) // 1000, first + node.index
            record_entry((ADVANCE, t, to) if dropped is None else (ADVANCE, t, to, dropped))
            number = run.frame_count
            run.frame_count = number + 1
            run.current = frame = run.make_frame(run, region, node, number, branch, values, run.quick)
            continue
        if (
            shape & _SHORTCUTS
            and not task.parallel
            and not frame.broke
            and type(out) is not StageNode
            and not (grown and node in grown)
        ):
            dropped = frame.commit()
            if run.current is not frame:
                run.switch(frame)
            t = (clock() - began_ns) // 1000
            if shape & LAST:
                record_entry((DONE, t) if dropped is None else (DONE, t, None, dropped))
                return _returned(out)
            if shape & PLAIN:
                node = node.next  # type: ignore[assignment]
                to = first + node.index if first >= 0 <= node.index else run.declare(region, node)
                if not node.shape & SIMPLE or watched:
                    record_entry((DONE, t, to) if dropped is None else (DONE, t, to, dropped))
                    link, origin, frame = LINK_NEXT, frame, None
                    continue
                record_entry((ADVANCE, t, to) if dropped is None else (ADVANCE, t, to, dropped))
            else:
                node = region.nodes[node.loop_target]  # type: ignore[index]
                if watched or not node.shape & SIMPLE or region.loops.get(node, 0) >= run.max_iterations:
                    record_entry((DONE, t) if dropped is None else (DONE, t, None, dropped))
                    count = run.loop(region, node)
                    record_entry((LOOP, run.declare(region, node), count))
                    link, origin, frame = LINK_NEXT, frame, None
                    continue
                count = run.loop(region, node)
                to = first + node.index if first >= 0 <= node.index else run.declare(region, node)
                record_entry((CYCLE, t, to, count) if dropped is None else (CYCLE, t, to, count, dropped))
            number = run.frame_count
            run.frame_count = number + 1
            run.current = frame = run.make_frame(run, region, node, number, branch, values, run.quick)
            continue
        if main:
            run.tail = frame  # what comes next may pause in a line of its own
        chosen = returned = evidence = None
        if node.kind == "decider" and not task.parallel and not frame.broke:
            chosen, returned, evidence = _quick_choice(place, node, out)
        if chosen is not None:
            dropped = frame.commit()
            if run.current is not frame:
                run.switch(frame)
            taken = (TAKE, (clock() - began_ns) // 1000, run.declare(region, chosen), returned)
            if dropped is not None:
                taken += (evidence, dropped)
            elif evidence is not None:
                taken += (evidence,)
            record_entry(taken)
            number = run.frame_count
            run.frame_count = number + 1
            run.current = opened = run.make_frame(run, region, chosen, number, branch, values, run.quick)
            line = walk(place.branch_of(node), chosen, LINK_BRANCH, frame, state, opened)
            try:
                result = (yield from line) if delegate else (yield line)
            except Paused as pause:
                _stage.invoked(pause, region, node)
                raise
            if state.broke:
                return result
        else:
            result, ended, following = yield _end(place, node, frame, out, settled, state)
            if ended:
                return result
            if following is not None:
                if task.parallel:
                    yield 1
                node, link, origin, frame = following, LINK_NEXT, frame, None
                continue
        if node.loop_target is not None and node.kind == "selector":
            node, link, origin = _once_more(run, region, node.loop_target), LINK_NEXT, frame
        elif (target := _looped_to(region, node)) is not None:
            count = run.loop(region, target)
            to = run.declare(region, target)
            run.say(frame, (LOOP, to, count, 1) if node.kind == "decider" else (LOOP, to, count))
            node, link, origin = target, LINK_NEXT, frame
        elif node.next is None:
            return _returned(result)
        elif not task.parallel and node.kind != "selector" and not watched:
            if run.current is not frame:
                run.switch(frame)
            following = node.next
            to = run.declare(region, following)
            node, link, origin = following, LINK_NEXT, frame
            if following.shape & SIMPLE:
                record_entry((PROCEED, (clock() - began_ns) // 1000, to))
                number = run.frame_count
                run.frame_count = number + 1
                run.current = frame = run.make_frame(run, region, node, number, branch, values, run.quick)
            else:
                record_entry((NEXT, to))
                frame = None
            continue
        else:
            if node.kind != "selector":
                to = run.declare(region, node.next)
                run.say(frame, (NEXT, to))
            node, link, origin = node.next, LINK_NEXT, frame
        frame = None
        if task.parallel:
            yield 1


def _open(place: Place, node: Node, link: int, origin: Frame | None, state: LineState) -> Frame:
    """Begin a stage.

    Raises:
        RunError: it has no function, or the run's time is up.
        BaseException: the reason why somebody stopped the run.
    """
    run, region = place.run, place.region
    stop: BaseException | None = None
    if node.fn is None:
        stop = _stage.without_function(region, node)
    elif run.watched and node.kind == "stage":  # a decider or selector begins all the same, as in footprintjs
        stop = run.stop_reason()
    if stop is not None:
        frame = run.miss(region, node, link, origin, place.branch)
        state.first = state.first or frame
        raise stop
    if node.is_streaming:
        run.begin_stream(node)
    frame = run.open(region, node, link, origin, place.branch)
    if state.broke:  # by a selector
        frame.broke = True
    return frame


def _end(
    place: Place, node: Node, frame: Frame, out: Any, settled: bool, state: LineState
) -> Generator[Any, Any, tuple[Any, bool, Node | None]]:
    """End a stage with all care, and run what it branches to.

    Returns what came of it, whether the line ends here, and where it goes on, if not as the chart has it.
    """
    run, task = place.run, place.task
    if run.current is not frame:
        run.switch(frame)
    # What was changed behind the scope's back is told before the stage's end, as on the shorter ways; a parallel child waits first.
    dropped = None if task.parallel else frame.commit()
    run.say(frame, (END, run.now()))
    if node.is_streaming:
        run.end_stream(frame)
    if task.parallel:
        yield _stage.turns_to_settle(settled)
        dropped = frame.commit()
    run.say(frame, (COMMIT,) if dropped is None else (COMMIT, dropped))
    if node.kind == "decider":
        if frame.broke:
            if task.parallel:
                yield 1
            state.broke = True  # the reference forgets a decider's reason
            return _stage.branch_text(out.branch if type(out) is Decision else out), True, None
        result = yield _decide(place, node, frame, out, state)
        return result, state.broke, None
    if node.kind == "selector":
        if frame.broke:
            # footprintjs looks at a selector's wish to stop only when the next stage has run, and forgets its reason.
            state.broke = True
            if task.parallel:
                yield 1
            return {}, False, None
        return (yield _select(place, node, frame, out)), False, None
    run.record_entry((EXECUTED, "linear"))
    if frame.broke:
        _heed_break(state, frame)
        run.record_entry((BREAK,) if frame.reason is None else (BREAK, run.reason(frame.reason)))
        return _returned(out), True, None
    if type(out) is StageNode and (out.children or out.next is not None):
        following, result = yield dynamic(place, frame, node, out)
        return result, False, following
    grown = place.region.grown
    if node.children or node in grown:
        return (yield fork(place, frame, grown.get(node, node.children), 0, node.fail_fast)), False, None
    return out, False, None


def _heed_break(state: LineState, frame: Frame) -> None:
    """Stop the line, if its stage asked for that; of a decider or selector the reference forgets the reason."""
    if frame.broke:
        state.broke, state.reason = True, frame.reason if frame.node.kind == "stage" else None


def _returned(result: Any) -> Any:
    """What a line gives: of a stage that asks rules, though it decides nothing, what footprintjs's answer to that shows."""
    if type(result) not in _CHOICES:
        return result
    from footpath.journal import told_decision, told_selection  # seldom wanted

    if type(result) is Decision:
        return {"branch": result.branch, "evidence": plain(told_decision(result.seen))}
    return {"branches": result.branches, "evidence": plain(told_selection(result.seen))}


def _once_more(run: Run, region: Region, stage_id: str) -> Node:
    from footpath.engine._registry import once_more  # most runs never come here

    return once_more(run, region, stage_id)


def _looped_to(region: Region, node: Node) -> Node | None:
    """Where a loop edge leads. footprintjs takes a for-each for one, after a decider: it has no function and, mostly, no children."""
    if node.loop_target is not None:
        return region.nodes[node.loop_target]
    following = node.next
    if node.kind == "decider" and following is not None and following.for_each is not None and not following.children:
        return following
    return None


def _child_called(region: Region, node: Node, choice_id: str) -> Node | None:
    """The child of a decider that a choice names."""
    return next((child for child in node.children if _choice_id(region, child) == choice_id), None)


def _choice_id(region: Region, child: Node) -> str:
    """What a decider or selector calls a child: a branch by its own id, a parallel child by its full one."""
    return _stage.full_id(region, child) if child.is_parallel_child else child.id


def refuse(place: Place, node: Node, link: int, origin: Frame | None) -> None:
    """Refuse a line that nests too deep.

    Raises:
        RunError: always.
    """
    run, region = place.run, place.region
    to = run.declare(region, node)
    run.record_entry((REFUSE, to, link, -1 if origin is None else origin.number))
    run.current = None
    limit = run.max_depth
    message = (
        f"FlowchartTraverser: maximum traversal depth exceeded ({limit}). Depth counts NESTED dispatch (fork children, "
        "decider/selector branches, recursive composition) — linear chains and loop iterations run flat and do not "
        f"consume it. Last stage: '{_stage.full_name(region, node)}'. Check for unbounded recursive chart composition, or raise the limit "
        "via RunOptions.maxDepth."
    )
    raise RunError(message)


def _quick_choice(place: Place, node: Node, out: Any) -> tuple[Node | None, str, Any]:
    """The branch that a decider names by a string, if it can simply be opened; None where it takes more to go on."""
    run = place.run
    evidence = None
    if type(out) is Decision:
        evidence, out = out.seen, out.branch
    if type(out) is str and not run.watched and place.depth - place.flat < run.max_depth:
        for child in node.children:
            if child.id == out and not child.is_parallel_child:
                return (child, out, evidence) if child.shape & SIMPLE else (None, "", None)
    return None, "", None


def _decide(place: Place, node: Node, frame: Frame, out: Any, state: LineState) -> Generator[Any, Any, Any]:
    run, region = place.run, place.region
    evidence = None
    if type(out) is Decision:
        evidence, out = out.seen, out.branch
    returned = _stage.branch_text(out)
    chosen = _child_called(region, node, returned)
    if not returned.isascii():
        from footpath.values import whole_text

        returned = whole_text(returned)
    fallback = chosen is None
    if chosen is None:
        # A child that was hung on a decider stands in, too, if it is called so.
        chosen = node.fallback or _child_called(region, node, "default")
    if chosen is None:
        message = (
            f"Scope-based decider '{_stage.full_name(region, node)}' returned branch ID '{returned}' "
            "which doesn't match any child and no default branch is set"
        )
        run.bag(frame, "errors", "deciderError", message)
        if place.task.parallel:
            yield 1
        raise RunError(message)
    entry: tuple[Any, ...] = (DECIDE, run.declare(region, chosen), returned)
    if evidence is not None or fallback:
        entry += (evidence,)
    if fallback:
        entry += (1,)
    run.say(frame, entry)
    line = walk(place.branch_of(node), chosen, LINK_BRANCH, frame, state)
    turns = 0
    if place.task.parallel:
        turns = 0 if ends(node) else 2
        yield 1 if turns else 2
    try:
        result = yield line
    except Paused as pause:
        _stage.invoked(pause, region, node)
        raise
    except Exception:
        if turns:
            yield turns
        raise
    if turns:
        yield turns
    return result


def _select(place: Place, node: Node, frame: Frame, out: Any) -> Generator[Any, Any, Any]:
    run, region = place.run, place.region
    evidence = None
    if type(out) is Selection:
        evidence, out = out.seen, out.branches
    if isinstance(out, (list, tuple)):
        ids = ["null" if item is None else _stage.branch_text(item) for item in out]
    else:
        ids = [_stage.branch_text(out)]
    known = [_choice_id(region, child) for child in node.children]
    unknown = [each for each in ids if each not in known]
    if unknown or len(set(ids)) != len(ids):
        message = (
            f"Scope-based selector '{_stage.full_name(region, node)}' returned unknown child IDs: "
            f"{', '.join(unknown)}. Available: {', '.join(known)}"
        )
        from footpath.values import whole_text

        message = whole_text(message)
        run.bag(frame, "logs", "selectedChildIds", record(ids))
        run.bag(frame, "logs", "selectorPattern", "scope-based-multi-choice")
        run.bag(frame, "errors", "selectorError", message)
        if place.task.parallel:
            yield 1
        raise RunError(message)
    wanted = set(ids)
    chosen = [child for name, child in zip(known, node.children, strict=True) if name in wanted]
    skipped = [name for name in known if name not in wanted]
    numbers = [run.declare(region, child) for child in chosen]
    entry: tuple[Any, ...] = (SELECT, numbers, record(ids), len(node.children), skipped)
    if evidence is not None:
        entry += (evidence,)
    run.say(frame, entry)
    try:
        result = (yield fork(place, frame, chosen, 1, node.fail_fast)) if chosen else {}
    except Paused as pause:
        _stage.invoked(pause, region, node)
        raise
    except Exception:
        if place.task.parallel:
            yield 1
        raise
    if place.task.parallel:
        yield 1
    return result


def fork(
    place: Place, frame: Frame, children: list[Node], kind: int, fail_fast: bool
) -> Generator[Any, Any, dict[str, Any]]:
    """Run children in parallel; returns `{child id: {id, result, isError}}`.

    Raises:
        Exception: the first failure, when `fail_fast`.
    """
    run, region = place.run, place.region
    numbers = [run.declare(region, child) for child in children]
    run.say(frame, (FORK, kind, numbers))
    run.fan_out()
    group = Group(len(children), fail_fast=fail_fast)
    for task, node in zip(group.tasks, children, strict=True):
        branch = place.branch or _stage.full_id(region, node)  # children of a parallel child are of its branch
        task.stack.append(
            child(Place(run, task, region, branch, place.depth - place.flat + 1), node, frame, LineState())
        )
    yield group
    if not group.left:
        run.fan_in()
    results: dict[str, Any] = {}
    for node, (ok, value) in zip(children, group.results, strict=True):
        full_id = _stage.full_id(region, node)
        outcome: dict[str, Any] = {"id": full_id}
        if not ok:
            outcome["result"] = error_json(value)
        elif value is not None:
            outcome["result"] = value
        outcome["isError"] = not ok
        results[full_id] = outcome
    stop = group.to_raise()
    if stop is not None:
        raise stop
    return results


def dynamic(
    place: Place, frame: Frame, node: Node, out: StageNode
) -> Generator[Any, Any, tuple[Node | None, dict[str, Any] | None]]:
    """Do what a stage returned to be done: run charts in parallel, and go to another stage.

    Returns that stage, and the charts' results as a fork has them; None where there is no such thing.
    """
    result: dict[str, Any] | None = None
    run, region = place.run, place.region
    run.bag(frame, "logs", "isDynamic", True)
    run.bag(frame, "logs", "dynamicPattern", "StageNodeReturn")
    if out.children:
        from footpath.engine._registry import register  # a module for runs whose stages return charts

        run.bag(frame, "logs", "dynamicChildCount", len(out.children))
        run.bag(frame, "logs", "dynamicChildIds", record([_stage.made_name(child.id) for child in out.children]))
        children = []
        for child in out.children:
            root = child.chart.root
            child_id, name = _stage.made_name(child.id), _stage.made_name(child.name)
            if register(run.top, region, child_id, child.chart):
                spec = child.chart.event_spec()
                told = root.name or child_id
                run.record_entry((REGISTER, child_id, told, root.description, None if spec is None else Raw(spec)))
            mount = Mount(
                child_id,
                name,
                child.chart,
                input_mapper=child.input_mapper,
                output_mapper=child.output_mapper,
                array_merge=child.array_merge,
                propagate_break=child.propagate_break,
                is_dynamic=True,
            )
            children.append(Node(child_id, name, kind="subflow", mount=mount, is_dynamic=True))
        region.grown[node] = children
    if out.next is not None:
        run.bag(frame, "logs", "hasDynamicNext", True)
    children = region.grown.get(node, node.children)
    if children:
        result = yield fork(place, frame, children, 0, node.fail_fast)
    if out.next is None:
        if result is not None and node.loop_target is not None:
            target = region.nodes[node.loop_target]
            if region.loops.get(target, 0) >= run.max_iterations:
                _keep_results(run, frame)
        return None, result
    next_id, next_name = _stage.made_name(out.next.id), _stage.made_name(out.next.name)
    if out.next.fn is None:
        lead = f"{region.prefix}/" if region.prefix else ""
        # By its full id, as in footprintjs: in a mounted chart the mount's id is a part of it.
        target = region.nodes.get(next_id[len(lead) :]) if next_id.startswith(lead) else None
        if result is not None and (target is None or region.loops.get(target, 0) >= run.max_iterations):
            _keep_results(run, frame)
        if target is None:
            message = f"dynamicNext target node not found: {next_id}"
            raise RunError(message)
        count = run.loop(region, target)
        run.say(frame, (LOOP, run.declare(region, target), count, 1))
        return target, result
    if region.hops >= run.max_iterations:
        if result is not None:
            _keep_results(run, frame)
        from footpath.values import js_number

        message = (
            f"Maximum dynamic-next continuations ({js_number(run.max_iterations)}) exceeded at stage "
            f"'{_stage.full_id(region, node)}' (dynamic target '{next_name}'). Set maxIterations to increase the limit."
        )
        raise RunError(message)
    region.hops += 1
    following = Node(next_id, next_name, fn=out.next.fn, is_dynamic=True)
    run.bag(frame, "logs", "dynamicNextDirect", True)
    run.bag(frame, "logs", "dynamicNextName", following.name)
    run.say(frame, (MESSAGE, "next", f"Moving to {following.name} stage (dynamic)", following.name))
    return following, result


def _keep_results(run: Run, frame: Frame) -> None:
    """Say that children have ended behind which their stage can't go on; where it does, the next frame says so."""
    run.bag(frame, "results", "", None)


def error_json(error: BaseException) -> dict[str, Any]:
    """A child's failure as the fork's result record shows it."""
    from footpath.values import error_text

    shown: dict[str, Any] = {"name": _stage.error_name(error), "message": error_text(error)}
    code = _stage.error_code(error)
    if code is not None:
        shown["code"] = code
    return {"$error": shown}


def child(place: Place, node: Node, origin: Frame, state: LineState) -> Generator[Any, Any, Any]:
    """Run one parallel child, and let it settle."""
    result, failure = None, None
    try:
        result = yield walk(place, node, LINK_PARALLEL, origin, state)
    except Paused:
        group = place.task.group
        if group is not None and group.fail_fast:
            yield 3  # as a failure: the first of either ends the line
        raise
    except Exception as error:  # noqa: BLE001  # raised again below, after the child has settled
        failure = error
    yield 2 if failure is None or state.first is None else 3  # refused: there is nothing to wait for
    place.run.settle(state.first, failure)
    if failure is not None:
        raise failure
    yield 1
    return result

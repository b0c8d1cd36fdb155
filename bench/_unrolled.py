"""The loan chart written out by hand: the engine's own frames, scopes and entries, with no walk and no question asked.

What no code made from this chart in Python could beat: it knows beforehand which stage comes next, that none fails,
pauses, awaits, breaks or returns a chart, that nobody listens, and that the charts hold what they hold. It leaves out
all that a run has to be ready for, and is here to say how much of a run's time that is.
"""

from __future__ import annotations

import json
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from bench import _charts as charts
from footpath.engine._run import Run
from footpath.ids import IdMaker
from footpath.journal.entries import (
    ADVANCE,
    CHART,
    COMMIT,
    DONE,
    EMIT,
    EXIT,
    FRAME,
    LINK_NEXT,
    LINK_ROOT,
    MOUNT,
    OPEN,
    OUTPUT,
    PROCEED,
    RUN_END,
    RUN_START,
    TAKE,
)
from footpath.scope import Frame, Scope, bind_scope
from footpath.state import Region
from footpath.values import record_members

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath import FlowChart

_make_id = IdMaker()


def unrolled(chart: FlowChart, given: dict[str, Any]) -> Callable[[], bytes]:
    """What runs the loan chart and encodes its trace; the journal has been found to be the engine's own, but for times.

    Raises:
        AssertionError: it is not: the engine has changed, and this has to follow.
    """
    wanted = charts.trace_of(chart, given)
    assert chart.stamp is not None
    room, chart_ref, spec = chart.stamp
    outer = chart.nodes_by_id
    receive, mounted, assess, classify, notify = (
        outer[name] for name in ("receive", "bureau", "assess", "classify", "notify")
    )
    mount = mounted.mount
    assert mount is not None
    bureau, map_in, map_out = mount.chart, mount.input_mapper, mount.output_mapper
    assert bureau is not None
    assert map_in is not None
    assert map_out is not None
    pull, normalise = bureau.root, bureau.root.next
    branches = {branch.id: branch for branch in classify.children}
    place, inside = chart.places[id(chart)], chart.places[id(bureau)]
    first_inside = len(chart.spec.nodes)

    def stage(run: Run, region: Region, node: Any, number: int) -> tuple[Any, Frame]:
        run.current = frame = Frame(run, region, node, number, "", region.values, run.quick)
        scope = Scope()
        bind_scope(scope, frame)
        out = node.fn(scope)
        frame.commit()
        return out, frame

    def run_and_encode() -> bytes:
        run_id, started_us, began = _make_id(), time_ns() // 1000, perf_counter_ns()
        top = Region(outer)
        run = Run(chart.places, perf_counter_ns, began, 500, 1000, None, False, {}, None, None, top, None, None)
        values, say = top.values, run.record_entry
        top.args = args = dict(given)
        top.readonly = frozenset(args)
        recorded_input = record_members(args)
        say((RUN_START, None, 1))
        say((CHART, place))
        say((OPEN, (perf_counter_ns() - began) // 1000, receive.index, LINK_ROOT, -1))
        stage(run, top, receive, 0)
        say((DONE, (perf_counter_ns() - began) // 1000, mounted.index))
        inner = Region(bureau.nodes_by_id, "bureau", "bureau")
        mapped = map_in(values.copy())
        inner.args, inner.values, inner.readonly = mapped, mapped.copy(), frozenset(mapped)
        say((CHART, inside, "bureau"))
        at = (perf_counter_ns() - began) // 1000
        say((MOUNT, at, mounted.index, LINK_NEXT, 0, first_inside, mapped, mounted.name))
        around = Frame(run, top, mounted, 1, "", values, None)
        say((OPEN, (perf_counter_ns() - began) // 1000, first_inside, LINK_ROOT, around.number))
        stage(run, inner, pull, 2)
        say((ADVANCE, (perf_counter_ns() - began) // 1000, first_inside + 1))
        stage(run, inner, normalise, 3)
        say((DONE, (perf_counter_ns() - began) // 1000))
        handed = map_out(inner.values.copy(), values.copy())
        values.update(handed)
        say((OUTPUT, around.number, [[[key], value] for key, value in handed.items()], [], []))
        say((FRAME, around.number))
        say((EXIT,))
        say((COMMIT,))
        say((OPEN, (perf_counter_ns() - began) // 1000, assess.index))
        stage(run, top, assess, 4)
        say((ADVANCE, (perf_counter_ns() - began) // 1000, classify.index))
        choice, decider = stage(run, top, classify, 5)
        branch = branches[choice.branch]
        say((TAKE, (perf_counter_ns() - began) // 1000, branch.index, choice.branch, choice.seen))
        stage(run, top, branch, 6)
        say((DONE, (perf_counter_ns() - began) // 1000))
        run.switch(decider)
        say((PROCEED, (perf_counter_ns() - began) // 1000, notify.index))
        stage(run, top, notify, 7)
        say((DONE, (perf_counter_ns() - began) // 1000))
        say((RUN_END,))
        document = room.Document(
            room.FORMAT,
            room.VERSION,
            _make_id(),
            1,
            run_id,
            chart_ref,
            "completed",
            room.iso_of_us(started_us),
            (perf_counter_ns() - began) // 1000 / 1000,
            spec,
            run.journal,
            UNSET,
            UNSET,
            recorded_input,
        )
        return room.Trace(document).encoded

    found, meant = (json.loads(text)["journal"] for text in (run_and_encode(), wanted.encoded))
    assert [_timeless(entry) for entry in found] == [_timeless(entry) for entry in meant], "the engine has changed"
    return run_and_encode


_TIMED = {OPEN, DONE, ADVANCE, MOUNT, TAKE, PROCEED, EMIT}


def _timeless(entry: Any) -> Any:
    return [entry[0], *entry[2:]] if isinstance(entry, list) and entry[0] in _TIMED else entry

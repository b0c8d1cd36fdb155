"""Every public name says what its type can't, and every example in a docstring runs."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import io
from typing import Any

import pytest

import footpath
from footpath import FlowChartExecutor, decide, flow_chart, ops

ROOMS = (
    "footpath",
    "footpath.channels",
    "footpath.chart",
    "footpath.scope",
    "footpath.engine",
    "footpath.replay",
    "footpath.trace",
    "footpath.values",
    "footpath.recorders",
    "footpath.query",
    "footpath.archive",
    "footpath.state",
    "footpath.errors",
)
# Entry points: what a newcomer calls first has an example.
WITH_EXAMPLE = (
    "footpath.chart:FlowChartBuilder",
    "footpath.chart:FlowChart",
    "footpath.chart:Pausable",
    "footpath.engine:FlowChartExecutor",
    "footpath.scope:decide",
    "footpath.scope:select",
    "footpath.scope:ops",
    "footpath.scope:interrupt",
    "footpath.replay:replay",
    "footpath.trace:decode_trace",
    "footpath.trace:encode_trace",
    "footpath.trace:Trace",
    "footpath.query:explain",
    "footpath.query:causal_chain",
    "footpath.query:slice_for_key",
    "footpath.query:forward_slice_for_key",
    "footpath.query:key_timeline",
    "footpath.query:array_provenance",
    "footpath.query:state_at",
    "footpath.query:commit_value_at",
    "footpath.query:find_last_writer",
    "footpath.query:stops",
    "footpath.query:quality_trace",
    "footpath.query:ControlDependencies",
    "footpath.archive:SegmentWriter",
    "footpath.channels:ScopeRecorder",
    *(
        f"footpath.recorders:{name}"
        for name in importlib.import_module("footpath.recorders").__all__
        if name.endswith(("Recorder", "Store", "Index"))
    ),
)


# Behind a door for other rooms alone, and called in the hot path: its methods say what they do in the rooms' own words.
BETWEEN_ROOMS = {"footpath.scope:Frame"}


def assess(scope: Any) -> None:
    scope.risk = "low" if ops(scope).args["amount"] < 500 else "high"


def route(scope: Any) -> Any:
    rules = [{"when": {"risk": {"eq": "low"}}, "then": "approve", "label": "low risk"}]
    return decide(scope, rules, "reject")


def approve(scope: Any) -> None:
    scope.approved = True


def reject(scope: Any) -> None:
    scope.approved = False


def example_chart() -> Any:
    """The chart that the examples in docstrings speak of."""
    return (
        flow_chart("Assess", assess, "assess")
        .add_decider_function("Route", route, "route")
        .add_function_branch("approve", "Approve", approve)
        .add_function_branch("reject", "Reject", reject)
        .end()
        .build()
    )


def names_of(room: str) -> list[tuple[str, Any]]:
    module = importlib.import_module(room)
    return [(name, getattr(module, name)) for name in module.__all__]


def public_things() -> list[tuple[str, Any]]:
    """Every function and class behind a door, once, and the public methods of the classes."""
    found: dict[int, tuple[str, Any]] = {}
    for room in ROOMS:
        for name, thing in names_of(room):
            if inspect.isroutine(thing) or inspect.isclass(thing):
                found.setdefault(id(thing), (f"{room}:{name}", thing))
    return list(found.values())


def members_of(kind: type) -> list[tuple[str, Any]]:
    """What a class itself defines and shows."""
    return [
        (name, member.fget if isinstance(member, property) else getattr(member, "__func__", member))
        for name, member in vars(kind).items()
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, (property, classmethod)))
    ]


THINGS = public_things()


@pytest.mark.parametrize(("name", "thing"), THINGS, ids=[name for name, _ in THINGS])
def test_a_public_name_says_what_its_type_cannot(name: str, thing: Any) -> None:
    """One sentence at least, for the name and for each public method."""
    doc = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert doc, name
    assert len(doc.strip()) >= 12, doc
    if inspect.isclass(thing) and thing.__module__.startswith("footpath"):
        inherited = {member for base in thing.__mro__[1:] for member in vars(base)}  # says there what it does
        # A property may be described among the class's attributes.
        silent = {
            member
            for member, made in members_of(thing)
            if not (made.__doc__ or "").strip() and f" {member}: " not in doc
        }
        assert silent - inherited == set() or name in BETWEEN_ROOMS


def examples() -> list[Any]:
    parser = doctest.DocTestParser()
    found: list[Any] = []
    for name, thing in THINGS:
        documented = [(name, thing)]
        if inspect.isclass(thing):
            documented += [(f"{name}.{member}", made) for member, made in members_of(thing)]
            documented += [(f"{name}.__call__", vars(thing)["__call__"])] if "__call__" in vars(thing) else []
        for where, each in documented:
            doc = inspect.cleandoc(each.__doc__ or "")
            if ">>>" in doc:
                found.append(parser.get_doctest(doc, {}, where, None, 0))
    start = type(flow_chart).__call__
    found.append(parser.get_doctest(inspect.cleandoc(start.__doc__ or ""), {}, "footpath:flow_chart", None, 0))
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_does_what_it_shows(example: Any) -> None:
    """In the namespace of a user who has imported what the room offers and holds `chart`, `executor` and `trace`."""
    chart = example_chart()
    finished = FlowChartExecutor(chart)
    finished.enable_narrative()
    finished.run(input={"amount": 100})
    space: dict[str, Any] = {name: getattr(footpath, name) for name in footpath.__all__}
    for room in ("footpath.channels", "footpath.query", "footpath.recorders", "footpath.trace", "footpath.archive"):
        space |= dict(names_of(room))
    space |= {"chart": chart, "executor": FlowChartExecutor(chart), "trace": finished.get_trace()}
    space |= {"snapshot": finished.get_snapshot()}
    example.globs = space
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    with contextlib.redirect_stdout(said):
        runner.run(example, out=said.write)
    assert runner.failures == 0, said.getvalue()


@pytest.mark.parametrize("name", WITH_EXAMPLE)
def test_an_entry_point_has_an_example(name: str) -> None:
    """And so the suite runs it."""
    assert name.partition(":")[2] in {example.name.rpartition(":")[2].partition(".")[0] for example in EXAMPLES}

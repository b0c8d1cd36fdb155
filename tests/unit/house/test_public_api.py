"""Every public name says what its type can't, and every example in a docstring runs."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import inspect
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

import footpath
from footpath import FlowChartExecutor, decide, encode_trace, flow_chart, ops
from footpath.archive import Identity, Line, SegmentWriter, document_sha256, encode_line, hour_of_id
from footpath.chart import FlowChartBuilder
from footpath_service.adapters.memory import MemoryStore

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
    "footpath.archive:ArchiveReader",
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


THINGS = public_things()
CLASSES = {thing for _, thing in THINGS if inspect.isclass(thing)}


def parts_of(kind: type) -> list[type]:
    """A class, and those of ours that it is made of and that stand behind no door."""
    ours = [base for base in kind.__mro__[1:] if base.__module__.startswith("footpath") and base not in CLASSES]
    return [kind, *ours]


def members_of(kind: type) -> list[tuple[str, Any]]:
    """What a class defines and shows, in all its parts."""
    return [
        (name, member.fget if isinstance(member, property) else getattr(member, "__func__", member))
        for part in parts_of(kind)
        for name, member in vars(part).items()
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, (property, classmethod)))
    ]


@pytest.mark.parametrize(("name", "thing"), THINGS, ids=[name for name, _ in THINGS])
def test_a_public_name_says_what_its_type_cannot(name: str, thing: Any) -> None:
    """One sentence at least, for the name and for each public method."""
    doc = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert doc, name
    assert len(doc.strip()) >= 12, doc
    if inspect.isclass(thing) and thing.__module__.startswith("footpath"):
        parts = parts_of(thing)
        inherited = {
            member for base in thing.__mro__ if base not in parts for member in vars(base)
        }  # says there what it does
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


def namespace() -> dict[str, Any]:
    """What a user has who imported what the rooms offer.

    And `chart`, `executor` (not run yet), `trace` and `snapshot` of a run, `store` with that trace archived, and
    `stage`, a stage that does nothing.
    """
    chart = example_chart()
    finished = FlowChartExecutor(chart)
    finished.enable_narrative()
    finished.run(input={"amount": 100})
    trace = finished.get_trace()
    space: dict[str, Any] = {name: getattr(footpath, name) for name in footpath.__all__}
    for room in ("footpath.channels", "footpath.query", "footpath.recorders", "footpath.trace", "footpath.archive"):
        space |= dict(names_of(room))
    return space | {
        "chart": chart,
        "executor": FlowChartExecutor(chart),
        "trace": trace,
        "snapshot": finished.get_snapshot(),
        "store": _archived(trace),
        "stage": lambda scope: None,
    }


def _archived(trace: Any) -> MemoryStore:
    document = encode_trace(trace)
    sha256 = document_sha256(document)
    line = Line(trace_id=trace.trace_id, revision=1, sha256=sha256, status=trace.status, document=msgspec.Raw(document))
    writer = SegmentWriter(hour_of_id(trace.trace_id))
    writer.add(Identity(trace.trace_id, 1, sha256), encode_line(line))
    segment = writer.finish()
    store = MemoryStore()
    store.put_new(segment.key, segment.body)
    return store


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_does_what_it_shows(example: Any) -> None:
    """In the namespace of `namespace`, and with what it prints."""
    space = namespace()
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


def test_the_typing_example_uses_every_public_name() -> None:
    """Of `footpath` itself, beyond importing it: each is written as a user writes it, where both type checkers look."""
    tree = ast.parse((Path(__file__).parents[2] / "typing" / "api.py").read_text())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set(footpath.__all__) - used == set()


@pytest.mark.parametrize("kind", [FlowChartBuilder, FlowChartExecutor])
def test_the_methods_that_a_program_is_written_with_have_examples(kind: type) -> None:
    """All of the builder's, and those of the executor that are not one of a pair shown by the other."""
    pairs = {"aresume", "get_narrative", "is_paused", "get_redaction_report", "start", "start_selector"}
    pairs |= {"get_structure_build_errors", "recorder_failures", "get_observer_stats", "shed"}
    pairs |= {f"{verb}_{channel}_recorder" for verb in ("attach", "detach") for channel in ("flow", "emit", "combined")}
    pairs |= {f"get_{channel}_recorders" for channel in ("scope", "flow", "emit")}
    bare = {name for name, made in members_of(kind) if ">>>" not in (made.__doc__ or "")}
    assert bare - pairs == set()

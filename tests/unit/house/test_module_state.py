"""Runs share nothing by way of a module: what modules hold is made at import, and never written again.

Asked of the source, which names what is written, and of the loaded modules, before and after all that they do: an alias
hides from the one, a path that no run takes from the other.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
import types
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import footpath
import footpath_service
from footpath import FlowChartExecutor, flow_chart, query
from tests.golden._charts import RUNS
from tests.property._asked import everything_asked_of

ROOM = Path(footpath.__file__).parents[1]
PACKAGES = (footpath, footpath_service)

WRITTEN = {
    "footpath.engine._executor:_make_id": "the last id's time and chance, under a lock: ids only ever grow, whoever asks",
    "footpath.replay._declared:_charts": "a cache, bounded: what a spec's bytes decode to, which nobody changes",
    "footpath.chart._document:_decoder": "made at first need, one, without state of its own",
    "footpath.trace._seal:_spec_texts": "a cache, bounded: the texts of a spec's bytes, frozen",
    "footpath.trace._time:_last_minute": "one pair, replaced as a whole: the name of the last minute asked for",
    "footpath.values._summary:_parts_decoder": "made at first need, one, without state of its own",
    "footpath_service.wiring:_process_application": "Lambda calls a module: the application of its settings, made once",
    "footpath_service.wiring:_request_application": "likewise",
    "footpath_service.wiring:_seal_application": "likewise",
}
"""What is written after import all the same, and why no run can tell."""

UNSEEN = {
    "footpath_service.wiring:_process_application",
    "footpath_service.wiring:_request_application",
    "footpath_service.wiring:_seal_application",
}
"""Of those, what needs Lambda's settings to happen."""

CHANGING = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "clear",
        "sort",
        "reverse",
        "update",
        "setdefault",
        "popitem",
        "add",
        "discard",
        "appendleft",
        "popleft",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "__setitem__",
    ]
)


# ── the source ───────────────────────────────────────────────────────────────────────────────────────────────────────
def written_in(source: str) -> set[str]:
    """Names of a module, or `Class.name`, that its functions write, and functions that remember what they gave."""
    tree = ast.parse(source)
    held = set(_bound(tree.body))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            held |= {f"{node.name}.{name}" for name in _bound(node.body)}
    found: set[str] = set()
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if any(isinstance(each, (ast.Name, ast.Attribute)) and _remembers(each) for each in _decorators(function)):
                found.add(function.name)
            for node in ast.walk(function):
                found |= {name for name in _written_by(node) if name in held or isinstance(node, ast.Global)}
    return found


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _decorators(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    return (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)


def _remembers(decorator: ast.Name | ast.Attribute) -> bool:
    return (decorator.id if isinstance(decorator, ast.Name) else decorator.attr) in {"cache", "lru_cache"}


def _written_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Global):
        yield from node.names
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete)):
        for target in [node.target] if isinstance(node, ast.AugAssign) else node.targets:
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                yield _dotted(target.value)
                yield _dotted(target)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        yield _dotted(node.func.value)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_no_function_writes_what_its_module_holds() -> None:
    """But for the list above."""
    found: set[str] = set()
    for path in sorted(ROOM.rglob("*.py")):
        module = ".".join(path.relative_to(ROOM).with_suffix("").parts).removesuffix(".__init__")
        found |= {f"{module}:{name}" for name in written_in(path.read_text())}
    assert found == set(WRITTEN) - {"footpath.engine._executor:_make_id"}  # the one that is an object of ours


def test_the_check_of_the_source_finds_what_it_looks_for() -> None:
    """Every way to write; not a function's own names."""
    for source in (
        "A = {}\ndef f():\n    A['k'] = 1",
        "A = []\ndef f():\n    A.append(1)",
        "A: dict = {}\ndef f():\n    del A['k']",
        "A = {}\ndef f():\n    A['n'] += 1",
        "def f():\n    global A\n    A = 1",
        "@cache\ndef A(x):\n    return x",
        "@functools.lru_cache(maxsize=2)\ndef A(x):\n    return x",
    ):
        assert written_in(source) == {"A"}, source
    assert written_in("class A:\n    x = []\n    def f(self):\n        A.x.append(1)") == {"A.x"}
    assert written_in("class A:\n    x = 0\n    def f(self):\n        A.x = 1") == {"A.x"}
    assert written_in("A = {}\ndef f():\n    b = dict(A)\n    b['k'] = 1\n    return b") == set()


# ── what is loaded ───────────────────────────────────────────────────────────────────────────────────────────────────
def everything_loaded() -> dict[str, types.ModuleType]:
    """All modules, every door opened, so that nothing is fetched later."""
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for name in getattr(module, "__all__", ()):
                getattr(module, name)
    return {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in {"footpath", "footpath_service"}
    }


def look(modules: dict[str, types.ModuleType]) -> dict[str, Any]:
    """What each name of each module holds, and each class, as far down as our own objects and plain containers go."""
    seen: dict[str, Any] = {}
    for module_name, module in modules.items():
        for name, value in vars(module).items():
            if not name.startswith("__") and not isinstance(value, types.ModuleType):
                home = getattr(value, "__module__", module_name) if isinstance(value, type) else module_name
                if home == module_name:
                    seen[f"{module_name}:{name}"] = _inside(value)
    return seen


def _inside(value: Any) -> list[Any]:
    found: list[Any] = []
    todo: list[Any] = [value]
    known: dict[int, Any] = {}  # held, so that no later part gets the id of one that was made for the look
    while todo:
        part = todo.pop()
        if id(part) in known:
            continue
        known[id(part)] = part
        kind = type(part)
        if kind is dict:
            found.append(("dict", len(part), [(repr(key), id(member)) for key, member in part.items()]))
            todo += part.values()
        elif kind in (list, tuple, set, frozenset, deque):
            found.append((kind.__name__, len(part), [id(member) for member in part]))
            todo += part
        elif kind is bytearray:
            found.append(bytes(part))
        elif hasattr(part, "cache_info"):
            found.append(("cache", part.cache_info().currsize))
        elif isinstance(part, type):
            own = {name: member for name, member in vars(part).items() if not name.startswith("__")}
            found.append((part.__qualname__, [(name, id(member)) for name, member in own.items()]))
            todo += [member for member in own.values() if type(member) in (dict, list, set, deque)]
        elif kind is types.FunctionType:
            todo += [part.__defaults__ or (), part.__kwdefaults__ or {}, vars(part)]
        elif kind.__module__.startswith("footpath"):
            fields = _fields(part)
            found.append((kind.__qualname__, [(name, id(member)) for name, member in fields.items()]))
            todo += fields.values()
    return found


def _fields(part: Any) -> dict[str, Any]:
    if isinstance(part, msgspec.Struct):
        return {name: getattr(part, name) for name in part.__struct_fields__}
    names = [name for kind in type(part).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str)]
    return {
        **{name: object.__getattribute__(part, name) for name in names if hasattr(part, name)},
        **getattr(part, "__dict__", {}),
    }


def do_everything() -> None:
    """Runs of every kind, live and replayed, asked everything."""
    for runs in RUNS.values():
        for trace in runs():
            everything_asked_of(trace)
            trace.to_footprintjs()
    executor = FlowChartExecutor(flow_chart("A", lambda scope: scope.__setitem__("k", [1]), "a").build())
    executor.run()
    trace = executor.get_trace()
    query.explain(query.TraceView(trace.snapshot, trace.events(), trace.input), "k")
    query.stops(executor.get_snapshot())
    executor.chart.to_mermaid()
    executor.chart.to_openapi()


def test_runs_leave_what_modules_hold_as_it_was() -> None:
    """Every name of every module, looked into before and after."""
    modules = everything_loaded()
    before = look(modules)
    do_everything()
    after = look(modules)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= set(WRITTEN) - UNSEEN, sorted(changed - set(WRITTEN))
    assert "footpath.engine._executor:_make_id" in changed


def test_the_look_at_what_is_loaded_finds_what_it_looks_for() -> None:
    """Through an alias, a class, a default, an object of ours, a cache."""
    module = types.ModuleType("footpath.tried")
    exec(  # a module of the test's own
        "import functools\n"
        "A = {'in': [[]]}\n"
        "class B:\n    held = []\n"
        "class C:\n    def __init__(self): self.n = 0\n"
        "C.__module__ = B.__module__ = 'footpath.tried'\n"
        "D = C()\n"
        "def e(x={}): x['k'] = 1\n"
        "@functools.cache\ndef f(x): return x\n"
        "def go():\n    a = A['in'][0]\n    a.append(1)\n    B.held.append(1)\n    D.n += 1\n    e()\n    f(1)\n",
        vars(module),
    )
    before = look({"footpath.tried": module})
    module.go()
    after = look({"footpath.tried": module})
    assert {name for name in before if before[name] != after[name]} == {f"footpath.tried:{name}" for name in "ABDef"}

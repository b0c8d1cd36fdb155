"""Nothing that is shipped, or that operators run, calls itself over what users control: specs, trees, journals and values have any depth."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("engine_layer", "functions", "footpath_cli", "infra")

BOUNDED = {
    "footpath/chart/_schema.py:_check_schema": "a schema has at most MAX_SCHEMA_LEVELS levels; see _check_levels",
    "footpath/chart/_schema.py:check": "goes down a checked schema, not a value",
    "footpath/chart/_schema.py:_broken_limits": "called by check, and calls it for the schemas of an anyOf",
    "footpath/engine/_line.py:walk": "lines are generators: handed to the scheduler, or below MAX_DELEGATED to `yield from`",
    "footpath/engine/_line.py:_walk": "as walk, which calls it",
    "footpath/engine/_line.py:child": "gives `walk` to the scheduler",
    "footpath/engine/_line.py:fork": "gives `child` to the scheduler",
    "footpath/engine/_line.py:dynamic": "gives `fork` to the scheduler",
    "footpath/engine/_line.py:_end": "gives those below to the scheduler",
    "footpath/engine/_line.py:_decide": "gives `walk` to the scheduler",
    "footpath/engine/_line.py:_select": "gives `fork` to the scheduler",
    "footpath/query/_json.py:as_json": "goes down our own answer types, not the values in them",
    "footpath/query/_preview.py:_pieces": "at most MAX_NESTING levels",
    "footpath/query/_preview.py:preview": "once more for the last item, which it then cuts",
    "footpath/replay/_mirror.py:_present": "two levels at most are ever opened: runs, child, key",
    "footpath/trace/_codec.py:_probe": "once more for repaired bytes, which need no repair",
    "footpath/values/_summary.py:js_text": "once more for an item that is no list: its lists are opened one by one",
    "footpath/values/_summary.py:summarize": "a recorded scalar is summarized as what it is",
    "footpath/values/_summary.py:_recorded": "called by summarize; its scalars are leaves",
    "footpath_cli/operate/_facts.py:_resolved": "goes down a template of this repository",
    "infra/template.py:holds": "goes down the template of this repository",
    "infra/template.py:truth": "likewise",
    "footpath/values/_summary.py:_tagged": "a tagged form in a tagged form in a document, which has at most 1,000 levels",
}
"""Functions that call themselves, directly or by way of others of their module, and why they may."""


def functions(tree: ast.AST) -> Iterator[tuple[str, str, ast.AST]]:
    """Every function with the class that it is a method of, if any."""
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        owner, node = todo.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield owner, child.name, child
                todo.append(("", child))
            else:
                todo.append((child.name if isinstance(child, ast.ClassDef) else owner, child))


def called(owner: str, function: ast.AST) -> set[tuple[str, str]]:
    """What a function calls by a plain name, or as a method of its own object."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            what = node.func
            if isinstance(what, ast.Name):
                found.add(("", what.id))
            elif (
                isinstance(what, ast.Attribute)
                and isinstance(what.value, ast.Name)
                and what.value.id in ("self", "cls")
            ):
                found.add((owner, what.attr))
    return found


def that_call_themselves(source: str) -> set[str]:
    """Names of functions from which their own calls lead back to them."""
    calls: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for owner, name, function in functions(ast.parse(source)):
        calls.setdefault((owner, name), set()).update(called(owner, function))
    found: set[str] = set()
    for start in calls:
        seen: set[tuple[str, str]] = set()
        todo = [start]
        while todo:
            for target in calls.get(todo.pop(), ()):
                if target in calls and target not in seen:
                    seen.add(target)
                    todo.append(target)
        if start in seen:
            found.add(start[1])
    return found


def test_only_bounded_functions_call_themselves() -> None:
    """The list above names each with its bound; it names no others."""
    found: set[str] = set()
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            shown = path.relative_to(ROOT).as_posix().removeprefix("engine_layer/")
            found |= {f"{shown}:{name}" for name in that_call_themselves(path.read_text())}
    assert found == set(BOUNDED)


def test_the_check_finds_what_it_looks_for() -> None:
    """Direct, mutual, by method; not a method of another object by the same name."""
    assert that_call_themselves("def walk(x):\n    for y in x:\n        walk(y)") == {"walk"}
    assert that_call_themselves("def a(x):\n    b(x)\ndef b(x):\n    a(x)\ndef c(x):\n    a(x)") == {"a", "b"}
    assert that_call_themselves(
        "class A:\n    def go(self):\n        self.on()\n    def on(self):\n        self.go()"
    ) == {"go", "on"}
    assert that_call_themselves("class A:\n    def copy(self):\n        return self.inner.copy()") == set()

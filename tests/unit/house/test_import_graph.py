"""Arrows point one way: a room imports only from rooms before it, and only through their doors."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]

# The engine's rooms, in the order of `docs/architecture.md`. Each may import those before it.
ENGINE_ROOMS = (
    "_on_demand",  # how doors open; no room
    "errors",
    "ids",
    "values",
    "channels",
    "chart",
    "state",
    "journal",
    "replay",
    "trace",
    "scope",
    "engine",
    "recorders",
    "query",
    "archive",
)
# Rooms that may import less than all before them.
NARROW_ROOMS = {
    "recorders": {"errors", "ids", "values", "channels", "replay"},  # of replay, the narrative's wording
    "query": {"errors", "ids", "values"},
    "archive": {"_on_demand", "errors", "ids", "values"},
}
ENGINE_DEPENDS_ON = {"msgspec"}
SERVICE_DEPENDS_ON = {"msgspec", "aws_lambda_powertools", "footpath"}
ONLY_ADAPTERS_IMPORT = {"boto3", "botocore"}
NOT_SHIPPED = {"footpath_cli", "tests", "bench", "infra"}


class Import(NamedTuple):
    """`module` imports `target`, a dotted name; `line` for the reader of a failure.

    `typing_only` when it stands under `if TYPE_CHECKING`: a type is named, and nothing loaded.
    """

    module: str
    target: str
    line: int
    typing_only: bool = False

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def imports_of(source: str, module: str, *, is_package: bool) -> Iterator[Import]:
    """Every import in a module's text, wherever it stands: those in function bodies count as well."""
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(module, name.name, node.lineno, id(node) in typing_only)
        elif isinstance(node, ast.ImportFrom):
            base = module if is_package else module.rpartition(".")[0]
            for _ in range(node.level - 1):
                base = base.rpartition(".")[0]
            prefix = f"{base}.{node.module}" if node.level and node.module else node.module or base
            # `from footpath import archive` reaches a room as `import footpath.archive` does.
            for name in node.names:
                yield Import(module, f"{prefix}.{name.name}", node.lineno, id(node) in typing_only)


def modules_under(folder: Path, package: str) -> dict[str, Path]:
    """Dotted name to file, of a package and all in it."""
    found: dict[str, Path] = {}
    for path in sorted((folder / package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


ENGINE = modules_under(ROOT / "engine_layer", "footpath")
SERVICE = modules_under(ROOT / "engine_layer", "footpath_service")
HANDLERS = {f"functions.{path.parent.name}.{path.stem}": path for path in sorted((ROOT / "functions").rglob("*.py"))}


def all_imports(modules: dict[str, Path]) -> list[Import]:
    """What the modules import, once each."""
    found = [
        step
        for module, path in modules.items()
        for step in imports_of(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")
    ]
    assert found, "an import graph without arrows is not the one to check"
    return found


def room_of(dotted: str, package: str) -> str | None:
    """`footpath.archive._line` lives in `archive`; None for the package's own door and for what is outside."""
    head, _, rest = dotted.partition(".")
    room = rest.partition(".")[0]
    return room if head == package and room else None


def against_the_stream(step: Import) -> str | None:
    """Why an import inside the engine points the wrong way, or None."""
    here, there = room_of(step.module, "footpath"), room_of(step.target, "footpath")
    if here is None:
        return None  # the engine's own door shows what all rooms offer
    if step.target.partition(".")[0] == "footpath" and there not in ENGINE_ROOMS:
        return f"{step}: a room does not import the engine's door"
    if there is None or there == here:
        return None
    if step.typing_only and here not in NARROW_ROOMS:
        return None  # replay is given traces, and a trace is read by replay: the first only names the other's type
    allowed = NARROW_ROOMS.get(here, set(ENGINE_ROOMS[: ENGINE_ROOMS.index(here)]))
    return None if there in allowed else f"{step}: {here} may import {', '.join(sorted(allowed)) or 'no other room'}"


def behind_a_door(step: Import, packages: tuple[str, ...]) -> str | None:
    """Why an import reaches into another room's private module, or None."""
    parts = step.target.split(".")
    if parts[0] not in packages:
        return None
    for depth, part in enumerate(parts):
        if part.startswith("_") and not part.startswith("__"):
            owner = ".".join(parts[:depth])
            inside = step.module == owner or step.module.startswith(f"{owner}.")
            return None if inside else f"{step}: that is behind the door of {owner}"
    return None


def outside(step: Import) -> str | None:
    """The top-level name of a third-party import; None for the standard library."""
    top = step.target.partition(".")[0]
    return None if top in sys.stdlib_module_names else top


def test_every_room_of_the_engine_is_named_here() -> None:
    """A new room has to say where it stands."""
    rooms = {room for module in ENGINE if (room := room_of(module, "footpath"))}
    assert rooms <= set(ENGINE_ROOMS)


def test_engine_rooms_import_only_rooms_before_them() -> None:
    """Replay never sees the engine; recorders know no run; archive and query know no events."""
    assert [wrong for step in all_imports(ENGINE) if (wrong := against_the_stream(step))] == []


def test_the_engine_depends_on_msgspec_alone() -> None:
    """It knows neither AWS nor the service."""
    strangers = {top: str(step) for step in all_imports(ENGINE) if (top := outside(step)) not in {None, "footpath"}}
    assert {top: step for top, step in strangers.items() if top not in ENGINE_DEPENDS_ON} == {}


def test_only_adapters_know_boto3() -> None:
    """The rest of the service works on ports."""
    for step in all_imports(SERVICE):
        top = outside(step)
        if top in ONLY_ADAPTERS_IMPORT:
            assert step.module.startswith("footpath_service.adapters"), str(step)
        else:
            assert top in {None, "footpath_service"} | SERVICE_DEPENDS_ON, str(step)


def test_nothing_that_ships_imports_what_does_not() -> None:
    """Neither the operators' CLI nor tests are in the layer."""
    for step in all_imports(ENGINE | SERVICE | HANDLERS):
        assert step.target.partition(".")[0] not in NOT_SHIPPED, str(step)


def test_rooms_are_entered_by_their_doors() -> None:
    """A private module is its room's own business; tests alone may look behind."""
    cli = modules_under(ROOT, "footpath_cli")
    packages = ("footpath", "footpath_service", "footpath_cli")
    assert [
        wrong for step in all_imports(ENGINE | SERVICE | HANDLERS | cli) if (wrong := behind_a_door(step, packages))
    ] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("footpath.replay._cursor", "from footpath.engine import FlowChartExecutor"),
        ("footpath.replay._cursor", "from footpath import engine"),
        ("footpath.replay._cursor", "def f():\n    import footpath.engine"),
        ("footpath.recorders._audit", "from footpath.journal import Journal"),
        ("footpath.archive._line", "from footpath.trace import Trace"),
        ("footpath.archive._line", "if TYPE_CHECKING:\n    from footpath.trace import Trace"),
        ("footpath.errors", "from footpath.values import plain"),
        ("footpath.engine._run", "import footpath"),
    ],
)
def test_an_arrow_that_points_back_is_found(module: str, line: str) -> None:
    """The check itself is able to fail."""
    assert any(against_the_stream(step) for step in imports_of(line, module, is_package=False))


@pytest.mark.parametrize(
    ("module", "line", "is_package"),
    [
        ("footpath.engine._run", "from footpath.state import Region", False),
        ("footpath.engine._run", "from footpath.engine._forks import join", False),
        ("footpath.replay._follow", "if TYPE_CHECKING:\n    from footpath.trace import Trace", False),
        ("footpath", "from footpath.engine import FlowChartExecutor", True),
        ("footpath.archive", "from footpath.archive._line import Line", True),
        ("footpath.archive._line", "from footpath.errors import FootpathError", False),
        ("footpath.archive._line", "import json", False),
    ],
)
def test_an_arrow_that_points_on_is_let_be(module: str, line: str, is_package: bool) -> None:
    """Nor does it find what is right."""
    steps = list(imports_of(line, module, is_package=is_package))
    assert steps
    assert not any(against_the_stream(step) or behind_a_door(step, ("footpath",)) for step in steps)


def test_a_look_behind_a_door_is_found() -> None:
    """From another room, not from the room itself."""
    (step,) = imports_of("from footpath.archive._line import Line", "footpath_service.process", is_package=False)
    assert behind_a_door(step, ("footpath",))

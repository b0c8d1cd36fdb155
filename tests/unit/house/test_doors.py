"""Doors and contents stay in step: what a package promises is what one finds there."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = {"footpath", "footpath_service", "footpath_cli"}
SHIPPED = ("engine_layer/footpath", "engine_layer/footpath_service", "footpath_cli")

DOORS = {
    ".".join(path.parent.relative_to(ROOT).parts).removeprefix("engine_layer."): path
    for folder in SHIPPED
    for path in sorted((ROOT / folder).rglob("__init__.py"))
}
ENGINE_MODULES = sorted((ROOT / "engine_layer" / "footpath").rglob("*.py"))


def test_there_are_doors() -> None:
    """Else the tests below would be empty."""
    assert {"footpath", "footpath.archive", "footpath_service"} <= set(DOORS)


@pytest.mark.parametrize("name", DOORS)
def test_a_door_says_what_its_room_promises(name: str) -> None:
    """One paragraph at least, then the public names."""
    tree = ast.parse(DOORS[name].read_text(encoding="utf-8"))
    assert len(ast.get_docstring(tree) or "") > 40


def shown_by(source: str) -> set[str]:
    """The public names that a door's text brings in from our own rooms, at once or on demand, or makes itself."""
    found: set[str] = set()
    body = ast.parse(source).body
    if "__getattr__" in source:  # names only told to type checkers are fetched when somebody asks
        body += [late for part in body if isinstance(part, ast.If) for late in part.body]
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            found |= {name.asname or name.name for name in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_") and name != "*"}


@pytest.mark.parametrize("name", DOORS)
def test_a_door_lists_exactly_what_it_shows(name: str) -> None:
    """`__all__` names every public thing that the door holds, once, and nothing that isn't there."""
    module = importlib.import_module(name)
    listed: list[str] = list(getattr(module, "__all__", []))
    assert len(listed) == len(set(listed))
    assert [entry for entry in listed if not hasattr(module, entry)] == []
    assert shown_by(DOORS[name].read_text(encoding="utf-8")) - set(listed) == set()


def test_what_a_door_shows_is_found() -> None:
    """Imports from a room and definitions; what it takes from elsewhere is its own business."""
    source = (
        "from json import loads\nfrom footpath.archive._line import Line, _x\nfrom footpath.ids import IdMaker as Maker\n"
        "LIMIT = 3\n_y = 4\ndef flows(): ...\nclass Flow: ...\nTable: dict = {}\n"
    )
    late = "if TYPE_CHECKING:\n    from footpath.archive._late import Late\n"
    assert shown_by(source) == {"Line", "Maker", "LIMIT", "flows", "Flow", "Table"}
    assert shown_by(late) == set()
    assert shown_by(late + "__getattr__ = _on_demand()\n") == {"Late"}


@pytest.mark.parametrize("path", ENGINE_MODULES, ids=lambda path: path.relative_to(ROOT / "engine_layer").as_posix())
def test_modules_behind_an_engine_door_start_with_an_underscore(path: Path) -> None:
    """So that an import shows at a glance whether it goes through the door. `errors` and `ids` are rooms of one module, `journal.entries` an inventory that every room reads."""
    assert path.stem in {"__init__", "errors", "ids", "entries"} or path.stem.startswith("_")

"""Doors and contents stay in step: what a package promises is what one finds there."""

from __future__ import annotations

import ast
import importlib
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
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


@pytest.mark.parametrize("name", DOORS)
def test_a_door_lists_exactly_what_it_shows(name: str) -> None:
    """`__all__` names every public thing that the door holds, once, and nothing that isn't there."""
    module = importlib.import_module(name)
    listed: list[str] = list(getattr(module, "__all__", []))
    assert len(listed) == len(set(listed))
    lazy = set(listed) - set(vars(module))
    assert [entry for entry in lazy if not hasattr(module, entry)] == []
    shown = {
        entry
        for entry, value in vars(module).items()
        if not entry.startswith("_") and not isinstance(value, types.ModuleType) and entry != "annotations"
    }
    assert shown <= set(listed)


@pytest.mark.parametrize("path", ENGINE_MODULES, ids=lambda path: path.relative_to(ROOT / "engine_layer").as_posix())
def test_modules_behind_an_engine_door_start_with_an_underscore(path: Path) -> None:
    """So that an import shows at a glance whether it goes through the door. `errors` and `ids` are rooms of one module."""
    assert path.stem in {"__init__", "errors", "ids"} or path.stem.startswith("_")

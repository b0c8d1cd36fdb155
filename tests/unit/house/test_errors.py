"""The error tree is drawn once, at the top of its module, and drawn as it stands."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import footpath
from footpath import errors
from footpath.archive import _errors as archive_errors
from footpath.errors import FootpathError

_BRANCH = re.compile(r"^(?P<lead>[\s│]*)[├└]── (?P<name>\w+)")


def drawn(text: str, root: str) -> dict[str, str]:
    """Class by class, which one it hangs under."""
    above = [root]
    found: dict[str, str] = {}
    for line in text.splitlines():
        hit = _BRANCH.match(line)
        if hit is not None:
            level = (len(hit["lead"]) - 4) // 4 + 1
            del above[level:]
            found[hit["name"]] = above[-1]
            above.append(hit["name"])
    return found


def classes() -> list[type[FootpathError]]:
    """Every error class of the engine, wherever it is defined."""
    for module in pkgutil.walk_packages(footpath.__path__, "footpath."):
        importlib.import_module(module.name)
    found: list[type[FootpathError]] = []
    waiting: list[type[FootpathError]] = [FootpathError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += [each for each in kind.__subclasses__() if each.__module__.startswith("footpath.")]
    return found


def test_the_tree_is_drawn_as_it_stands() -> None:
    """All of them, each under the class that a caller would catch instead."""
    tree = drawn(errors.__doc__ or "", "FootpathError") | drawn(archive_errors.__doc__ or "", "ArchiveError")
    stands = {kind.__name__: kind.__mro__[1].__name__ for kind in classes() if kind is not FootpathError}
    assert tree == stands


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_an_error_is_public_and_says_when_it_is_raised(kind: type[FootpathError]) -> None:
    """By a door, so that a caller can catch it."""
    doors = {"footpath.errors": errors, "footpath.archive": importlib.import_module("footpath.archive")}
    assert any(kind.__name__ in door.__all__ for door in doors.values())
    assert len((kind.__doc__ or "").strip()) > 20

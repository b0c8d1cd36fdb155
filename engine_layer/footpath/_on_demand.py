"""Doors that open when somebody knocks (PEP 562): a name shown by a door is fetched from its module when it is first asked for.

A cold start waits for what capturing a run takes, and for nothing else.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def on_demand(door: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Give a door its `__getattr__`.

    Args:
        door: the package's name.
        homes: names by the module that holds them; a module of the package itself begins with a dot.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def fetch(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            message = f"module {door!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = getattr(import_module(home, door), name)
        setattr(sys.modules[door], name, found)  # next time nobody has to ask
        return found

    return fetch

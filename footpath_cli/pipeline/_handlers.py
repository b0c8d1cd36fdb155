"""The real handlers, loaded from `functions/` as Lambda loads them."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footpath_cli._exits import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
_numbers = itertools.count()


def load_handler(function: str) -> Callable[[dict[str, Any], Any], Any]:
    """A function's `lambda_handler`, from a module of its own: each load is a cold start, with clients of its own.

    Args:
        function: its folder, such as "request_handler".

    Raises:
        CommandError: there is no such folder; the demo needs a checkout of the repository.
    """
    path = FUNCTIONS / function / "app.py"
    name = f"footpath_cli_{function}_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise CommandError(f"there is no {path}", "run this in a checkout of the repository")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler: Callable[[dict[str, Any], Any], Any] = module.lambda_handler
    return handler

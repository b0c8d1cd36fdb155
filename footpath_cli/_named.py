"""Things that users name as `module:attribute`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from footpath_cli._exits import CommandError, Exit


def named(path: str, given_by: str) -> Any:
    """What `module:attribute` names, the working folder's modules included.

    Args:
        path: the text.
        given_by: the option or variable it came from, for messages.

    Raises:
        CommandError: the text is not of that form, or it cannot be imported.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute.isidentifier():
        cure = f"for example: {given_by} my_module:MyName"
        raise CommandError(f"{given_by} {path!r} is not module:name", cure, exit_code=Exit.USAGE)
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        cure = f"it is looked for in {folder} and among installed packages"
        raise CommandError(f"cannot import {module_name}: {error}", cure, exit_code=Exit.USAGE) from error
    except (Exception, SystemExit) as error:
        raise CommandError(f"importing {module_name} failed: {error!r}", exit_code=Exit.USAGE) from error
    found: Any = getattr(module, attribute, None)
    if found is None:
        names = ", ".join(name for name in vars(module) if not name.startswith("_")) or "nothing"
        raise CommandError(f"{module_name} has no {attribute}", f"it has: {names}", exit_code=Exit.USAGE)
    return found


def made(path: str, given_by: str) -> Any:
    """What `module:attribute` names, called without arguments if it can be called.

    Raises:
        CommandError: as `named`, or the call failed.
    """
    found = named(path, given_by)
    if not callable(found):
        return found
    try:
        return found()
    except (Exception, SystemExit) as error:
        cure = "it is called without arguments"
        raise CommandError(f"{path}() failed: {error!r}", cure, exit_code=Exit.USAGE) from error

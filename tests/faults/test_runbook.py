"""What the runbook tells an operator to type can be typed: at 2 AM nobody looks up an option."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from footpath_cli._app import app

DOCS = Path(__file__).parents[2] / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`(footpath [^`]+)`", RUNBOOK)))
LOCAL = {"footpath doctor"}
"""Looks at the checkout's template."""


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_runbook_has_what_it_is_given(line: str) -> None:
    """It is there, it takes those options, it has all that it needs, and it asks the stack, not a folder on the operator's machine."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    options = {name: one for one in command.params for name in one.opts if name.startswith("-")}
    given = {word for word in words if word.startswith("-")}
    assert given <= set(options)
    assert {one.opts[0] for one in set(options.values()) if one.required} <= given
    if "--stack" in options and line not in LOCAL:
        assert "--stack" in given


def test_every_command_that_works_on_a_corner_is_in_the_runbook() -> None:
    """Nobody finds a way out that is written nowhere."""
    told = {" ".join(line.split()[1:3]) for line in COMMANDS}
    assert {"dlq ls", "dlq peek", "dlq redrive", "dlq discard", "traces recover", "traces verify"} <= told

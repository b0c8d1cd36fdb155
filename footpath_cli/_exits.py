"""How a command ends: exit codes, and errors that name their cure."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from footpath.archive import (
    AmbiguousPrefixError,
    CorruptArchiveError,
    MalformedIdError,
    ObjectMissingError,
    TraceNotFoundError,
    UnknownLineVersionError,
)
from footpath.errors import ArchiveUnavailableError, FootpathError, SettingsError, TraceError

if TYPE_CHECKING:
    from collections.abc import Callable


class Exit(IntEnum):
    """What a script may act on; `docs/cli.md` shows the same table."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    AMBIGUOUS = 4
    DAMAGED = 5
    UNREACHABLE = 6


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILURE: "the run failed, or the work could not be done",
    Exit.USAGE: "the command, its input or its SQL is wrong",
    Exit.NOT_FOUND: "no such trace, chart, key or stack, or the archive is empty",
    Exit.AMBIGUOUS: "several traces begin with that text",
    Exit.DAMAGED: "the archive holds something damaged, or of a newer version",
    Exit.UNREACHABLE: "AWS did not answer, or refused",
}


class CommandError(Exception):
    """Ends a command: what is wrong, what to do about it, and the exit code."""

    def __init__(self, message: str, cure: str = "", *, exit_code: Exit = Exit.FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.exit_code = exit_code


_CURES: tuple[tuple[type[FootpathError], Exit, Callable[[FootpathError], str]], ...] = (
    (MalformedIdError, Exit.USAGE, lambda _: "a trace id, or its first few digits, is what `footpath traces ls` shows"),
    (TraceNotFoundError, Exit.NOT_FOUND, lambda _: "`footpath traces ls` shows what is there"),
    (
        AmbiguousPrefixError,
        Exit.AMBIGUOUS,
        lambda error: "give more of the id: " + ", ".join(getattr(error, "candidates", ())),
    ),
    (UnknownLineVersionError, Exit.DAMAGED, lambda _: "update Footpath"),
    (
        CorruptArchiveError,
        Exit.DAMAGED,
        lambda _: "restore that object from a copy or from the bucket's versions; other traces are not affected",
    ),
    (
        ObjectMissingError,
        Exit.DAMAGED,
        lambda _: "the archive points to an object that is gone; restore it from a copy or from the bucket's versions",
    ),
    (TraceError, Exit.DAMAGED, lambda _: "the trace is not one that this version reads; update Footpath"),
    (
        ArchiveUnavailableError,
        Exit.UNREACHABLE,
        lambda _: "try again; on AWS, check credentials, region and the role's right to read the bucket",
    ),
    (SettingsError, Exit.USAGE, lambda _: "docs/settings.md says what each setting takes"),
)


def command_error(error: FootpathError) -> CommandError:
    """The end that an error of the engine or the archive makes."""
    for kind, exit_code, cure in _CURES:
        if isinstance(error, kind):
            return CommandError(str(error), cure(error), exit_code=exit_code)
    return CommandError(str(error))

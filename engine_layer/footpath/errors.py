"""Every error that Footpath raises on purpose.

::

    FootpathError
    ├── BuildError                      a chart cannot be built as it was asked for
    │   └── NestingTooDeepError         a chart's nested form is deeper or larger than JSON readers bear
    ├── RunError                        a run cannot begin, or the engine itself must end it
    │   └── InputValidationError        the run's input breaks the chart's contract
    ├── StateError                      a stage asked its state for something it may not do
    ├── TraceError                      a trace cannot be written or read
    │   └── TraceDecodeError            the bytes are not a trace; permanent, no retry will help
    │       ├── SpecDocumentError       the spec inside a trace is malformed
    │       └── UnknownVersionError     the trace was written by a newer Footpath; keep it until this one is newer too
    ├── ReplayError                     a journal cannot be replayed
    │   └── ReplayTooLargeError         nothing is wrong with it, but it unfolds to more than is allowed
    ├── ArchiveError                    the archive refuses, or holds what it should not
    │   └── ArchiveUnavailableError     the archive did not answer; retryable
    └── SettingsError                   a setting is missing or makes no sense

Families follow the phase in which a caller meets them. A class exists when somebody would act differently on it; what
is worth retrying therefore has a class of its own. What a stage raises is the stage's own and passes through a run
unwrapped. Facts travel as attributes, causes with ``raise ... from``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ArchiveError",
    "ArchiveUnavailableError",
    "BuildError",
    "FootpathError",
    "InputValidationError",
    "NestingTooDeepError",
    "ReplayError",
    "ReplayTooLargeError",
    "RunError",
    "SettingsError",
    "SpecDocumentError",
    "StateError",
    "TraceDecodeError",
    "TraceError",
    "UnknownVersionError",
]


class FootpathError(Exception):
    """Root of the tree; catches all that Footpath raises on purpose and nothing that a stage raised.

    `reported_name` is the name that events and traces give the error: footprintjs's, which knows few classes.
    """

    reported_name: ClassVar[str] = "Error"


# ── building ───────────────────────────────────────────────────────────────────────────────────────────────────────
class BuildError(FootpathError):
    """A builder call is wrong: an id twice, a loop to nowhere, a policy that makes no sense.

    Raised by the call that is wrong, never later. The builder is left as it was before that call, except where
    footprintjs also leaves a trace: structure events that fired before the fault was found stay fired.
    """


class NestingTooDeepError(BuildError):
    """A nested form of a chart was asked for that JSON readers would not bear.

    Attributes:
        what: "levels", "nodes" or "characters".
        count: how many the chart has.
        limit: how many are allowed.
    """

    def __init__(self, message: str, *, what: str, count: int, limit: int) -> None:
        """Keep the facts beside the sentence."""
        super().__init__(message)
        self.what = what
        self.count = count
        self.limit = limit


# ── running ────────────────────────────────────────────────────────────────────────────────────────────────────────
class RunError(FootpathError):
    """A run cannot begin, or the engine itself must end it."""


class InputValidationError(RunError):
    """The run's input breaks the chart's contract; no stage has run.

    Attributes:
        issues: one JSON object per problem, in the schema's order: `path` (list of keys and indices), `message`,
            `code`, and for a wrong type `expected` and `received`.
    """

    reported_name = "InputValidationError"

    def __init__(self, message: str, issues: Sequence[Mapping[str, Any]]) -> None:
        """Keep the issues beside the sentence that sums them up."""
        super().__init__(message)
        self.issues: list[dict[str, Any]] = [dict(issue) for issue in issues]


# ── state ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class StateError(FootpathError):
    """A stage asked its state for something it may not do."""


# ── traces ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class TraceError(FootpathError):
    """A trace cannot be written or read."""


class TraceDecodeError(TraceError):
    """The bytes are not a trace that this code reads. Permanent: the same bytes will fail again."""


class UnknownVersionError(TraceDecodeError):
    """The trace was written by a newer Footpath. Nothing is wrong with it; keep it for a reader that knows it.

    Attributes:
        version: of the trace.
    """

    def __init__(self, message: str, *, version: int) -> None:
        """Keep the version beside the sentence."""
        super().__init__(message)
        self.version = version


class SpecDocumentError(TraceDecodeError):
    """The spec inside a trace is malformed: a reference to nowhere, a member of the wrong type, a bomb."""


# ── replay ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class ReplayError(FootpathError):
    """A journal cannot be replayed."""


class ReplayTooLargeError(ReplayError):
    """A journal unfolds to far more than it holds: a list that grows a million times, a name of a megabyte told at each step.

    Its document is sound and worth keeping; only what is made of it would not fit. `Trace.max_unfolded_bytes` says how
    much may be.
    """


# ── archive ────────────────────────────────────────────────────────────────────────────────────────────────────────
class ArchiveError(FootpathError):
    """The archive refuses, or holds what it should not."""


class ArchiveUnavailableError(ArchiveError):
    """The archive did not answer, or asked to be left alone for a while. Retryable."""


# ── settings ───────────────────────────────────────────────────────────────────────────────────────────────────────
class SettingsError(FootpathError):
    """A setting is missing or makes no sense."""

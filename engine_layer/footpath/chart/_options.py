"""What a builder call may be given, checked with footprintjs's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from footpath.chart._node import Mount, Pausable, RetryPolicy
from footpath.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable


_INFINITY = float("inf")  # `math` is a library to be loaded, for this alone

MOUNT_OPTIONS = ("input_mapper", "output_mapper", "array_merge", "propagate_break", "converge_at", "tags")
"""The members of `MountOptions`."""


class Child(Struct, frozen=True):
    """One parallel child of `add_list_of_function`, or one branch of `add_branch_list`; `name` defaults to the id."""

    id: str
    name: str | None = None
    fn: Callable[[Any], Any] | None = None
    retry: RetryPolicy | Mapping[str, Any] | None = None
    tags: Sequence[str] = ()


def fault(text: str) -> BuildError:
    """Make a build error in footprintjs's form."""
    return BuildError(f"[FlowChartBuilder] {text}")


def checked_text(value: object, what: str) -> str:
    """Let a name, id or description pass if JSON can hold it."""
    if not isinstance(value, str):
        msg = f"{what} must be a string (got {type(value).__name__})"
        raise fault(msg)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            msg = f"{what} holds half a surrogate pair, which no JSON text can: {value!r}"
            raise fault(msg) from error
    return value


def checked_segment(value: object, what: str, called: str) -> str:
    """Let an id pass that becomes a part of a path: the branches of a for-each stage alone have a `~` in theirs.

    Args:
        value: the id.
        what: what it is, for an error about its type.
        called: the same in footprintjs's words.
    """
    text = checked_text(value, what)
    if "~" in text:
        msg = (
            f"{called} '{text}' contains the reserved character '~'. From 9.14.0 '~' is reserved for the subflow path "
            "segments that addParallelForEach() generates for its branches — allowing it here would let a "
            "hand-authored id collide with a generated branch and silently mis-attribute its trace. Rename the id "
            "(a dash reads the same). See docs/design/execution-control.md."
        )
        raise fault(msg)
    return text


def checked_description(value: str | None, what: str) -> str | None:
    """Let a description pass; an empty one counts as none."""
    return checked_text(value, f"the description of {what}") or None if value is not None else None


def checked_function(fn: object, what: str) -> Callable[..., Any]:
    """Let a function pass."""
    if not callable(fn):
        msg = f"{what} needs a function (got {type(fn).__name__})"
        raise fault(msg)
    return fn


def checked_pausable(fn: object, stage_id: str) -> Pausable[Any]:
    """Let a stage in two halves pass."""
    if not isinstance(fn, Pausable):
        msg = f"pausable stage '{stage_id}' needs a Pausable(execute, resume) (got {type(fn).__name__})"
        raise fault(msg)
    return cast("Pausable[Any]", fn)


def checked_child(child: object, parent: str) -> Child:
    """Let a parallel child pass, given as such or as a mapping with its members' names."""
    if isinstance(child, Child):
        return child
    if not isinstance(child, Mapping):
        msg = f"a child under '{parent}' is a Child or a mapping (got {type(child).__name__})"
        raise fault(msg)
    known = Child.__struct_fields__
    given = cast("Mapping[str, Any]", child)
    for member in given:
        if member not in known:
            msg = f"a child under '{parent}' has {', '.join(known)}, but no {member!r}"
            raise fault(msg)
    members: dict[str, Any] = {"id": "", **given}
    return Child(**members)


def checked_tags(tags: object, where: str) -> tuple[str, ...]:
    """Let tags pass: distinct names, none of them blank or with a `~`."""
    if tags is None:
        return ()
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        msg = f"{where}: tags must be an array of names (got {_kind(tags)})"
        raise fault(msg)
    seen: dict[str, None] = {}
    for tag in cast("Sequence[object]", tags):
        if not isinstance(tag, str):
            msg = (
                f"{where}: a tag must be a string name (got {_kind(tag)}). A tag is a NAME declared at build time — "
                "a value belongs in state or in $emit, never on the stage."
            )
            raise fault(msg)
        if not tag.strip():
            msg = f"{where}: a tag cannot be an empty string"
            raise fault(msg)
        if "~" in tag:
            msg = (
                f"{where}: tag '{tag}' contains the reserved character '~'. '~' is reserved for the subflow path "
                "segments addParallelForEach() generates, and a tag that a consumer puts into a path or a key would "
                "inherit that ambiguity. Rename the tag (a dash or a colon reads the same). "
                "See docs/design/2026-09-declared-tags.md."
            )
            raise fault(msg)
        if tag in seen:
            msg = f"{where}: tag '{tag}' is declared twice"
            raise fault(msg)
        seen[checked_text(tag, f"{where}: a tag")] = None
    return tuple(seen)


def checked_retry(policy: object, where: str) -> RetryPolicy | None:
    """Let a retry policy pass, or none."""
    return None if policy is None else checked_policy(policy, where)


def checked_policy(policy: object, where: str) -> RetryPolicy:
    """Let a retry policy pass, given as such or as a mapping with its members' names."""
    if isinstance(policy, RetryPolicy):
        given: Mapping[str, Any] = {
            "attempts": policy.attempts,
            "backoff_ms": policy.backoff_ms,
            "retry_on": policy.retry_on,
        }
    elif isinstance(policy, Mapping):
        given = cast("Mapping[str, Any]", policy)
        for name in given:
            if name not in {"attempts", "backoff_ms", "retry_on"}:
                msg = f"{where}: a retry policy has attempts, backoff_ms and retry_on, but no {name!r}"
                raise fault(msg)
    else:
        given = {}
    attempts = given.get("attempts", "undefined")
    if isinstance(attempts, float) and attempts.is_integer():
        attempts = int(attempts)
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        msg = (
            f"{where}: retry.attempts must be a whole number >= 1 (got {_printed(attempts)}). It counts TOTAL runs "
            "including the first, so `attempts: 3` means one run plus up to two retries; `attempts: 1` means the "
            "policy is declared but currently off."
        )
        raise fault(msg)
    return RetryPolicy(attempts, _backoff(given.get("backoff_ms"), where), _retry_on(given.get("retry_on"), where))


def _backoff(backoff: object, where: str) -> float | list[float] | None:
    if backoff is None:
        return None
    waits = [*cast("Sequence[Any]", backoff)] if isinstance(backoff, (list, tuple)) else [cast("Any", backoff)]
    for wait in waits:
        if not isinstance(wait, (int, float)) or isinstance(wait, bool):
            msg = f"{where}: retry.backoff_ms must be a number of milliseconds, or a list of them (got {wait!r})"
            raise fault(msg)
    return waits if isinstance(backoff, (list, tuple)) else waits[0]


def _retry_on(retry_on: Any, where: str) -> Callable[[BaseException], bool] | str | None:
    if retry_on is None or isinstance(retry_on, str):
        return retry_on
    if callable(retry_on):
        return cast("Callable[[BaseException], bool]", retry_on)
    msg = f"{where}: retry.retry_on must be a function or a text to look for (got {type(retry_on).__name__})"
    raise fault(msg)


def checked_mount(mount_id: str, name: str, options: Mapping[str, Any], where: str) -> Mount:
    """Let mount options pass; the caller puts the chart or its resolver in."""
    tags = checked_tags(options.get("tags"), where)
    for option in options:
        if option not in MOUNT_OPTIONS:
            msg = f"{where}: no mount option is called {option!r}; there are {', '.join(MOUNT_OPTIONS)}"
            raise fault(msg)
    for option in ("input_mapper", "output_mapper"):
        if options.get(option) is not None:
            checked_function(options[option], f"{where}: {option}")
    array_merge = options.get("array_merge", "concat")
    if array_merge not in ("concat", "replace"):
        msg = f"{where}: array_merge is 'concat' or 'replace' (got {array_merge!r})"
        raise fault(msg)
    converge_at = options.get("converge_at")
    return Mount(
        subflow_id=mount_id,
        name=name,
        input_mapper=options.get("input_mapper"),
        output_mapper=options.get("output_mapper"),
        array_merge=array_merge,
        propagate_break=bool(options.get("propagate_break", False)),
        converge_at=None if converge_at is None else checked_text(converge_at, f"{where}: converge_at") or None,
        tags=tags,
    )


def _kind(value: object) -> str:
    """Name a value's type as JavaScript does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "function" if callable(value) else "object"


def _printed(value: object) -> str:
    """Print a value as JavaScript does, as far as it matters in an error."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not -_INFINITY < value < _INFINITY:
        return "Infinity" if value > 0 else "-Infinity" if value < 0 else "NaN"
    return str(value)

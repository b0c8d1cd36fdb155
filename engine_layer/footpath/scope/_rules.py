"""What rules are made of: the types that users write them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NotRequired, TypedDict, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

State = TypeVar("State")


Conditions = TypedDict(
    "Conditions",
    {  # not a class: `in` is no name
        "eq": Any,
        "ne": Any,
        "gt": Any,
        "gte": Any,
        "lt": Any,
        "lte": Any,
        "in": "Sequence[Any]",
        "notIn": "Sequence[Any]",
    },
    total=False,
)
Conditions.__doc__ = "What a filter asks of one key: thresholds by operator, all of which must hold."


class Rule(Struct, Generic[State], frozen=True):
    """A rule of `decide()` or `select()`.

    Attributes:
        when: a filter, `{key: {op: threshold}}` with all conditions required, or a function of the scope.
        then: id of the branch to take.
        label: what the rule is called in the story.

    Example:
        >>> Rule(when={"score": {"gte": 600}}, then="approve", label="good score").then
        'approve'
    """

    when: Mapping[str, Conditions] | Callable[[State], Any]
    then: str
    label: str | None = None


class RuleDict(TypedDict, Generic[State]):
    """A rule as a mapping; members as of `Rule`."""

    when: Mapping[str, Conditions] | Callable[[State], Any]
    then: str
    label: NotRequired[str]


class DefaultBranch(TypedDict):
    """Where a decider goes when no rule matches; `label` says what that is called in the story."""

    branch: str
    label: NotRequired[str]

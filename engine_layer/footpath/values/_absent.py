"""The value that is not there, and the marks that stand for values that cannot be."""

from __future__ import annotations

from typing import Final, final

TAG: Final = "$footpath"
"""First member of the form of a value that JSON can't hold; see `_tags`."""
MARK: Final = "[REDACTED]"
"""What stands for a redacted value."""


@final
class Absent:
    """The type of `ABSENT`, footprintjs's `undefined`: falsy, one object, also after a copy, a pickle or a call.

    It differs from None (JSON's null). In a recorded object a member whose value is `ABSENT` is left out; a list item
    that is `ABSENT` becomes null, as `JSON.stringify` has it.
    """

    __slots__ = ()
    _one: Absent | None = None

    def __new__(cls) -> Absent:
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"  # by name: unpickling and copying find the one object


ABSENT: Final = Absent()
"""The absent value; compare with `is`."""

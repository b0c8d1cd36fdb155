"""The value that is not there, and the marks that stand for values that cannot be."""

from __future__ import annotations

from typing import Final, final

from msgspec import Raw

TAG: Final = "$footpath"
"""First member of the form of a value that JSON can't hold; see `_tags`."""
MARK: Final = "[REDACTED]"
"""What stands for a redacted value."""
TAG_START: Final = b'{"%b":' % TAG.encode()
"""What the JSON of such a form begins with."""
ABSENT_RAW: Final = Raw(TAG_START + b'"absent"}')
"""What stands for an absent member or item in the recorded form of the container that has it."""
ABSENT_FORM: Final = {TAG: "absent"}
"""The same, decoded; to be compared with and put in, never changed."""
LOST: Final = Raw(TAG_START + b'"lossy","type":"unknown","text":"could not be recorded"}')
"""What stands for a value that there was no stack left to look at."""


@final
class Absent:
    """The type of `ABSENT`, footprintjs's `undefined`: falsy, one object, also after a copy, a pickle or a call.

    It differs from None (JSON's null), as a member and as an item, too: there it is recorded in a tagged form, so that
    what is said of a container and what comes back of it counts the member that was set to nothing.
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

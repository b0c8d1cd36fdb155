"""Lists that grow at their end: their versions share what they have in common.

A loop that appends one item a pass writes n items in all; kept as encoded text, its n versions would hold n² / 2 of
them.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.json import Decoder, decode, encode

from footpath.values import summarize_items

_raw_items = Decoder(list[Raw]).decode


class _Trunk:
    """What the versions of a list share: encoded items without brackets, in the pieces in which they came."""

    __slots__ = ("decoded", "decoded_count", "packed", "packed_count", "pieces")

    def __init__(self, first: bytes) -> None:
        self.pieces = [first] if first else []
        self.decoded: list[Any] = []
        self.decoded_count = 0
        # The text of one version, the one asked for last.
        self.packed: Raw | None = None
        self.packed_count = -1


class Grown:
    """One version of a list that grew: a value like the recorded ones, whose text is made when it is asked for.

    Attributes:
        count: how many items it has.
        size_bytes: about how long its text is.
    """

    __slots__ = ("count", "pieces_count", "size_bytes", "trunk")

    def __init__(self, trunk: _Trunk, pieces_count: int, count: int, size_bytes: int) -> None:
        self.trunk = trunk
        self.pieces_count = pieces_count
        self.count = count
        self.size_bytes = size_bytes

    def __eq__(self, other: object) -> bool:
        if type(other) is Grown:
            return self is other or self.packed() == other.packed()
        return self.packed() == other if type(other) is Raw else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def packed(self) -> Raw:
        """The list as JSON text."""
        trunk, count = self.trunk, self.pieces_count
        packed, packed_count = trunk.packed, trunk.packed_count
        if packed is not None and packed_count == count:
            return packed
        if packed is not None and packed_count < count:  # the version before, as a rule: copied as one piece
            more = b",".join(trunk.pieces[packed_count:count])
            packed = Raw(b"%b,%b]" % (memoryview(packed)[:-1], more))
        else:
            packed = Raw(b"[%b]" % b",".join(trunk.pieces[:count]))
        trunk.packed, trunk.packed_count = packed, count
        return packed

    def plain(self) -> list[Any]:
        """The list as JSON values; versions share their items."""
        trunk = self.trunk
        if trunk.decoded_count < self.pieces_count:
            new = trunk.pieces[trunk.decoded_count : self.pieces_count]
            trunk.decoded += decode(b"[%b]" % b",".join(new))
            trunk.decoded_count = self.pieces_count
        return trunk.decoded[: self.count]

    def summary(self) -> str:
        """What a narrative says of it."""
        return summarize_items(self.count)

    def since(self, before: Any) -> Raw | None:
        """The items that it has more than an earlier version, as a list; None when `before` is none."""
        if type(before) is not Grown or before.trunk is not self.trunk or before.pieces_count >= self.pieces_count:
            return None
        return Raw(b"[%b]" % b",".join(self.trunk.pieces[before.pieces_count : self.pieces_count]))

    def with_more(self, tail: bytes, count: int) -> Grown:
        """The version after this one: with `count` more items, encoded without brackets."""
        trunk, pieces_count = self.trunk, self.pieces_count
        if len(trunk.pieces) != pieces_count:  # another version went on from here already
            trunk = _Trunk(bytes(memoryview(self.packed()))[1:-1])
            pieces_count = len(trunk.pieces)
        trunk.pieces.append(tail)
        return Grown(trunk, pieces_count + 1, self.count + count, self.size_bytes + len(tail) + 1)


def extended(value: Any, items: Any) -> Any:
    """A recorded list with recorded items at its end; no item is decoded.

    What was no list before is one now.
    """
    tail = bytes(encode(items))
    if type(value) is Grown:
        if tail == b"[]":
            return value
        if tail[:1] == b"[":
            return value.with_more(tail[1:-1], _count(items, tail))
        value = value.packed()
    if type(value) is not Raw:
        return Raw(tail)
    head = bytes(value)
    if tail == b"[]":
        return value
    if head == b"[]":
        return Raw(tail)
    if head[:1] != b"[" or tail[:1] != b"[":
        return Raw(head[:-1] + b"," + tail[1:])
    begun = Grown(_Trunk(head[1:-1]), 1, len(_raw_items(head)), len(head))
    return begun.with_more(tail[1:-1], _count(items, tail))


def _count(items: Any, tail: bytes) -> int:
    return len(items) if type(items) is list or type(items) is tuple else len(_raw_items(tail))


def packed_list(value: Any) -> Any:
    """A grown list as JSON text, for an encoder that meets one.

    Raises:
        NotImplementedError: it is something else that JSON does not hold.
    """
    if type(value) is Grown:
        return value.packed()
    raise NotImplementedError(f"JSON holds no {type(value).__name__}")

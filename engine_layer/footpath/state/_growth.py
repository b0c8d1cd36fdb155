"""A list that grows at its end, item by item: what a commit need not look at again.

A list of n items that gets one more would cost n each time, for it has to be encoded to see whether somebody changed it
behind the scope's back. But a list that the state made itself, from plain JSON of which nobody outside holds a part,
can't be changed so. `Growth` remembers how far a list is of that kind, so that only its new end is looked at.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any, Final

from msgspec import Raw, Struct

from footpath.state._untracked import private_copy
from footpath.values import ATOMS, is_json, is_recorded_as

_LIST: Final = ord("[")


class Growth(Struct, eq=False, gc=False):
    """How a list came to be, and how it was recorded: a text for what it was at first, and one for each addition.

    The texts are shared with earlier growths of the same list, which hold fewer of them; so remembering an addition
    costs nothing that depends on the length.

    Attributes:
        items: the list. Nobody but the state and its views holds it, though somebody may hold one of its last items.
        own: how many items, counted from the first, are plain JSON that nobody else holds.
        texts: recorded lists that make up the whole, one after the other; only the first `count` are of this growth.
        checked: how many of them are the record of the first `own` items.
    """

    items: list[Any]
    own: int
    texts: list[Raw]
    count: int
    checked: int

    def add(self, items: list[Any], text: Any) -> bool:
        """Put more items at the end of the list itself, which only the stage that made it may do; False where it can't."""
        if not _is_list(text):
            return False
        self.items.extend(items)
        self.note(text)
        return True

    def note(self, text: Raw) -> None:
        """Remember the text of an addition."""
        if len(self.texts) != self.count:  # an attempt that failed has added to them
            self.texts = self.texts[: self.count]
        self.texts.append(text)
        self.count += 1

    def recorded(self) -> Raw:
        """The recorded form of the list."""
        if self.count == 1:
            return self.texts[0]
        whole = _joined(self.texts[: self.count])
        if self.checked in (0, self.count):
            self.checked = min(self.checked, 1)
            self.texts, self.count = [whole], 1
        return whole

    def settle(self) -> bool:
        """At a commit: is the list still what was recorded of it? What it has gained is then made the state's own."""
        own, items = self.own, self.items
        if own == len(items):
            return True
        added = items[own:]
        texts = self.texts[self.checked : self.count]
        if not is_recorded_as(added, texts[0] if len(texts) == 1 else _joined(texts)):
            return False
        if not ATOMS.issuperset(map(type, added)):
            if not is_json(added):
                return True
            items[own:] = private_copy(added)
        self.own, self.checked = len(items), self.count
        return True


def grown(old: list[Any], known: Any, items: list[Any], text: Any) -> tuple[list[Any], Growth | None]:
    """Give a new list of `old` and `items`, and its growth; None where its record can't be put together from parts.

    Args:
        old: the list as it is.
        known: its recorded form, or its growth when it has come to be by growing.
        items: what comes after it.
        text: their recorded form, as a list.
    """
    whole = [*old, *items]
    if not _is_list(text):
        return whole, None
    if type(known) is Growth:
        if known.items is not old:
            return whole, None
        growth = Growth(whole, known.own, known.texts, known.count, known.checked)
    elif _is_list(known):
        # Should it be out of date, because somebody changed the list behind the scope's back, the commit will see it.
        growth = Growth(whole, 0, [known], 1, 0)
    else:
        return whole, None
    growth.note(text)
    return whole, growth


def recorded_form(known: Any) -> Any:
    """The recorded form of a container, however it is remembered."""
    return known.recorded() if type(known) is Growth else known


def _is_list(text: Any) -> bool:
    return type(text) is Raw and memoryview(text)[0] == _LIST  # and no tagged form of one


def _joined(texts: list[Raw]) -> Raw:
    """Recorded lists as one, without a look at any item."""
    return Raw(b"[%b]" % b",".join([inner for text in texts if (inner := bytes(text)[1:-1])]))

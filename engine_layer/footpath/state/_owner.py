"""Whose a view is."""

from __future__ import annotations

from typing import Any, Protocol


class Owner(Protocol):
    """What a view needs of the stage it belongs to. A method that changes state has done so when it returns.

    Values handed over are plain: they hold no views.
    """

    def current_value(self, key: str) -> Any:
        """The plain value of a key as the stage would read it now, without an event; `ABSENT` when there is none."""

    def nested_set(self, key: str, path: tuple[Any, ...], value: Any) -> None:
        """A member below objects was assigned: an update with the patch that `path` and `value` spell."""

    def root_set(self, key: str, value: Any) -> None:
        """The value of the key is another now."""

    def root_extend(self, key: str, items: list[Any]) -> None:
        """The list that is the value of the key grew at its end.

        Its value is then a list that only the owner holds: the same one as before, if that was so already.
        """

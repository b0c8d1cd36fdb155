"""Which ids are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeclaredIds:
    """The ids that a chart's functions stand under; those of a mounted chart have its mount's id and "/" in front.

    Ids of mounted charts are not copied, so that mounting costs the same however large the chart is.

    Attributes:
        own: the chart's own ids.
        mounts: the ids of mounted charts, by mount id; a loop may name several mounts alike.
        order: ids and mounts as they were declared.
    """

    __slots__ = ("_with_slash", "mounts", "order", "own")

    def __init__(self) -> None:
        """Begin with none."""
        self.own: set[str] = set()
        self.mounts: dict[str, list[DeclaredIds]] = {}
        self.order: list[str | tuple[str, DeclaredIds]] = []
        self._with_slash: list[str] = []

    def __contains__(self, declared_id: str) -> bool:
        """Is there a function under this id."""
        todo: list[tuple[DeclaredIds, str]] = [(self, declared_id)]
        while todo:
            ids, rest = todo.pop()
            if rest in ids.own:
                return True
            cut = rest.find("/") if ids.mounts else -1
            while cut >= 0:
                todo.extend((mounted, rest[cut + 1 :]) for mounted in ids.mounts.get(rest[:cut], ()))
                cut = rest.find("/", cut + 1)
        return False

    def __iter__(self) -> Iterator[str]:
        """Give every id, in order of declaration."""
        stack: list[tuple[str, Iterator[str | tuple[str, DeclaredIds]]]] = [("", iter(self.order))]
        while stack:
            prefix, entries = stack[-1]
            entry = next(entries, None)
            if entry is None:
                stack.pop()
            elif isinstance(entry, str):
                yield prefix + entry
            else:
                stack.append((f"{prefix}{entry[0]}/", iter(entry[1].order)))

    def add(self, declared_id: str) -> None:
        """Take in an id that is not in yet."""
        self.own.add(declared_id)
        self.order.append(declared_id)
        if "/" in declared_id:
            self._with_slash.append(declared_id)

    def first_clash(self, mount_id: str, ids: DeclaredIds) -> str | None:
        """Give the first id of a chart that would be there twice if it were mounted; usually found without looking."""
        prefix = mount_id + "/"
        suspect = (
            mount_id in self.mounts
            or any(known.startswith(prefix) for known in self._with_slash)
            or ("/" in mount_id and any(mount_id.startswith(known + "/") for known in self.mounts))
        )
        return next((prefix + inner for inner in ids if prefix + inner in self), None) if suspect else None

    def mount(self, mount_id: str, ids: DeclaredIds) -> None:
        """Take in the ids of a mounted chart."""
        self.mounts.setdefault(mount_id, []).append(ids)
        self.order.append((mount_id, ids))
        if "/" in mount_id:
            self._with_slash.append(mount_id)

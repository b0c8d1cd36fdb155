"""Bringing back what did not reach the queue: objects of the spool, and lines of the log.

A spooled object is removed only once its trace lies in the archive. So one run of `recover` sends, a later one clears
up, and a crash at any point costs a duplicate, which identity makes harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from footpath.archive import SPOOL, ArchiveReader, Place, hour_of_id
from footpath_cli.operate._bodies import held_in
from footpath_service.log_lines import DroppedTrace, read_log_lines
from footpath_service.wire import encode_attributes, encode_claim, message_size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from footpath.archive import Identity, ObjectStore
    from footpath_cli.operate._bodies import Held


class Way(Protocol):
    """Where recovered bodies go: the trace queue, or a processor on this machine."""

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Take one body.

        Raises:
            CommandError: it was not taken.
        """
        ...


@dataclass(slots=True)
class Recovered:
    """What `recover` did.

    Attributes:
        sent: traces sent on their way again.
        archived: traces found in the archive already; those of the spool were removed from it.
        unreadable: place and reason of bodies that could not be read; they stay where they are.
        incomplete: traces of which log lines are missing, with the numbers of the missing ones.
        dropped: traces of which nothing but a header is left.
    """

    sent: int = 0
    archived: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    incomplete: list[tuple[str, tuple[int, ...]]] = field(default_factory=list[tuple[str, tuple[int, ...]]])
    dropped: list[DroppedTrace] = field(default_factory=list[DroppedTrace])

    @property
    def complete(self) -> bool:
        """Whether nothing was left behind."""
        return not (self.unreadable or self.incomplete or self.dropped)


class Recovery:
    """Recovers into one archive's way.

    Args:
        store: the archive bucket or folder.
        bucket: its name, as claims give it.
        way: where bodies go.
        remove: deletes an object of the spool.
        max_message_bytes: the queue's limit; over it a body goes by claim.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        bucket: str,
        way: Way,
        remove: Callable[[str], None],
        max_message_bytes: int = 1 << 20,
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._way = way
        self._remove = remove
        self._max_message_bytes = max_message_bytes
        self._reader = ArchiveReader(store)
        self._hours: dict[str, dict[str, list[Place]]] = {}

    def from_spool(self) -> Recovered:
        """Send what lies in the spool and not in the archive; remove what lies in both.

        Raises:
            CommandError: the way did not take a body; the rest is untouched.
            ArchiveUnavailableError: bucket or folder did not answer.
        """
        done = Recovered()
        self._hours.clear()
        for key in list(self._store.list_keys(SPOOL)):
            body = self._store.get(key).decode("utf-8", "replace")
            if self._take(key, body, done) == "archived":
                self._remove(key)
        return done

    def from_log(self, lines: Iterable[str]) -> Recovered:
        """Send what log lines hold and the archive does not.

        Args:
            lines: of the request handler's log, in any order, other lines among them.

        Raises:
            CommandError, ArchiveUnavailableError: as `from_spool`.
        """
        done = Recovered()
        self._hours.clear()
        for found in read_log_lines(lines):
            if isinstance(found, DroppedTrace):
                done.dropped.append(found)
            elif found.body is None:
                done.incomplete.append((found.header.trace_id, found.missing))
            else:
                self._take(f"log lines of {found.header.trace_id}", found.body, done)
        return done

    def _take(self, place: str, body: str, done: Recovered) -> str:
        held = held_in(body, store=self._store, bucket=self._bucket)
        if isinstance(held, str):
            done.unreadable.append((place, held))
            return "unreadable"
        if self._is_archived(held.identity):
            done.archived += 1
            return "archived"
        self._send(body, held)
        done.sent += 1
        return "sent"

    def _is_archived(self, identity: Identity) -> bool:
        hour = hour_of_id(identity.trace_id)
        if hour not in self._hours:
            # An hour's footers are read once a run: whatever was down, it was down for all of the hour's traces.
            by_id: dict[str, list[Place]] = {}
            for place in self._reader.places(hour):
                by_id.setdefault(place.trace_id, []).append(place)
            self._hours[hour] = by_id
        places = self._hours[hour].get(identity.trace_id, ())
        return any(place.revision == identity.revision and self._reader.identity(place) == identity for place in places)

    def _send(self, body: str, held: Held) -> None:
        attributes = encode_attributes(
            format="footpath.trace", trace_id=held.identity.trace_id, chart=held.chart, status=held.status
        )
        if message_size_bytes(body, attributes) > self._max_message_bytes:
            content = body.encode()
            body, key = encode_claim(self._bucket, content)
            self._store.put_new(key, content)
        self._way.send(body, attributes)

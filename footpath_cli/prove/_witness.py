"""Seeing what the shipper was handed and what it said, without taking part: the left side of the equation."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import msgspec

import footpath.ids
from footpath.archive import Identity, document_sha256
from footpath.ids import IdMaker
from footpath_cli.poller import ProcessDied
from footpath_service.ship import Shipper

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from random import Random

    from footpath_cli.poller import Clock
    from footpath_service.ship import ShipOutcome, TraceHeader


class Handed(NamedTuple):
    """One trace that was sealed and handed to the shipper.

    Attributes:
        identity: its own; without a hash where it was left out, because it was never encoded.
        way: where the shipper said that it went; "died" when the process did, before it could say.
        truncated: whether it was cut short.
        weight: how many it stands for.
    """

    identity: Identity
    way: str
    truncated: bool = False
    weight: float = 1.0


class _Said(msgspec.Struct, frozen=True):
    truncated: dict[str, int | str] | None = None
    weight: float = 1.0


_decode_header = msgspec.json.Decoder(_Said).decode


@contextmanager
def witnessed(tell: Callable[[Handed], None]) -> Generator[None]:
    """Within the block, `tell` hears of every shipment when it has ended."""
    ship = Shipper.ship

    def watched(shipper: Shipper, header: TraceHeader, encode: Callable[[], bytes], remaining_ms: float) -> ShipOutcome:
        sha256 = ""
        truncated, weight = False, 1.0

        def seen() -> bytes:
            nonlocal sha256, truncated, weight
            document = encode()
            sha256 = document_sha256(document)
            said = _decode_header(document)
            truncated, weight = said.truncated is not None, said.weight
            return document

        way = "died"
        try:
            outcome = ship(shipper, header, seen, remaining_ms)
            way = outcome.way
            return outcome
        finally:
            tell(Handed(Identity(header.trace_id, header.revision, sha256), way, truncated, weight))

    leave_out = Shipper.leave_out

    def left_out(shipper: Shipper, header: TraceHeader) -> ShipOutcome:
        outcome = leave_out(shipper, header)
        tell(Handed(Identity(header.trace_id, header.revision, ""), outcome.way))
        return outcome

    with patch.object(Shipper, "ship", watched), patch.object(Shipper, "leave_out", left_out):
        yield


@contextmanager
def ids_of(clock: Clock, dice: Random) -> Generator[None]:
    """Within the block, handlers that start make ids of that clock and those dice: the same ones for the same seed."""

    def make(*_: object, **__: object) -> IdMaker:
        return IdMaker(clock_ms=clock.now_ms, randomness=dice.randbytes)

    with patch.object(footpath.ids, "IdMaker", make):
        yield


@contextmanager
def quiet_deaths() -> Generator[None]:
    """Within the block, a process that dies in a thread of its own says nothing: it would take its output along."""
    before = threading.excepthook

    def unless_dead(args: Any) -> None:
        if not isinstance(args.exc_value, ProcessDied):
            before(args)

    with patch.object(threading, "excepthook", unless_dead):
        yield


class TraceLog(io.TextIOBase):
    """The handlers' log, of which only the lines that hold traces are kept.

    Attributes:
        lines: those lines.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str, /) -> int:
        """Take what a handler prints."""
        if '{"footpath":"' in text:
            self.lines += text.splitlines()
        return len(text)


def identities_in(segment: bytes) -> list[tuple[Identity, Any]]:
    """Every line of a segment with its identity, by the scan that needs no index."""
    from footpath.archive import decode_line, scan_members

    found: list[tuple[Identity, Any]] = []
    for member in scan_members(segment):
        if member.data:
            line = decode_line(member.data)
            found.append((Identity(line.trace_id, line.revision, line.sha256), line))
    return found

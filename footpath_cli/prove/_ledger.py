"""The account: what was captured, where each trace is now, and whether the two are equal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from footpath.archive import Identity
    from footpath_cli.prove._witness import Handed

FATES = ("archived", "in flight", "spooled", "logged", "dead-lettered", "discarded", "sampled out")


class Count(NamedTuple):
    """The equation at one moment.

    Attributes:
        name: of the moment.
        captured: traces sealed, handed to the shipper and answered for; and those of a process that died while shipping
            which are found all the same.
        fates: how many are where; a trace in several places counts for the first of them in the order of `FATES`.
        lost: captured traces that are nowhere.
        doubled: traces that the archive's readers would count twice.
        died: runs whose process died in the shipper, before an answer, and that left no trace. Nobody was told
            anything.
        dropped: traces that no way took, of which the header is logged; counted apart, and 0 is expected.
    """

    name: str
    captured: int
    fates: dict[str, int]
    lost: tuple[Identity, ...]
    doubled: tuple[str, ...]
    died: int
    dropped: int

    @property
    def holds(self) -> bool:
        """Whether every captured trace is somewhere, and none is counted twice."""
        return not self.lost and not self.doubled and not self.dropped and sum(self.fates.values()) == self.captured


@dataclass(slots=True)
class Ledger:
    """What was handed to shippers.

    Attributes:
        ways: of each identity, what its shipper said.
        counts: of what shippers said.
        truncated: traces that were cut short.
        weights: of traces that stand for more than themselves.
    """

    ways: dict[Identity, str] = field(default_factory=dict["Identity", str])
    counts: Counter[str] = field(default_factory=Counter[str])
    truncated: set[Identity] = field(default_factory=set["Identity"])
    weights: dict[Identity, float] = field(default_factory=dict["Identity", float])

    def hand(self, handed: Handed) -> None:
        """Note a shipment, or that there was none to be."""
        self.ways[handed.identity] = handed.way
        self.counts[handed.way] += 1
        if handed.truncated:
            self.truncated.add(handed.identity)
        if handed.weight != 1:
            self.weights[handed.identity] = handed.weight

    def count(self, name: str, places: dict[str, set[Identity]], doubled: Iterable[str] = ()) -> Count:
        """Strike the balance.

        Args:
            name: of the moment.
            places: fate to the identities found there.
            doubled: ids that readers of the archive would count twice.
        """
        fates: dict[str, int] = {fate: 0 for fate in FATES}  # noqa: C420 - fromkeys would bind the key's type
        lost: list[Identity] = []
        died = dropped = captured = 0
        for identity, way in self.ways.items():
            fate = next((fate for fate in FATES if identity in places.get(fate, ())), None)
            if fate is None and way == "sampled out":
                fate = way
            if fate is not None:
                captured += 1
                fates[fate] += 1
            elif way == "died":
                died += 1
            elif way == "dropped":
                captured += 1
                dropped += 1
            else:
                captured += 1
                lost.append(identity)
        return Count(name, captured, fates, tuple(lost), tuple(doubled), died, dropped)

"""The building of a chart, told again from its spec document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from footpath.chart._document import load_document
from footpath.chart._events import StructureLog
from footpath.chart._nested import nested_json_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from footpath.chart._document import SpecChart, SpecDocument, StepKind


def structure_events(document: SpecDocument | dict[str, Any] | bytes | msgspec.Raw) -> Iterator[tuple[str, Any]]:
    """Tell the building of a chart again: every event that was fired then, in the same order, with the same payload.

    Args:
        document: the spec document of the chart, in any form.

    Yields:
        The name of a hook and the event for it.

    Raises:
        SpecDocumentError: it is not a spec document.
    """
    loaded = load_document(document)
    told: list[tuple[str, Any]] = []
    known: dict[int, bytes | None] = {}

    def mounted_json(number: int) -> bytes | None:
        if number not in known:
            known[number] = nested_json_or_none(loaded, number)
        return known[number]

    log = StructureLog(lambda hook, event: told.append((hook, event)), mounted_json)
    yield from _retell(loaded.charts[-1], log, told)


def _retell(chart: SpecChart, log: StructureLog, told: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Take every node back to what it was when it was added, and declare the rest of it in its turn.

    Tags and attempts are declared once a node: where a step declares them, the node came without.
    """
    later = _declared_later(chart)
    steps = iter(chart.steps)
    position, kind = next(steps, (0, None))
    for index, node in enumerate(chart.nodes):
        if log.open_branches and node.branch_of is UNSET:
            log.complete()
        kinds = later.get(index, ())
        added = msgspec.structs.replace(
            node,
            fork=False,
            tags=UNSET if "tag" in kinds else node.tags,
            retry_attempts=UNSET if "retry" in kinds else node.retry_attempts,
        )
        log.add(added)
        while kind is not None and position == index + 1:
            if log.open_branches:
                log.complete()
            current, declared = log.chart.nodes[log.cursor], chart.nodes[log.cursor]
            if kind == "tag":
                current.tags = declared.tags
            elif kind == "retry":
                current.retry_attempts = declared.retry_attempts
            log.step(kind)
            position, kind = next(steps, (0, None))
        yield from told
        told.clear()
    if log.open_branches:
        log.complete()
    yield from told


def _declared_later(chart: SpecChart) -> dict[int, set[StepKind]]:
    """Give, by line node, what steps declare on it."""
    later: dict[int, set[StepKind]] = {}
    steps = iter(chart.steps)
    position, kind = next(steps, (0, None))
    line = -1
    for index, node in enumerate(chart.nodes):
        if node.branch_of is UNSET and node.child_of is UNSET:
            line = index
        while kind is not None and position == index + 1:
            later.setdefault(line, set()).add(kind)
            position, kind = next(steps, (0, None))
    return later

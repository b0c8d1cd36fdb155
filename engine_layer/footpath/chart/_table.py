"""Putting a chart and all that it mounts into one spec document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from footpath.chart._document import SpecChart, SpecContract, SpecDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.chart._chart import FlowChart
    from footpath.chart._contract import Contract


def flat_document(chart: FlowChart) -> SpecDocument:
    """Give the spec document of a chart: every chart once, before those that mount it, equal charts as one."""
    return numbered(chart)[0]


def numbered(chart: FlowChart) -> tuple[SpecDocument, dict[int, int]]:
    """Give the spec document, and the place in its table of each chart by the chart's `id()`."""
    if not chart.mounted:
        return SpecDocument([chart.spec], _contract(chart.contract)), {id(chart): 0}
    digests: dict[int, bytes] = {}
    number_of: dict[bytes, int] = {}
    table: list[SpecChart] = []
    stack: list[tuple[FlowChart, Iterator[FlowChart]]] = [(chart, iter(chart.mounted))]
    while stack:
        current, remaining = stack[-1]
        mounted = next(remaining, None)
        if mounted is not None:
            if id(mounted) not in digests:
                stack.append((mounted, iter(mounted.mounted)))
            continue
        stack.pop()
        digest = digests[id(current)] = _digest(current, digests)
        if digest not in number_of:
            number_of[digest] = len(table)
            table.append(_renumbered(current, digests, number_of))
    places = {key: number_of[digest] for key, digest in digests.items()}
    return SpecDocument(table, _contract(chart.contract)), places


def _digest(chart: FlowChart, digests: Mapping[int, bytes]) -> bytes:
    """Digest a chart's own nodes and the digests of what it mounts."""
    import hashlib  # loads OpenSSL, which a cold start need not wait for

    digest = hashlib.sha256(msgspec.json.encode(chart.spec))
    for mounted in chart.mounted:
        digest.update(digests[id(mounted)])
    return digest.digest()


def _renumbered(chart: FlowChart, digests: Mapping[int, bytes], number_of: Mapping[bytes, int]) -> SpecChart:
    """Give a chart's nodes with their mounts numbered as in the table."""
    if not chart.mounted:
        return chart.spec
    numbers = [number_of[digests[id(mounted)]] for mounted in chart.mounted]
    nodes = [
        node if node.chart is UNSET else msgspec.structs.replace(node, chart=numbers[node.chart])
        for node in chart.spec.nodes
    ]
    return SpecChart(nodes, chart.spec.steps)


def _contract(contract: Contract) -> SpecContract | msgspec.UnsetType:
    if contract.input is None and contract.output is None:
        return UNSET
    return SpecContract(
        UNSET if contract.input is None else contract.input, UNSET if contract.output is None else contract.output
    )

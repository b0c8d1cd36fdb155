"""A finished chart."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any, final

import msgspec
from msgspec import UNSET

from footpath.chart._contract import Contract
from footpath.chart._describe import describe, mcp_tool, mermaid, openapi
from footpath.chart._document import SpecChart, SpecContract, SpecDocument, encode_document
from footpath.chart._nested import nested_json, spec_from_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.chart._describe import Outline
    from footpath.chart._ids import DeclaredIds
    from footpath.chart._node import Node

HASH_LENGTH = 32
"""Hexadecimal digits of a chart's hash: 128 bits, twice what telling charts apart by accident needs."""


@final
class FlowChart:
    """A chart, built and never changed again: run it any number of times, mount it anywhere, from any thread.

    What costs to make (spec document, description, hash) is made when first asked for and kept; two threads that ask at
    once make it twice, equal.

    Attributes:
        root: the first node.
        contract: schemas of input and output; one that demands nothing when none was declared.
        nodes_by_id: the chart's own nodes, those of mounted charts not among them; where an id names several, the one
            declared first.
    """

    __slots__ = (
        "_declared",
        "_description",
        "_digest",
        "_hash",
        "_mounted",
        "_outline",
        "_spec",
        "_spec_bytes",
        "contract",
        "nodes_by_id",
        "root",
    )

    def __init__(
        self,
        root: Node,
        *,
        nodes_by_id: Mapping[str, Node],
        spec: SpecChart,
        mounted: tuple[FlowChart, ...],
        declared: DeclaredIds,
        outline: Outline,
        contract: Contract | None,
    ) -> None:
        """Take over what a builder made; made by `FlowChartBuilder.build` only."""
        self.root = root
        self.nodes_by_id = nodes_by_id
        self.contract = contract or Contract()
        self._spec = spec
        self._mounted = mounted
        self._declared = declared
        self._outline = outline
        self._description: str | None = None
        self._spec_bytes: bytes | None = None
        self._digest: bytes | None = None
        self._hash: str | None = None

    def __repr__(self) -> str:
        return f"<FlowChart {self.id!r}: {len(self._spec.nodes)} nodes>"

    @property
    def id(self) -> str:
        """Id of the first stage; the chart goes by it."""
        return self.root.id

    @property
    def name(self) -> str:
        """Name of the first stage."""
        return self.root.name

    @property
    def stage_count(self) -> int:
        """How many nodes the chart itself has."""
        return len(self._spec.nodes)

    # ── the spec ───────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def spec_bytes(self) -> bytes:
        """The spec document as JSON, as it goes into traces; the same chart always gives the same bytes."""
        if self._spec_bytes is None:
            self._spec_bytes = encode_document(self.flat_spec())
        return self._spec_bytes

    def spec_document(self) -> dict[str, Any]:
        """Give the spec document: the chart as flat data, all that is known of it before a run.

        Read it back with `spec_from_document` and `structure_events`. A fresh copy at each call.
        """
        return msgspec.json.decode(self.spec_bytes)

    @property
    def chart_hash(self) -> str:
        """First 32 digits of the SHA-256 of `spec_bytes`: the same for the same chart, on every machine."""
        if self._hash is None:
            self._hash = hashlib.sha256(self.spec_bytes).hexdigest()[:HASH_LENGTH]
        return self._hash

    @property
    def build_time_structure(self) -> dict[str, Any]:
        """The spec as footprintjs nests it: each stage inside the one before it. A fresh copy at each access.

        Raises:
            NestingTooDeepError: with all mounts written out it has more than a million nodes.
        """
        return spec_from_document(self.flat_spec())

    def build_time_structure_json(self) -> bytes:
        """Give `build_time_structure` as JSON.

        Raises:
            NestingTooDeepError: the chart is too long or too large for nested JSON; its spec document is not.
        """
        return nested_json(self.flat_spec())

    def flat_spec(self) -> SpecDocument:
        """Put this chart and all that it mounts into one table, equal charts once."""
        order: list[FlowChart] = []
        number_of: dict[bytes, int] = {}
        stack: list[tuple[FlowChart, Iterator[FlowChart]]] = [(self, iter(self._mounted))]
        while stack:
            chart, remaining = stack[-1]
            mounted = next(remaining, None)
            if mounted is not None:
                if mounted._digest is None or mounted._digest not in number_of:
                    stack.append((mounted, iter(mounted._mounted)))
                continue
            stack.pop()
            digest = chart._own_digest()
            if digest not in number_of:
                number_of[digest] = len(order)
                order.append(chart)
        contract = UNSET
        if self.contract.input is not None or self.contract.output is not None:
            contract = SpecContract(
                UNSET if self.contract.input is None else self.contract.input,
                UNSET if self.contract.output is None else self.contract.output,
            )
        return SpecDocument([chart._renumbered(number_of) for chart in order], contract)

    def _own_digest(self) -> bytes:
        """Digest the chart's own nodes and the digests of what it mounts, which must be there already."""
        if self._digest is None:
            digest = hashlib.sha256(msgspec.json.encode(self._spec))
            for mounted in self._mounted:
                digest.update(mounted._own_digest())
            self._digest = digest.digest()
        return self._digest

    def _renumbered(self, number_of: Mapping[bytes, int]) -> SpecChart:
        """Give the spec with its mounts numbered as in a document's table."""
        if not self._mounted:
            return self._spec
        numbers = [number_of[mounted._own_digest()] for mounted in self._mounted]
        nodes = [
            node if node.chart is UNSET else msgspec.structs.replace(node, chart=numbers[node.chart])
            for node in self._spec.nodes
        ]
        return SpecChart(nodes, self._spec.steps)

    # ── words and pictures ─────────────────────────────────────────────────────────────────────────────────────────
    @property
    def description(self) -> str:
        """The chart in numbered lines of text.

        Raises:
            NestingTooDeepError: with all mounts written out it has more than a million lines.
        """
        if self._description is None:
            self._description = describe(self)
        return self._description

    @property
    def outline_lines(self) -> list[str | tuple[str, FlowChart]]:
        """The chart's own lines of the description, with mounted charts in their places; not to be changed."""
        return self._outline.lines

    @property
    def stage_descriptions(self) -> dict[str, str]:
        """Descriptions by stage name, of branches by id."""
        return dict(self._outline.stage_descriptions)

    def to_mermaid(self) -> str:
        """Draw the chart as Mermaid text."""
        return mermaid(self._spec)

    def to_openapi(self) -> dict[str, Any]:
        """Describe the chart as an OpenAPI 3.1 document with one operation."""
        return copy.deepcopy(openapi(self.id, self.description, self.contract))

    def to_mcp_tool(self) -> dict[str, Any]:
        """Describe the chart as a tool of the Model Context Protocol."""
        return copy.deepcopy(mcp_tool(self.id, self.description, self.contract))

    # ── for the builder that mounts it ─────────────────────────────────────────────────────────────────────────────
    @property
    def declared_ids(self) -> DeclaredIds:
        """The ids that stage functions stand under, mounted charts' included."""
        return self._declared

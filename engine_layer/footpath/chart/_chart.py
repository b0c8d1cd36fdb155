"""A finished chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import msgspec

from footpath.chart._contract import Contract
from footpath.chart._document import encode_document, flat_document, numbered
from footpath.chart._node import settle_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.chart._assembly import DeclaredIds
    from footpath.chart._document import SpecChart
    from footpath.chart._node import Node
    from footpath.chart._outline import Outline

HASH_LENGTH = 32
"""Hexadecimal digits of a chart's hash: 128 bits, twice what telling charts apart by accident needs."""


@final
class FlowChart:
    """A chart, built and never changed again: run it any number of times, mount it anywhere, from any thread.

    What costs to make (spec document, description, hash) is made when first asked for and kept; two threads that ask at
    once make it twice, equal.

    Attributes:
        root: the first node.
        nodes_by_id: the chart's own nodes, those of mounted charts not among them; where an id names several, the one
            declared first.
        contract: schemas of input and output; one that demands nothing when none was declared.
        spec: the chart's own nodes as data.
        mounted: the charts it mounts, as the nodes in `spec` number them.
        declared_ids: the ids that functions stand under, mounted charts' included.
        outline: its lines of the description.
        stamp: what traces say of it, kept here by whoever makes traces; None before the first.

    Example:
        >>> print(chart.description)
        FlowChart: Assess
        Steps:
        1. Assess
        2. Route — Decides between: approve, reject
        >>> print(chart.to_mermaid())
        flowchart TD
        assess["Assess"]
        assess --> route
        route["Route"]
        route --> approve
        approve["Approve"]
        route --> reject
        reject["Reject"]
        >>> chart.to_mcp_tool()["name"]
        'assess'
        >>> list(chart.to_openapi()["paths"])
        ['/assess']
        >>> chart.build_time_structure["next"]["type"]
        'decider'
    """

    __slots__ = (
        "_description",
        "_hash",
        "_places",
        "_spec_bytes",
        "contract",
        "declared_ids",
        "mounted",
        "nodes_by_id",
        "outline",
        "root",
        "spec",
        "stamp",
    )

    def __init__(
        self,
        root: Node,
        *,
        nodes_by_id: Mapping[str, Node],
        contract: Contract | None,
        spec: SpecChart,
        mounted: tuple[FlowChart, ...],
        declared_ids: DeclaredIds,
        outline: Outline,
    ) -> None:
        """Take over what a builder made; called by builders only."""
        settle_shapes(root)
        self.root = root
        self.nodes_by_id = nodes_by_id
        self.contract = contract or Contract()
        self.spec = spec
        self.mounted = mounted
        self.declared_ids = declared_ids
        self.outline = outline
        self._spec_bytes: bytes | None = None
        self._hash: str | None = None
        self.stamp: Any = None
        self._places: dict[int, int] | None = None
        self._description: str | None = None

    def __repr__(self) -> str:
        return f"<FlowChart {self.id!r}: {len(self.spec.nodes)} nodes>"

    @property
    def id(self) -> str:
        """Id of the first stage; the chart goes by it."""
        return self.root.id

    @property
    def name(self) -> str:
        """Name of the first stage."""
        return self.root.name

    # ── as data ────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def spec_bytes(self) -> bytes:
        """The spec document as JSON, as it goes into traces; the same chart always gives the same bytes."""
        if self._spec_bytes is None:
            self._spec_bytes = encode_document(flat_document(self))
        return self._spec_bytes

    def spec_document(self) -> dict[str, Any]:
        """Give the spec document: the chart as flat data, all that is known of it before a run.

        Read it back with `spec_from_document` and `structure_events`. A fresh copy at each call.
        """
        return msgspec.json.decode(self.spec_bytes)

    @property
    def places(self) -> Mapping[int, int]:
        """Where each chart of the spec document's table stands in it, this one and all that it mounts, by `id()`."""
        if self._places is None:
            self._places = numbered(self)[1]
        return self._places

    @property
    def chart_hash(self) -> str:
        """First 32 digits of the SHA-256 of `spec_bytes`: the same for the same chart, on every machine."""
        if self._hash is None:
            import hashlib  # loads OpenSSL, which a cold start need not wait for

            self._hash = hashlib.sha256(self.spec_bytes).hexdigest()[:HASH_LENGTH]
        return self._hash

    @property
    def build_time_structure(self) -> dict[str, Any]:
        """The spec as footprintjs nests it: each stage inside the one before it. A fresh copy at each access.

        Raises:
            NestingTooDeepError: with all mounts written out it has more than a million nodes.
        """
        from footpath.chart._nested import spec_from_document  # a capture takes the flat form

        return spec_from_document(flat_document(self))

    def build_time_structure_json(self) -> bytes:
        """Give `build_time_structure` as JSON.

        Raises:
            NestingTooDeepError: the chart is too long or too large for nested JSON; its spec document is not.
        """
        from footpath.chart._nested import nested_json  # a capture takes the flat form

        return nested_json(flat_document(self))

    def event_spec(self) -> bytes | None:
        """Give `build_time_structure` as JSON for an event, or None where nested JSON would be too deep or too large."""
        from footpath.chart._nested import nested_json_or_none  # a capture takes the flat form

        return nested_json_or_none(flat_document(self))

    # ── in words and pictures ──────────────────────────────────────────────────────────────────────────────────────
    @property
    def description(self) -> str:
        """The chart in numbered lines of text.

        Raises:
            NestingTooDeepError: with all mounts written out it has more than a hundred million characters.
        """
        if self._description is None:
            from footpath.chart._describe import describe  # a run describes nothing

            self._description = describe(self)
        return self._description

    @property
    def stage_descriptions(self) -> dict[str, str]:
        """Descriptions by stage name, of branches by id."""
        return dict(self.outline.stage_descriptions)

    def to_mermaid(self) -> str:
        """Draw the chart as Mermaid text.

        Example:
            >>> print(chart.to_mermaid())
            flowchart TD
            assess["Assess"]
            assess --> route
            route["Route"]
            route --> approve
            approve["Approve"]
            route --> reject
            reject["Reject"]
        """
        from footpath.chart._describe import mermaid

        return mermaid(self.spec)

    def to_openapi(
        self,
        *,
        title: str | None = None,
        version: str = "1.0.0",
        description: str | None = None,
        path: str | None = None,
    ) -> dict[str, Any]:
        """Describe the chart as an OpenAPI 3.1 document with one operation.

        Args:
            title: of the API, and the operation's summary; else the first line of the chart's description.
            version: of the API.
            description: of the API; else the chart's.
            path: of the operation, with its slash; else the chart's id.

        Example:
            >>> chart.to_openapi()["paths"]["/assess"]["post"]["summary"]
            'FlowChart: Assess'
            >>> chart.to_openapi(title="Loans", version="2.1.0", path="/loans")["info"]["title"]
            'Loans'
        """
        import copy  # with weakref 1 ms of a cold start

        from footpath.chart._describe import openapi

        document = openapi(
            self.id, self.description, self.contract, title=title, version=version, about=description, path=path
        )
        return copy.deepcopy(document)

    def to_mcp_tool(self) -> dict[str, Any]:
        r"""Describe the chart as a tool of the Model Context Protocol.

        Example:
            >>> chart.to_mcp_tool()["description"]
            'FlowChart: Assess\nSteps:\n1. Assess\n2. Route — Decides between: approve, reject'
        """
        import copy

        from footpath.chart._describe import mcp_tool

        return copy.deepcopy(mcp_tool(self.id, self.description, self.contract))

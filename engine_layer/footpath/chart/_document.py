"""The spec document: a chart as data, flat enough for every JSON reader.

footprintjs's spec nests one level a stage, so a chart of a thousand stages breaks JSON parsers. Here a chart is a list
of nodes in the order in which they were declared, and a mounted chart stands beside its parent in a table, once,
however often it is mounted. The nested spec and the structure events are views of this document (see `_nested`,
`_retold`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from footpath.errors import SpecDocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.chart._chart import FlowChart
    from footpath.chart._contract import Contract

NodeType = Literal["stage", "streaming", "decider", "selector", "subflow", "lazySubflow", "forEach"]
StepKind = Literal["tag", "loop", "retry"]


class SpecNode(Struct, rename="camel", omit_defaults=True):
    """One node.

    A node with `branch_of` is a branch, one with `child_of` a parallel child of the node at that index; every other
    node follows the last one before it that is neither: the line.

    Attributes:
        stream_id: of a streaming stage whose stream is not called like the stage.
        default: the branch id given to a decider's `set_default`.
        loop_target: id of the node to loop to. On the line a later node takes the loop's place in the nested spec.
        chart: index of the mounted chart in the document's table; lower than the index of the mounting one.
        converge_at: of a branch mount: id of the node where its line joins the main line again.
        fork: of a fork without children; other forks show by their children.
        array_merge, propagate_break, max_branches, into, fail_fast: run options that footprintjs's spec leaves out.
    """

    id: str
    name: str
    type: NodeType = "stage"
    branch_of: int | UnsetType = UNSET
    child_of: int | UnsetType = UNSET
    description: str | UnsetType = UNSET
    is_pausable: bool = False
    stream_id: str | UnsetType = UNSET
    retry_attempts: int | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    default: str | UnsetType = UNSET
    loop_target: str | UnsetType = UNSET
    chart: int | UnsetType = UNSET
    converge_at: str | UnsetType = UNSET
    fork: bool = False
    array_merge: str | UnsetType = UNSET
    propagate_break: bool = False
    max_branches: int | UnsetType = UNSET
    into: str | UnsetType = UNSET
    fail_fast: bool = False


class SpecChart(Struct, rename="camel", omit_defaults=True):
    """One chart of the table.

    Attributes:
        steps: what was declared on a line node after the node itself, in order: `[n, kind]`, where n is how many
            nodes stood in the list at that moment; it concerns the last line node among them. What was declared
            (tags, loop target, attempts) stands on the node. Only structure events need this.
    """

    nodes: list[SpecNode]
    steps: list[tuple[int, StepKind]] = []


class SpecContract(Struct, omit_defaults=True):
    """The schemas of a chart's contract, as given."""

    input: Any = UNSET
    output: Any = UNSET


class SpecDocument(Struct, omit_defaults=True):
    """The table of charts, mounted ones before those that mount them; the last one is the chart itself."""

    charts: list[SpecChart]
    contract: SpecContract | UnsetType = UNSET


MOUNT_TYPES = frozenset({"subflow", "lazySubflow"})
BRANCHING_TYPES = frozenset({"decider", "selector"})

_encode = msgspec.json.Encoder().encode


class Layout:
    """How the nodes of one chart hang together; grows with them.

    Attributes:
        line: indices of the nodes that follow each other.
        children: indices of a line node's branches and parallel children.
        forked: indices of the line nodes that have parallel children.
    """

    __slots__ = ("children", "forked", "line")

    def __init__(self, chart: SpecChart | None = None) -> None:
        """Lay out the nodes of a chart, or begin empty."""
        self.line: list[int] = []
        self.children: dict[int, list[int]] = {}
        self.forked: set[int] = set()
        if chart is not None:
            for index, node in enumerate(chart.nodes):
                self.add(index, node)

    def add(self, index: int, node: SpecNode) -> None:
        """Take in the next node."""
        if node.branch_of is not UNSET:
            self.children.setdefault(node.branch_of, []).append(index)
        elif node.child_of is not UNSET:
            self.children.setdefault(node.child_of, []).append(index)
            self.forked.add(node.child_of)
        else:
            self.line.append(index)
        if node.fork:
            self.forked.add(index)


def branch_ids(chart: SpecChart, children: list[int]) -> list[str]:
    """Give the ids of a decider's or selector's branches."""
    return [chart.nodes[child].id for child in children if chart.nodes[child].branch_of is not UNSET]


@cache
def _decoder() -> msgspec.json.Decoder[SpecDocument]:
    """Made when first needed: a run reads no spec."""
    return msgspec.json.Decoder(SpecDocument)


def encode_document(document: SpecDocument) -> bytes:
    """Encode a document; the same chart always gives the same bytes."""
    return _encode(document)


def load_document(document: SpecDocument | dict[str, Any] | bytes | msgspec.Raw) -> SpecDocument:
    """Read a spec document in any of its forms and check that every reference in it leads somewhere.

    Members that this code does not know are passed over, so that documents of later versions stay readable.

    Raises:
        SpecDocumentError: it is not a spec document.
    """
    if isinstance(document, SpecDocument):
        return document
    try:
        # A dict goes by way of JSON too: it may hold what JSON cannot, and would fail later than here.
        loaded = _decoder().decode(document if isinstance(document, (bytes, msgspec.Raw)) else _encode(document))
    except (ValueError, TypeError, RecursionError) as error:
        msg = f"the spec of the trace is malformed: {error}"
        raise SpecDocumentError(msg) from error
    if not loaded.charts:
        msg = "the spec of the trace is malformed: its table of charts is empty"
        raise SpecDocumentError(msg)
    for number, chart in enumerate(loaded.charts):
        _check_chart(chart, number)
    return loaded


def _check_chart(chart: SpecChart, number: int) -> None:
    """See that parents stand before their children and mounted charts before the mounting one: so nothing can cycle."""
    fault = None
    line: int = -1
    for index, node in enumerate(chart.nodes):
        parent = node.branch_of if node.branch_of is not UNSET else node.child_of
        if parent is UNSET:
            line = index
        elif node.branch_of is not UNSET and node.child_of is not UNSET:
            fault = "is a branch and a parallel child at once"
        elif parent < 0 or parent != line:
            fault = f"is attached to node {parent}, but the line stands at node {line}"
        elif node.branch_of is not UNSET and chart.nodes[line].type not in BRANCHING_TYPES:
            fault = f"is a branch of node {parent}, which does not branch"
        elif node.type not in {"stage", "subflow", "lazySubflow"}:
            fault = f"is a {node.type}, which cannot be a branch or a parallel child"
        if node.type == "subflow":
            if node.chart is UNSET or not 0 <= node.chart < number:
                fault = f"mounts chart {node.chart}, which does not stand before it"
        elif node.chart is not UNSET:
            fault = "names a mounted chart without being a subflow"
        if fault is not None:
            msg = f"the spec of the trace is malformed: node {index} ('{node.id}') of chart {number} {fault}"
            raise SpecDocumentError(msg)
    if not chart.nodes:
        msg = f"the spec of the trace is malformed: chart {number} has no nodes"
        raise SpecDocumentError(msg)
    before = 1
    for position, _ in chart.steps:
        if not before <= position <= len(chart.nodes):
            msg = f"the spec of the trace is malformed: chart {number} has a step at {position}, out of order"
            raise SpecDocumentError(msg)
        before = position


# ── from a chart ───────────────────────────────────────────────────────────────────────────────────────────────────────
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

"""A chart while it is being put together: what the builder and its lists of branches work on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from footpath.chart._chart import FlowChart
from footpath.chart._document import NodeType, SpecNode, flat_document
from footpath.chart._events import StructureLog
from footpath.chart._node import Mount, Node, Pausable, RetryPolicy
from footpath.chart._options import (
    checked_description,
    checked_function,
    checked_mount,
    checked_retry,
    checked_segment,
    checked_tags,
    checked_text,
    fault,
)
from footpath.chart._outline import Outline
from footpath.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from footpath.channels import Dispatcher
    from footpath.chart._contract import Contract

_KINDS: dict[NodeType, str] = {"decider": "decider", "selector": "selector", "subflow": "subflow"}


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


class StructureBuildError(Struct, frozen=True):
    """A structure recorder failed; the chart was built all the same.

    Attributes:
        recorder_id: the recorder's id.
        method: the hook that raised.
        message: the error's text.
        error: the error itself.
    """

    recorder_id: str
    method: str
    message: str
    error: Exception


class Assembly:
    """The parts of a chart so far.

    Attributes:
        cursor: the last node of the line; what is added next hangs on it.
        beside_cursor: what was added beside the line since the cursor moved, in words for errors; None for nothing.
        open_list: name of the decider or selector whose branches are being declared.
        failure: the error after which nothing more can be added.
        built: the finished chart.
    """

    def __init__(self) -> None:
        """Begin without a node."""
        self.outline = Outline()
        self.log = StructureLog(None, self._mounted_json)
        self.root: Node | None = None
        self.cursor: Node | None = None
        self.beside_cursor: str | None = None
        self.open_list: str | None = None
        self.failure: BuildError | None = None
        self.built: FlowChart | None = None
        self.structure_errors: list[StructureBuildError] = []
        self._nodes_by_id: dict[str, Node] = {}
        self._child_ids: set[tuple[int, str]] = set()
        self._declared = DeclaredIds()
        self._loop_targets: set[str] = set()
        self._mounted: list[FlowChart] = []
        self._number_of_mounted: dict[int, int] = {}
        self._mounted_specs: dict[int, bytes | None] = {}
        self._dispatcher: Dispatcher | None = None

    # ── may it go on? ──────────────────────────────────────────────────────────────────────────────────────────────
    def check_usable(self) -> None:
        """Refuse calls on a builder that failed half-way, is done, or is in the middle of a list of branches."""
        if self.failure is not None:
            msg = f"{self.failure} (the builder failed there, half-way through a call, and cannot go on)"
            raise BuildError(msg) from self.failure
        if self.built is not None:
            msg = "the chart is built already and does not change any more; create a new builder"
            raise fault(msg)
        if self.open_list is not None:
            msg = f"the branches of '{self.open_list}' are still being declared; call end() on them first"
            raise fault(msg)

    def need_cursor(self) -> Node:
        """Give the last node of the line."""
        self.check_usable()
        if self.cursor is None:
            msg = "cursor undefined; call start() first"
            raise fault(msg)
        return self.cursor

    def has_child(self, parent: Node, child_id: str) -> bool:
        """Is the id taken by a branch or parallel child of the node, or by its fallback copy."""
        fallback = parent.fallback is not None and child_id == parent.fallback.id
        return fallback or (parent.index, child_id) in self._child_ids

    def is_loop_target(self, stage_id: str) -> bool:
        """Can a loop lead to this id: a stage of the line so far, or an eager mount that is no branch."""
        return stage_id in self._loop_targets

    def spoiled(self, error: BuildError) -> BuildError:
        """Note an error that came after events had told of what failed."""
        self.failure = error
        return error

    # ── making nodes ───────────────────────────────────────────────────────────────────────────────────────────────
    def stage(
        self,
        name: str,
        fn: object,
        stage_id: str,
        description: str | None,
        where: str,
        *,
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        kind: NodeType = "stage",
        needs_function: bool = True,
    ) -> tuple[Node, SpecNode]:
        """Make a node with a function of its own, not yet in the chart."""
        checked_text(stage_id, "a stage id")
        checked_text(name, f"the name of '{stage_id}'")
        if fn is not None and stage_id in self._declared:
            msg = f"stageMap collision for id '{stage_id}'"
            raise fault(msg)
        policy = checked_retry(retry, where)
        node = Node(stage_id, name, _KINDS.get(kind, "stage"), retry=policy, tags=checked_tags(tags, where))
        node.description = checked_description(description, f"'{stage_id}'")
        spec = SpecNode(stage_id, name, kind)
        if isinstance(fn, Pausable):
            halves = cast("Pausable[Any]", fn)
            node.fn = checked_function(halves.execute, f"the execute half of '{stage_id}'")
            node.resume_fn = checked_function(halves.resume, f"the resume half of '{stage_id}'")
            spec.is_pausable = True
        elif needs_function or fn is not None:
            node.fn = checked_function(fn, f"stage '{stage_id}'")
        if node.description is not None:
            spec.description = node.description
        if policy is not None:
            spec.retry_attempts = policy.attempts
        if node.tags:
            spec.tags = list(node.tags)
        return node, spec

    def mount(
        self,
        mount_id: str,
        chart: FlowChart | None,
        resolver: Callable[[], FlowChart] | None,
        name: str | None,
        options: Mapping[str, Any],
        where: str,
    ) -> tuple[Node, SpecNode, Mount]:
        """Make a node that mounts a chart, not yet in the chart; a resolver makes it lazy."""
        checked_segment(mount_id, "a mount id", "subflow id")
        shown = "" if name is None else checked_text(name, f"the name of '{mount_id}'")
        shown = shown or mount_id  # an empty name is none
        mount = checked_mount(mount_id, shown, options, where)
        spec = SpecNode(mount_id, shown, "lazySubflow" if chart is None else "subflow")
        if chart is None:
            mount.resolver = checked_function(resolver, f"{where}: resolver")
        elif not isinstance(chart, FlowChart):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"{where} needs a chart that is built (got {type(chart).__name__})"
            raise fault(msg)
        else:
            mount.chart = chart
            spec.chart = self._number(chart)
        if mount.tags:
            spec.tags = list(mount.tags)
        if mount.array_merge != "concat":
            spec.array_merge = mount.array_merge
        spec.propagate_break = mount.propagate_break
        node = Node(mount_id, shown, "subflow", mount=mount, tags=mount.tags)
        return node, spec, mount

    def _number(self, chart: FlowChart) -> int:
        """Number a mounted chart, the same one alike."""
        number = self._number_of_mounted.setdefault(id(chart), len(self._mounted))
        if number == len(self._mounted):
            self._mounted.append(chart)
        return number

    # ── putting them in ────────────────────────────────────────────────────────────────────────────────────────────
    def append(self, node: Node, spec: SpecNode, *, loop_target: bool = True) -> None:
        """Put a node at the end of the line, in the place of a loop that may be there."""
        before = self.cursor
        if before is None:
            self.root = node
        else:
            before.next = node
            before.loop_target = None
        if loop_target:
            self._loop_targets.add(node.id)
        self.cursor = node
        self.beside_cursor = None
        self._enter(node, spec)

    def hang(self, parent: Node, node: Node, spec: SpecNode) -> None:
        """Put a node under another, as its `spec` says how."""
        parent.children.append(node)
        self._child_ids.add((parent.index, node.id))
        self._enter(node, spec)

    def _enter(self, node: Node, spec: SpecNode) -> None:
        node.index = len(self.log.chart.nodes)
        self._nodes_by_id.setdefault(node.id, node)
        if node.kind in {"stage", "decider", "selector"} and node.fn is not None:
            self._declared.add(node.id)
        self.log.add(spec)

    def declare_mounted(self, node: Node, *, loop_target: bool) -> None:
        """Take in the ids of the chart that a node mounts; a clash spoils the builder, events have told of the mount."""
        mount = node.mount
        if mount is None or mount.chart is None:
            return
        clash = self._declared.first_clash(node.id, mount.chart.declared_ids)
        if clash is not None:
            msg = f"stageMap collision while mounting flowchart at '{clash}'"
            raise self.spoiled(fault(msg))
        self._declared.mount(node.id, mount.chart.declared_ids)
        if loop_target:
            self._loop_targets.add(node.id)

    # ── structure recorders ────────────────────────────────────────────────────────────────────────────────────────
    def attach(self, recorder: Any) -> None:
        """Tell a recorder of what was done so far, and from now on of what is done."""
        from footpath.channels import Dispatcher

        if self._dispatcher is None:
            self._dispatcher = Dispatcher()
        self._dispatcher.attach(recorder, "structure")
        if self.root is not None:
            from footpath.chart._retold import structure_events

            for hook, event in structure_events(flat_document(self.finished(None))):
                for recorder_id, method in self._dispatcher.table("structure", hook):
                    if recorder_id == recorder.id:
                        self._call(recorder_id, hook, method, event)
        self.log.emit = self._emit

    def _emit(self, hook: str, event: Any) -> None:
        assert self._dispatcher is not None  # somebody was attached
        for recorder_id, method in self._dispatcher.table("structure", hook):
            self._call(recorder_id, hook, method, event)

    def _call(self, recorder_id: str, hook: str, method: Callable[[Any], object], event: Any) -> None:
        """Call a hook; a recorder never keeps a chart from being built."""
        try:
            method(event)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the recorder's
            self.structure_errors.append(StructureBuildError(recorder_id, hook, str(error), error))

    def _mounted_json(self, number: int) -> bytes | None:
        if number not in self._mounted_specs:
            self._mounted_specs[number] = self._mounted[number].event_spec()
        return self._mounted_specs[number]

    # ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────
    def finished(self, contract: Contract | None) -> FlowChart:
        """Give the chart as it stands."""
        if self.root is None:
            msg = "empty tree; call start() first"
            raise fault(msg)
        return FlowChart(
            self.root,
            nodes_by_id=self._nodes_by_id,
            spec=self.log.chart,
            mounted=tuple(self._mounted),
            declared_ids=self._declared,
            outline=self.outline,
            contract=contract,
        )

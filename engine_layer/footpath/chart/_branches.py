"""Lists of branches: what a decider chooses from, what a selector selects from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec.structs import replace

from footpath.chart._options import checked_child, checked_pausable, checked_text, fault
from footpath.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Self, Unpack

    from footpath.chart._assembly import Assembly
    from footpath.chart._builder import FlowChartBuilder
    from footpath.chart._chart import FlowChart
    from footpath.chart._document import SpecNode
    from footpath.chart._mount_options import MountOptions
    from footpath.chart._node import Node, Pausable, RetryPolicy
    from footpath.chart._options import Child

State = TypeVar("State")


class _BranchList(Generic[State]):
    """The branches of one decider or selector, while they are being declared."""

    def __init__(self, builder: FlowChartBuilder[State], assembly: Assembly, node: Node, spec: SpecNode) -> None:
        self._builder = builder
        self._assembly = assembly
        self._node = node
        self._spec = spec
        self._stages: list[tuple[str, str | None]] = []
        self._ended = False
        assembly.open_list = node.name

    def _check_open(self, branch_id: str | None = None) -> None:
        """Refuse a call after `end()`, on a spoiled builder, or with the id of a branch that is there already."""
        if self._ended:
            msg = f"the branches of '{self._node.name}' are ended; they do not change any more"
            raise fault(msg)
        if self._assembly.failure is not None:
            self._assembly.check_usable()
        if branch_id is not None and self._assembly.has_child(self._node, branch_id):
            msg = f"duplicate {self._node.kind} branch id '{branch_id}' under '{self._node.name}'"
            raise fault(msg)

    def _add_stage(
        self,
        branch_id: str,
        name: str | None,
        fn: object,
        description: str | None,
        where: str,
        tags: Sequence[str],
        retry: RetryPolicy | Mapping[str, Any] | None,
    ) -> None:
        """Hang a branch with a function; that it has none is found at the end of the list, as in footprintjs.

        Without a name it goes by its id.
        """
        name = branch_id if name is None else name
        node, spec = self._assembly.stage(
            name, fn, branch_id, description, where, tags=tags, retry=retry, needs_function=False
        )
        spec.branch_of = self._node.index
        self._assembly.hang(self._node, node, spec)
        self._stages.append((branch_id, node.description))

    def add_branch_list(self, branches: Iterable[Child | Mapping[str, Any]]) -> Self:
        """Add several branches with functions, as `add_function_branch` adds one.

        Example:
            >>> route = flow_chart("Start", stage, "start").add_decider_function("Route", lambda scope: "left", "route")
            >>> built = (
            ...     route.add_branch_list([Child("left", "Left", stage), {"id": "right", "fn": stage}]).end().build()
            ... )
            >>> built.build_time_structure["next"]["branchIds"]
            ['left', 'right']
        """
        added = False
        try:
            for given in branches:
                child = checked_child(given, self._node.name)
                self._check_open(child.id)
                where = f"addFunctionBranch('{child.id}')"
                self._add_stage(child.id, child.name, child.fn, None, where, child.tags, child.retry)
                added = True
        except BuildError as error:
            if added:
                self._assembly.spoiled(error)
            raise
        return self

    def _add_mount(
        self,
        mount_id: str,
        chart: FlowChart | None,
        resolver: Callable[[], FlowChart] | None,
        name: str | None,
        options: Mapping[str, Any],
        where: str,
    ) -> None:
        self._check_open(mount_id)
        node, spec, mount = self._assembly.mount(mount_id, chart, resolver, name, options, where)
        if mount.converge_at is not None and chart is not None:
            spec.converge_at = mount.converge_at
        spec.branch_of = self._node.index
        self._assembly.hang(self._node, node, spec)
        self._assembly.declare_mounted(node, loop_target=False)

    def add_sub_flow_chart_branch(
        self, id: str, chart: FlowChart, name: str | None = None, **mount: Unpack[MountOptions]
    ) -> Self:
        """Add a branch that is a mounted chart."""
        self._add_mount(id, chart, None, name, mount, f"addSubFlowChartBranch('{id}')")
        return self

    def add_lazy_sub_flow_chart_branch(
        self, id: str, resolver: Callable[[], FlowChart], name: str | None = None, **mount: Unpack[MountOptions]
    ) -> Self:
        """Add a branch that is a mounted chart; `resolver` gives it when it is reached."""
        self._add_mount(id, None, resolver, name, mount, f"addLazySubFlowChartBranch('{id}')")
        return self

    def _end(self) -> FlowChartBuilder[State]:
        self._check_open()
        if not self._node.children:
            msg = f"{self._node.kind} at '{self._node.name}' requires at least one branch"
            raise fault(msg)
        for child in self._node.children:
            if child.kind == "stage" and child.fn is None:
                msg = (
                    f"{self._node.kind} branch '{child.id}' under '{self._node.name}' has no function — provide a fn "
                    f"argument to addFunctionBranch('{child.id}', ...)"
                )
                raise self._assembly.spoiled(fault(msg))
        self._ended = True
        self._assembly.open_list = None
        self._assembly.log.complete()
        return self._builder


class DeciderList(_BranchList[State]):
    """The branches of a decider: exactly one runs."""

    def add_function_branch(
        self,
        id: str,
        name: str | None,
        fn: Callable[[State], Any],
        description: str | None = None,
        *,
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        loop_to: str | None = None,
    ) -> Self:
        """Add a branch; with `loop_to` the run goes back to that stage after it.

        Example:
            >>> route = flow_chart("Start", stage, "start").add_decider_function("Route", lambda scope: "left", "route")
            >>> built = route.add_function_branch("left", "Left", stage, description="Go left").end().build()
            >>> built.stage_descriptions
            {'left': 'Go left'}
        """
        self._check_open(id)
        where = f"addFunctionBranch('{id}')"
        self._add_stage(id, name, fn, description, where, tags, retry)
        return self if loop_to is None else self.loop_to(loop_to)

    def add_pausable_function_branch(
        self,
        id: str,
        name: str | None,
        fn: Pausable[State],
        description: str | None = None,
        *,
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        loop_to: str | None = None,
    ) -> Self:
        """Add a branch that may pause the run."""
        self._check_open(id)
        where = f"addPausableFunctionBranch('{id}')"
        self._add_stage(id, name, checked_pausable(fn, id), description, where, tags, retry)
        return self if loop_to is None else self.loop_to(loop_to)

    def loop_to(self, id: str) -> Self:
        """After the branch added last, go back to an earlier stage of the line, by id.

        Example:
            >>> def again(scope):
            ...     scope.n = (scope.n or 0) + 1
            >>> built = (
            ...     flow_chart("Start", stage, "start")
            ...     .add_function("Count", again, "count")
            ...     .add_decider_function("Enough", lambda scope: "no" if scope.n < 3 else "yes", "enough")
            ...     .add_function_branch("no", "No", stage)
            ...     .loop_to("count")
            ...     .add_function_branch("yes", "Yes", stage)
            ...     .end()
            ...     .build()
            ... )
            >>> runs = FlowChartExecutor(built)
            >>> _ = runs.run()
            >>> runs.get_snapshot()["sharedState"]
            {'n': 3}
        """
        self._check_open()
        if not self._node.children:
            msg = f"loopTo('{id}') called before any branch was added under '{self._node.name}'"
            raise fault(msg)
        branch = self._node.children[-1]
        if branch.loop_target is not None:
            msg = f"loopTo already defined on branch '{branch.id}'"
            raise self._assembly.spoiled(fault(msg))
        if not self._assembly.is_loop_target(id):
            msg = (
                f"loopTo('{id}') target not found — a branch loop must target a stage declared BEFORE the decider "
                "(branch ids and the synthetic 'default' branch are not valid loop targets; did you pass a stage name "
                "instead of an id?)"
            )
            raise self._assembly.spoiled(fault(msg))
        branch.loop_target = self._assembly.log.chart.nodes[branch.index].loop_target = id
        self._assembly.log.branch_loop(branch.index)
        self._assembly.outline.branch_loop(branch.id, id)
        return self

    def set_default(self, id: str) -> Self:
        """Run this branch, under the id "default", when the choice names none.

        Example:
            >>> route = flow_chart("Start", stage, "start").add_decider_function(
            ...     "Route", lambda scope: "nowhere", "route"
            ... )
            >>> built = (
            ...     route.add_function_branch("left", "Left", lambda scope: "went left")
            ...     .set_default("left")
            ...     .end()
            ...     .build()
            ... )
            >>> FlowChartExecutor(built).run()
            'went left'
        """
        self._check_open()
        self._node.default_branch = self._spec.default = checked_text(id, "a default branch")
        return self

    def end(self) -> FlowChartBuilder[State]:
        """Go on with the line: what is added next runs after the branch that was chosen."""
        builder = self._end()
        self._assembly.outline.decided(self._node.name, self._node.description, self._stages)
        by_id = {child.id: child for child in self._node.children}
        chosen = by_id.get(self._node.default_branch or "")
        self._node.fallback = by_id.get("default") or (
            None if chosen is None else replace(chosen, id="default", index=-1)
        )
        return builder


class SelectorList(_BranchList[State]):
    """The branches of a selector: any number of them run, in parallel."""

    def add_function_branch(
        self,
        id: str,
        name: str | None,
        fn: Callable[[State], Any],
        description: str | None = None,
        *,
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
    ) -> Self:
        """Add a branch."""
        self._check_open(id)
        self._add_stage(id, name, fn, description, f"addFunctionBranch('{id}')", tags, retry)
        return self

    def add_pausable_function_branch(
        self,
        id: str,
        name: str | None,
        fn: Pausable[State],
        description: str | None = None,
        *,
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
    ) -> Self:
        """Add a branch that may pause the run."""
        self._check_open(id)
        where = f"addPausableFunctionBranch('{id}')"
        self._add_stage(id, name, checked_pausable(fn, id), description, where, tags, retry)
        return self

    def end(self) -> FlowChartBuilder[State]:
        """Go on with the line: what is added next runs after all branches."""
        builder = self._end()
        self._assembly.outline.selected(self._node.name, self._node.description, self._stages)
        return builder

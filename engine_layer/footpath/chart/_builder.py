"""The builder: a chart, call by call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import UNSET

from footpath.chart._assembly import Assembly, StructureBuildError
from footpath.chart._branches import DeciderList, SelectorList
from footpath.chart._contract import Contract
from footpath.chart._document import SpecNode
from footpath.chart._node import ForEach, Node, Pausable, RetryPolicy
from footpath.chart._options import (
    Child,
    checked_child,
    checked_description,
    checked_pausable,
    checked_policy,
    checked_segment,
    checked_tags,
    checked_text,
    fault,
)
from footpath.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal, Self, Unpack

    from footpath.chart._chart import FlowChart
    from footpath.chart._mount_options import MountOptions

State = TypeVar("State")


class FlowChartBuilder(Generic[State]):
    """Builds one chart.

    The cursor is the last stage of the line: `add_function` and its like move it, parallel children and branches hang
    on it. `State` is what stage functions say their scope is; it costs nothing at run time.

    A call that cannot be right raises `BuildError` at once, in footprintjs's words. Where structure events had already
    told of what the call was to add, the builder takes no more calls.

    Example:
        >>> built = (
        ...     flow_chart("Load", lambda scope: None, "load")
        ...     .add_function("Price", lambda scope: None, "price", description="Add up the items")
        ...     .build()
        ... )
        >>> print(built.description)
        FlowChart: Load
        Steps:
        1. Load
        2. Price — Add up the items
    """

    def __init__(self, structure_recorders: Sequence[object] = ()) -> None:
        """Begin an empty chart; recorders hear of every step while it is made."""
        self._assembly = Assembly()
        self._contract = Contract()
        for recorder in structure_recorders:
            self._assembly.attach(recorder)

    # ── the line ───────────────────────────────────────────────────────────────────────────────────────────────────
    def start(
        self,
        name: str,
        fn: Callable[[State], Any] | Pausable[State],
        id: str,
        description: str | None = None,
        *,
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        fail_fast: bool = False,
    ) -> Self:
        """Begin the chart with its first stage; `fail_fast` concerns parallel children that hang on it."""
        self._check_no_root()
        where = f"start('{id}')"
        node, spec = self._assembly.stage(name, fn, id, description, where, tags=tags, retry=retry)
        node.fail_fast = spec.fail_fast = fail_fast
        self._assembly.append(node, spec)
        self._assembly.outline.stage(name, node.description)
        return self

    def start_selector(
        self,
        name: str,
        fn: Callable[[State], Any],
        id: str,
        description: str | None = None,
        *,
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        fail_fast: bool = False,
    ) -> SelectorList[State]:
        """Begin the chart with a selector."""
        self._check_no_root()
        where = f"startSelector('{id}')"
        node, spec = self._assembly.stage(name, fn, id, description, where, tags=tags, retry=retry, kind="selector")
        node.fail_fast = spec.fail_fast = fail_fast
        self._assembly.append(node, spec)
        self._assembly.outline.root_selector(name, node.description)
        return SelectorList(self, self._assembly, node, spec)

    def _check_no_root(self) -> None:
        self._assembly.check_usable()
        if self._assembly.root is not None:
            msg = "root already defined; create a new builder"
            raise fault(msg)

    def add_function(self, name: str, fn: Callable[[State], Any], id: str, description: str | None = None) -> Self:
        """Add a stage.

        Example:
            >>> built = flow_chart("Load", stage, "load").add_function("Price", stage, "price").build()
            >>> print(built.description)
            FlowChart: Load
            Steps:
            1. Load
            2. Price
        """
        self._assembly.need_cursor()
        return self._add_stage(*self._assembly.stage(name, fn, id, description, f"addFunction('{id}')"))

    def add_streaming_function(
        self,
        name: str,
        fn: Callable[[State], Any],
        id: str,
        stream_id: str | None = None,
        description: str | None = None,
    ) -> Self:
        """Add a stage that sends tokens; its stream goes by `stream_id`, or else by its name.

        Example:
            >>> def talk(scope):
            ...     for word in ("Hel", "lo"):
            ...         ops(scope).token(word)
            >>> built = (
            ...     flow_chart("Start", stage, "start").add_streaming_function("Talk", talk, "talk", "voice").build()
            ... )
            >>> handlers = {"on_token": lambda stream, text: print(stream, text)}
            >>> FlowChartExecutor(built, stream_handlers=handlers).run()
            voice Hel
            voice lo
        """
        self._assembly.need_cursor()
        where = f"addStreamingFunction('{id}')"
        node, spec = self._assembly.stage(name, fn, id, description, where, kind="streaming")
        node.is_streaming = True
        node.stream_id = name if stream_id is None else checked_text(stream_id, f"the stream id of '{id}'")
        if node.stream_id != name:
            spec.stream_id = node.stream_id
        return self._add_stage(node, spec)

    def add_pausable_function(self, name: str, fn: Pausable[State], id: str, description: str | None = None) -> Self:
        """Add a stage that may pause the run.

        Example:
            >>> halves = Pausable(lambda scope: {"question": "Go on?"}, lambda scope, answer: None)
            >>> runs = FlowChartExecutor(
            ...     flow_chart("Start", stage, "start").add_pausable_function("Ask", halves, "ask").build()
            ... )
            >>> runs.run()
            >>> runs.is_paused()
            True
        """
        self._assembly.need_cursor()
        halves = checked_pausable(fn, id)
        return self._add_stage(*self._assembly.stage(name, halves, id, description, f"addPausableFunction('{id}')"))

    def _add_stage(self, node: Node, spec: SpecNode) -> Self:
        self._assembly.append(node, spec)
        self._assembly.outline.stage(node.name, node.description)
        return self

    def add_decider_function(
        self,
        name: str,
        fn: Callable[[State], Any],
        id: str,
        description: str | None = None,
        *,
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
    ) -> DeciderList[State]:
        """Add a decider; `fn` gives the id of the branch to take. Add its branches, then `end()`.

        Example:
            >>> built = (
            ...     flow_chart("Start", stage, "start")
            ...     .add_decider_function("Route", lambda scope: "left", "route")
            ...     .add_function_branch("left", "Left", stage)
            ...     .add_function_branch("right", "Right", stage)
            ...     .end()
            ...     .build()
            ... )
            >>> runs = FlowChartExecutor(built)
            >>> runs.enable_narrative()
            >>> runs.run()
            >>> runs.get_narrative()[-1]
            'Stage 3: Next, it moved on to Left.'
        """
        cursor = self._assembly.need_cursor()
        if cursor.kind == "decider":
            msg = f"decider already defined at '{cursor.name}'"
            raise fault(msg)
        where = f"addDeciderFunction('{id}')"
        node, spec = self._assembly.stage(name, fn, id, description, where, tags=tags, retry=retry, kind="decider")
        self._assembly.append(node, spec)
        self._assembly.outline.branching(name)
        return DeciderList(self, self._assembly, node, spec)

    def add_selector_function(
        self,
        name: str,
        fn: Callable[[State], Any],
        id: str,
        description: str | None = None,
        *,
        tags: Sequence[str] = (),
        retry: RetryPolicy | Mapping[str, Any] | None = None,
        fail_fast: bool = False,
    ) -> SelectorList[State]:
        """Add a selector; `fn` gives the ids of the branches to run in parallel. Add its branches, then `end()`.

        Example:
            >>> built = (
            ...     flow_chart("Start", stage, "start")
            ...     .add_selector_function("Channels", lambda scope: ["email", "sms"], "channels")
            ...     .add_function_branch("email", "Email", stage)
            ...     .add_function_branch("sms", "Sms", stage)
            ...     .add_function_branch("post", "Post", stage)
            ...     .end()
            ...     .build()
            ... )
            >>> runs = FlowChartExecutor(built)
            >>> runs.enable_narrative()
            >>> _ = runs.run()
            >>> [entry.text for entry in runs.get_narrative_entries() if entry.type == "selector"]
            ['[Selected]: 2 of 3 paths selected for execution: Email, Sms.']
        """
        cursor = self._assembly.need_cursor()
        if cursor.kind == "selector":
            msg = f"selector already defined at '{cursor.name}'"
            raise fault(msg)
        if cursor.kind == "decider":
            msg = f"decider and selector are mutually exclusive at '{cursor.name}'"
            raise fault(msg)
        where = f"addSelectorFunction('{id}')"
        node, spec = self._assembly.stage(name, fn, id, description, where, tags=tags, retry=retry, kind="selector")
        node.fail_fast = spec.fail_fast = fail_fast
        self._assembly.append(node, spec)
        self._assembly.outline.branching(name)
        return SelectorList(self, self._assembly, node, spec)

    def add_parallel_for_each(
        self,
        name: str,
        id: str,
        *,
        items: Callable[[State], Any],
        branch: Callable[[Any, int], FlowChart] | Callable[[Any], FlowChart] | Callable[[], FlowChart],
        max_branches: int | None = None,
        into: str | None = None,
        fail_fast: bool = False,
        description: str | None = None,
    ) -> Self:
        """Add a stage that runs one chart per item, in parallel.

        Args:
            name: the stage's name.
            id: the stage's id.
            items: called with the scope, gives the items.
            branch: called with item and index (or with as many as it takes), gives the chart to run for it.
            max_branches: ceiling on the branches one execution may start; required.
            into: the state key that the ordered results are written to; required.
            fail_fast: end at the first branch that fails.
            description: what it does.

        Example:
            >>> def load(scope):
            ...     scope.numbers = [1, 2, 3]
            >>> def square(number):
            ...     return flow_chart("Square", lambda scope: number * number, "square").build()
            >>> built = (
            ...     flow_chart("Load", load, "load")
            ...     .add_parallel_for_each(
            ...         "Each",
            ...         "each",
            ...         items=lambda scope: scope.numbers,
            ...         branch=square,
            ...         max_branches=10,
            ...         into="squares",
            ...     )
            ...     .build()
            ... )
            >>> runs = FlowChartExecutor(built)
            >>> _ = runs.run()
            >>> runs.get_snapshot()["sharedState"]["squares"]
            [1, 4, 9]
        """
        self._assembly.need_cursor()
        checked_segment(id, "a stage id", "parallelForEach stage id")
        checked_text(name, f"the name of '{id}'")
        where = f"addParallelForEach('{id}')"
        if not callable(items) or not callable(branch):
            msg = f"{where} requires items(scope) and branch(item, index) functions."
            raise fault(msg)
        if not isinstance(max_branches, int) or isinstance(max_branches, bool) or max_branches < 1:
            msg = (
                f"{where} requires maxBranches — a positive integer ceiling on how many branches one execution may "
                "start. There is deliberately no default: an unbounded fan-out driven by runtime data (model output, "
                "an upstream API) is a resource attack. Pick the largest number this flow can afford. "
                "See docs/design/execution-control.md."
            )
            raise fault(msg)
        if not isinstance(into, str) or not into:
            msg = (
                f"{where} requires into — the state key its ordered results array is written to. There is deliberately "
                "no default derived from the stage id: a derived key could silently overwrite state the chart already "
                "owns. See docs/design/execution-control.md."
            )
            raise fault(msg)
        checked_text(into, f"{where}: into")
        given = checked_description(description, f"'{id}'")
        node = Node(id, name, kind="for_each", description=given, fail_fast=fail_fast)
        node.for_each = ForEach(items, branch, max_branches, into)
        spec = SpecNode(id, name, "forEach", max_branches=max_branches, into=into, fail_fast=fail_fast)
        spec.description = UNSET if given is None else given
        self._assembly.append(node, spec)
        told = f"Runs one branch per item into '{into}'" if description is None else given
        self._assembly.outline.stage(name, told)
        return self

    # ── beside the line ────────────────────────────────────────────────────────────────────────────────────────────
    def add_list_of_function(self, children: Sequence[Child | Mapping[str, Any]], *, fail_fast: bool = False) -> Self:
        """Add parallel children to the last stage; they run after its own function, the line goes on after them.

        Example:
            >>> built = (
            ...     flow_chart("Start", stage, "start")
            ...     .add_list_of_function([Child("a", fn=stage), {"id": "b", "fn": stage}])
            ...     .add_function("Join", stage, "join")
            ...     .build()
            ... )
            >>> print(built.to_mermaid())
            flowchart TD
            start["Start"]
            start --> a
            a["a"]
            start --> b
            b["b"]
            start --> join
            join["Join"]
        """
        cursor = self._assembly.need_cursor()
        spec = self._assembly.log.chart.nodes[cursor.index]
        names: list[str] = []
        try:
            for given in children:
                child = checked_child(given, cursor.name)
                self._add_child(cursor, child)
                names.append(child.name or child.id)
        except BuildError as error:
            if names:
                self._assembly.spoiled(error)
            raise
        if not names:
            spec.fork = True
            self._assembly.log.layout.forked.add(cursor.index)
        if fail_fast:
            cursor.fail_fast = spec.fail_fast = True
        self._assembly.outline.fork(names)
        self._assembly.beside_cursor = f"the parallel children ({', '.join(names)})"
        return self

    def _add_child(self, cursor: Node, child: Child) -> None:
        if not child.id:
            msg = f"child id required under '{cursor.name}'"
            raise fault(msg)
        if self._assembly.has_child(cursor, child.id):
            msg = f"duplicate child id '{child.id}' under '{cursor.name}'"
            raise fault(msg)
        name = child.id if child.name is None else child.name
        where = f"addListOfFunction child '{child.id}'"
        node, spec = self._assembly.stage(
            name, child.fn, child.id, None, where, tags=child.tags, retry=child.retry, needs_function=False
        )
        node.is_parallel_child = True
        spec.child_of = cursor.index
        self._assembly.hang(cursor, node, spec)

    def add_sub_flow_chart(
        self, id: str, chart: FlowChart, name: str | None = None, **mount: Unpack[MountOptions]
    ) -> Self:
        """Mount a chart as a parallel child of the last stage.

        Example:
            >>> built = flow_chart("Start", stage, "start").add_sub_flow_chart("loan", chart, "Loan").build()
            >>> [child["id"] for child in built.build_time_structure["children"]]
            ['loan']
        """
        return self._mount_child(id, chart, None, name, mount, f"addSubFlowChart('{id}')")

    def add_lazy_sub_flow_chart(
        self, id: str, resolver: Callable[[], FlowChart], name: str | None = None, **mount: Unpack[MountOptions]
    ) -> Self:
        """Mount a chart as a parallel child; `resolver` gives it when it is reached.

        Example:
            >>> built = (
            ...     flow_chart("Start", stage, "start").add_lazy_sub_flow_chart("loan", lambda: chart, "Loan").build()
            ... )
            >>> built.build_time_structure["children"][0]["isLazy"]
            True
        """
        return self._mount_child(id, None, resolver, name, mount, f"addLazySubFlowChart('{id}')")

    def _mount_child(
        self,
        mount_id: str,
        chart: FlowChart | None,
        resolver: Callable[[], FlowChart] | None,
        name: str | None,
        options: MountOptions,
        where: str,
    ) -> Self:
        cursor = self._assembly.need_cursor()
        if self._assembly.has_child(cursor, mount_id):
            msg = f"duplicate child id '{mount_id}' under '{cursor.name}'"
            raise fault(msg)
        node, spec, _ = self._assembly.mount(mount_id, chart, resolver, name, options, where)
        node.is_parallel_child = True
        spec.child_of = cursor.index
        self._assembly.hang(cursor, node, spec)
        self._assembly.declare_mounted(node, loop_target=True)
        self._assembly.outline.mount(mount_id, node.name, chart)
        self._assembly.beside_cursor = f"the {'lazy ' if chart is None else ''}subflow mount '{node.name}'"
        return self

    def add_sub_flow_chart_next(
        self, id: str, chart: FlowChart, name: str | None = None, **mount: Unpack[MountOptions]
    ) -> Self:
        """Mount a chart in line.

        Example:
            >>> inner = flow_chart(
            ...     "Tax", lambda scope: setattr(scope, "tax", ops(scope).args["net"] // 5), "tax"
            ... ).build()
            >>> built = (
            ...     flow_chart("Load", lambda scope: setattr(scope, "net", 100), "load")
            ...     .add_sub_flow_chart_next(
            ...         "tax",
            ...         inner,
            ...         "Tax",
            ...         input_mapper=lambda parent: {"net": parent["net"]},
            ...         output_mapper=lambda sub, parent: {"tax": sub["tax"]},
            ...     )
            ...     .build()
            ... )
            >>> runs = FlowChartExecutor(built)
            >>> _ = runs.run()
            >>> runs.get_snapshot()["sharedState"]
            {'net': 100, 'tax': 20}
        """
        return self._mount_next(id, chart, None, name, mount, f"addSubFlowChartNext('{id}')")

    def add_lazy_sub_flow_chart_next(
        self, id: str, resolver: Callable[[], FlowChart], name: str | None = None, **mount: Unpack[MountOptions]
    ) -> Self:
        """Mount a chart in line; `resolver` gives it when it is reached.

        Example:
            >>> built = (
            ...     flow_chart("Start", stage, "start")
            ...     .add_lazy_sub_flow_chart_next("loan", lambda: chart, "Loan")
            ...     .build()
            ... )
            >>> built.build_time_structure["next"]["isLazy"]
            True
        """
        return self._mount_next(id, None, resolver, name, mount, f"addLazySubFlowChartNext('{id}')")

    def _mount_next(
        self,
        mount_id: str,
        chart: FlowChart | None,
        resolver: Callable[[], FlowChart] | None,
        name: str | None,
        options: MountOptions,
        where: str,
    ) -> Self:
        cursor = self._assembly.need_cursor()
        if cursor.loop_target is not None:
            msg = f"cannot add subflow as next when next is already defined at '{cursor.name}'"
            raise fault(msg)
        node, spec, _ = self._assembly.mount(mount_id, chart, resolver, name, options, where)
        self._assembly.append(node, spec, loop_target=False)
        self._assembly.declare_mounted(node, loop_target=True)
        self._assembly.outline.mount(mount_id, node.name, chart)
        return self

    # ── on the last stage ──────────────────────────────────────────────────────────────────────────────────────────
    def loop_to(self, id: str) -> Self:
        """After the last stage, go back to an earlier one, by id.

        Example:
            >>> def count(scope):
            ...     scope.n = (scope.n or 0) + 1
            ...     if scope.n == 3:
            ...         ops(scope).break_flow("enough")
            >>> runs = FlowChartExecutor(
            ...     flow_chart("Start", stage, "start").add_function("Count", count, "count").loop_to("count").build()
            ... )
            >>> _ = runs.run()
            >>> runs.get_snapshot()["sharedState"]
            {'n': 3}
        """
        cursor = self._assembly.need_cursor()
        if cursor.loop_target is not None:
            msg = f"loopTo already defined at '{cursor.name}'"
            raise fault(msg)
        if not self._assembly.is_loop_target(id):
            msg = f"loopTo('{id}') target not found — did you pass a stage name instead of id?"
            raise fault(msg)
        cursor.loop_target = self._assembly.log.chart.nodes[cursor.index].loop_target = id
        self._assembly.log.step("loop")
        self._assembly.outline.loop(id)
        return self

    def retry(self, policy: RetryPolicy | Mapping[str, Any]) -> Self:
        """Try the last stage again when it fails.

        Example:
            >>> attempts = []
            >>> def flaky(scope):
            ...     attempts.append(1)
            ...     if len(attempts) < 3:
            ...         raise ConnectionError("not yet")
            >>> FlowChartExecutor(flow_chart("Flaky", flaky, "flaky").retry(RetryPolicy(3)).build()).run()
            >>> len(attempts)
            3
        """
        cursor = self._assembly.need_cursor()
        if self._assembly.beside_cursor is not None:
            msg = (
                f"retry() cannot follow {self._assembly.beside_cursor} — that attaches to '{cursor.name}' without moving the "
                f"cursor, so the policy would land on '{cursor.name}' rather than on what you just added. Declare the "
                "policy at its own site instead: on the stages INSIDE a subflow chart, or via the `retry` field on an "
                "addListOfFunction child."
            )
            raise fault(msg)
        if cursor.kind == "subflow":
            msg = (
                f"retry() cannot be applied to the subflow mount '{cursor.name}' — a mount has no stage function of "
                "its own. Declare the policy on the stages INSIDE the subflow chart instead."
            )
            raise fault(msg)
        if cursor.kind == "for_each":
            msg = (
                f"retry() cannot be applied to the parallel-for-each stage '{cursor.name}' — it has no stage function "
                "of its own. Declare the policy on the stages inside the branch chart its `branch` factory returns."
            )
            raise fault(msg)
        if cursor.retry is not None:
            msg = f"retry already defined at '{cursor.name}'"
            raise fault(msg)
        checked = cursor.retry = checked_policy(policy, f"retry() at '{cursor.name}'")
        self._assembly.log.chart.nodes[cursor.index].retry_attempts = checked.attempts
        self._assembly.log.step("retry")
        return self

    def tag(self, *names: str) -> Self:
        """Name the last stage for those who look for it later; once a stage.

        Example:
            >>> flow_chart("Pay", stage, "pay").tag("money", "external").build().build_time_structure["tags"]
            ['money', 'external']
        """
        cursor = self._assembly.need_cursor()
        if self._assembly.beside_cursor is not None:
            msg = (
                f"tag() cannot follow {self._assembly.beside_cursor} — that attaches to '{cursor.name}' without moving the "
                f"cursor, so the names would land on '{cursor.name}' rather than on what you just added. Declare the "
                "tags at their own site instead: via the `tags` field in the mount's own options "
                "(`SubflowMountOptions.tags`, 9.21.1), or via the `tags` field on an addListOfFunction child. The "
                "stages INSIDE a subflow chart declare their own."
            )
            raise fault(msg)
        where = f"tag() at '{cursor.name}'"
        if not names:
            msg = f"{where}: at least one name is required"
            raise fault(msg)
        tags = checked_tags(names, where)
        if cursor.tags:
            msg = (
                f"{where}: tags already declared at '{cursor.name}' ({', '.join(cursor.tags)}) — declare every tag for "
                "a stage in ONE place, so the Map advertises the whole vocabulary from a single site."
            )
            raise fault(msg)
        cursor.tags = tags
        if cursor.mount is not None:
            cursor.mount.tags = cursor.tags
        self._assembly.log.chart.nodes[cursor.index].tags = list(cursor.tags)
        self._assembly.log.step("tag")
        return self

    # ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────
    def contract(
        self,
        input: Mapping[str, Any] | Literal[True] | None = None,
        output: Mapping[str, Any] | Literal[True] | None = None,
        *,
        strict: bool = True,
        mapper: Callable[[dict[str, Any]], Any] | None = None,
    ) -> Self:
        """Declare what the chart takes and gives, as JSON Schemas; a second call adds to the first.

        Args:
            input: schema of the run's input; runs with another are refused. True is the schema that anything meets.
            output: schema of the result, for readers.
            strict: check the whole schema; otherwise only what footprintjs checks.
            mapper: makes `RunContext(chart).run().output` of the final state, given as JSON.

        Example:
            >>> amount = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
            >>> built = flow_chart("Pay", stage, "pay").contract(input=amount).build()
            >>> built.to_mcp_tool()["inputSchema"]["required"]
            ['amount']
            >>> FlowChartExecutor(built).run(input={})
            Traceback (most recent call last):
                ...
            footpath.errors.InputValidationError: Input validation failed: Missing required field "amount"
        """
        self._assembly.check_usable()
        before = self._contract
        self._contract = Contract(
            before.input if input is None else input,
            before.output if output is None else output,
            strict=strict,
            mapper=before.mapper if mapper is None else mapper,
        )
        return self

    def attach_structure_recorder(self, recorder: object) -> Self:
        """Tell a recorder of every step: of those already taken now, of the others when they come.

        A recorder is any object with an `id` and some of the `on_*` methods for structure events; one of an id that is
        there already takes its place.

        Example:
            >>> class Shape(StructureRecorder):
            ...     id = "shape"
            ...
            ...     def on_edge_added(self, event: EdgeAddedEvent) -> None:
            ...         print(event.from_, "->", event.to)
            >>> _ = flow_chart("A", stage, "a").attach_structure_recorder(Shape()).add_function("B", stage, "b")
            a -> b
        """
        self._assembly.check_usable()
        self._assembly.attach(recorder)
        return self

    def get_structure_build_errors(self) -> list[StructureBuildError]:
        """Give what structure recorders raised, in order; none of it kept the chart from being built."""
        return list(self._assembly.structure_errors)

    def to_spec(self) -> dict[str, Any]:
        """Give the nested spec of the chart so far.

        Example:
            >>> flow_chart("A", stage, "a").add_function("B", stage, "b").to_spec()["next"]["id"]
            'b'
        """
        return self._assembly.finished(None).build_time_structure

    def to_mermaid(self) -> str:
        """Draw the chart so far.

        Example:
            >>> print(flow_chart("A", stage, "a").to_mermaid())
            flowchart TD
            a["A"]
        """
        from footpath.chart._describe import mermaid

        return mermaid(self._assembly.log.chart)

    def build(self) -> FlowChart:
        """Finish the chart. From then on the builder takes no more calls but this one, which gives the same chart.

        Raises:
            BuildError: nothing was begun, or a list of branches was not ended.

        Example:
            >>> flow_chart("A", stage, "a").build()
            <FlowChart 'a': 1 nodes>
        """
        if self._assembly.built is None:
            self._assembly.check_usable()
            self._assembly.built = self._assembly.finished(self._contract)
        return self._assembly.built

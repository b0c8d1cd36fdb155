"""The nodes a chart is made of, as the builder leaves them and the engine walks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.chart._chart import FlowChart

State = TypeVar("State")


class Pausable(Struct, Generic[State], eq=False):
    """A stage in two halves: `execute` may pause the run, `resume` goes on with the answer.

    `execute` pauses by returning anything but None: that is what the run is said to wait for. `{"pause": True, "data":
    x}` pauses with `x`, which may be None. `resume` is called as `resume(scope, resume_input)`, or `resume(scope)` when
    it takes one argument; what it returns is the stage's result.

    Example:
        >>> def ask(scope):
        ...     return {"question": "Approve?"}
        >>> def answered(scope, answer):
        ...     scope.approved = answer
        >>> paused = FlowChartExecutor(flow_chart("Ask", Pausable(ask, answered), "ask").build())
        >>> paused.run()
        >>> paused.is_paused(), paused.get_checkpoint()["pauseData"]
        (True, {'question': 'Approve?'})
        >>> paused.resume(paused.get_checkpoint(), True)
        >>> paused.get_snapshot()["sharedState"]
        {'approved': True}
    """

    execute: Callable[[State], Any]
    resume: Callable[..., Any]


class RetryPolicy(Struct, eq=False):
    """How often a failing stage is tried again.

    Attributes:
        attempts: tries in all, the first included; at least 1.
        backoff_ms: wait between tries, in milliseconds: one number, or one per failed try (the last repeats never;
            a list that is too short waits 0). Computed ones that are negative or not finite wait 0.
        retry_on: None retries on every error; a callable gets the exception, and when it raises itself, the stage's
            error is final; a string is searched in its text.
    """

    attempts: int
    backoff_ms: float | list[float] | None = None
    retry_on: Callable[[BaseException], bool] | str | None = None


class Mount(Struct, eq=False):
    """A chart mounted as a subflow of another.

    Attributes:
        chart: the mounted chart; None while lazy and unresolved.
        resolver: for lazy mounts, called when the mount is reached.
        input_mapper: parent state (plain, untracked) to the subflow's first state; None maps nothing.
        output_mapper: (what the subflow produced, parent state) to writes on the parent; None writes nothing.
        is_dynamic: a stage returned it; its stages' ids and names then carry no prefix.
        is_item: it is what a parallel for-each runs for one item.
        array_merge: "concat" adds a top-level array to the parent's, "replace" overwrites it.
    """

    subflow_id: str
    name: str
    chart: FlowChart | None = None
    resolver: Callable[[], FlowChart] | None = None
    input_mapper: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    output_mapper: Callable[[Any, dict[str, Any]], Any] | None = None
    array_merge: str = "concat"
    propagate_break: bool = False
    converge_at: str | None = None
    tags: tuple[str, ...] = ()
    is_dynamic: bool = False
    is_item: bool = False


class ForEach(Struct, eq=False):
    """A parallel run of one chart per item.

    Attributes:
        items: called with the scope, gives the items.
        branch: called as `branch(item, index)`, `branch(item)` or `branch()`, gives the chart of one item.
        max_branches: ceiling on the branches one execution may start.
        into: the state key that the ordered results are written to.
    """

    items: Callable[..., Any]
    branch: Callable[..., FlowChart]
    max_branches: int
    into: str | None = None


class Node(Struct, eq=False):
    """One step of a chart.

    `kind` says which engine handler runs it: "stage" (also streaming and pausable: see `stream_id`, `resume_fn`),
    "decider", "selector", "subflow" (has `mount`), "for_each" (has `for_each`).
    `children` are a fork's parallel children (any node may have them, they run after the node's own function), or a
    decider's or selector's branches, in order; a decider's later parallel children stand after its branches
    (`is_parallel_child` tells them apart) and can be chosen like them.
    `loop_target` is the id of the node to go to instead of ending here (the spec shows it as a loop reference); a stage
    added after the loop takes its place, as in footprintjs, and only the spec remembers the loop.

    Attributes:
        is_dynamic: a stage returned it while the run went on; its id and name then carry no prefix.
        fallback: what a decider runs when its choice names no child: the branch whose id is "default", else a copy
            under that id of the branch given to `set_default`; None when there is neither.
        is_silent: it does what a streaming stage does, and is none: nobody hears its tokens.
        index: position in the chart's spec document; -1 for a fallback copy, which does not stand there.
        shape: what kind of step this is, see `shape_of`; 0 asks the engine for all its care, and is always right.
    """

    id: str
    name: str
    kind: str = "stage"
    fn: Callable[..., Any] | None = None
    resume_fn: Callable[..., Any] | None = None
    description: str | None = None
    children: list[Node] = []
    next: Node | None = None
    loop_target: str | None = None
    default_branch: str | None = None
    mount: Mount | None = None
    for_each: ForEach | None = None
    retry: RetryPolicy | None = None
    tags: tuple[str, ...] = ()
    fail_fast: bool = False
    is_streaming: bool = False
    stream_id: str | None = None
    is_silent: bool = False
    is_parallel_child: bool = False
    is_dynamic: bool = False
    fallback: Node | None = None
    index: int = -1
    shape: int = 0

    @property
    def stream(self) -> str:
        """What the stage's stream is called."""
        return self.id if self.stream_id is None else self.stream_id


SIMPLE, PLAIN, LAST, LOOPING, QUICK, STRAIGHT = 1, 2, 4, 8, 16, 32


def shape_of(node: Node) -> int:
    """Work out what the engine asks of every step.

    SIMPLE: a stage with a function of its own and nothing special about how it begins. The others: besides, nothing
    special about how it ends. If nothing stops it, PLAIN: the next stage follows; LAST: the line ends; LOOPING: the
    line goes back. QUICK: its function is called once, and what it returns is all there is to it. STRAIGHT: both PLAIN
    and QUICK, and the next stage is SIMPLE; both stand in the spec.
    """
    shape = _own_shape(node)
    following = node.next
    if shape & PLAIN and shape & QUICK and following is not None and _own_shape(following) & SIMPLE:
        return shape | STRAIGHT if node.index >= 0 and following.index >= 0 else shape
    return shape


def _own_shape(node: Node) -> int:
    """All but what depends on the next stage."""
    shape = 0
    if node.mount is None and node.for_each is None and node.fn is not None and not node.is_streaming:
        shape = SIMPLE
        if node.kind == "stage" and not node.children and node.resume_fn is None:
            shape |= LOOPING if node.loop_target is not None else PLAIN if node.next is not None else LAST
        if node.retry is None and node.resume_fn is None:
            shape |= QUICK
    return shape


def settle_shapes(root: Node) -> None:
    """Work out the shape of every node of a finished chart."""
    todo: list[Node | None] = [root]
    while todo:
        node = todo.pop()
        if node is not None:
            node.shape = shape_of(node)
            todo += (node.next, node.fallback, *node.children)


class StageNode(Struct, eq=False):
    """Where to go next, returned by a stage at run time; one with neither `next` nor `children` is a value like any other.

    Attributes:
        id: of the node; with `next` of another node's id alone, that existing node is gone to.
        next: a stage to run next: a `StageNode` with a function, or with the id of an existing node.
        children: charts to run in parallel, each as a `DynamicSubflow`.
        fn: the function of a new stage.
    """

    id: str
    name: str
    fn: Callable[..., Any] | None = None
    next: StageNode | None = None
    children: list[DynamicSubflow] = []


class DynamicSubflow(Struct, eq=False):
    """A chart that a stage returns to be run; `mount` options as in the builder."""

    id: str
    name: str
    chart: FlowChart
    input_mapper: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    output_mapper: Callable[[Any, dict[str, Any]], Any] | None = None
    array_merge: str = "concat"
    propagate_break: bool = False

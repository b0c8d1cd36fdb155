"""From a checkpoint back into a run: which stage goes on, and what comes after it."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from footpath.engine import _stage
from footpath.engine._checkpoint import texts_in_states
from footpath.engine._run import Reentry, Resuming, over_defaults
from footpath.errors import RunError
from footpath.values import ATOMS, is_whole, may_be_spelled, record, recorded_name, revive

if TYPE_CHECKING:
    from footpath.chart import FlowChart, Node
    from footpath.engine._run import Run
    from footpath.replay import Cursor
    from footpath.scope import Frame


MOST_EXECUTIONS = 2**53
"""Largest count that every reader of JSON keeps exact."""


class Saved(NamedTuple):
    """A checkpoint, read: plain JSON.

    Attributes:
        stage_id: of the stage that paused, with the mounts before it.
        path: ids of the mounts around it, from the outermost in.
        executed: how many stages had been executed.
        visits: how often each stage had begun.
        state: of the outermost flow.
        subflow_states: of those around the stage, by the mount's id.
        hidden: keys that were hidden because a hidden write was made.
        hidden_texts: what else was hidden of what the states show.
        by_interrupt: whether the stage begins again at its top.
        invoker: id of what took the branch that paused; None when nothing did.
    """

    stage_id: str
    path: list[str]
    executed: int
    visits: dict[str, int]
    state: dict[str, Any]
    subflow_states: Mapping[str, Mapping[str, Any]]
    hidden: list[str]
    hidden_texts: list[str]
    by_interrupt: bool
    invoker: str | None


def read(checkpoint: Mapping[str, Any]) -> Saved:
    """Read a checkpoint, wherever it has been meanwhile.

    Raises:
        RunError: it lacks something, or has something of another type.
    """
    try:
        _check_members(checkpoint)
        return Saved(
            stage_id=str(checkpoint["pausedStageId"]),
            path=[str(step) for step in checkpoint.get("subflowPath") or ()],
            executed=int(checkpoint["executionCount"]),
            visits={str(key): int(value) for key, value in checkpoint["visitCounts"].items()},
            state=_by_recorded_name(checkpoint["sharedState"]),
            subflow_states={
                path: _by_recorded_name(state) for path, state in (checkpoint.get("subflowStates") or {}).items()
            },
            hidden=[str(key) for key in checkpoint.get("redactedKeys") or ()],
            hidden_texts=_hidden_texts(checkpoint),
            by_interrupt=checkpoint.get("pausedBy") == "interrupt",
            invoker=checkpoint.get("invokerStageId"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"not a checkpoint: {error!r}; give what get_checkpoint() gave, or its JSON"
        raise RunError(message) from error


def _by_recorded_name(state: Mapping[str, Any]) -> dict[str, Any]:
    """A saved state, whose keys stand there as they are recorded. One that UTF-8 can't hold is somebody else's, and is spelled out."""
    return {
        key if is_whole(key) else recorded_name(key): value
        for key, value in zip(map(str, state), state.values(), strict=True)
    }


def _hidden_texts(checkpoint: Mapping[str, Any]) -> list[str]:
    """What stands at the places that a checkpoint names; at one that its states do not have, nothing."""
    places = checkpoint.get("redactedTexts")
    if not places:
        return []
    texts = {(way, is_name): text for way, is_name, text in texts_in_states(checkpoint)}
    found = [
        (texts.get((tuple(place.get("at", place.get("nameOf"))), "nameOf" in place), ""), place["from"], place["to"])
        for place in places
    ]
    return [text[start:end] for text, start, end in found]


def _check_members(checkpoint: Mapping[str, Any]) -> None:
    """See that the members that a checkpoint has are of their types; those it lacks are missed where they are needed.

    Raises:
        RunError: names the first that is not, and its value.
    """
    for name, expected, fits in _MEMBERS:
        value = checkpoint.get(name)
        if value is not None and not fits(value):
            message = f"not a checkpoint: {name} is {value!r:.60}, not {expected}; give what get_checkpoint() gave, or its JSON"
            raise RunError(message)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def _is_place(value: Any) -> bool:
    """Whether it is what `_checkpoint` says of a place: a way to it, and where in the text that it leads to."""
    if not _is_mapping(value) or not all(type(value.get(name)) is int for name in ("from", "to")):
        return False
    way = value.get("at", value.get("nameOf"))
    return isinstance(way, list) and all(type(step) in (str, int) for step in way)


_MEMBERS: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("pausedStageId", "the id of a stage", lambda value: isinstance(value, str)),
    ("invokerStageId", "the id of a stage", lambda value: isinstance(value, str)),
    ("subflowPath", "a list of ids", _is_texts),
    ("sharedState", "an object", _is_mapping),
    (
        "subflowStates",
        "an object of objects",
        lambda value: _is_mapping(value) and all(map(_is_mapping, value.values())),
    ),
    ("visitCounts", "an object", _is_mapping),
    ("redactedKeys", "a list of keys", _is_texts),
    ("redactedTexts", "a list of places", lambda value: isinstance(value, list) and all(map(_is_place, value))),
    (
        "executionCount",
        f"a whole number up to {MOST_EXECUTIONS}",
        lambda value: isinstance(value, (int, float)) and 0 <= value <= MOST_EXECUTIONS and value == int(value),
    ),
)


def restore(run: Run, saved: Saved, defaults: Mapping[str, Any] | None) -> None:
    """Give a run on another executor the state that was saved, over that executor's defaults, and what is to be hidden in it."""
    revived = {key: revive(value) for key, value in saved.state.items()}
    for key, live in over_defaults(revived, run.spelled(dict(defaults or {}))).items():
        run.top.values[key] = live
        if type(live) not in ATOMS:
            run.top.recorded[key] = record(live)
    if saved.hidden or saved.hidden_texts:
        run.start_redaction()
    if run.redaction is not None:
        run.redaction.learn((saved.state, *saved.subflow_states.values()), saved.hidden)
        run.redaction.secrets.add_form(saved.hidden_texts)


def tail_of(origin: Frame, followed: Cursor) -> list[Any]:
    """The frame that a phase goes on behind, as the next one names it: number, id, name and how deep it lies."""
    if followed.has_frame(origin.number):
        known = followed.frame(origin.number)
        return [known.number, known.decl.id, known.decl.name, known.depth]
    # It was begun after the journal had been cut: nobody knows how deep it lies.
    region, last = origin.region, origin.node
    return [origin.number, _stage.full_id(region, last), _stage.full_name(region, last), 0]


def enter_again(
    run: Run,
    chart: FlowChart,
    saved: Saved,
    given: Any,
    states: Mapping[str, Mapping[str, Any]] | None,
) -> tuple[Node, str]:
    """Prepare a run to go on where another paused; gives the node to begin with, and the paused stage's name.

    Args:
        run: the new phase.
        chart: the chart that paused.
        saved: what the pause left.
        given: the answer.
        states: live states of the subflows around the stage, by the mounts' ids, when the executor is the same.

    Raises:
        RunError: the checkpoint does not fit the chart, or the stage is in a chart that a stage returned, or can't go
            on.
    """
    if any(may_be_spelled(key) for state in (saved.state, *saved.subflow_states.values()) for key in state):
        run.spell_out()
    stage_id, path = saved.stage_id, saved.path
    flows = [chart]
    mounts: list[Node] = []
    for step in path:
        mount = _find(flows[-1], step)
        if mount is None or mount.mount is None:
            raise _not_found(stage_id)
        mounts.append(mount)
        flows.append(run.resolve(mount.mount))
    # A stage of a mounted chart has a mount's id before its own; without one it is a stage that another returned to go
    # on with.
    paused = None if path and "/" not in stage_id else _find(flows[-1], stage_id, saved.invoker)
    if paused is None:
        raise _not_found(stage_id)
    lead, slash, _ = stage_id.rpartition("/")
    name = f"{lead}{slash}{paused.name}"
    if paused.resume_fn is None and not saved.by_interrupt:
        message = (
            f"Cannot resume: stage '{name}' ({stage_id}) has no resumeFn. Only stages created with addPausableFunction(), "
            "or stages that paused via interrupt(), can be resumed."
        )
        raise RunError(message)
    node = _continued(flows[-1], paused)
    if node.loop_target is not None:
        # As in footprintjs, a loop edge is no edge back when the stage that it hangs on goes on: it is what comes next.
        node.next, node.loop_target = flows[-1].nodes_by_id[node.loop_target], None
    half = None if saved.by_interrupt else node.resume_fn
    # It goes on as a stage like any other: what it returns is its result, and only from its top it may be tried again.
    node.resume_fn = None
    if half is not None:
        node.retry = None
    run.resuming = Resuming(node, half, half is not None and _takes_two(half), given)
    for depth in range(len(mounts) - 1, -1, -1):
        state = states.get(path[depth]) if states is not None else None
        if state is None:
            state = {name: revive(value) for name, value in saved.subflow_states.get(path[depth], {}).items()}
        mount = _continued(flows[depth], mounts[depth])
        run.reentries[id(mount)] = Reentry(node, state)
        node = mount
    return node, name


def _not_found(stage_id: str) -> RunError:
    return RunError(
        f"Cannot resume: stage '{stage_id}' not found in flowchart. "
        "The chart may have changed since the checkpoint was created."
    )


def _find(flow: FlowChart, full_id: str, invoker: str | None = None) -> Node | None:
    """The chart's node of an id that may have a prefix: ids of the mounts that lead to the chart.

    A branch that was taken as the fallback has the same id with every decider; `invoker` says which one took it.
    """
    nodes = flow.nodes_by_id
    own = _own_id(flow, full_id)
    node = nodes.get(own)
    if node is None and own == "default":
        took = None if invoker is None else nodes.get(_own_id(flow, invoker))
        deciding = (each for each in (took, *nodes.values()) if each is not None and each.default_branch is not None)
        return next((each.fallback for each in deciding), None)
    return node


def _own_id(flow: FlowChart, full_id: str) -> str:
    """The id in its own chart; the last part where there is no such node."""
    own = full_id
    while own not in flow.nodes_by_id:
        _, more, rest = own.partition("/")
        if not more:
            break
        own = rest
    return own


def _continued(flow: FlowChart, node: Node) -> Node:
    """The node as its line goes on from it: a branch or a parallel child goes on where the one that took it would."""
    copy = replace(node, shape=0)  # what follows it may be another
    if copy.next is None and copy.loop_target is None:
        for parent in flow.nodes_by_id.values():
            if parent.fallback is node or any(child is node for child in parent.children):
                copy.next = parent.next
                copy.loop_target = parent.loop_target
                break
    return copy


def _takes_two(half: Any) -> bool:
    try:
        import inspect  # 5 ms that a run which never pauses need not wait for

        parameters = inspect.signature(half).parameters.values()
    except (TypeError, ValueError):
        return True
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 or any(each.kind == each.VAR_POSITIONAL for each in parameters)

"""Running a generated chart as a caller would, with a clock and ids that repeat."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from footpath import FlowChart, FlowChartExecutor, RedactionPolicy
from footpath.channels import EMIT_HOOKS, FLOW_HOOKS, SCOPE_HOOKS, STRUCTURE_HOOKS, Dispatcher
from footpath.engine._checkpoint import texts_in_states
from footpath.errors import InputValidationError
from footpath.ids import uuid7_text
from footpath.replay import Views, cursor_for
from footpath.replay._mirror import LOG_MARK
from footpath.trace import Trace, decode_trace, encode_trace
from tests.property._charts import Building, Plan, charts
from tests.property._stages import AS_IF, HALF, INPUT_KEYS, World
from tests.property._values import json_values, made, recipes, scalars

RUN_HOOKS = (*SCOPE_HOOKS, *FLOW_HOOKS, *EMIT_HOOKS)


@dataclasses.dataclass(frozen=True)
class Case:
    """A chart and how to run it; all of it plain data."""

    chart: Plan
    input: dict[str, Any] | None
    env: dict[str, Any] | None
    options: dict[str, Any]
    initial: dict[str, Any]
    narrative: dict[str, Any]
    policy: dict[str, Any] | None
    limits: dict[str, Any]
    resumes: tuple[tuple[bool, Any], ...]


LIMITS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"max_iterations": 1},
    {"max_depth": 2},
    {"timeout_ms": 400},
    {"stop": 5},
)
STEP_NS = 7_000_000
"""How far the clock goes on each time it is asked. While a stage waits, a limit counts in real time; it is so long that only the clock reaches it."""


class StopAfter:
    """A signal that fires after it was looked at so many times."""

    reason = "enough"

    def __init__(self, looks: int) -> None:
        self.left = looks

    @property
    def aborted(self) -> bool:
        self.left -= 1
        return self.left < 0


def limited(limits: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a run."""
    if "stop" in limits:
        return {"signal": StopAfter(limits["stop"])}
    return limits


def options() -> st.SearchStrategy[dict[str, Any]]:
    """The executor's dials."""
    tracking = st.sampled_from(("full", "summary", "off"))
    return st.fixed_dictionaries(
        {},
        optional={
            "commit_values": st.sampled_from(("full", "delta")),
            "write_provenance": st.sampled_from(("off", "reads-prefix")),
            "read_tracking": tracking,
            "write_tracking": tracking,
        },
    )


@st.composite
def cases(draw: Callable[..., Any], *, policies: st.SearchStrategy[Any] | None = None) -> Case:
    """A whole case. Without `policies` nothing is hidden."""
    return Case(
        chart=draw(charts()),
        input=draw(st.none() | st.dictionaries(st.sampled_from(INPUT_KEYS), json_values(), max_size=2)),
        env=draw(st.none() | st.just({"region": "here"})),
        options=draw(options()),
        initial=draw(st.dictionaries(st.sampled_from(("k0", "l0", "d0", HALF, AS_IF)), recipes(), max_size=2)),
        narrative=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "include_values": st.booleans(),
                    "include_step_numbers": st.booleans(),
                    "max_value_length": st.integers(5, 100),
                },
            )
        ),
        policy=None if policies is None else draw(policies),
        limits=draw(st.sampled_from(LIMITS)),
        resumes=tuple(draw(st.lists(st.tuples(st.booleans(), scalars()), min_size=1, max_size=3))),
    )


class Heard:
    """A recorder that keeps all it hears, as JSON: names, order and payloads, to the byte.

    Hooks are plain attributes, as a mock's or a generated recorder's would be.
    """

    def __init__(self, id: str = "heard", hooks: Sequence[str] = RUN_HOOKS) -> None:
        self.id = id
        self.calls: list[tuple[str, str, bytes]] = []
        for hook in hooks:
            setattr(self, hook, self._hearing(hook))

    def _hearing(self, hook: str) -> Callable[[Any], None]:
        return lambda event: self.calls.append((hook, type(event).__name__, msgspec.json.encode(event)))


class Ticks:
    """A clock that goes on by the same step each time it is asked."""

    def __init__(self, start: int, step: int = STEP_NS) -> None:
        self.now = start
        self.step = step

    def __call__(self) -> int:
        self.now += self.step
        return self.now


class Ids:
    """Ids that count."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return uuid7_text(1_764_000_000_000, self.count)


class Phase(NamedTuple):
    """What a phase left.

    Attributes:
        outcome: "returned", "paused" or the type of what was raised.
        result: in recorded form, or the error's text.
        trace: read back from its bytes.
        fresh: whether the executor knew nothing of the phase before.
    """

    outcome: str
    result: Any
    trace: Trace
    executor: FlowChartExecutor
    fresh: bool

    @property
    def document(self) -> bytes:
        return self.trace.encoded


class Running:
    """Runs a case, as often as wanted; each time with a new executor and a world begun anew."""

    def __init__(self, case: Case, structure: tuple[Any, ...] = ()) -> None:
        self.case = case
        self.world = World()
        self.chart: FlowChart = Building(self.world).chart(case.chart, structure)

    def executor(self, ids: Ids, step: int, recorders: Sequence[Any]) -> FlowChartExecutor:
        case = self.case
        executor = FlowChartExecutor(
            self.chart,
            clock=Ticks(0, step),
            wall_clock=Ticks(1_764_000_000_000_000_000, step),
            ids=ids,
            initial_context={key: made(value) for key, value in case.initial.items()},
            **case.options,
        )
        executor.enable_narrative(**case.narrative)
        if case.policy is not None:
            executor.set_redaction_policy(RedactionPolicy(**case.policy))
        for recorder in recorders:
            bind = getattr(recorder, "bind", None)
            if bind is not None:
                bind(executor)
            executor.attach_combined_recorder(recorder)
        return executor

    def phases(
        self, *recorders: Any, step: int = STEP_NS, after_phase: Callable[[Phase, int], None] | None = None
    ) -> list[Phase]:
        """Run, then resume as often as the case says and the run pauses; `after_phase` is told of each with its number.

        A run whose input breaks the chart's contract leaves no phase.
        """
        found: list[Phase] = []
        for executor, method, arguments, fresh in self._calls(recorders, step):
            act = getattr(executor, method)
            try:
                found.append(self._phase(executor, lambda act=act, given=arguments: act(**given), fresh=fresh))
            except InputValidationError:
                break  # nothing has begun
            if after_phase is not None:
                after_phase(found[-1], len(found) - 1)
        return found

    async def phases_async(self, *recorders: Any, step: int = STEP_NS) -> list[Phase]:
        """Likewise, in a running event loop."""
        found: list[Phase] = []
        for executor, method, arguments, fresh in self._calls(recorders, step):
            last = executor._phases[-1:]
            outcome: Any = None
            try:
                result = await getattr(executor, "a" + method)(**arguments)
            except Exception as error:  # noqa: BLE001  # whatever a generated stage raises is the outcome
                outcome = error
                result = None
            if isinstance(outcome, InputValidationError) and executor._phases[-1:] == last:
                break
            found.append(
                self._phase(
                    executor, lambda outcome=outcome, result=result: _again(outcome, result), fresh=fresh, last=last
                )
            )
        return found

    def _calls(
        self, recorders: Sequence[Any], step: int
    ) -> Iterator[tuple[FlowChartExecutor, str, dict[str, Any], bool]]:
        """What to call on which executor, once the call before has been made; and whether it knows nothing of that."""
        case = self.case
        self.world.begin()
        ids = Ids()
        executor = self.executor(ids, step, recorders)
        given = {"input": copy.deepcopy(case.input), "env": copy.deepcopy(case.env)}
        yield executor, "run", {**given, **limited(case.limits)}, True
        bounds = {name: limit for name, limit in case.limits.items() if name.startswith("max")}
        for fresh, answer in case.resumes:
            if not executor.is_paused():
                return
            checkpoint = executor.get_checkpoint()
            assert checkpoint is not None
            if fresh:
                checkpoint = msgspec.json.decode(msgspec.json.encode(checkpoint))
                executor = self.executor(ids, step, recorders)
                self.world.marked = _still_known(self.world.marked, checkpoint)
            yield executor, "resume", {"checkpoint": checkpoint, "input": answer, **bounds}, fresh

    def _phase(
        self, executor: FlowChartExecutor, act: Callable[[], Any], *, fresh: bool, last: list[Any] | None = None
    ) -> Phase:
        last = executor._phases[-1:] if last is None else last
        try:
            result = act()
        except Exception as error:  # whatever a generated stage raises is the outcome
            if executor._phases[-1:] == last:
                raise  # the phase never began
            outcome, shown = type(error).__name__, _text(error)
        else:
            outcome, shown = ("paused" if executor.is_paused() else "returned"), result
        trace = decode_trace(encode_trace(executor.get_trace()))
        return Phase(outcome, shown, trace, executor, fresh)


def _still_known(marked: set[tuple[str, Any]], checkpoint: dict[str, Any]) -> set[tuple[str, Any]]:
    """Of the secrets of an executor those that another one can know: they stand in the states that it goes on with."""
    texts = [text for *_, text in texts_in_states(checkpoint)]
    return {(how, canary) for how, canary in marked if any(str(canary) in text for text in texts)}


def _again(error: Exception | None, result: Any) -> Any:
    """Come to what something came to before."""
    if error is not None:
        raise error
    return result


def _text(error: Exception) -> str:
    try:
        return str(error)
    except RuntimeError:
        return "no text"


def structure_recorder() -> Heard:
    """Hears a chart's building."""
    return Heard("structure", STRUCTURE_HOOKS)


CLOSELY = 12
"""Commits up to which every one is looked at."""


def state_folds_commit_by_commit(trace: Trace, case: Case) -> None:
    """Law 5: followed entry by entry, the state after each bundle is what folding the log up to it gives."""
    views = Views(commit_values=case.options.get("commit_values", "full"))
    cursor = cursor_for(trace, Dispatcher(), views)
    seen = 0
    for entry in trace.document.journal:
        cursor.feed(entry)
        if len(cursor.top.history) > seen:
            seen = len(cursor.top.history)
            if seen > CLOSELY and seen % 7:
                continue  # folding begins at the beginning each time
            state = msgspec.json.decode(msgspec.json.encode(cursor.top.recorded_state(LOG_MARK)))
            assert trace.state_at(seen) == state
    assert seen == len(trace.snapshot["commitLog"])

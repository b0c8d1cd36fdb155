"""A run in one line: a chart, who listens, what is hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from footpath.engine._executor import FlowChartExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self, Unpack

    from footpath.channels import Recorder
    from footpath.chart import FlowChart
    from footpath.scope import RedactionPolicy


class RunResult(NamedTuple):
    """What a run left, in footprintjs's shapes.

    Attributes:
        state: the state as it is, hidden values too.
        output: what the contract's `mapper` makes of it; the state where there is none.
        execution_tree: the snapshot's tree.
        commit_log: the snapshot's log.
    """

    state: dict[str, Any]
    output: Any
    execution_tree: dict[str, Any]
    commit_log: list[dict[str, Any]]


class RunLimits(TypedDict, total=False):
    """What else a run may be given; see `FlowChartExecutor.run`."""

    max_depth: int
    max_iterations: int
    timeout_ms: float | None
    signal: Any


class RunContext:
    """Recorders and a redaction policy, collected call by call, for runs of one chart. Each run has an executor of its own.

    Where a trace, a narrative or a pause is wanted, take a `FlowChartExecutor`.

    Args:
        chart: what to run.

    Example:
        >>> numbers = MetricRecorder("numbers")
        >>> result = (
        ...     RunContext(chart).recorder(numbers).redact(RedactionPolicy(keys=["risk"])).run(input={"amount": 100})
        ... )
        >>> result.state, numbers.get_metrics().total_writes
        ({'risk': 'low', 'approved': True}, 2)
        >>> result.commit_log[0]["overwrite"]
        {'risk': 'REDACTED'}
    """

    def __init__(self, chart: FlowChart) -> None:
        self._chart = chart
        self._recorders: list[Recorder] = []
        self._policy: RedactionPolicy | None = None

    def recorder(self, recorder: Recorder) -> Self:
        """Let a recorder hear every channel that it has hooks for."""
        self._recorders.append(recorder)
        return self

    def redact(self, policy: RedactionPolicy) -> Self:
        """Hide values in everything that is recorded; the last policy counts."""
        self._policy = policy
        return self

    def run(
        self, input: Mapping[str, Any] | None = None, env: Mapping[str, Any] | None = None, **limits: Unpack[RunLimits]
    ) -> RunResult:
        """Run the chart; arguments and errors as for `FlowChartExecutor.run`."""
        executor = self._executor()
        executor.run(input, env, **limits)
        return self._result(executor)

    async def arun(
        self, input: Mapping[str, Any] | None = None, env: Mapping[str, Any] | None = None, **limits: Unpack[RunLimits]
    ) -> RunResult:
        """Like `run`, inside a running event loop."""
        executor = self._executor()
        await executor.arun(input, env, **limits)
        return self._result(executor)

    def _executor(self) -> FlowChartExecutor:
        executor = FlowChartExecutor(self._chart)
        for recorder in self._recorders:
            executor.attach_combined_recorder(recorder)
        if self._policy is not None:
            executor.set_redaction_policy(self._policy)
        return executor

    def _result(self, executor: FlowChartExecutor) -> RunResult:
        snapshot = executor.get_snapshot()
        state: dict[str, Any] = snapshot["sharedState"]
        mapper = self._chart.contract.mapper
        output = state if mapper is None else mapper(state)
        return RunResult(state, output, snapshot["executionTree"], snapshot["commitLog"])

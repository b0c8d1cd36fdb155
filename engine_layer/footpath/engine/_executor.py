"""Running a chart."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import time
from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, Struct

from footpath.engine import _line, _stage
from footpath.engine._answers import Answers
from footpath.engine._run import Run, over_defaults
from footpath.engine._schedule import Task, drive, drive_async
from footpath.errors import RunError
from footpath.ids import IdMaker
from footpath.journal.entries import LINK_NEXT, LINK_ROOT, RESUME, RUN_END, RUN_FAILED, RUN_START, SEED
from footpath.scope import NO_ANSWER, Paused
from footpath.state import Region, untracked
from footpath.values import ABSENT, ATOMS, plain, record, record_members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath.chart import FlowChart
    from footpath.replay import Story
    from footpath.scope import Redaction, RedactionPolicy
    from footpath.trace import ChartRef, ErrorInfo, Trace

DEFAULT_MAX_DEPTH = 500
DEFAULT_MAX_ITERATIONS = 1000
_NO_CHECKPOINT = (
    "FlowChartExecutor: cannot build the pause checkpoint — non-serializable value(s) in checkpoint field(s): pauseData. The "
    "checkpoint contract is JSON-safe (no functions, no class instances). Check the pauseData returned by the pausable stage's "
    "execute(), and any subflow state captured at the pause. Diagnostic values from $debug/$metric/$error/$eval are sanitized "
    "automatically and never cause this error. "
    'See docs/guides/execution-model.md ("Pause / resume — what a checkpoint captures").'
)
_DIALS = {  # name to name in a trace, and the modes; the first is what one gets
    "read_tracking": ("readTracking", ("full", "summary", "off")),
    "write_tracking": ("writeTracking", ("full", "summary", "off")),
    "commit_values": ("commitValues", ("full", "delta")),
    "write_provenance": ("writeProvenance", ("off", "reads-prefix")),
}
_BEGUN, _BEGUN_WITH_INPUT = (RUN_START,), (RUN_START, None, 1)
_ENDED, _ENDED_WITH_RESULT = (RUN_END,), (RUN_END, None, 1)
_make_id = IdMaker()


class Phase(Struct, eq=False):
    """What one call of run or resume left: the journal and what frames it.

    Attributes:
        status: "running" until it has ended.
        options: how it was recorded, once the executor has been told otherwise for runs to come.
        commits_before: of the phases before it, once somebody has counted them.
    """

    run: Run
    run_id: str
    started_us: int
    chart: FlowChart
    narrative: dict[str, Any] | None
    status: str = "running"
    input: Any = UNSET
    result: Any = UNSET
    duration_us: int = 0
    trace_id: str | None = None
    error: BaseException | None = None
    pause: Paused | None = None
    base: dict[str, Any] | None = None
    continues: str | None = None
    options: dict[str, Any] | None = None
    commits_before: int | None = None

    @property
    def spec(self) -> bytes:
        """The chart's spec, which a journal takes for known."""
        return self.chart.spec_bytes


class FlowChartExecutor(Answers):
    """Runs a chart, and answers for what happened.

    One executor runs one thing at a time; charts may be shared by any number of executors, in threads or in one event
    loop. Recorders are attached before a run and hear every run until they are detached. Attaching or detaching while a
    run goes on counts from the next run or resume on: who heard its beginning hears all of it.

    Args:
        chart: what to run.
        read_tracking: what the tree keeps of reads: "full", "summary" or "off".
        write_tracking: likewise of writes, and what commit events carry.
        commit_values: "full" keeps final values in the commit log, "delta" what changed.
        write_provenance: "off", or "reads-prefix" to name with each write the keys read before it.
        initial_context: state before the run; wins over `default_values`, member by member.
        default_values: state before the run where `initial_context` has none.
        stream_handlers: object or mapping with `on_start(id)`, `on_token(id, text)`, `on_end(id, text)`.
        clock: nanoseconds that never go back; durations and times within a run are measured with it.
        wall_clock: nanoseconds since the Unix epoch.
        ids: makes run and trace ids, UUIDv7 unless told otherwise.
        traceback: keep a failed run's traceback in its trace; it may show values of variables.
        max_entries: how many entries of each phase's journal are kept, from the first; None keeps all. The run goes on
            unchanged; its trace says where it was cut.

    Example:
        >>> executor = FlowChartExecutor(chart)
        >>> executor.run(input={"amount": 100})
    """

    def __init__(
        self,
        chart: FlowChart,
        *,
        read_tracking: str = "full",
        write_tracking: str = "full",
        commit_values: str = "full",
        write_provenance: str = "off",
        initial_context: Mapping[str, Any] | None = None,
        default_values: Mapping[str, Any] | None = None,
        throttling_error_checker: Callable[[BaseException], bool] | None = None,
        stream_handlers: Any = None,
        clock: Callable[[], int] = time.perf_counter_ns,
        wall_clock: Callable[[], int] = time.time_ns,
        ids: Callable[[], str] = _make_id,
        traceback: bool = False,
        max_entries: int | None = None,
    ) -> None:
        self.chart = chart
        self._options: dict[str, Any] = {}
        if read_tracking != "full":
            self._dial("read_tracking", read_tracking)
        if write_tracking != "full":
            self._dial("write_tracking", write_tracking)
        if commit_values != "full":
            self._dial("commit_values", commit_values)
        if write_provenance != "off":
            self._dial("write_provenance", write_provenance)
        self._defaults = default_values
        self._initial = over_defaults(initial_context, default_values) if initial_context or default_values else {}
        if self._initial:
            _named_by_texts(self._initial, "the state to begin with")
        self._throttling = throttling_error_checker
        self._stream_handlers = stream_handlers
        self._clock = clock
        self._wall_clock = wall_clock
        self._ids = ids
        self._traceback = traceback
        if max_entries is not None and (type(max_entries) is not int or max_entries < 1):
            message = f"max_entries is a whole number from 1, or None, not {max_entries!r:.60}"
            raise RunError(message)
        self._max_entries = max_entries
        self._policy: RedactionPolicy | None = None
        self._narrative: dict[str, Any] | None = None
        self._phases: list[Phase] = []
        self._told: tuple[Phase, int, Story] | None = None
        self._busy = allocate_lock()

    def enable_narrative(
        self, *, include_values: bool = True, include_step_numbers: bool = True, max_value_length: int = 80
    ) -> None:
        """Keep the story of the runs to come; it is told by `get_narrative_entries` and by the trace.

        Args:
            include_values: say the value of each read and write, not only its key.
            include_step_numbers: begin each read and write with "Step N: ".
            max_value_length: longest summary of a value, in UTF-16 units; at most 10,000.

        Raises:
            RunError: `max_value_length` is no such number.

        Example:
            >>> executor.enable_narrative(include_step_numbers=False)
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_narrative()[1]
            'Write risk = "low"'
        """
        if type(max_value_length) is not int or max_value_length != 80:
            from footpath.trace import MAX_VALUE_LENGTH

            if type(max_value_length) is not int or not 0 <= max_value_length <= MAX_VALUE_LENGTH:
                message = f"max_value_length is a whole number up to {MAX_VALUE_LENGTH}, not {max_value_length!r:.60}"
                raise RunError(message)
        options: dict[str, Any] = {}
        if not include_values:
            options["include_values"] = False
        if not include_step_numbers:
            options["include_step_numbers"] = False
        if max_value_length != 80:
            options["max_value_length"] = max_value_length
        self._narrative = options
        self._told = None

    def set_redaction_policy(self, policy: RedactionPolicy) -> None:
        """Hide values in everything that is recorded from the next run on.

        Example:
            >>> executor.set_redaction_policy(RedactionPolicy(keys=["risk"]))
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_snapshot(redact=True)["sharedState"], executor.get_redaction_report()["redactedKeys"]
            ({'risk': 'REDACTED', 'approved': True}, ['risk'])
        """
        self._policy = policy

    def set_read_tracking(self, mode: str) -> None:
        """What the tree keeps of reads, from the next run on: "full", "summary" or "off"; see the constructor.

        Raises:
            RunError: there is no such mode, or the run is paused: it goes on as it began.

        Example:
            >>> executor.set_read_tracking("off")
            >>> _ = executor.run(input={"amount": 100})
            >>> "stageReads" in executor.get_snapshot()["executionTree"]["next"]
            False
        """
        self._dial_between_runs("read_tracking", mode)

    def set_write_tracking(self, mode: str) -> None:
        """What the tree keeps of writes and commit events carry, from the next run on; as `set_read_tracking`.

        Example:
            >>> executor.set_write_tracking("summary")
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_snapshot()["executionTree"]["stageWrites"]["risk"]["preview"]
            'low'
        """
        self._dial_between_runs("write_tracking", mode)

    def set_commit_values(self, mode: str) -> None:
        """How the commit log says what was written, from the next run on: "full" or "delta"; as `set_read_tracking`.

        Example:
            >>> executor.set_commit_values("delta")
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_snapshot()["commitValues"]
            'delta'
        """
        self._dial_between_runs("commit_values", mode)

    def _dial_between_runs(self, name: str, mode: str) -> None:
        if self.is_paused():
            message = f"a paused run goes on as it began: set {name} before run(), or resume on another executor"
            raise RunError(message)
        before = self._options
        self._options = dict(before)
        self._dial(name, mode)
        for phase in self._phases:
            if phase.options is None:
                phase.options = before

    def _dial(self, name: str, mode: str) -> None:
        option, modes = _DIALS[name]
        if mode not in modes:
            message = f"{name} is one of {', '.join(modes)}, not {mode!r}"
            raise RunError(message)
        if mode == modes[0]:
            self._options.pop(option, None)
        else:
            self._options[option] = mode

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────
    def run(
        self,
        input: Mapping[str, Any] | None = None,  # footprintjs's name
        env: Mapping[str, Any] | None = None,
        *,
        max_depth: int = DEFAULT_MAX_DEPTH,
        max_iterations: int = DEFAULT_MAX_ITERATIONS,
        timeout_ms: float | None = None,
        signal: Any = None,
    ) -> Any:
        """Run the chart and give what its last stage returned.

        Args:
            input: the run's input; its keys are read-only in state. Stages reach it with `ops(scope).args`.
            env: infrastructure values, reached with `ops(scope).env`; never recorded.
            max_depth: how deep branches and parallel children may nest.
            max_iterations: how often a loop may go back to one target.
            timeout_ms: give up after that many milliseconds, between stages and while one waits; 0 is no limit.
            signal: object with `aborted` and `reason`; looked at between stages.

        Raises:
            InputValidationError: the input breaks the chart's contract; no stage has run.
            RunError: this executor is running already, or the engine had to end the run.
            Exception: whatever a stage raised, unchanged.

        Example:
            >>> def greet(scope):
            ...     return f"Hello, {ops(scope).args['name']}"
            >>> FlowChartExecutor(flow_chart("Greet", greet, "greet").build()).run(input={"name": "Ada"})
            'Hello, Ada'
        """
        return self._settled(*self._begin(input, env, max_depth, max_iterations, timeout_ms, signal))

    async def arun(
        self,
        input: Mapping[str, Any] | None = None,
        env: Mapping[str, Any] | None = None,
        *,
        max_depth: int = DEFAULT_MAX_DEPTH,
        max_iterations: int = DEFAULT_MAX_ITERATIONS,
        timeout_ms: float | None = None,
        signal: Any = None,
    ) -> Any:
        """Like `run`, inside a running event loop.

        Example:
            >>> import asyncio
            >>> async def wait(scope):
            ...     await asyncio.sleep(0)
            ...     return "done"
            >>> waits = FlowChartExecutor(flow_chart("Wait", wait, "wait").build())
            >>> asyncio.run(waits.arun())
            'done'
        """
        return await self._settled_async(*self._begin(input, env, max_depth, max_iterations, timeout_ms, signal))

    def resume(
        self,
        checkpoint: Mapping[str, Any],
        input: Any = NO_ANSWER,
        *,
        env: Mapping[str, Any] | None = None,
        max_depth: int = DEFAULT_MAX_DEPTH,
        max_iterations: int = DEFAULT_MAX_ITERATIONS,
        signal: Any = None,
    ) -> Any:
        """Go on with a paused run, on this executor or, from the checkpoint's JSON, on a fresh one.

        The phase is a run of its own: new run id, new trace. The first run's input is not kept, so `ops(scope).args` is
        empty and its keys may be written.

        Args:
            checkpoint: what `get_checkpoint` gave, or the same after a way through JSON.
            input: the answer; the paused stage's second half gets it, an interrupt returns it.
            env: infrastructure values for this phase.
            max_depth: as for `run`.
            max_iterations: as for `run`.
            signal: as for `run`.

        Raises:
            RunError: the checkpoint does not fit the chart, or this executor is running already.
            Exception: whatever a stage raised.

        Example:
            >>> def ask(scope):
            ...     scope.answer = interrupt(scope, {"question": "Go on?"})
            >>> asked = flow_chart("Ask", ask, "ask").build()
            >>> first = FlowChartExecutor(asked)
            >>> first.run()
            >>> checkpoint = first.get_checkpoint()  # plain JSON: keep it as long as the answer takes
            >>> another = FlowChartExecutor(asked)  # in another process, say
            >>> another.resume(checkpoint, "yes")
            >>> another.get_snapshot()["sharedState"]
            {'answer': 'yes'}
        """
        return self._settled(*self._begin_again(checkpoint, input, env, max_depth, max_iterations, signal))

    async def aresume(
        self,
        checkpoint: Mapping[str, Any],
        input: Any = NO_ANSWER,
        *,
        env: Mapping[str, Any] | None = None,
        max_depth: int = DEFAULT_MAX_DEPTH,
        max_iterations: int = DEFAULT_MAX_ITERATIONS,
        signal: Any = None,
    ) -> Any:
        """Like `resume`, inside a running event loop."""
        return await self._settled_async(*self._begin_again(checkpoint, input, env, max_depth, max_iterations, signal))

    def _settled(self, phase: Phase, task: Task) -> Any:
        try:
            return self._finish(phase, drive(task, None if phase.run.deadline_ns is None else phase.run.time_left))
        except Paused as pause:
            return self._pause(phase, pause)
        except BaseException as error:
            self._fail(phase, error)
            raise
        finally:
            self._let_go(phase)

    async def _settled_async(self, phase: Phase, task: Task) -> Any:
        try:
            time_left = None if phase.run.deadline_ns is None else phase.run.time_left
            return self._finish(phase, await drive_async(task, time_left))
        except Paused as pause:
            return self._pause(phase, pause)
        except BaseException as error:
            self._fail(phase, error)
            raise
        finally:
            self._let_go(phase)

    def _let_go(self, phase: Phase) -> None:
        """A phase is over: tell those who are told later, and be free for the next, even where one of them stops the program."""
        if self._hearing is None:
            self._busy.release()
            return
        phase.run.let_go()
        try:
            self._hearing.drain()
        finally:
            self._busy.release()

    def _stopped_at_once(self, error: BaseException) -> None:
        """Nothing has run: the call was wrong, or a recorder stopped the program when it was told that a phase begins."""
        phase = self._phases[-1] if self._phases else None
        if phase is None or phase.status != "running":
            self._busy.release()
            return
        try:
            self._fail(phase, error)
        finally:
            self._let_go(phase)

    def _pause(self, phase: Phase, pause: Paused) -> None:
        phase.run.close()
        phase.duration_us = phase.run.now()
        if pause.holds_code:
            phase.status, phase.error = "failed", RunError(_NO_CHECKPOINT)
            raise phase.error from None
        phase.pause = pause.with_traceback(None)  # it would hold the whole stack, and that this executor
        phase.status = "paused"

    def _begin_again(
        self,
        checkpoint: Mapping[str, Any],
        given: Any,
        env: Mapping[str, Any] | None,
        max_depth: int,
        max_iterations: int,
        signal: Any,
    ) -> tuple[Phase, Task]:
        if not self._busy.acquire(False):
            raise _busy()
        try:
            return self._begun_again(checkpoint, given, env, max_depth, max_iterations, signal)
        except BaseException as error:
            self._stopped_at_once(error)
            raise

    def _begun_again(
        self,
        checkpoint: Mapping[str, Any],
        given: Any,
        env: Mapping[str, Any] | None,
        max_depth: int,
        max_iterations: int,
        signal: Any,
    ) -> tuple[Phase, Task]:
        from footpath.engine import _resume

        if max_depth < 1 or max_iterations < 1:
            raise _no_limit(max_depth)
        before = self._phases[-1] if self.is_paused() else None
        saved = _resume.read(checkpoint)
        phase = self._phase(env, max_depth, max_iterations, None if before is None else before.run.redaction)
        run = phase.run
        if signal is not None:
            run.watch(None, signal)
        run.frame_count = saved.executed
        run.top.holes = True
        states = origin = tail = None
        if before is None:
            _resume.restore(run, saved, self._defaults)
        else:
            assert before.pause is not None
            states, origin = before.pause.states, before.run.tail
            run.top.values, run.top.recorded = before.run.top.values, before.run.top.recorded
            if before.run.spells:
                run.spell_out()
        node, name = _resume.enter_again(run, self.chart, saved, given, states)
        if origin is not None:
            tail = _resume.tail_of(origin, self._follow()[0])
        state = {key: record(value) for key, value in run.top.plain_view().items()}
        hidden: list[list[str | None]] = []
        if run.redaction is not None:
            state = run.redaction.show_state(state, hidden)
        base = {
            "executionCount": saved.executed,
            "visitCounts": saved.visits,
            "state": state,
            "hidden": hidden,
            "tail": tail,
        }
        has_input = given is not NO_ANSWER
        if before is not None:
            phase.continues = before.trace_id
            self._phases = [*self._phases, phase]
        else:
            self._phases = [phase]
        run.record_entry((RESUME, name, saved.stage_id, f"{saved.stage_id}#{saved.executed}", has_input, base))
        run.record_entry(_BEGUN)
        run.declare_chart(run.top, self.chart)
        task = Task()
        place = _line.Place(run, task, run.top, "", 1)
        link = LINK_ROOT if origin is None else LINK_NEXT
        task.stack.append(_line.walk(place, node, link, origin, _line.LineState()))
        return phase, task

    def _begin(
        self,
        given: Mapping[str, Any] | None,
        env: Mapping[str, Any] | None,
        max_depth: int,
        max_iterations: int,
        timeout_ms: float | None,
        signal: Any,
    ) -> tuple[Phase, Task]:
        if not self._busy.acquire(False):
            raise _busy()
        try:
            return self._begun(given, env, max_depth, max_iterations, timeout_ms, signal)
        except BaseException as error:
            self._stopped_at_once(error)
            raise

    def _begun(
        self,
        given: Mapping[str, Any] | None,
        env: Mapping[str, Any] | None,
        max_depth: int,
        max_iterations: int,
        timeout_ms: float | None,
        signal: Any,
    ) -> tuple[Phase, Task]:
        chart = self.chart
        if chart.contract.input is not None:
            chart.contract.validate_input(given)
        args = _input(given)
        if max_depth < 1 or max_iterations < 1:
            raise _no_limit(max_depth)
        if self._hearing is not None:
            self._hearing.clear()
        phase = self._phase(env, max_depth, max_iterations, None)
        run = phase.run
        if timeout_ms or signal is not None:
            run.watch(timeout_ms or None, signal)
        top = run.top
        begun = _BEGUN
        if given is not None:
            top.args = args
            phase.input = record_members(args)
            if (
                type(phase.input) is not dict
            ):  # a value that is no scalar, or a key that may have to be spelled otherwise
                named = run.spelled(args)
                if named is not args:
                    _named_by_texts(args, "a run's input")
                    args = named
                    phase.input = record(args)
            top.readonly = frozenset(args)
            if run.redaction is not None:
                phase.input = run.redaction.show_input(record(args))
            begun = _BEGUN_WITH_INPUT
        self._phases = [phase]
        if self._initial:
            self._seed(run)
        run.record_entry(begun)
        run.declare_chart(top, chart)
        task = Task()
        place = _line.Place(run, task, top, "", 1)
        task.stack.append(_line.walk(place, chart.root, LINK_ROOT, None, _line.LineState()))
        return phase, task

    def _phase(self, env: Any, max_depth: int, max_iterations: int, redaction: Redaction | None) -> Phase:
        if redaction is None and self._policy is not None:
            from footpath.scope import Redaction

            redaction = Redaction(self._policy)
        run_id = self._ids()
        started_us = self._wall_clock() // 1000
        delta_commits = self._options.get("commitValues") == "delta"
        cursor = None
        if self._hearing is not None and self._hearing.listens:
            from footpath.replay import Cursor  # nobody listens to most runs, and then nothing of this is loaded

            cursor = Cursor(
                self._hearing.for_run(),
                run_id,
                started_us / 1000,
                write_tracking=self._options.get("writeTracking", "full"),
                delta_commits=delta_commits,
            )
        chart, clock = self.chart, self._clock
        run = Run(  # by place: by name C would look for each of them
            chart.places,
            clock,
            clock(),
            max_depth,
            max_iterations,
            self._max_entries,
            max_depth != DEFAULT_MAX_DEPTH,
            {} if env is None else env,
            redaction,
            cursor,
            Region(chart.nodes_by_id),
            self._stream_handlers,
            self._throttling,
        )
        if delta_commits:
            run.keep_what_changed()
        phase = Phase(run, run_id, started_us, chart, self._narrative)
        if cursor is not None:
            cursor.header = phase
        return phase

    def _seed(self, run: Run) -> None:
        run.top.holes = True
        state: dict[str, Any] = {}
        for key, value in run.spelled(self._initial).items():
            recorded = record(value)
            if recorded is UNSET:
                continue  # it names nothing
            run.top.values[key] = value
            state[key] = recorded
            if type(value) not in ATOMS:
                run.top.recorded[key] = recorded
        hidden: list[list[str | None]] = []
        if run.redaction is not None:
            state = run.redaction.show_state(state, hidden)
        seeds = [[[key], recorded] for key, recorded in state.items()]
        run.record_entry((SEED, seeds) if run.redaction is None else (SEED, seeds, 0, hidden))

    def _finish(self, phase: Phase, result: Any) -> Any:
        run = phase.run
        ended = _ENDED
        if result is not None and (result := untracked(result)) is not None and result is not ABSENT:
            shown = record(result)
            phase.result = shown if run.redaction is None else run.redaction.show_result(shown)
            ended = _ENDED_WITH_RESULT
        run.record_entry(ended)
        phase.duration_us = (run.clock() - run.began_ns) // 1000
        phase.status = "completed"
        run.close()
        run.tail = None
        return result

    def _fail(self, phase: Phase, error: BaseException) -> None:
        run = phase.run
        phase.error = error
        phase.status = "failed"
        run.close()
        run.tail = None
        phase.duration_us = run.now()
        run.record_entry((RUN_FAILED, _stage.error_entry(run, error)))

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────────────
    def get_trace(
        self, *, trace_id: str | None = None, context: Mapping[str, Any] | None = None, status: str | None = None
    ) -> Trace:
        """The last phase's journal, sealed, with header and spec.

        While the run still goes on the trace is partial: revision 0, status "deadline" unless told otherwise.

        Args:
            trace_id: a UUIDv7; made when not given, and then the same at each call.
            context: what the caller knows: function, version, request id and the like.
            status: overrides the phase's own.

        Raises:
            RunError: nothing has been run yet.

        Example:
            >>> _ = executor.run(input={"amount": 100})
            >>> kept = executor.get_trace(context={"requestId": "r-1"})
            >>> decode_trace(kept.encoded).context
            {'requestId': 'r-1'}
        """
        if not self._phases:
            message = "nothing has been run yet, so there is no trace: call run() first"
            raise RunError(message)
        phase = self._phases[-1]
        run = phase.run
        if phase.trace_id is None or trace_id is not None:
            phase.trace_id = trace_id or self._ids()
        partial = phase.status == "running"
        room, chart_ref, spec = self.chart.stamp or self._stamp()
        options = dict(self._options if phase.options is None else phase.options)
        if phase.narrative:
            options["narrative"] = phase.narrative
        document = room.Document(  # by place: by name it takes four times as long
            room.FORMAT,
            room.VERSION,
            phase.trace_id,
            0 if partial else 1,  # revision
            phase.run_id,
            chart_ref,
            status or ("deadline" if partial else phase.status),
            room.iso_of_us(phase.started_us),
            (run.now() if partial else phase.duration_us) / 1000,
            spec,
            # A journal that has ended is never appended to again, so it need not be copied.
            list(run.journal) if partial else run.journal,
            UNSET if phase.continues is None else phase.continues,
            UNSET,  # base
            phase.input,
            phase.result,
            UNSET if phase.error is None else self._error_info(phase),
            options,
            plain(record(dict(context))) if context else {},
        )
        redaction = run.redaction
        if redaction is not None:
            # What was learned to be secret late stands in earlier entries.
            from footpath.trace import sealed

            document = sealed(document, redaction.secrets, redaction.known_names)
        most = run.max_entries
        if most is not None:
            from footpath.trace import cut_to_entries

            document = cut_to_entries(document, most, already_dropped=run.dropped, reason=run.cut_by)
        return room.Trace(document)

    def _stamp(self) -> tuple[Any, ChartRef, Raw]:
        """What every trace of the chart says of it, and the room that makes traces: an import takes as long as all the rest."""
        import footpath.trace as room

        chart = self.chart
        chart.stamp = room, room.ChartRef(chart.id, chart.name, chart.chart_hash), Raw(chart.spec_bytes)
        return chart.stamp

    def shed(self, max_bytes: int | None = None) -> None:
        """Let go, now, of what the running phase has recorded beyond its limits.

        It is done at the end anyway; whoever watches over memory does it sooner. Safe from another thread, one at a
        time.

        Args:
            max_bytes: how long the journal may be as JSON, besides `max_entries`.
        """
        if self._phases and self._phases[-1].status == "running":
            run = self._phases[-1].run
            run.shed()
            if max_bytes is not None:
                run.weigh(max_bytes)

    def _error_info(self, phase: Phase) -> ErrorInfo:
        from footpath.trace import ErrorInfo

        error = phase.error
        assert error is not None
        name, message = _stage.error_entry(phase.run, error)[:2]
        stage_id: Any = UNSET
        if phase.run.failed_stage is not None:
            stage_id = phase.run.failed_stage
        shown: Any = UNSET
        if self._traceback:
            import traceback

            shown = "".join(traceback.format_exception(error))
            if phase.run.redaction is not None:
                shown = phase.run.redaction.scrub(shown)
        return ErrorInfo(name, message, stage_id, shown)


def _busy() -> RunError:
    return RunError("this executor is running already; use an executor for each run")


def _input(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if hasattr(type(given), "keys"):  # what `dict` takes for a mapping; pairs, and an empty list, it would take too
        try:
            return dict(given)
        except (TypeError, ValueError):
            pass
    message = (
        f"a run's input is a mapping of names to values, not {given!r:.60} ({type(given).__name__}); "
        "give input={'name': value}"
    )
    raise RunError(message)


def _named_by_texts(members: Mapping[Any, Any], what: str) -> None:
    """See that what comes into the state from outside has texts as keys: no stage could reach another.

    Raises:
        RunError: names the first that is none.
    """
    for key in members:
        if not isinstance(key, str):
            message = (
                f"{what} is a mapping of names to values, and {key!r:.60} ({type(key).__name__}) is no name; use str"
            )
            raise RunError(message)


def _no_limit(max_depth: int) -> RunError:
    """What is said of limits under which nothing could run: one of them is below 1."""
    return RunError(f"FlowchartTraverser: {'maxDepth' if max_depth < 1 else 'maxIterations'} must be >= 1")

"""Who listens to an executor's runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Unpack

    from footpath.channels import AttachOptions, Dispatcher, ObserverStats, Recorder
    from footpath.recorders import ManifestEntry


class Listened:
    """What recorders are attached to. They hear every run until they are detached."""

    _hearing: Dispatcher | None = None

    @property
    def _dispatcher(self) -> Dispatcher:
        """Who listens; made and loaded when somebody first does."""
        if self._hearing is None:
            from footpath.channels import Dispatcher

            self._hearing = Dispatcher()
        return self._hearing

    # ── recorders ────────────────────────────────────────────────────────────────────────────────────────────────
    def attach_scope_recorder(self, recorder: Recorder, **options: Unpack[AttachOptions]) -> None:
        """Let a recorder hear reads, writes, commits and emits; in place of one with the same id.

        Args:
            recorder: any object with an `id` and hooks of the channel; see `footpath.channels.ScopeRecorder`.
            options: `delivery="deferred"` queues its events until the next stage begins or the run ends, with
                `max_queue`, `overflow`, `sample_every` and `flush_budget_ms` as `footpath.channels.DeliveryOptions`
                says; all deferred recorders of an executor share one queue. Without options it is told as its own
                `delivery` says, at once if it says nothing.

        Raises:
            TypeError: it has no id, none of the hooks, or an asynchronous one.
            ValueError: the options make no sense, or ask for another queue than the one there is.

        Example:
            >>> executor.attach_scope_recorder(MetricRecorder("numbers"), delivery="deferred", max_queue=500)
        """
        self._attach(recorder, options, "scope", "emit")

    def attach_flow_recorder(self, recorder: Recorder, **options: Unpack[AttachOptions]) -> None:
        """Let a recorder hear how the run moves. Options and errors as for `attach_scope_recorder`."""
        self._attach(recorder, options, "flow")

    def attach_emit_recorder(self, recorder: Recorder, **options: Unpack[AttachOptions]) -> None:
        """Let a recorder hear the application's own events. Options and errors as for `attach_scope_recorder`."""
        self._attach(recorder, options, "emit")

    def attach_combined_recorder(self, recorder: Recorder, **options: Unpack[AttachOptions]) -> None:
        """Let a recorder hear every channel that it has hooks for. Options and errors as for `attach_scope_recorder`."""
        self._attach(recorder, options, "scope", "flow", "emit")

    def _attach(self, recorder: Recorder, options: AttachOptions, *channels: str) -> None:
        from footpath.channels import delivery_options

        self._dispatcher.attach(recorder, *channels, options=delivery_options(options) if options else None)

    def detach_scope_recorder(self, recorder_id: str) -> None:
        """Let a recorder hear reads, writes, commits and emits no more; an unknown id changes nothing.

        Example:
            >>> executor.attach_scope_recorder(MetricRecorder("numbers"))
            >>> executor.detach_scope_recorder("numbers")
            >>> executor.get_scope_recorders()
            []
        """
        self._dispatcher.detach(recorder_id, "scope", "emit")

    def detach_flow_recorder(self, recorder_id: str) -> None:
        """Let a recorder hear the flow no more."""
        self._dispatcher.detach(recorder_id, "flow")

    def detach_emit_recorder(self, recorder_id: str) -> None:
        """Let a recorder hear emits no more."""
        self._dispatcher.detach(recorder_id, "emit")

    def detach_combined_recorder(self, recorder_id: str) -> None:
        """Let a recorder hear nothing more."""
        self._dispatcher.detach(recorder_id)

    def get_scope_recorders(self) -> list[Any]:
        """The recorders that hear reads, writes and commits, in the order they were attached."""
        return self._dispatcher.recorders("scope")

    def get_flow_recorders(self) -> list[Any]:
        """The recorders that hear the flow, in the order they were attached."""
        return self._dispatcher.recorders("flow")

    def get_emit_recorders(self) -> list[Any]:
        """The recorders that hear emits and have a hook for them, in the order they were attached."""
        return [recorder for recorder in self._dispatcher.recorders("emit") if hasattr(recorder, "on_emit")]

    def get_observer_stats(self) -> ObserverStats | None:
        """What became of the events of deferred recorders, over all runs; None when none was ever attached."""
        return self._dispatcher.observer_stats()

    def drain_observers(self, timeout_ms: float | None = None) -> int:
        """Tell deferred recorders now what waits for them, and give how many events still wait; 0 is all told.

        `run` has done so when it returns. Call it where a run goes on and what follows may end the process, from the
        thread that runs.

        Args:
            timeout_ms: how long that may take; one event is told in any case. None takes the time it needs.

        Example:
            >>> numbers = MetricRecorder("numbers")
            >>> executor.attach_scope_recorder(numbers, delivery="deferred")
            >>> executor.drain_observers()
            0
        """
        return 0 if self._hearing is None else self._hearing.flush(timeout_ms)

    def get_subflow_manifest(self) -> list[ManifestEntry]:
        """What an attached `ManifestFlowRecorder` lists, the first one's; empty when none is attached.

        Example:
            >>> executor.attach_flow_recorder(ManifestFlowRecorder())
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_subflow_manifest()
            []
        """
        manifest = self._manifest()
        return [] if manifest is None else manifest.get_manifest()

    def get_subflow_spec(self, subflow_id: str) -> Any:
        """The spec of a chart that a stage returned, as an attached `ManifestFlowRecorder` knows it; None for any other.

        Example:
            >>> def plan(scope):
            ...     return StageNode("plan", "Plan", children=[DynamicSubflow("loan", "Loan", chart)])
            >>> plans = FlowChartExecutor(flow_chart("Plan", plan, "plan").build())
            >>> plans.attach_flow_recorder(ManifestFlowRecorder())
            >>> try:
            ...     _ = plans.run()
            ... except Exception:
            ...     pass
            >>> plans.get_subflow_spec("loan")["next"]["branchIds"]
            ['approve', 'reject']
        """
        manifest = self._manifest()
        return None if manifest is None else manifest.get_spec(subflow_id)

    def _manifest(self) -> Any:
        # By what it can do: the engine does not know recorders.
        for recorder in self.get_flow_recorders():
            if hasattr(recorder, "get_manifest") and hasattr(recorder, "get_spec"):
                return recorder
        return None

    @property
    def recorder_failures(self) -> dict[str, int]:
        """How many calls failed, by recorder id."""
        return dict(self._dispatcher.failures)

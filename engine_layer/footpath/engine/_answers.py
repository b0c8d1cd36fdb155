"""What an executor answers about its last run, from the journal of its phases."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from footpath.engine._listened import Listened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from footpath.chart import FlowChart
    from footpath.engine._executor import Phase
    from footpath.replay import Cursor, NarrativeEntry, Story, Views
    from footpath.scope import RedactionPolicy


class Answers(Listened):
    """What can be asked of a run, while it goes on and afterwards. All of it is read from the journal, when somebody asks.

    Attributes:
        chart: what is run.
    """

    chart: FlowChart
    _phases: list[Phase]
    _options: dict[str, Any]
    _initial: dict[str, Any]
    _narrative: dict[str, Any] | None
    _told: tuple[Phase, int, Story] | None
    _policy: RedactionPolicy | None
    _counted: tuple[Phase, int, int] | None = None  # up to which entry of which phase, and how many commits there were

    def is_paused(self) -> bool:
        """Whether the last run waits to be resumed."""
        return bool(self._phases) and self._phases[-1].status == "paused"

    def get_snapshot(self, redact: bool = False) -> dict[str, Any]:
        """State, commit log, execution tree and subflow results, in footprintjs's shape, as JSON values.

        `recorders` holds what attached recorders show (`to_snapshot`), each under its id, and `observerStats` what
        became of deferred ones' events; both are left out when there is nothing to say.

        Args:
            redact: show the mark where the state holds a hidden value; without it the state is shown as it is.

        Example:
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_snapshot()["sharedState"]
            {'risk': 'low', 'approved': True}
            >>> [commit["runtimeStageId"] for commit in executor.get_snapshot()["commitLog"]]
            ['assess#0', 'route#1', 'approve#2']
        """
        if not self._phases:
            return self._with_recorders(self._snapshot_before())
        phase = self._phases[-1]
        cursor, views = self._follow(sealed=True)
        snapshot = views.snapshot(cursor.top, phase.run_id)
        if redact:
            if self._policy is not None:
                # Nobody wrote it, so footprintjs could not hide what is in it.
                del snapshot["initialState"]
        elif phase.run.redaction is not None or phase.run.dropped:
            from footpath.engine._checkpoint import as_json

            snapshot["sharedState"] = as_json(phase.run.top.plain_view())
            for key, result in snapshot.get("subflowResults", {}).items():
                held = phase.run.finals.get(key)
                if held is not None:
                    result["treeContext"]["globalContext"] = as_json(held)
        return self._with_recorders(snapshot)

    def get_commit_count(self) -> int:
        """How many commits the run's log holds by now, those before a pause among them: `len(snapshot["commitLog"])`.

        A recorder that asks while it is told of an event counts what has been committed by then; that costs nothing, so
        it may stamp every event. A stage of a run that nobody listens to has the journal gone through each time.

        Example:
            >>> executor.get_commit_count()
            0
            >>> _ = executor.run(input={"amount": 100})
            >>> executor.get_commit_count()
            3
        """
        if not self._phases:
            return 0
        last = self._phases[-1]
        hearing = last.run.cursor
        if hearing is None:
            seen = len(last.run.journal)
            if self._counted is None or self._counted[:2] != (last, seen):
                self._counted = last, seen, self._cursor_over(self._phases).top.commits
            return self._counted[2]
        # The journal may hold more already than whoever hears the run has been told of.
        if last.commits_before is None:
            earlier = self._phases[:-1]
            last.commits_before = self._cursor_over(earlier).top.commits if earlier else 0
        return last.commits_before + hearing.top.commits

    def get_subflow_results(self) -> dict[str, Any]:
        """What became of the subflows that the run has left, by path and by their mount's runtime stage id.

        Example:
            >>> built = flow_chart("A", stage, "a").add_sub_flow_chart_next(
            ...     "loan", chart, "Loan", input_mapper=lambda _: loan
            ... )
            >>> loan = {"amount": 100}
            >>> lends = FlowChartExecutor(built.build())
            >>> _ = lends.run()
            >>> list(lends.get_subflow_results())
            ['loan', 'loan#1']
        """
        return self.get_snapshot().get("subflowResults", {})

    def get_narrative_entries(self) -> list[NarrativeEntry]:
        """The story so far; empty unless `enable_narrative` was called.

        Example:
            >>> executor.enable_narrative()
            >>> _ = executor.run(input={"amount": 100})
            >>> entry = executor.get_narrative_entries()[1]
            >>> entry.type, entry.key, entry.value
            ('step', 'risk', 'low')
        """
        if self._narrative is None or not self._phases:
            return []
        phase = self._phases[-1]
        told = self._told
        if told is not None and told[0] is phase and told[1] == len(phase.run.journal):
            return told[2].entries()
        from footpath.replay import Story

        story = Story(**self._narrative)
        self._cursor_over(self._phases, story=story, sealed=True)
        return story.entries()

    def get_narrative(self) -> list[str]:
        """The story's lines."""
        return [entry.text for entry in self.get_narrative_entries()]

    def get_redaction_report(self) -> dict[str, Any]:
        """Which keys, fields and patterns are hidden; never what they hold."""
        from footpath.scope import Redaction

        redaction = self._phases[-1].run.redaction if self._phases else None
        return (redaction or Redaction(self._policy)).report()

    def get_checkpoint(self) -> dict[str, Any] | None:
        """What a paused run needs to go on, as plain JSON; None when nothing is paused.

        It holds the state as it is, hidden values too: keep it as you would keep the state.

        Example:
            >>> executor.run(input={"amount": 100})
            >>> executor.get_checkpoint()
        """
        if not self.is_paused():
            return None
        from footpath.engine._checkpoint import checkpoint_of

        cursor, views = self._follow()
        return checkpoint_of(self._phases[-1], cursor, views)

    def _with_recorders(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        bundles = self._dispatcher.bundles()
        if bundles:
            snapshot["recorders"] = bundles
        stats = self._dispatcher.observer_stats()
        if stats is not None:
            snapshot["observerStats"] = msgspec.to_builtins(stats)
        return snapshot

    def _snapshot_before(self) -> dict[str, Any]:
        """What there is to see before anything has run: the first stage, not reached."""
        from footpath.engine._checkpoint import as_json
        from footpath.values import recorded_name

        begins_with = {recorded_name(key): value for key, value in self._initial.items()}
        root = self.chart.root
        node: dict[str, Any] = {"id": root.id, "name": root.name, "isDecider": False, "isFork": False}
        node.update(logs={}, errors={}, metrics={}, evals={})
        return {
            "sharedState": as_json(begins_with),
            "executionTree": node,
            "initialState": as_json(begins_with),
            "commitLog": [],
            "commitValues": self._options.get("commitValues", "full"),
            "writeProvenance": self._options.get("writeProvenance", "off"),
            "runId": "",
        }

    def _options_of(self, phase: Phase) -> dict[str, Any]:
        """The dials as they were when a phase began."""
        return self._options if phase.options is None else phase.options

    def _follow(self, *, sealed: bool = False) -> tuple[Cursor, Views]:
        from footpath.replay import Story, Views

        phase = self._phases[-1]
        options = self._options_of(phase)
        views = Views(
            commit_values=options.get("commitValues", "full"),
            write_provenance=options.get("writeProvenance", "off"),
            read_tracking=options.get("readTracking", "full"),
            write_tracking=options.get("writeTracking", "full"),
        )
        story = None
        if sealed and self._narrative is not None:
            # Whoever asks for the snapshot asks for the narrative too, as a rule: one pass makes both.
            story = Story(**self._narrative)
            self._told = (phase, len(phase.run.journal), story)
        return self._cursor_over(self._phases, views, story, sealed=sealed), views

    def _cursor_over(
        self,
        phases: Sequence[Phase],
        views: Views | None = None,
        story: Story | None = None,
        *,
        sealed: bool = False,
    ) -> Cursor:
        """A cursor that has followed what some phases of a run have kept; `sealed`, as it leaves the process: what is to be shown.

        What goes on from there needs the names of nodes as they are.
        """
        from footpath.channels import Dispatcher
        from footpath.replay import Cursor

        last = phases[-1]
        delta = self._options_of(last).get("commitValues") == "delta"
        cursor = Cursor(Dispatcher(), last.run_id, last.started_us / 1000, views, story=story, delta_commits=delta)
        journals: Iterable[list[Any]] = [each.run.kept for each in phases]
        redaction = last.run.redaction
        if sealed and redaction is not None:
            from footpath.trace import sealed_journals

            journals = sealed_journals(journals, self.chart.spec_bytes, redaction.secrets, redaction.known_names)
        for each, journal in zip(phases, journals, strict=True):
            cursor.header = each
            cursor.feed_all(journal)
        return cursor

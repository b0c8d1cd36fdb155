"""What the demo shows, once the traces are archived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from footpath_cli._output import say, table, title
from footpath_cli._story import tell
from footpath_cli._traces import explain_trace, format_explanation
from footpath_cli.demo._applications import DATA
from footpath_service.flows.credit_decision import NAME

if TYPE_CHECKING:
    from pathlib import Path

    from footpath.trace import Trace
    from footpath_cli.sql import Tables

# The outcome is joined from the file: no trace and no rule has ever seen it.
RULES_AND_OUTCOME = """\
SELECT d.chosen AS decision, d.rule, count(*) AS applications,
       count(*) FILTER (c.observed_risk = 'bad') AS went_bad,
       round(100.0 * count(*) FILTER (c.observed_risk = 'bad') / count(*), 1) AS bad_percent
FROM decisions d
JOIN results r USING (traceid)
JOIN read_csv(?) c ON c.application_id = r.input->>'application_id'
WHERE d.chart = ? AND d.stageid = 'decide' AND d.traceid >= ?
GROUP BY ALL ORDER BY bad_percent"""


_FIRST_QUESTION = "SELECT rule, count(*) FROM decisions GROUP BY rule ORDER BY 2 DESC"


class Counts(NamedTuple):
    """Where the captured traces are.

    Attributes:
        captured: sealed by a request and handed to the shipper.
        archived: of those, the ones that the archive holds, each once.
        waiting: in the queue.
        spooled: in the bucket's `spool/`.
        dead_lettered: in the dead-letter queue.
        strangers: in the archive, but captured by nobody.
    """

    captured: int
    archived: int
    waiting: int
    spooled: int
    dead_lettered: int
    strangers: int

    @property
    def add_up(self) -> bool:
        """Nothing is lost, nothing invented, and all of it lies in the archive."""
        rest = self.waiting + self.spooled + self.dead_lettered
        return self.captured == self.archived and rest == 0 and self.strangers == 0


def archived_ids(tables: Tables, first: str) -> set[str]:
    """Ids of the runs archived since an id."""
    return {row[0] for row in tables.query("SELECT traceid FROM runs WHERE traceid >= ?", [first]).rows}


def show_decisions(tables: Tables, first: str) -> int:
    """Each rule, what it decided, and what became of the loans; gives how many decisions that were."""
    title("Which rule decided, and what became of the loans")
    answer = tables.query(RULES_AND_OUTCOME, [str(DATA), NAME, first])
    table(answer.columns, answer.rows)
    say(
        "SQL over the archive; the outcome is joined from the data set. No rule has seen it, but the points were chosen"
    )
    say("with this table in view: the figures describe the policy, they predict nothing.")
    return sum(row[2] for row in answer.rows)


def show_story(trace: Trace) -> None:
    """One run, told."""
    title(f"The story of one of them: trace {trace.trace_id}")
    tell(trace.narrative)


def show_why(trace: Trace, key: str) -> None:
    """One value, explained."""
    title(f"Why was its {key} {_value(trace, key)!r}?")
    say(format_explanation(explain_trace(trace, key, max_steps=40)))


def _value(trace: Trace, key: str) -> Any:
    state: Any = trace.snapshot["sharedState"]
    return state.get(key)


def show_counts(counts: Counts) -> None:
    """The proof that nothing is missing."""
    title("Is anything missing?")
    table(counts._fields, [counts])
    if counts.add_up:
        say(f"Captured = archived: the same {counts.archived} trace ids on both sides, each once.", "bold green")
    else:
        say("Captured and archived differ: this must not happen, please report it.", "bold red")


def show_next(folder: Path, trace_id: str, example: Path, *, is_default: bool, ran_by: str) -> None:
    """What to try now."""
    where = "" if is_default else f" --archive {folder}"
    title("Try next")
    for command in (
        f"traces ls{where}",
        f"traces get {trace_id}{where}",
        f"traces why {trace_id} score{where}",
        f'query "{_FIRST_QUESTION}"{where}',
        "query --list",
        f"run {NAME} --input {example} --live{where}",
    ):
        say(f"  {ran_by} {command}")

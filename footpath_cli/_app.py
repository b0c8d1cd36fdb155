"""The command line: every command, its options, and its help."""

from __future__ import annotations

import functools
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text

from footpath.errors import FootpathError
from footpath_cli._exits import MEANINGS, CommandError, Exit, command_error
from footpath_cli._output import err, harmless

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath_cli._places import Place

_ON_TERMINAL = sys.stdout.isatty()
_CODES = "Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + "."
_WHERE = (
    "The archive is a folder (--archive, else FOOTPATH_ARCHIVE, else ./.footpath/archive), or the bucket of a stack (--stack, "
    "with your AWS credentials)."
)


def _app(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Boxes and colour are for a terminal; help in a pipe is plain text.
        rich_markup_mode="rich" if _ON_TERMINAL else None,
    )


app = _app(
    "Run charts, and ask why they decided as they did.\n\n"
    "Start with `footpath demo`: it sends 1,000 credit applications through the real handlers on this machine and leaves an "
    "archive to ask. Then `footpath traces ls`, `footpath traces why ID`, `footpath query --list`.\n\n"
    f"{_WHERE}\n\n{_CODES}"
)
traces = _app(f"Read the archive, trace by trace. An ID may be shortened to its first digits.\n\n{_WHERE}")
app.add_typer(traces, name="traces")
dlq = _app("Look into a stack's dead-letter queue, and get messages out of it: back to the trace queue, or away.")
app.add_typer(dlq, name="dlq")

Archive = Annotated[
    Path | None, typer.Option("--archive", "-a", metavar="FOLDER", help="Archive folder.", show_default=False)
]
Stack = Annotated[
    str | None, typer.Option("--stack", "-s", metavar="NAME", help="CloudFormation stack.", show_default=False)
]
Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="AWS region of the stack.", show_default=False)
]
TraceId = Annotated[str, typer.Argument(metavar="ID", help="Trace id, or its first digits.", show_default=False)]


NamedStack = Annotated[
    str, typer.Option("--stack", "-s", metavar="NAME", help="CloudFormation stack.", show_default=False)
]
MessageIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Message ids or trace ids, or their first digits.", show_default=False),
]
Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="REASON", help="Of this reason; may be repeated.", show_default=False),
]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]
AtMost = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.", show_default=False)]


class Form(StrEnum):
    """How `query` prints."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Status(StrEnum):
    """How a run ended, as the archive's lines have it."""

    COMPLETED = "completed"
    FAILED = "failed"
    PAUSED = "paused"
    DEADLINE = "deadline"
    UNKNOWN = "unknown"


_Command = TypeVar("_Command", bound="Callable[..., None]")


def _guarded(command: _Command) -> _Command:
    """Turn declared errors into a message, its cure and an exit code; anything else is a bug and keeps its traceback."""

    @functools.wraps(command)
    def run(*args: object, **options: object) -> None:
        try:
            command(*args, **options)
        except (CommandError, FootpathError) as error:
            ended = error if isinstance(error, CommandError) else command_error(error)
            console = err()
            console.print(Text(f"error: {harmless(ended.message)}", style="bold red"))
            if ended.cure:
                console.print(Text(f"  {harmless(ended.cure)}"))
            raise typer.Exit(int(ended.exit_code)) from error

    return run  # type: ignore[return-value]  # same signature, by wraps


def _place(archive: Path | None, stack: str | None, region: str | None) -> Place:
    from footpath_cli._places import find_place

    return find_place(archive, stack, region)


@app.command()
@_guarded
def demo(
    archive: Archive = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many applications.")] = 1000,
    seed: Annotated[int, typer.Option(help="Drives the poller: order, batches.")] = 1,
) -> None:
    """Send 1,000 real credit applications through the real handlers, and ask why.

    No AWS and no Docker: SQS and S3 are moto's, the poller is ours. Leaves an archive folder and shows what to try on
    it.
    """
    from footpath_cli.demo import run_demo

    run_demo(archive, count=count, seed=seed)


@app.command()
@_guarded
def prove(
    count: Annotated[int, typer.Option("--count", "-n", min=400, help="How many requests.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Drives every die: the same seed tells the same story.")] = 1,
) -> None:
    """Try to lose a trace: crashes at every call, outages, duplicates, poison, thirty days of dead letters.

    The handlers that are deployed run over the deterministic poller in virtual time. Every trace captured must be
    archived once, or lie in a named place; if one is lost or counted twice, this fails.
    """
    from footpath_cli.prove import run_proof

    run_proof(count, seed)


@app.command()
@_guarded
def run(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="Name of the chart.", show_default=False)],
    given: Annotated[
        str | None,
        typer.Option("--input", "-i", metavar="FILE", help="JSON input; - reads standard input.", show_default=False),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Tell the story as it happens.")] = False,
    as_data: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Run a chart and keep its trace.

    Here by default, and the trace goes to the archive folder. With --stack the stack's function runs it, and its trace
    takes the stack's way.
    """
    from footpath_cli._places import stack_outputs
    from footpath_cli._run import read_input, run_here, run_on_stack

    value = read_input(given)
    if stack is not None:
        run_on_stack(chart, value, stack_outputs(stack, region), live=live, as_data=as_data)
    else:
        run_here(chart, value, _place(archive, None, None).store, live=live, as_data=as_data)


@app.command()
@_guarded
def canary(
    chart: Annotated[str | None, typer.Option(help="Chart to run; the demo's when absent.", show_default=False)] = None,
    given: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="FILE", help="JSON input; needed for a chart of yours.", show_default=False
        ),
    ] = None,
    wait_s: Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, help="The most a trace may take.")] = 180,
    as_data: Annotated[bool, typer.Option("--json", help="Times and trace id as JSON.")] = False,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Send one known run, wait until it is archived, and check that the archive tells what was answered.

    Ends with 0 when all is well, so that a pipeline can roll back when it does not. Without --stack the run is made on
    this machine, and its trace goes to the archive folder.
    """
    from footpath_cli import _canary
    from footpath_cli._places import bucket_of, stack_outputs
    from footpath_cli._run import DEFAULT_CHART, answer_here, ask_stack, known_input, read_input

    name = chart or DEFAULT_CHART
    value = known_input(name) if given is None else read_input(given)
    if stack is not None:
        outputs = stack_outputs(stack, region)
        place = bucket_of(outputs, stack)
        flown = _canary.fly(lambda: ask_stack(name, value, outputs, explain=True), place, wait_s=wait_s)
    else:
        place = _place(archive, None, None)
        flown = _canary.fly(lambda: answer_here(name, value, place.store), place, wait_s=wait_s)
    _canary.tell(flown, as_data=as_data)


@app.command()
@_guarded
def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL|NAME", help="A statement, a saved query's name, or - for standard input.", show_default=False
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", "-l", help="List the saved queries and the views.")] = False,
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print.")] = Form.TABLE,
    days: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Only the last so many days; 0 is all. A stack's default is 7, a folder's is all.",
            show_default=False,
        ),
    ] = None,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Ask the archive in SQL (DuckDB).

    `traces` is the table that Athena has, and the saved queries run on both. The other views count a run once: runs,
    narrative, decisions, conditions, writes, emits, errors, audit, results, documents. For example:

    footpath query "SELECT rule, count(*) FROM decisions GROUP BY rule ORDER BY 2 DESC"
    """
    from footpath_cli._questions import ask, list_questions

    if listing or sql is None:
        list_questions()
        return
    bound = days if days is not None else 7 if stack is not None else None
    ask(_place(archive, stack, region), sql, form=form.value, days=bound or None)


@traces.command("ls")
@_guarded
def traces_ls(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    chart: Annotated[str | None, typer.Option(help="Only this chart.", show_default=False)] = None,
    status: Annotated[Status | None, typer.Option(help="Only runs that ended so.", show_default=False)] = None,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """List the newest traces."""
    from footpath_cli._traces import list_traces

    list_traces(_place(archive, stack, region), limit=limit, chart=chart, status=status, as_lines=as_lines)


@traces.command("get")
@_guarded
def traces_get(
    trace_id: TraceId,
    document: Annotated[bool, typer.Option("--json", help="The trace document, as it was captured.")] = False,
    footprintjs: Annotated[
        bool, typer.Option("--footprintjs", help="What footprintjs's functions and viewers read.")
    ] = False,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Tell one run's story."""
    from footpath_cli._traces import get_trace

    if document and footprintjs:
        raise CommandError("--json and --footprintjs are two forms", "give one of them", exit_code=Exit.USAGE)
    get_trace(_place(archive, stack, region), trace_id, document=document, footprintjs=footprintjs)


@traces.command("why")
@_guarded
def traces_why(
    trace_id: TraceId,
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="A key of the state.", show_default=False)] = None,
    as_data: Annotated[bool, typer.Option("--json", help="The explanation as JSON.")] = False,
    max_steps: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many steps back.")] = 40,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Say why a key has its value: who wrote it last, what that had read, what decided, down to the input.

    Without KEY, say why the run ended as it did.
    """
    from footpath_cli._traces import why

    why(_place(archive, stack, region), trace_id, key, as_data=as_data, max_steps=max_steps)


@traces.command("replay")
@_guarded
def traces_replay(
    trace_id: TraceId,
    recorder: Annotated[
        str,
        typer.Option(
            "--recorder", "-r", metavar="module:Class", help="Called without arguments; looked for in this folder too."
        ),
    ],
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Replay a trace to a recorder of yours: the same calls, in the same order, as in the live run.

    What its `report()` returns, if it has one, is printed.
    """
    from footpath_cli._traces import replay_trace

    replay_trace(_place(archive, stack, region), trace_id, recorder)


@traces.command("recover")
@_guarded
def traces_recover(
    log: Annotated[
        str | None,
        typer.Option(
            "--log", metavar="FILE", help="Also out of these log lines; - reads them here.", show_default=False
        ),
    ] = None,
    log_group: Annotated[
        str | None,
        typer.Option(
            "--log-group", metavar="NAME", help="Also out of this group of CloudWatch Logs.", show_default=False
        ),
    ] = None,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="Also out of the log of the stack's request handler.")
    ] = False,
    hours: Annotated[int, typer.Option(min=1, help="How far back in the group.")] = 24,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Bring back traces that the queue did not take: from the spool, and from log lines.

    With a stack they are sent to its trace queue; run it again later, and what has been archived is cleared from the
    spool. In a folder they are archived at once. Running it twice, or while it runs elsewhere, harms nothing.
    """
    from footpath_cli import _operations as operations

    if stack is None:
        if log_group is not None or from_log:
            raise CommandError("--log-group and --from-log are of AWS", "give --stack, too", exit_code=Exit.USAGE)
        operations.recover_here(_place(archive, None, None), log)
    else:
        _place(archive, stack, region)
        found = operations.Stack(stack, region)
        operations.recover_stack(found, log, log_group or (found.log_group if from_log else None), hours)


@traces.command("verify")
@_guarded
def traces_verify(
    replay: Annotated[
        bool, typer.Option("--replay", help="Also replay each document, and compare what is told beside it.")
    ] = False,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="Check the digests' signatures with this key (PEM or DER).",
            show_default=False,
        ),
    ] = None,
    expired_days: Annotated[
        int | None,
        typer.Option(
            "--expired-days",
            metavar="N",
            min=1,
            help="Traces older than N days expire: sealed segments older than that may be gone.",
            show_default=False,
        ),
    ] = None,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
    archive: Archive = None,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Check that what lies in the archive is what was put there, and name the first bad trace.

    Every member decodes, every document has its hash, index and name fit the lines, audit trails hold, and every
    segment that a digest lists is there and the same. A copy of an archive verifies like the archive.
    """
    from footpath_cli._operations import verify_archive

    verify_archive(
        _place(archive, stack, region),
        replay=replay,
        public_key=public_key,
        expired_days=expired_days,
        as_lines=as_lines,
    )


@traces.command("seal")
@_guarded
def traces_seal(archive: Archive = None) -> None:
    """Write down what a local archive holds: a digest, linked to the one before.

    From then on `traces verify` finds a segment that is gone or was written anew. A stack does this by itself, every
    hour, and signs what it writes.
    """
    from footpath_cli._operations import seal_archive

    seal_archive(_place(archive, None, None))


@app.command()
@_guarded
def doctor(
    template: Annotated[
        Path | None,
        typer.Option(
            "--template", "-t", metavar="FILE", help="A template; ./template.yaml when absent.", show_default=False
        ),
    ] = None,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
    stack: Stack = None,
    region: Region = None,
) -> None:
    """Check a template, or what is deployed, against the rules that would lose traces."""
    from footpath_cli import _operations as operations

    operations.doctor(template, stack, region, as_lines=as_lines)


@dlq.command("ls")
@_guarded
def dlq_ls(
    stack: NamedStack,
    reason: Reasons = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 100,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    region: Region = None,
) -> None:
    """List dead letters with their reasons. Listing hides them from others for a moment, and changes nothing."""
    from footpath_cli import _operations as operations
    from footpath_cli.operate import Choice

    chosen = Choice((), tuple(reason or ()))
    operations.list_dead(operations.Stack(stack, region), chosen, limit=limit, as_lines=as_lines)


@dlq.command("peek")
@_guarded
def dlq_peek(
    message: Annotated[str, typer.Argument(metavar="ID", help="Message id or trace id, or its first digits.")],
    stack: NamedStack,
    as_data: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
    region: Region = None,
) -> None:
    """Show one dead letter: why it lies there, and how its body begins."""
    from footpath_cli import _operations as operations

    operations.peek(operations.Stack(stack, region), message, as_data=as_data)


@dlq.command("redrive")
@_guarded
def dlq_redrive(
    stack: NamedStack,
    message: MessageIds = None,
    reason: Reasons = None,
    everything: Everything = False,
    limit: AtMost = None,
    region: Region = None,
) -> None:
    """Send dead letters to the trace queue again, once what was wrong is mended."""
    from footpath_cli import _operations as operations

    choice = operations.chosen(message or (), reason or (), everything=everything, command=operations.redrive_dead)
    operations.redrive_dead(operations.Stack(stack, region), choice, limit=limit)


@dlq.command("discard")
@_guarded
def dlq_discard(
    stack: NamedStack,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Your reason; it is kept.", show_default=False)],
    message: MessageIds = None,
    reason: Reasons = None,
    everything: Everything = False,
    limit: AtMost = None,
    region: Region = None,
) -> None:
    """Throw dead letters away. A record of each stays in the archive bucket: who, when, why, and what it was."""
    from footpath_cli import _operations as operations

    choice = operations.chosen(message or (), reason or (), everything=everything, command=operations.discard_dead)
    operations.discard_dead(operations.Stack(stack, region), choice, why=why, limit=limit)

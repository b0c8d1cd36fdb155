"""`footpath demo`: a thousand applications, from request to answer."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any, cast

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from footpath.archive import SPOOL
from footpath.trace import decode_trace
from footpath_cli._exits import CommandError, Exit
from footpath_cli._output import out, remark, say
from footpath_cli._places import DEFAULT_FOLDER, find_place
from footpath_cli.demo._applications import applications
from footpath_cli.demo._report import Counts, archived_ids, show_counts, show_decisions, show_next, show_story, show_why
from footpath_cli.pipeline import LocalPipeline
from footpath_cli.poller import PollerStuckError
from footpath_service.flows.credit_decision import NAME

if TYPE_CHECKING:
    from pathlib import Path

    from footpath_cli.demo._applications import Application

# A story worth telling has a turn: here the wanted term is too short, and a longer one is found.
_TELLING = "countered"
_TURN = 20  # requests between two turns of the poller


def run_demo(archive: Path | None = None, *, count: int = 1000, seed: int = 1) -> None:
    """Run the demo and print it.

    Args:
        archive: folder that keeps the traces; the CLI's default when None.
        count: how many applications.
        seed: drives the poller.

    Raises:
        CommandError: a request failed, or a trace is missing at the end.
    """
    began = time.monotonic()
    place = find_place(archive, None)
    folder = place.folder or DEFAULT_FOLDER
    chosen = applications()[:count]
    say(f"{len(chosen)} credit applications -> request handler -> SQS -> trace processor -> S3 -> {folder}", "bold")
    say("The handlers are the ones that are deployed; SQS and S3 are moto's, in this process; the data are real.")
    home = _home_of(folder)
    log_path, example_path = home / "handlers.log", home / "application.json"
    with log_path.open("w", encoding="utf-8") as log, LocalPipeline(seed=seed, log=log) as pipeline:
        answers = _send_and_archive(pipeline, chosen)
        segments = pipeline.copy_archive(folder)
        waiting, dead = pipeline.waiting_count(), pipeline.dead_letter_count()
        spooled = sum(1 for _ in pipeline.archive.list_keys(SPOOL))
    captured = {str(answer["traceId"]) for answer in answers}
    remark(f"{segments} segments in {folder}; what the handlers logged is in {log_path}")
    first = min(captured)
    with place.tables(None) as tables:
        found = archived_ids(tables, first)
        decided = show_decisions(tables, first)
    at = next((at for at, answer in enumerate(answers) if answer["result"]["decision"] == _TELLING), 0)
    told = answers[at]
    example_path.write_text(json.dumps(chosen[at].given, indent=2) + "\n", encoding="utf-8")
    trace = decode_trace(place.reader.get(told["traceId"]).document)
    show_story(trace)
    show_why(trace, "decision")
    counts = Counts(len(answers), len(captured & found), waiting, spooled, dead, len(found - captured))
    show_counts(counts)
    ran_by = "footpath" if shutil.which("footpath") else ".venv/bin/footpath"
    show_next(folder, told["traceId"], example_path, is_default=folder == DEFAULT_FOLDER, ran_by=ran_by)
    say()
    say(f"Done in {time.monotonic() - began:.0f} s.")
    if decided != len(answers):
        raise CommandError(
            f"SQL sees {decided} decisions of {len(answers)}", "see `footpath query --list`, view runs, column views"
        )
    if not counts.add_up:
        raise CommandError("captured and archived traces differ", f"see {log_path}")


def _home_of(folder: Path) -> Path:
    """Where the demo's own files go: beside the default archive, out of git's sight; inside an archive of another place.

    Raises:
        CommandError: the folder can't be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder != DEFAULT_FOLDER:
            home = folder / "demo"
            home.mkdir(exist_ok=True)
            return home
        (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"the archive can't be kept in {folder}: {error}", "name another folder by --archive", exit_code=Exit.USAGE
        ) from error
    return folder.parent


def _send_and_archive(pipeline: LocalPipeline, chosen: list[Application]) -> list[dict[str, Any]]:
    """Requests and processor take turns, as they would on two machines; a long queue also makes moto slow."""
    answers: list[dict[str, Any]] = []
    poller = pipeline.poller
    with _progress() as progress:
        sent = progress.add_task("requests", total=len(chosen))
        archived = progress.add_task("traces archived", total=len(chosen))
        for application in chosen:
            answer: Any = pipeline.request({"chart": NAME, "input": application.given})
            if not isinstance(answer, dict) or "traceId" not in answer:
                raise CommandError(f"the request handler answered {answer!r}", "see the handlers' log")
            answers.append(cast("dict[str, Any]", answer))
            progress.advance(sent)
            if len(answers) % _TURN == 0:
                while poller.step():
                    pass
                progress.update(archived, completed=poller.counts["deleted"])
        try:
            pipeline.drain()
        except PollerStuckError as error:
            raise CommandError(f"traces stay in the queue: {error}", "see the handlers' log") from error
        progress.update(archived, completed=poller.counts["deleted"])
    return answers


def _progress() -> Progress:
    console = out()
    return Progress(
        TextColumn("{task.description:>16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        # In a pipe rich prints the finished bar once, as a line of text.
        transient=False,
    )

"""`footpath dlq`, `traces recover`, `traces verify` and `doctor`: what they print, and how they end."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from footpath.archive import DIGESTS
from footpath_cli._archiving import LOCAL_BUCKET, Archivist
from footpath_cli._exits import CommandError, Exit
from footpath_cli._output import as_json, as_json_lines, cell, harmless, remark, say, table
from footpath_cli._places import bucket_of, first_hour_of, stack_outputs
from footpath_cli.operate import (
    Choice,
    Desk,
    Held,
    KeyFileError,
    Parked,
    PublicKey,
    Recovered,
    Recovery,
    discard,
    examine,
    facts_of_stack,
    facts_of_template,
    held_in,
    redrive,
    verify,
)
from footpath_service.emf import NoMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from footpath_cli._places import Place
    from footpath_cli.operate import Ill, Verified

_LIST_COLUMNS = ("message", "reason", "trace", "chart", "sent", "receives", "bytes", "detail")
_PEEK_CHARACTERS = 2_000


# ── stacks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _client(service: str) -> Any:
    import boto3

    return cast("Any", boto3).client(service)


class Stack:
    """A stack's queues and archive.

    Args:
        name: the stack's.
        region: where it differs from the default.

    Raises:
        CommandError: there is no such stack, or it is not one of this repository.
    """

    def __init__(self, name: str, region: str | None) -> None:
        self.outputs = stack_outputs(name, region)
        self.place = bucket_of(self.outputs, name)
        self.bucket = self.outputs["ArchiveBucketName"]
        self._name = name
        self._sqs: Any = None

    def _named(self, output: str) -> str:
        value = self.outputs.get(output)
        if value is None:
            cure = "is it a stack of this repository's template.yaml?"
            raise CommandError(f"the stack {self._name} has no output {output}", cure, exit_code=Exit.NOT_FOUND)
        return value

    @property
    def log_group(self) -> str:
        """The request handler's, where traces lie that neither queue nor bucket took."""
        return self._named("RequestHandlerLogGroup")

    def desk(self, output: str) -> Desk:
        """A queue, by the output that names it."""
        url = self._named(output)
        self._sqs = self._sqs or _client("sqs")
        return Desk(self._sqs, url)

    @property
    def dead(self) -> Desk:
        """The dead-letter queue."""
        return self.desk("DeadLetterQueueUrl")


# ── dlq ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def list_dead(stack: Stack, choice: Choice, *, limit: int, as_lines: bool) -> None:
    """Print what lies in the dead-letter queue, and how much of each reason."""
    dead = stack.dead
    found: dict[str, Parked] = {}
    listed: list[Parked] = []
    try:
        for message in dead.messages():
            listed.append(message)
            if choice.takes(message):
                found.setdefault(message.message_id, message)
            if len(found) >= limit:
                remark(f"the first {limit} of about {dead.count()}: --limit shows more")
                break
    finally:
        dead.give_back(listed)
    rows = [_row(message) for message in found.values()]
    if as_lines:
        as_json_lines(_LIST_COLUMNS, rows)
        return
    if not rows:
        say("The dead-letter queue is empty." if not listed else "No dead letter fits.")
        return
    table(_LIST_COLUMNS, rows)
    say()
    table(("reason", "messages"), Counter(message.reason for message in found.values()).most_common())


def _row(message: Parked) -> tuple[object, ...]:
    sent = "" if message.sent_at_ms is None else _time(message.sent_at_ms)
    named = message.attributes
    return (
        message.message_id,
        message.reason,
        named.get("traceId"),
        named.get("chart"),
        sent,
        message.receive_count,
        len(message.body.encode("utf-8", "surrogatepass")),
        message.detail,
    )


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def peek(stack: Stack, text: str, *, as_data: bool) -> None:
    """Print one dead letter: why it lies there, what it says it is, and how its body begins.

    Raises:
        CommandError: none begins like that, or the text is empty.
    """
    _check_named((text,), "ID")
    dead = stack.dead
    message = _one(dead, text)
    held = held_in(message.body, store=stack.place.store, bucket=stack.bucket)
    if as_data:
        names = ("message_id", "reason", "detail", "sent_at_ms", "receive_count")
        facts: dict[str, Any] = {name: getattr(message, name) for name in names}
        as_json(
            facts | {"attributes": dict(message.attributes), "readable": isinstance(held, Held), "body": message.body}
        )
        return
    say(f"{message.message_id}  {message.reason}", "bold")
    if message.detail:
        say(harmless(message.detail))
    for name, value in message.attributes.items():
        say(f"  {cell(name)}: {cell(value)}", "dim")
    if isinstance(held, Held):
        say(f"It can be read now: trace {held.identity.trace_id}, {held.status}, {held.bytes} bytes. Redrive it.")
    else:
        say(harmless(f"It can't be read: {held}"))
    say()
    cut = "" if len(message.body) <= _PEEK_CHARACTERS else f" ... and {len(message.body) - _PEEK_CHARACTERS} more"
    say(harmless(message.body[:_PEEK_CHARACTERS]) + cut)


def _one(dead: Desk, text: str) -> Parked:
    choice = Choice(ids=(text,))
    listed: list[Parked] = []
    try:
        for message in dead.messages():
            listed.append(message)
            if choice.takes(message):
                return message
    finally:
        dead.give_back(listed)
    raise CommandError(f"no dead letter begins with {text!r}", "see `footpath dlq ls`", exit_code=Exit.NOT_FOUND)


def redrive_dead(stack: Stack, choice: Choice, *, limit: int | None) -> None:
    """Send dead letters to the trace queue again."""
    dead = stack.dead
    sent = redrive(dead, stack.desk("TraceQueueUrl"), choice, limit=limit)
    _some(sent, choice)
    say(f"{sent} sent to the trace queue again.")
    remark(
        f"{dead.count()} remain in the dead-letter queue; a message that is still wrong comes back to it, with its reason"
    )


def discard_dead(stack: Stack, choice: Choice, *, why: str, limit: int | None) -> None:
    """Throw dead letters away, each with a record in the archive bucket.

    Raises:
        CommandError: no reason is given, or none of them was there.
    """
    if not why.strip():
        raise CommandError("--why says nothing", "say why the messages may go; it is kept", exit_code=Exit.USAGE)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    gone = discard(stack.dead, stack.place.store, choice, why=why, by=_operator(), at=at, limit=limit)
    _some(gone, choice)
    say(f"{gone} discarded; their records lie under discards/ in {stack.place.name}.")


def _some(count: int, choice: Choice) -> None:
    """Whether what was named was there.

    Raises:
        CommandError: it was not.
    """
    if count or not (choice.ids or choice.reasons):
        return
    ids = " or ".join(f"begins with {text!r}" for text in choice.ids)
    reasons = " or ".join(f"has the reason {text!r}" for text in choice.reasons)
    named = " and ".join(part for part in (ids, reasons) if part)
    raise CommandError(f"no dead letter {named}", "see `footpath dlq ls`", exit_code=Exit.NOT_FOUND)


def _operator() -> str:
    try:
        return str(_client("sts").get_caller_identity()["Arn"])
    except Exception:  # noqa: BLE001 - whoever may not ask has a name on this machine
        return getpass.getuser()


# ── recover ────────────────────────────────────────────────────────────────────────────────────────────────────────
class _Remarks:
    """What the sealer logs, for a person at a terminal."""

    def info(self, message: str, **facts: object) -> None:
        """Say nothing."""

    def warning(self, message: str, **facts: object) -> None:
        """Say it beside the output."""
        remark(harmless(f"{message}: {facts}"))

    def error(self, message: str, **facts: object) -> None:
        """Say it beside the output."""
        self.warning(message, **facts)


def recover_here(place: Place, log: str | None) -> None:
    """Bring what lies in a folder's spool, and in log lines, into the folder's archive.

    Raises:
        CommandError: something was left behind.
    """
    assert place.folder is not None
    folder = place.folder
    recovery = Recovery(
        place.store, bucket=LOCAL_BUCKET, way=Archivist(place.store), remove=lambda key: (folder / key).unlink()
    )
    again = recovery.from_spool()
    if again.sent:
        recovery.from_spool()  # archived by now: clear them up
    _told("spool", again, "archived now")
    _from_log(recovery, log, "archived now")


def recover_stack(stack: Stack, log: str | None, log_group: str | None, hours: int) -> None:
    """Send what lies in a stack's spool, and in log lines, to its trace queue.

    Raises:
        CommandError: something was left behind, or AWS refused.
    """
    s3 = _client("s3")

    def remove(key: str) -> None:
        s3.delete_object(Bucket=stack.bucket, Key=key)

    recovery = Recovery(stack.place.store, bucket=stack.bucket, way=stack.desk("TraceQueueUrl"), remove=remove)
    _told("spool", recovery.from_spool(), "sent to the trace queue")
    if log_group is not None:
        _told("log group", recovery.from_log(_events(log_group, hours)), "sent to the trace queue")
    _from_log(recovery, log, "sent to the trace queue")


def _events(log_group: str, hours: int) -> Iterator[str]:
    from botocore.exceptions import BotoCoreError, ClientError

    start_ms = int(datetime.now(UTC).timestamp() * 1000) - hours * 3_600_000
    pages = _client("logs").get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=log_group, startTime=start_ms, filterPattern='"footpath"'):
            for event in page["events"]:
                yield str(event["message"])
    except (BotoCoreError, ClientError) as error:
        cure = "check the group's name, and the right to logs:FilterLogEvents"
        raise CommandError(f"the log could not be read: {error}", cure, exit_code=Exit.UNREACHABLE) from error


def _from_log(recovery: Recovery, log: str | None, done: str) -> None:
    if log is None:
        return
    if log == "-":
        _told("log", recovery.from_log(sys.stdin), done)
        return
    try:
        with Path(log).open(encoding="utf-8", errors="replace") as lines:
            _told("log", recovery.from_log(lines), done)
    except OSError as error:
        raise CommandError(
            f"{log} can't be read: {error}", "name a file of log lines, or -", exit_code=Exit.USAGE
        ) from error


def _told(place: str, recovered: Recovered, done: str) -> None:
    say(f"{place}: {recovered.sent} {done}, {recovered.archived} in the archive already.")
    for where, why in recovered.unreadable:
        say(harmless(f"  left: {where}: {why}"), "bold red")
    for trace_id, missing in recovered.incomplete:
        say(
            harmless(f"  left: trace {trace_id} lacks its log lines {', '.join(map(str, missing)) or '(damaged)'}"),
            "bold red",
        )
    for dropped in recovered.dropped:
        why = "; ".join(dropped.failures)
        say(harmless(f"  gone: trace {dropped.trace_id} of {dropped.chart}, {dropped.bytes} bytes: {why}"), "bold red")
    if not recovered.complete:
        raise CommandError(
            f"not everything in the {place} could be recovered", "docs/runbook.md says what each of them means"
        )


# ── verify ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def verify_archive(
    place: Place, *, replay: bool, public_key: Path | None, expired_days: int | None, as_lines: bool
) -> None:
    """Check an archive, and name the first bad trace.

    Raises:
        CommandError: something is not as it was written, the archive is empty, or the key can't be read.
    """
    key = None if public_key is None else _public_key(public_key)
    first_hour = "" if expired_days is None else first_hour_of(expired_days)
    if next(iter(place.store.list_keys(DIGESTS)), None) is None:
        place.check_not_empty()  # an archive that was sealed and holds nothing is worse than empty
    done = verify(place.store, replay=replay, key=key, first_hour=first_hour)
    if as_lines:
        as_json_lines(("key", "trace", "what"), done.findings)
    else:
        for finding in done.findings:
            say(harmless(f"{finding.trace_id or 'no trace named'}: {finding.what}"), "bold red")
            say(f"  in {cell(finding.key)}", "dim")
    remark(_summary(done))
    if done.findings:
        first = done.findings[0]
        count = "1 finding" if len(done.findings) == 1 else f"{len(done.findings)} findings"
        raise CommandError(
            f"{count}; the first bad trace is {first.trace_id or 'unknown, in ' + first.key}",
            "restore the objects named from a copy or from the bucket's versions (docs/runbook.md)",
            exit_code=Exit.DAMAGED,
        )
    if not as_lines:
        say(f"{done.traces} traces in {done.segments} segments are as they were written.")
        say(_sealed(done, checked=key is not None))


def _summary(done: Verified) -> str:
    newer = f", {done.newer} lines of a newer version not checked" if done.newer else ""
    return f"read {done.segments} segments, {done.traces} lines, {done.digests} digests, {done.bytes} bytes{newer}"


def _sealed(done: Verified, *, checked: bool) -> str:
    """What the digests add to that, or what is missing without them."""
    if not done.digests:
        return "No digest covers them: that a whole segment is gone would not be seen."
    rest = f"; {done.unsealed} segments are not sealed yet" if done.unsealed else ""
    if checked:
        return f"{done.digests} digests, all signed by this key, miss none of their segments{rest}."
    unchecked = "their signatures were not checked (--public-key)" if done.signed else "they are not signed"
    return f"{done.digests} digests miss none of their segments; {unchecked}{rest}."


def seal_archive(place: Place) -> None:
    """Seal a local archive, and say what was sealed.

    Raises:
        CommandError: it is empty, or its digests can't be read.
    """
    from footpath.errors import ArchiveError
    from footpath_service.seal import Sealer

    place.check_not_empty()
    sealer = Sealer(store=place.store, signer=None, metrics=NoMetrics(), log=_Remarks())
    try:
        sealed = sealer.seal(lambda: float("inf"))
    except ArchiveError as error:
        cure = "`footpath traces verify` says more"
        raise CommandError(f"the archive can't be sealed: {error}", cure, exit_code=Exit.DAMAGED) from error
    if not sealed.digests:
        say("Nothing was added since the last digest.")
        return
    say(f"{sealed.trace_count} traces in {sealed.segment_count} segments sealed: {', '.join(sealed.digests)}")


def _public_key(file: Path) -> PublicKey:
    try:
        return PublicKey(file.read_bytes())
    except (OSError, KeyFileError) as error:
        cure = "give the file that `aws kms get-public-key` made, as PEM or DER"
        raise CommandError(f"{file} can't be used as a public key: {error}", cure, exit_code=Exit.USAGE) from error


# ── doctor ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def doctor(template: Path | None, stack: str | None, region: str | None, *, as_lines: bool) -> None:
    """Check a configuration against the rules that would lose data.

    Raises:
        CommandError: it would lose data, or it can't be read.
    """
    if stack is not None:
        outputs = stack_outputs(stack, region)
        name, facts = f"stack {stack}", facts_of_stack(outputs, _client)
    else:
        path = template or Path("template.yaml")
        name, facts = str(path), facts_of_template(path)
    ills = examine(facts)
    if as_lines:
        as_json_lines(("loses", "what", "cure"), ills)
    else:
        _show(ills)
    losing = sum(ill.loses for ill in ills)
    if losing:
        raise CommandError(f"{name} would lose traces: {losing} rules are broken", "see what each line says to set")
    if not as_lines:
        say(f"{name} keeps every rule against losing traces.")


def _show(ills: Iterable[Ill]) -> None:
    for ill in ills:
        say(harmless(f"{'loses traces' if ill.loses else 'note'}: {ill.what}"), "bold red" if ill.loses else "")
        say(harmless(f"  {ill.cure}"))


def chosen(ids: Iterable[str], reasons: Iterable[str], *, everything: bool, command: Callable[..., object]) -> Choice:
    """What the options of `redrive` and `discard` mean.

    Raises:
        CommandError: they mean nothing, or two things.
    """
    choice = Choice(tuple(ids), tuple(reasons))
    _check_named(choice.ids, "ID")
    _check_named(choice.reasons, "--reason")
    if everything == bool(choice.ids or choice.reasons):
        name = command.__name__.partition("_")[0]
        cure = f"footpath dlq {name} ID ..., --reason REASON, or --all"
        raise CommandError("say which dead letters: by id, by reason, or all", cure, exit_code=Exit.USAGE)
    return choice


def _check_named(texts: Iterable[str], where: str) -> None:
    """See that nothing named is empty, as a variable of a shell may be: every id begins with that.

    Raises:
        CommandError: something is.
    """
    if any(not text.strip() for text in texts):
        raise CommandError(f"{where} is empty", "give it a value; `footpath dlq ls` shows some", exit_code=Exit.USAGE)

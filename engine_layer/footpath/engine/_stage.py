"""Running one stage's function: attempts, pauses, failures."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.chart import Node, StageNode
from footpath.errors import FootpathError, RunError
from footpath.journal.entries import AGAIN, COMMIT, FAIL, PAUSE, PAUSED_LINE, PAUSED_SCOPE, RETRY
from footpath.scope import NO_ANSWER, NO_PAYLOAD, Frame, Paused, make_scope
from footpath.state import untracked
from footpath.values import ABSENT, record

if TYPE_CHECKING:
    from collections.abc import Generator

    from footpath.engine._line import Place
    from footpath.engine._run import Run
    from footpath.engine._schedule import Task
    from footpath.state import Region

__all__ = [
    "StageNode",
    "attempt",
    "branch_text",
    "error_code",
    "error_entry",
    "error_name",
    "fail",
    "full_id",
    "full_name",
    "invoked",
    "made_name",
    "pause",
    "pausing_with",
    "turns_to_settle",
]


def made_name(given: Any) -> str:
    """An id or a name that a stage made up while the run went on, as it is recorded; of what is no text, its text."""
    if type(given) is str and given.isascii():
        return given
    from footpath.values import js_text, recorded_name

    return recorded_name(str.__str__(given) if isinstance(given, str) else js_text(untracked(given)))


def full_name(region: Region, node: Node) -> str:
    """A node's name with its subflow's prefix."""
    return f"{region.prefix}/{node.name}" if region.prefix and not node.is_dynamic else node.name


def full_id(region: Region, node: Node) -> str:
    """A node's id with its subflow's prefix."""
    return f"{region.prefix}/{node.id}" if region.prefix and not node.is_dynamic else node.id


def error_name(error: BaseException) -> str:
    """What the error calls itself: a `name` of its own, else its type's name.

    Python's own AttributeError, NameError and ImportError have a `name` that is not theirs but what they miss.
    """
    if isinstance(error, FootpathError):
        return error.reported_name
    name = _own_text(error, "name")
    if name and not isinstance(error, (AttributeError, NameError, ImportError)):
        return name
    return type(error).__name__


def error_code(error: BaseException) -> str | None:
    """The error's code, where it is a text."""
    return _own_text(error, "code")


def _own_text(error: BaseException, attribute: str) -> str | None:
    """An attribute that is a text, as one that UTF-8 can hold; None otherwise, also where asking for it raises."""
    from footpath.values import whole_text  # texts are for runs that fail

    value = _asked(error, attribute)
    return whole_text(str.__str__(value)) if isinstance(value, str) else None


def _asked(error: BaseException, attribute: str) -> Any:
    try:
        return getattr(error, attribute, None)
    except Exception:  # noqa: BLE001  # an error of the user's own class: a property may raise
        return None


def error_entry(run: Run, error: BaseException) -> list[Any]:
    """An error as the journal holds it: `[name, message, code?, issues?]`."""
    from footpath.values import error_text  # texts are for runs that fail

    message = error_text(error)
    if run.redaction is not None:
        message = run.redaction.scrub(message)
    entry: list[Any] = [error_name(error), message]
    code, issues = error_code(error), _asked(error, "issues")
    has_issues = isinstance(issues, (list, tuple))
    if code is not None or has_issues:
        entry.append(code)
    if has_issues:
        recorded = record(issues)
        entry.append(recorded if run.redaction is None else run.redaction.scrub_recorded(recorded))
    return entry


def fail(run: Run, frame: Frame, error: BaseException) -> None:
    """Commit what a failed stage had staged, and record the error.

    An error is recorded where it was raised first; the lines it passes through on its way out stay silent.
    """
    dropped = frame.commit()
    run.say(frame, (COMMIT,) if dropped is None else (COMMIT, dropped))
    run.record_entry((FAIL, error_entry(run, error)))
    if run.failed_stage is None:
        run.failed_stage = full_id(frame.region, frame.node)


def turns_to_settle(settled: bool) -> int:
    """Turns between what a stage's function came to and its commit; a plain function's result takes one more."""
    return 2 if settled else 3


def pause(place: Place, frame: Frame, signal: Paused, settled: bool) -> Generator[Any, Any, None]:
    """Commit what a pausing stage had staged, and record the pause."""
    run = place.run
    signal.frame = frame
    said = signal.data
    data = None if said is NO_PAYLOAD or said is ABSENT else [record(said)]
    if data is not None and run.redaction is not None:
        data = [run.redaction.scrub_recorded(data[0])]
    run.say(frame, (PAUSE, PAUSED_SCOPE, data, []))
    if place.task.parallel:
        yield turns_to_settle(settled)
    dropped = frame.commit()
    run.say(frame, (COMMIT,) if dropped is None else (COMMIT, dropped))
    who = [full_name(frame.region, frame.node), full_id(frame.region, frame.node), frame.number, frame.branch]
    line = (PAUSE, PAUSED_LINE, data, [], who)
    # Of a decider or a selector, footprintjs tells the scope's recorders only.
    run.record_entry(line if frame.node.kind == "stage" else (*line, 1))


def pausing_with(returned: Any) -> Paused:
    """The pause of a pausable stage: with what it returned, or the data of `{"pause": True, "data": ...}`."""
    if isinstance(returned, dict) and returned.get("pause") is True:
        returned = returned.get("data", NO_PAYLOAD)
    if type(returned) is not StageNode:
        return Paused(returned, by_interrupt=False)
    # It goes nowhere: it is data, of which JSON has the names.
    following = returned.next
    holds_code = bool(returned.fn or returned.children or (following and following.fn))
    return Paused(_names(returned), by_interrupt=False, holds_code=holds_code)


def _names(node: StageNode) -> dict[str, Any]:
    """What JSON shows of a node."""
    shown: dict[str, Any] = {"name": node.name, "id": node.id}
    if node.next is not None:
        shown["next"] = {"name": node.next.name, "id": node.next.id}
    if node.children:
        shown["children"] = [{"name": each.name, "id": each.id} for each in node.children]
    return shown


def without_function(region: Region, node: Node) -> RunError:
    """What a stage without a function comes to."""
    name = full_name(region, node)
    return RunError(f"Node '{name}' must define: embedded fn OR a stageMap entry OR have children/decider")


def invoked(signal: Paused, region: Region, node: Node) -> None:
    """Say who took the branch that pauses, unless a branch in it has been named before."""
    if signal.invoker is None:
        following = node.next if node.loop_target is None else region.nodes[node.loop_target]
        following = None if following is None else full_id(region, following)
        signal.invoker = (full_id(region, node), following)


def branch_text(returned: Any) -> str:
    """What a decider or selector returned, as the text that is compared with branch ids."""
    if isinstance(returned, str):
        return returned
    if returned is None or returned is ABSENT:
        return "undefined"
    from footpath.values import js_text

    return js_text(untracked(returned))


def attempt(place: Place, node: Node, frame: Frame) -> Generator[Any, Any, tuple[Any, bool]]:
    """Run a stage that may be tried again, that streams or that may pause; returns what it returned, and if it was waited for.

    Raises:
        Exception: the last attempt's error, after it was recorded.
        Paused: the stage asked to pause.
    """
    run, task = place.run, place.task
    policy = node.retry
    attempts = 1 if policy is None else policy.attempts
    resuming = run.resuming
    answers = resuming is not None and resuming.node is node and resuming.half is None
    for number in range(1, attempts + 1):
        if number > 1:
            if node.is_streaming:
                run.begin_stream(node)
            run.say(frame, (AGAIN, run.now()))
            if answers:
                frame.answer = frame.resume_input
        settled = attempts > 1
        try:
            out = _call(run, node, frame)
            if hasattr(type(out), "__await__"):
                settled = True
                out = yield (_raced(run, task, out) if run.watched else out)
            return out, settled
        except Paused as signal:
            yield pause(place, frame, signal, settled)
            raise
        except GeneratorExit:
            raise  # the run has ended elsewhere
        except BaseException as error:
            stops = not isinstance(error, Exception)
            final = (
                stops
                or number == attempts
                or policy is None
                or not _wanted(policy.retry_on, error)
                or run.told_to_stop()
            )
            if not final:
                delay_ms = _delay_ms(policy.backoff_ms, number)  # type: ignore[union-attr]
                if task.parallel:
                    yield 1
                frame.forget()
                run.say(frame, (RETRY, number, attempts, delay_ms, error_entry(run, error)))
                if delay_ms > 0:
                    final = yield _waited(run, frame, delay_ms)
            if final:
                waits = task.parallel and not stops  # what stops the program waits for nobody
                if waits:
                    yield turns_to_settle(settled)
                fail(run, frame, error)
                if waits and node.kind != "stage":
                    yield 1
                raise
    raise FootpathError("unreachable: attempts is at least 1")


def _raced(run: Run, task: Task, awaitable: Any) -> Generator[Any, Any, Any]:
    """Await what a stage returned in a run that may be told to stop; the race between the two takes a turn of its own."""
    run.begin_if_stopped(awaitable)
    try:
        out = yield awaitable
    except (Exception, Paused):
        if task.parallel:
            yield 1
        raise
    if task.parallel:
        yield 1
    return out


def _call(run: Run, node: Node, frame: Frame) -> Any:
    """Call the stage's function; of a paused stage that is resumed, the half that goes on."""
    resuming = run.resuming
    if resuming is None or resuming.node is not node:
        return node.fn(make_scope(frame))  # type: ignore[misc]
    run.resuming = None
    frame.resume_input = None if resuming.input is NO_ANSWER else resuming.input
    if resuming.half is None:
        frame.answer = frame.resume_input
        return node.fn(make_scope(frame))  # type: ignore[misc]
    if resuming.takes_input:
        return resuming.half(make_scope(frame), frame.resume_input)
    return resuming.half(make_scope(frame))


def _waited(run: Run, frame: Frame, delay_ms: float) -> Generator[Any, Any, bool]:
    """Wait for the next attempt; returns whether the run was told to stop meanwhile, so that there is none."""
    try:
        yield _sleep(delay_ms)
    except RunError:  # the time is up, but the stage has an error of its own, which says more
        return True
    except GeneratorExit:
        raise  # the run has ended elsewhere
    except BaseException as stop:
        fail(run, frame, stop)
        raise
    return run.told_to_stop()


async def _sleep(delay_ms: float) -> None:
    import asyncio

    await asyncio.sleep(delay_ms / 1000)


def _wanted(retry_on: Any, error: Exception) -> bool:
    if retry_on is None:
        return True
    if isinstance(retry_on, str):
        return retry_on in str(error)
    try:
        return bool(retry_on(error))
    except Exception as broken:  # noqa: BLE001  # the caller gets the stage's own error
        import logging

        # Its type alone: what it says may quote what is hidden.
        logging.getLogger("footpath").warning("retry_on raised %s, so the failure is final", type(broken).__name__)
        return False


def _delay_ms(backoff_ms: Any, number: int) -> float:
    """How long to wait after that attempt; what is no finite time to come never holds a run up."""
    if isinstance(backoff_ms, (list, tuple)):
        backoff_ms = backoff_ms[number - 1] if number <= len(backoff_ms) else None
    return backoff_ms if backoff_ms is not None and 0 < backoff_ms < _INFINITY else 0


_INFINITY = float("inf")

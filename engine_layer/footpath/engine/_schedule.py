"""Driving a run: one flat loop over generators, whatever is nested in what.

A line of stages is a generator. It yields another generator to call it, a number of turns that parallel siblings take
before it goes on, a `Group` to run parallel children, or an awaitable to wait for. Nothing here recurses, so depth
costs no stack.

Parallel children advance as JavaScript's microtasks would let them: each runs to its first wait when the group begins,
and from then on whoever became ready first goes first. That fixes the order of every entry, which `asyncio.gather`
would not: a coroutine that never suspends would run to its end before its sibling begins. A turn is what one microtask
is in the reference; how many each step takes there was counted from outside (`docs/parity.md`), and only their
proportions matter.

Who really waits (for time, for a socket) comes back only when everybody else has nothing left to do, one at a time.

Coroutines need an event loop, so the run moves into one at the first awaitable it meets. A run without any never
imports asyncio.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

from collections import deque
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from footpath.scope import Paused

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable, Generator

    TimeLeft = Callable[[], tuple[float, BaseException]]

TURNS_AFTER_GROUP = 3
"""Between the last child's end and its parent's going on; a fail-fast parent takes one more after a failure."""


class Group:
    """Parallel children, one task each in child order.

    The group waits until all have ended; with `fail_fast` only until one has failed. The others then go on by
    themselves, as the reference's do, until the run ends: there they are stopped.
    """

    __slots__ = ("fail_fast", "first_error", "left", "owner", "results", "tasks")

    def __init__(self, size: int, *, fail_fast: bool = False) -> None:
        self.tasks = [Task(self, index, True) for index in range(size)]
        self.results: list[tuple[bool, Any]] = [(True, None)] * size
        self.left = size
        self.owner: Task | None = None
        self.first_error: BaseException | None = None
        self.fail_fast = fail_fast

    def to_raise(self) -> BaseException | None:
        """What ends the line that the children hang on: the first failure when failing fast, else the first child's pause or stop."""
        if self.fail_fast:
            return self.first_error
        stops = (value for ok, value in self.results if not ok and not isinstance(value, Exception))
        return next(stops, None)


class Task(Struct, eq=False):
    """One line of control: the run itself, or one parallel child with all that it calls.

    Attributes:
        index: which child of its group it is.
        parallel: whether siblings may be waiting, so that turns matter.
        turns: how many turns of the others it still lets pass, its next own one included.
        signal: what its innermost line has yielded already, None when it is to be asked.
    """

    group: Group | None = None
    index: int = 0
    parallel: bool = False
    turns: int = 0
    stack: list[Generator[Any, Any, Any]] = []
    value: Any = None
    error: BaseException | None = None
    signal: Any = None


class Scheduler(Struct, eq=False):
    """Runs one root task to its end, from the first thing that it yielded on.

    Attributes:
        ready: tasks that can go on, the root among them at first.
        result: what the root returned, once `done`.
        time_left: seconds until waiting must end, and the error that then ends it; None when there is no limit.
    """

    root: Task
    time_left: TimeLeft | None
    ready: deque[Task]
    done: bool = False
    result: Any = None
    error: BaseException | None = None

    def step(self) -> tuple[Task, Awaitable[Any]] | None:
        """Go on until a task waits for an awaitable, which is given back, or nothing is ready."""
        ready = self.ready
        while ready:
            task = ready.popleft()
            if task.turns > 1 and ready:
                task.turns -= 1
                ready.append(task)
                continue
            waiting = self._advance(task)
            if waiting is not None:
                return waiting
        return None

    def resume(self, task: Task, value: Any, error: BaseException | None) -> None:
        """Say what the awaitable of a task came to."""
        task.value, task.error = value, error
        self.ready.append(task)

    def give_up(self, waiting: tuple[Task, Awaitable[Any]] | None, error: Callable[[], BaseException]) -> None:
        """Await nothing more: whoever waits, or comes to wait, gets an error instead."""
        while waiting is not None:
            task, awaitable = waiting
            close = getattr(awaitable, "close", None)
            if close is not None:
                close()
            self.resume(task, None, error())
            waiting = self.step()

    def _advance(self, task: Task) -> tuple[Task, Awaitable[Any]] | None:
        stack = task.stack
        value, error = task.value, task.error
        task.value = task.error = None
        task.turns = 0
        asked, task.signal = task.signal, None
        while True:
            try:
                if asked is None:
                    signal = stack[-1].send(value) if error is None else stack[-1].throw(error)
                else:
                    signal, asked = asked, None
            except StopIteration as stop:
                stack.pop()
                value, error = stop.value, None
            except BaseException as raised:  # noqa: BLE001  # handed to the caller below, or to the group
                stack.pop()
                value, error = None, raised
            else:
                value = error = None
                if type(signal) is int:
                    task.turns = signal
                    self.ready.append(task)
                    return None
                if type(signal) is Group:
                    self._begin(task, signal)
                    return None
                if type(signal) is GeneratorType:
                    stack.append(signal)
                    continue
                return task, signal
            if not stack:
                self._finish(task, value, error)
                return None

    def _begin(self, owner: Task, group: Group) -> None:
        group.owner = owner
        if not group.tasks:
            self.resume(owner, group, None)
            return
        # Children begin before anything else that is ready, in order; the deque's left end keeps that order even
        # when one of them has to be handed out to be awaited.
        self.ready.extendleft(reversed(group.tasks))

    def _finish(self, task: Task, value: Any, error: BaseException | None) -> None:
        group = task.group
        if group is None:
            if task.parallel and not isinstance(error, _STOPS):
                # As in footprintjs, the outermost line takes two turns to end, while those left behind go on.
                task.parallel = False
                task.stack.append(_handing_on(value))
                task.error, task.turns = error, 2
                self.ready.append(task)
                return
            self.done, self.result, self.error = True, value, error
            self._stop()
            return
        group.results[task.index] = (error is None, value if error is None else error)
        if error is not None and group.first_error is None:
            group.first_error = error
        group.left -= 1
        owner = group.owner
        if owner is None:
            return
        # What stops the program (Ctrl-C, a cancelled task) does not wait for siblings either.
        stops = error is not None and not isinstance(error, (Exception, Paused))
        hurried = stops or (group.fail_fast and error is not None)
        if hurried or group.left == 0:
            group.owner = None
            if group.left == 0:
                group.tasks.clear()  # they name their group: without the ring, all of this goes when it is no longer needed
            if stops:
                self._stop(but_failing=True)
            self.resume(owner, group, None)
            owner.turns = TURNS_AFTER_GROUP + hurried
            if group.left:
                # From here on the main line is not alone any more.
                self.root.parallel = True

    def _stop(self, *, but_failing: bool = False) -> None:
        """End what others still had before them; those that are being told of an error may hear it first."""
        failing = [task for task in self.ready if but_failing and task.error is not None]
        for task in self.ready:
            while task.stack and task not in failing:
                task.stack.pop().close()
        self.ready.clear()
        self.ready.extend(failing)


_STOPS = (KeyboardInterrupt, SystemExit, Paused)


def _handing_on(value: Any) -> Generator[Any, Any, Any]:
    return value
    yield


def drive(root: Task, time_left: TimeLeft | None = None) -> Any:
    """Run a task to its end from ordinary code; an event loop is started at the first awaitable.

    Args:
        root: the task, with the line that is to be run on its stack.
        time_left: as of the scheduler.

    Raises:
        BaseException: what the run raised.
        RuntimeError: a stage has to be awaited, but this thread runs an event loop already.
    """
    try:
        root.signal = root.stack[0].send(None)
    except StopIteration as stop:  # nothing was parallel or awaited, so there is nothing to schedule
        return stop.value
    scheduler = Scheduler(root, time_left, deque((root,)))
    waiting = scheduler.step()
    if waiting is not None:
        import asyncio  # 40 ms that a run of plain functions never pays

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(finish(scheduler, waiting))
        else:
            message = "this chart has async stages and an event loop is running here: use `await executor.arun(...)`"
            scheduler.give_up(waiting, lambda: RuntimeError(message))
    return _outcome(scheduler)


async def drive_async(root: Task, time_left: TimeLeft | None = None) -> Any:
    """Run a task to its end inside an event loop."""
    try:
        root.signal = root.stack[0].send(None)
    except StopIteration as stop:
        return stop.value
    scheduler = Scheduler(root, time_left, deque((root,)))
    await finish(scheduler, scheduler.step())
    return _outcome(scheduler)


def _outcome(scheduler: Scheduler) -> Any:
    if scheduler.error is not None:
        raise scheduler.error
    return scheduler.result


async def finish(scheduler: Scheduler, waiting: tuple[Task, Awaitable[Any]] | None) -> None:
    """Go on in the running event loop until the run is done.

    When the task that runs this is cancelled, so are the stages that wait, which may clean up; then each of them is
    recorded as cancelled, and the run ends with that.
    """
    import asyncio

    from footpath.engine._gate import Gate

    pending: dict[Future[tuple[Any, BaseException | None]], Task] = {}
    arrived: deque[Future[tuple[Any, BaseException | None]]] = deque()
    changed = asyncio.Event()
    gate = Gate()

    def arrive(future: Future[Any]) -> None:
        arrived.append(future)
        changed.set()

    try:
        while True:
            if waiting is not None:
                task, awaitable = waiting
                if not task.parallel:
                    scheduler.resume(task, *await _settle(awaitable, scheduler))
                else:
                    future = asyncio.ensure_future(_settle(gate.through(awaitable), scheduler))
                    pending[future] = task
                    # Lets the coroutine run to its first wait before the next sibling begins.
                    await asyncio.sleep(0)
                    if future.done():
                        scheduler.resume(pending.pop(future), *future.result())
                    else:
                        future.add_done_callback(arrive)
            elif scheduler.done:
                return
            elif arrived:
                future = arrived.popleft()
                scheduler.resume(pending.pop(future), *future.result())
            else:
                changed.clear()
                gate.open()
                await changed.wait()
                gate.shut()
            waiting = scheduler.step()
    except asyncio.CancelledError:
        gate.take_away()
        for task, error in await _stopped(pending):
            scheduler.resume(task, None, error or asyncio.CancelledError())
        scheduler.give_up(scheduler.step(), asyncio.CancelledError)
        if scheduler.error is None:
            raise
    finally:
        gate.take_away()
        await _stopped(pending)


async def _stopped(pending: dict[Future[Any], Task]) -> list[tuple[Task, BaseException | None]]:
    """Cancel what is pending, whose stages clean up before the run is over; gives what stopped them otherwise."""
    stopped = list(pending.items())
    pending.clear()
    for future, _ in stopped:
        future.cancel()
    if stopped:
        import asyncio

        await asyncio.wait([future for future, _ in stopped])
    return [(task, None if future.cancelled() else future.exception()) for future, task in stopped]


async def _settle(awaitable: Awaitable[Any], scheduler: Scheduler) -> tuple[Any, BaseException | None]:
    """What an awaitable came to: its value, or its error, which is thrown into the waiting line."""
    try:
        if scheduler.time_left is None:
            return await awaitable, None
        return await _bounded(awaitable, scheduler.time_left), None
    except BaseException as raised:  # noqa: BLE001
        return None, raised


async def _bounded(awaitable: Awaitable[Any], time_left: TimeLeft) -> Any:
    import asyncio

    seconds, too_late = time_left()
    limit = asyncio.timeout(max(seconds, 0))
    try:
        async with limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise too_late from None
        raise

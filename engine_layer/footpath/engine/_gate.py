"""One at a time: who comes back from a wait goes on alone until nobody has anything left to do.

Two stages that slept equally long are woken by the event loop in one go, and would both run on before the engine hears
of either. In JavaScript each timer has all that follows from it done before the next one fires, so that the order of
what is recorded does not hang on how close two timers lie. A gate gives the same order.
"""

# Coroutines are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from collections import deque
from types import CoroutineType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Generator


class Gate:
    """Lets one stage at a time come back from what it waited for.

    It is shut while the engine works, and while a stage that came back has not waited again or ended.
    """

    __slots__ = ("_queue", "_shut")

    def __init__(self) -> None:
        self._shut: bool | None = True
        self._queue: deque[Future[None]] = deque()

    def through(self, awaitable: Awaitable[Any]) -> Awaitable[Any]:
        """The same awaitable, coming back through the gate after each wait."""
        return _Gated(awaitable, self) if isinstance(awaitable, CoroutineType) else awaitable

    def shut(self) -> None:
        """Somebody works."""
        if self._shut is not None:
            self._shut = True

    def open(self) -> None:
        """Nobody works any more: the next one may come back."""
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        if self._shut is not None:
            self._shut = False

    def take_away(self) -> None:
        """Let everybody through from now on."""
        self._shut = None
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.done():
                waiting.set_result(None)

    def enter(self) -> Future[None] | None:
        """Come back; gives what is to be waited for first, if somebody works."""
        if not self._shut:
            self.shut()
            return None
        import asyncio

        waiting = asyncio.get_running_loop().create_future()
        self._queue.append(waiting)
        return waiting


class _Gated:
    __slots__ = ("_coroutine", "_gate")

    def __init__(self, coroutine: CoroutineType[Any, Any, Any], gate: Gate) -> None:
        self._coroutine = coroutine
        self._gate = gate

    def close(self) -> None:
        """End the coroutine, which nobody waits for."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, gate = self._coroutine, self._gate
        value, error, is_back = None, None, False
        while True:
            try:
                waited_for = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as stop:
                return stop.value
            if is_back:
                gate.open()
            value, error, is_back = None, None, True
            try:
                value = yield waited_for
            except Exception as raised:  # noqa: BLE001  # the coroutine's own to handle
                error = raised
            except BaseException as raised:  # noqa: BLE001  # it is told to end, and lets nobody wait
                error, is_back = raised, False
                continue
            waiting = gate.enter()
            if waiting is None:
                continue
            try:
                yield from waiting
            except BaseException as raised:  # noqa: BLE001
                error, is_back = raised, not waiting.cancelled()

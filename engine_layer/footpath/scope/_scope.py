"""What a stage is given: its scope, the scope's operations, and the question that pauses the run."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from footpath.errors import StateError
from footpath.scope._frame import NO_ANSWER, NO_PAYLOAD, Frame
from footpath.values import ABSENT, ATOMS, index_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Scope:
    """The shared state as a stage sees it: `scope.key`, `scope["key"]`, `"key" in scope`, `del scope.key`.

    Every name is a state key and is never transformed; an absent one reads as None. What is not state is reached by
    `ops(scope)`, which no key can collide with.
    """

    __slots__ = ("__frame__",)

    # The first lines of both accessors are `Frame.read` and `Frame.write` once more for the access that asks for
    # nothing: a scalar, on the main line, with nothing hidden. A call saved is a quarter of what an access costs.
    if sys.version_info >= (3, 12):

        def __getattr__(self, key: str) -> Any:
            frame = self.__frame__
            record_entry = frame.quick
            if record_entry is not None:
                staged = frame.staged
                if not staged or (value := staged.get(key, ABSENT)) is ABSENT:
                    value = frame.base.get(key, ABSENT)
                if type(value) in ATOMS:
                    record_entry(key)
                    return value
            return frame.read(key if type(key) is str and key.isascii() else state_key(frame, key))

    else:
        # Before 3.12 __getattr__ costs several times what this does, because a failed look-up comes first. With it the
        # slot has to be reached past this class, by a call.
        def __getattribute__(self, key: str) -> Any:
            if key in _OWN_NAMES:
                return _object_getattribute(self, key)
            frame = frame_of(self)
            record_entry = frame.quick
            if record_entry is not None:
                staged = frame.staged
                if not staged or (value := staged.get(key, ABSENT)) is ABSENT:
                    value = frame.base.get(key, ABSENT)
                if type(value) in ATOMS:
                    record_entry(key)
                    return value
            return frame.read(key if type(key) is str and key.isascii() else state_key(frame, key))

    def __setattr__(self, key: str, value: Any) -> None:
        frame = frame_of(self)
        record_entry = frame.quick
        if record_entry is not None:
            kind = type(value)
            if (  # the bounds of an integer are SMALL's, spelled out: a name takes longer
                (kind is int and -0x8000_0000_0000_0000 < value < 0x8000_0000_0000_0000)
                or (kind is str and value.isascii())
                or (kind is float and value - value == 0.0)
                or kind is bool
            ) and (key.isascii() and key not in frame.region.readonly):
                record_entry((key, value))
                frame.staged[key] = value
                return
        frame.write(key if type(key) is str and key.isascii() else state_key(frame, key), value)

    def __delattr__(self, key: str) -> None:
        frame = frame_of(self)
        frame.delete(state_key(frame, key))

    def __getitem__(self, key: str) -> Any:
        frame = frame_of(self)
        return frame.read(key if type(key) is str and key.isascii() else state_key(frame, key))

    def __setitem__(self, key: str, value: Any) -> None:
        frame = frame_of(self)
        if type(key) is str and key in _RESERVED:
            raise StateError(_IS_RESERVED.format(key))
        frame.write(key if type(key) is str and key.isascii() else state_key(frame, key), value)

    def __delitem__(self, key: str) -> None:
        frame = frame_of(self)
        frame.delete(state_key(frame, key))

    def __contains__(self, key: str) -> bool:
        frame = frame_of(self)
        return frame.has(state_key(frame, key))

    def __iter__(self) -> Iterator[str]:
        return iter(_live_keys(frame_of(self)))

    def __repr__(self) -> str:
        frame = frame_of(self)
        return f"<Scope of {frame.node.id}#{frame.number}: {', '.join(_live_keys(frame))}>"


_RESERVED = frozenset(
    {
        "$attachScopeRecorder",
        "$batchArray",
        "$break",
        "$debug",
        "$delete",
        "$detachAndForget",
        "$detachAndJoinLater",
        "$detachScopeRecorder",
        "$emit",
        "$error",
        "$eval",
        "$getArgs",
        "$getEnv",
        "$getScopeRecorders",
        "$getValue",
        "$log",
        "$metric",
        "$read",
        "$setValue",
        "$toRaw",
        "$update",
    }
)
"""Keys that no stage can assign in footprintjs: names of its scope's methods. Here nothing is called so, but a chart's keys
are the same in both.

No attribute can be spelled so, and `setattr` is not asked: each assignment would pay for it.
"""
_IS_RESERVED = (
    'Cannot set state key "{}" -- it conflicts with a reserved TypedScope method. '
    "Rename the state key to avoid $-prefixed names."
)


def refused(key: Any) -> str:
    """Refuse a state key that is no string; JSON would not bring it back.

    Raises:
        StateError: always.
    """
    message = f"a state key is a string, not {type(key).__name__} ({key!r:.80}); use str(key)"
    raise StateError(message)


def state_key(frame: Frame, key: Any) -> str:
    """The name under which the state holds a key that a stage names.

    Raises:
        StateError: it is no string.
    """
    key = _exact(key)
    return key if key.isascii() else frame.host.spell(key)


def _exact(key: Any) -> str:
    """A key as a plain text; a member of a `StrEnum`, say, is one."""
    if type(key) is str:
        return key
    return str.__str__(key) if isinstance(key, str) else refused(key)


def _live_keys(frame: Frame) -> list[str]:
    """The keys that have a value, as stages spell them."""
    keys = frame.keys()
    if frame.host.spells:
        from footpath.values import live_name

        keys = [live_name(key) for key in keys]
    return keys


def _remark(text: Any) -> str:
    """A sentence of the stage's own making."""
    text = str(text)
    if text.isascii():
        return text
    from footpath.values import whole_text

    return whole_text(text)


def _named(name: Any) -> str:
    """A name of the stage's own making, as text, and as it is recorded."""
    if type(name) is not str:
        name = str.__str__(name) if isinstance(name, str) else str(name)
    if name.isascii():
        return name
    from footpath.values import recorded_name

    return recorded_name(name)


_object_getattribute = object.__getattribute__
_OWN_NAMES = frozenset(name for name in (*dir(Scope), "__dict__", "__weakref__") if name.startswith("__"))
_slot: Any = Scope.__dict__["__frame__"]
bind_scope = _slot.__set__
frame_of: Any = _slot.__get__


def make_scope(frame: Frame) -> Scope:
    """Give a frame its scope."""
    scope = Scope()
    bind_scope(scope, frame)
    return scope


class StageOps:
    """What a stage may do besides reading and writing keys by name.

    Attributes:
        resume_input: what the run was resumed with; None in a stage that was not paused.
    """

    __slots__ = ("_frame",)

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @property
    def args(self) -> Any:
        """The run's input (in a subflow: what was mapped in), untracked: that it was used is noted, each value is not."""
        frame = self._frame
        return frame.source("args", frame.region.args)

    @property
    def env(self) -> Any:
        """The run's environment, untracked likewise."""
        frame = self._frame
        return frame.source("env", frame.host.env)

    @property
    def resume_input(self) -> Any:
        """What the run was resumed with; None in a stage that was not paused."""
        return self._frame.resume_input

    def get(self, key: str, default: Any = None) -> Any:
        """Read a key like `scope.key`, but give `default` when it is absent (absent is not the same as None)."""
        frame = self._frame
        key = state_key(frame, key)
        present = frame.present(key)
        value = frame.read(key)
        return value if present else default

    def read(self, path: str, default: Any = None) -> Any:
        """Read what lies at a path, `"customer.address.zip"`, `"lines.0.price"`; `default` where it leads nowhere.

        It is one read, of the first key. A key or member that has a dot in its name is not reached.

        Example:
            >>> def greet(scope):
            ...     scope.customer = {"name": "Ada", "lines": [{"price": 3}]}
            ...     return ops(scope).read("customer.lines.0.price"), ops(scope).read("customer.address.zip", "?")
            >>> FlowChartExecutor(flow_chart("Greet", greet, "greet").build()).run()
            (3, '?')
        """
        key, *members = _exact(path).split(".")
        value = self.get(key, default) if not members else self._frame.read(state_key(self._frame, key))
        for member in members:
            if isinstance(value, dict) and member in value:
                value = value[member]
            elif isinstance(value, (list, tuple)) and 0 <= (index := index_in(member, len(value))) < len(value):
                value = value[index]
            else:
                return default
        return default if value is ABSENT else value

    def set(self, key: str, value: Any, redact: bool = False, description: str | None = None) -> None:
        """Write a key with options.

        Args:
            key: the state key.
            value: any value; see docs/values.md for how it is recorded.
            redact: hide the value in everything that is recorded, for the rest of the run.
            description: a remark for whoever reads the trace; an empty text is none.

        Raises:
            StateError: the key is one of the run's input, which is read-only.
        """
        note = None if description is None else _remark(description) or None
        self._frame.write_with(state_key(self._frame, key), value, redact, note)

    def update(self, key: str, patch: Any) -> None:
        """Merge a patch into a key: objects merge member by member, lists unite without duplicates."""
        self._frame.update(state_key(self._frame, key), patch)

    def delete(self, key: str) -> None:
        """Remove a key, like `del scope.key`."""
        self._frame.delete(state_key(self._frame, key))

    def append_all(self, key: str, items: Iterable[Any]) -> None:
        """Append several items to a list in one read and one write."""
        self._frame.append_all(state_key(self._frame, key), items)

    def emit(self, name: str, payload: Any = NO_PAYLOAD) -> None:
        """Send an event of the application's own to the recorders; name it like `billing.charge`."""
        self._frame.emit(_named(name), payload)

    def debug(self, key: str, value: Any) -> None:
        """Leave a diagnostic value on the stage."""
        self._frame.note("debug", _named(key), value)

    def log(self, message: Any) -> None:
        """Leave a diagnostic message on the stage."""
        self._frame.note("log", "messages", message)

    def error(self, key: str, value: Any) -> None:
        """Leave a remark about something wrong on the stage; the stage goes on."""
        self._frame.note("error", _named(key), value)

    def metric(self, name: str, value: Any) -> None:
        """Leave a measurement on the stage."""
        self._frame.note("metric", _named(name), value)

    def evaluate(self, name: str, value: Any) -> None:
        """Leave a score on the stage."""
        self._frame.note("eval", _named(name), value)

    def break_flow(self, reason: Any = None) -> None:
        """Stop this line after the stage; in a subflow or a parallel child only that stops. The first reason given stands."""
        frame = self._frame
        frame.broke = True
        if frame.reason is None and reason is not ABSENT:
            frame.reason = reason

    def token(self, text: Any) -> None:
        """Send a token of a streaming stage."""
        self._frame.token(text)


def ops(scope: Any) -> StageOps:
    """Reach the operations of a stage's scope that are not state keys: emit, break_flow, args, env, options of writes.

    Raises:
        TypeError: what was given is not a stage's scope.

    Example:
        >>> def charge(scope):
        ...     ops(scope).emit("billing.charge", {"amount": ops(scope).args["amount"]})
        ...     ops(scope).set("card", "4111", redact=True)
        >>> paid = FlowChartExecutor(flow_chart("Charge", charge, "charge").build())
        >>> paid.run(input={"amount": 5})
        >>> paid.get_snapshot(redact=True)["sharedState"]
        {'card': 'REDACTED'}
    """
    try:
        return StageOps(frame_of(scope))
    except (TypeError, AttributeError):
        message = f"ops() takes the scope that a stage was called with, not {type(scope).__name__}"
        raise TypeError(message) from None


class Paused(BaseException):
    """The run stops here until it is resumed. Not an `Exception`, so that a stage's own handlers let it pass.

    Attributes:
        data: what the stage paused with, for whoever has to answer; `NO_PAYLOAD` when it said nothing.
        by_interrupt: whether the stage asked in its middle, and will run again from its top.
        holds_code: whether the data held functions or charts, which no checkpoint can keep.
        frame: the paused stage's frame.
        path: full ids of the mounts around the stage, outermost first.
        states: state of each of those subflows, by its mount's full id.
        invoker: the decider or selector that took the branch with the stage in it, and what comes after that, by full
            id; the innermost, None where there is none.
    """

    def __init__(self, data: Any, *, by_interrupt: bool, holds_code: bool = False) -> None:
        """Keep what the stage said."""
        super().__init__("paused")
        self.data = data
        self.by_interrupt = by_interrupt
        self.holds_code = holds_code
        self.frame: Frame | None = None
        self.path: list[str] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.invoker: tuple[str, str | None] | None = None


def interrupt(scope: Any, payload: Any = NO_PAYLOAD) -> Any:
    """Ask somebody outside: pause here, and on resume give the answer.

    On resume the stage runs again from its top; this call then returns what the run was resumed with, once. Writes
    before it are committed at the pause, so they happen again.

    Raises:
        Paused: there is no answer yet.
        TypeError: `scope` is not a stage's scope.

    Example:
        >>> def confirm(scope):
        ...     scope.approved = interrupt(scope, {"question": "Approve?"})
        >>> waiting = FlowChartExecutor(flow_chart("Confirm", confirm, "confirm").build())
        >>> waiting.run()
        >>> waiting.resume(waiting.get_checkpoint(), True)
        >>> waiting.get_snapshot()["sharedState"]
        {'approved': True}
    """
    frame: Frame = frame_of(scope)
    if frame.answer is not NO_ANSWER:
        answer, frame.answer = frame.answer, NO_ANSWER
        return answer
    raise Paused(payload, by_interrupt=True)

"""Recording what JSON can't hold: as a tree of tagged forms, as a graph, or marked lossy."""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw

from footpath.values._absent import ABSENT, LOST, TAG, TAG_START
from footpath.values._open import Close, open_parts
from footpath.values._record import encode_json
from footpath.values._scan import ATOMS, CONTAINERS, MAX_DEPTH
from footpath.values._tags import NOT_A_LEAF, leaf, lossy

_encode = msgspec.json.Encoder().encode
_SHARED_FROM = 10_000  # parts, from which on a value that repeats its containers is recorded as a graph
_SHARED_RATIO = 8
_FAST_LEVELS = 4  # levels of a tagged value at which a container is still tried as plain JSON (each try is a full scan)


def record_tagged(value: Any) -> Any:
    """The recorded form of what is not plain JSON: tagged, as a graph, or lossy. Never raises."""
    try:
        try:
            form = _tree(value)
            return UNSET if form is ABSENT else form if type(form) in ATOMS else Raw(_encode(form))
        except (_NotATreeError, RecursionError):
            return Raw(_graph(value))
    except Exception:  # noqa: BLE001  # whatever it was, the stage must not see it
        try:
            return Raw(_encode(lossy(value)))
        except Exception:  # noqa: BLE001  # no stack left at all
            return LOST


class _NotATreeError(Exception):
    """The value holds itself, is nested too deep, or repeats its parts very often."""


class _Frame:
    """A value being written: its parts still to do, and those done."""

    __slots__ = ("close", "depth", "done", "key", "levels", "next_part")

    def __init__(self, value: Any, parts: list[Any], close: Close, levels: int) -> None:
        self.key = id(value)
        self.levels = levels
        self.depth = levels  # of the parts, in levels of JSON from the top
        self.next_part = iter(parts).__next__
        self.close = close
        self.done: list[Any] = []


def _leaf_or_frame(value: Any) -> Any:
    """JSON form of a leaf or of what can't be opened, else a frame."""
    try:
        form = leaf(value)
        if form is not NOT_A_LEAF:
            return form
        opened = open_parts(value)
    except Exception:  # noqa: BLE001  # a stage's own class: attributes and iteration may raise
        return lossy(value)
    return lossy(value) if opened is None else _Frame(value, *opened)


def _tree(value: Any) -> Any:
    """The JSON form of any value, as one tree."""
    top = _leaf_or_frame(value)
    if type(top) is not _Frame:
        return top
    stack = [top]
    open_now = {top.key}
    opened = 1
    seen = {top.key}
    while True:
        frame = stack[-1]
        try:
            part = frame.next_part()
        except StopIteration:
            form = frame.close(frame.done)
            open_now.discard(frame.key)
            stack.pop()
            if not stack:
                return form
            stack[-1].done.append(form)
            continue
        if len(stack) <= _FAST_LEVELS and type(part) in CONTAINERS:
            encoded = encode_json(part, MAX_DEPTH - frame.depth)
            if encoded is not None:
                frame.done.append(Raw(encoded))
                continue
        form = _leaf_or_frame(part)
        if type(form) is not _Frame:
            frame.done.append(form)
            continue
        opened += 1
        seen.add(form.key)
        form.depth = frame.depth + form.levels
        if form.key in open_now or form.depth > MAX_DEPTH:
            raise _NotATreeError
        if opened > _SHARED_FROM and opened > _SHARED_RATIO * len(seen):
            raise _NotATreeError
        open_now.add(form.key)
        stack.append(form)


def _graph(value: Any) -> bytes:
    """The JSON form of a value that is no tree: every container once, in a list, the others named by number."""
    numbers: dict[int, int] = {}
    frames: list[_Frame] = []
    kept: list[Any] = []  # keeps the parts alive, so that an id stays theirs

    def number_of(part: Any) -> Any:
        number = numbers.get(id(part))
        if number is None:
            form = _leaf_or_frame(part)
            if type(form) is not _Frame:
                return form
            number = numbers[id(part)] = len(frames)
            frames.append(form)
            kept.append(part)
        return {TAG: "ref", "value": number}

    number_of(value)
    nodes: list[bytes] = []
    for frame in frames:  # grows as it goes
        while True:
            try:
                part = frame.next_part()
            except StopIteration:
                break
            frame.done.append(number_of(part))
        nodes.append(_encode(frame.close(frame.done)))
    return TAG_START + b'"graph","value":[' + b",".join(nodes) + b"]}"

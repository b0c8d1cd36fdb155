"""Signing checkpoints, which pass through callers: who resumes a run shall resume that run, as it stood.

A checkpoint holds the state as it is, and which of its keys are hidden. Whoever changes it changes what the run goes on with, or
has a value shown that was to be hidden. With a key set, the handler signs what it gives out (HMAC-SHA-256), and refuses what comes
back otherwise. Without one, a checkpoint is believed as far as it fits the chart.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, cast

import msgspec

from footpath_service.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SIGNATURE", "CheckpointSigner"]

SIGNATURE = "signature"
"""The member that holds it, in lower-case hex."""


class CheckpointSigner:
    """Signs checkpoints and checks them.

    Args:
        keys: the first signs; any of them is honoured, so that a key can be changed while runs are paused.
    """

    def __init__(self, *keys: str) -> None:
        self._keys = [key.encode() for key in keys]

    def signed(self, chart: str, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
        """The checkpoint of a chart's run with its signature."""
        return {**checkpoint, SIGNATURE: _mac(self._keys[0], chart, checkpoint)}

    def check(self, chart: str, checkpoint: Mapping[str, Any]) -> None:
        """See that a checkpoint is one that was given out for this chart, unchanged.

        Raises:
            BadRequestError: it has no signature, or one that does not fit.
        """
        given = checkpoint.get(SIGNATURE)
        if not isinstance(given, str):
            problem = f"checkpoint.{SIGNATURE}: missing; send the checkpoint as it was answered, with all its members"
            raise BadRequestError("the checkpoint is not signed", [problem])
        bare = {name: value for name, value in checkpoint.items() if name != SIGNATURE}
        told = given.encode("utf-8", "replace")
        if not any(hmac.compare_digest(_mac(key, chart, bare).encode(), told) for key in self._keys):
            problem = f"checkpoint.{SIGNATURE}: does not fit; it was changed on its way, is of another chart, or its key is gone"
            raise BadRequestError("the checkpoint does not fit its signature", [problem])


def _mac(key: bytes, chart: str, checkpoint: Mapping[str, Any]) -> str:
    text = _canonical.encode([chart, _plain_numbers(checkpoint)])
    return hmac.new(key, text, hashlib.sha256).hexdigest()


_canonical = msgspec.json.Encoder(order="sorted")


def _plain_numbers(value: Any) -> Any:
    """The value with whole floats as integers: a caller's JSON may write 1.0 as 1, and means the same."""
    holder: list[Any] = [value]
    todo: list[Any] = [holder]
    while todo:
        box = todo.pop()
        parts = cast("list[tuple[Any, Any]]", list(box.items() if isinstance(box, dict) else enumerate(box)))
        for at, part in parts:
            if isinstance(part, float):
                box[at] = int(part) if part.is_integer() and abs(part) < 2**53 else part
            elif isinstance(part, (dict, list)):
                box[at] = cast("dict[str, Any] | list[Any]", part).copy()
                todo.append(box[at])
    return holder[0]

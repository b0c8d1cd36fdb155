"""Signing checkpoints, which pass through callers: who resumes a run shall resume that run, as it stood.

A checkpoint holds the state as it is, and which of its keys are hidden. Whoever changes it changes what the run goes on
with, or has a value shown that was to be hidden. With a key set, the handler signs what it gives out (HMAC-SHA-256),
and refuses what comes back otherwise. Without one, a checkpoint is believed as far as it fits the chart.

A key is a secret among the settings, or derived from a key of KMS that never leaves it: once a process, when the first
checkpoint is to be signed or checked, so that neither a variable nor a cold start has to do with it.
"""

# Values are of any type, and a narrowed Any is Unknown to pyright:
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, cast

import msgspec

from footpath_service.errors import BadRequestError, NotNowError, SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PURPOSE", "SIGNATURE", "CheckpointSigner"]

SIGNATURE = "signature"
"""The member that holds it, in lower-case hex."""

PURPOSE = b"footpath checkpoint key, version 1"
"""What keys are derived from: a key of KMS that others use as well gives them other keys."""


class CheckpointSigner:
    """Signs checkpoints and checks them.

    Args:
        keys: the first signs; any of them is honoured, so that a key can be changed while runs are paused.
        derive: gives keys that come before those, when they are needed first; asked again where it fails. Raises
            SigningError.
    """

    def __init__(self, *keys: str, derive: Callable[[], Sequence[bytes]] = tuple) -> None:
        self._given = [key.encode() for key in keys]
        self._derive = derive
        self._keys: list[bytes] = []

    def prepare(self) -> None:
        """See that the keys are there; safe to call again.

        Raises:
            NotNowError: they can't be derived at the moment.
        """
        if not self._keys:
            try:
                self._keys = [*self._derive(), *self._given]
            except SigningError as error:
                raise NotNowError(
                    "checkpoints can't be signed or checked at the moment",
                    ["ask again; if it lasts, tell the operator"],
                ) from error

    def signed(self, chart: str, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
        """The checkpoint of a chart's run with its signature.

        Raises:
            NotNowError: as `prepare`.
        """
        self.prepare()
        return {**checkpoint, SIGNATURE: _mac(self._keys[0], chart, checkpoint)}

    def check(self, chart: str, checkpoint: Mapping[str, Any]) -> None:
        """See that a checkpoint is one that was given out for this chart, unchanged.

        Raises:
            BadRequestError: it has no signature, or one that does not fit.
            NotNowError: as `prepare`.
        """
        self.prepare()
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

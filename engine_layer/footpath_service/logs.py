"""Structured logs by Powertools."""

from __future__ import annotations

import contextlib
from typing import Any

_CALLER = 3
"""Frames up: a line's `location` is where it was asked for, not this module."""


class PowertoolsLog:
    """Writes JSON lines with the service's name and the request's id; see `footpath_service.ports.Log`.

    Logging never raises: a full pipe must not cost an answer or a batch.
    """

    def __init__(self) -> None:
        from aws_lambda_powertools import Logger

        self._logger: Any = Logger()

    def within(self, context: Any) -> None:
        """From now on lines carry the id of this invocation."""
        with contextlib.suppress(Exception):
            self._logger.append_keys(request_id=getattr(context, "aws_request_id", None))

    def info(self, message: str, **facts: object) -> None:
        """What went as it should."""
        with contextlib.suppress(Exception):
            self._logger.info(message, extra=facts, stacklevel=_CALLER)

    def warning(self, message: str, **facts: object) -> None:
        """What will be tried again, or was done without."""
        with contextlib.suppress(Exception):
            self._logger.warning(message, extra=facts, stacklevel=_CALLER)

    def error(self, message: str, **facts: object) -> None:
        """What somebody should look at."""
        with contextlib.suppress(Exception):
            self._logger.error(message, extra=facts, stacklevel=_CALLER)

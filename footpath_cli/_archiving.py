"""Archiving on this machine as the deployed processor would, without a queue between: the way of a local folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath.recorders import ArchiveRecorder
from footpath_cli._exits import CommandError
from footpath_service.emf import NoMetrics
from footpath_service.process import Processor
from footpath_service.records import SqsRecord
from footpath_service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath.archive import ObjectStore

LOCAL_BUCKET = "local"
"""What claims in a folder's spool give as their bucket."""

_NO_DEADLINE_MS = 1e12


class Archivist:
    """Takes one body after the other; where `footpath traces recover` sends what it finds in a folder.

    Args:
        store: of the folder.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._log = _Problems()
        self._processor = Processor(
            store=store,
            dead_letters=None,
            settings=Settings(archive_bucket=LOCAL_BUCKET),
            make_recorders=lambda: [ArchiveRecorder()],  # metrics are for CloudWatch
            metrics=NoMetrics(),
            log=self._log,
        )

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Archive one body.

        Raises:
            CommandError: it could not be archived.
        """
        self._log.said.clear()
        record = SqsRecord("local", body, sent_at_ms=None, receive_count="", attributes=attributes)
        if self._processor.process([record], lambda: _NO_DEADLINE_MS).retry_ids:
            trace = f"trace {attributes['traceId']}" if "traceId" in attributes else "the trace"
            what = "; ".join(self._log.said)
            raise CommandError(f"{trace} could not be archived: {what}", "check the archive folder")


class _Problems:
    """Keeps what the processor complains of."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, message: str, **facts: object) -> None:
        """All is well."""

    def warning(self, message: str, **facts: object) -> None:
        """Keep it."""
        self.said.append(" ".join([message, *(f"{name}={value}" for name, value in facts.items())]))

    error = warning

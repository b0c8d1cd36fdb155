"""DuckDB over the segments of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from footpath.archive import SEGMENTS, Damage, salvage
from footpath_cli.sql._views import KEPT_SQL, VIEWS, lines_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class QueryError(Exception):
    """The SQL is wrong: syntax, a name, a type. The message is DuckDB's."""


class DamagedSegmentError(Exception):
    """A segment cannot be read.

    Attributes:
        segment: its path.
        offset: where the damage begins, in bytes; None when it is not known.
    """

    def __init__(self, segment: str, offset: int | None, reason: str) -> None:
        where = f" at byte {offset}" if offset is not None else ""
        super().__init__(f"{segment} is damaged{where}: {reason}")
        self.segment = segment
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's result: column names, and rows of Python values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Tables:
    """The views of `VIEWS` over segments on disk.

    Args:
        folder: the archive's folder, the one that holds `segments/`.
        segments: paths of the segments to read; all under the folder when None.

    Raises:
        FileNotFoundError: there is no segment.
    """

    def __init__(self, folder: Path, segments: Sequence[Path] | None = None) -> None:
        found = sorted((folder / SEGMENTS).rglob("*.jsonl.gz")) if segments is None else list(segments)
        if not found:
            raise FileNotFoundError(folder)
        self._segments = found
        self._duckdb = duckdb.connect(":memory:")
        # Progress bars belong to a terminal, and JSON is part of DuckDB: nothing is ever downloaded.
        self._duckdb.execute("SET enable_progress_bar = false; SET autoinstall_known_extensions = false")
        self._create("lines", lines_sql([str(path) for path in found]))
        self._create("kept", KEPT_SQL)
        for view in VIEWS:
            self._create(view.name, view.sql)

    def close(self) -> None:
        """Let go of the database."""
        self._duckdb.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> Answer:
        """Run one statement.

        Raises:
            QueryError: the statement is wrong.
            DamagedSegmentError: a segment cannot be read.
        """
        try:
            cursor = self._duckdb.execute(sql, list(parameters))
            description = cursor.description
            rows: list[tuple[Any, ...]] = cursor.fetchall() if description else []
        except duckdb.Error as error:
            self._blame_a_segment(error)
            raise QueryError(str(error)) from error
        return Answer([str(column[0]) for column in description or []], rows)

    def without_views(self) -> list[tuple[str, int]]:
        """Reasons why lines were archived without narrative and audit, and how many runs each: SQL sees their header only."""
        sql = "SELECT coalesce(viewsreason, 'no reason given'), count(*) FROM runs WHERE views = 'omitted' GROUP BY 1 ORDER BY 1"
        return [(str(reason), int(count)) for reason, count in self.query(sql).rows]

    def _create(self, name: str, sql: str) -> None:
        try:
            self._duckdb.execute(f"CREATE VIEW {name} AS {sql}")
        except duckdb.Error as error:
            self._blame_a_segment(error)
            raise

    def _blame_a_segment(self, error: duckdb.Error) -> None:
        """Name the damaged segment when that is what DuckDB stumbled over; its own message names no place."""
        if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
            return
        for path in self._segments:
            body = path.read_bytes()
            if not body:
                raise DamagedSegmentError(str(path), 0, "it is empty") from error
            for part in salvage(body):
                if isinstance(part, Damage):
                    raise DamagedSegmentError(str(path), part.offset, part.reason) from error

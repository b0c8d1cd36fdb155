"""SQL over an archive, locally: DuckDB reads the segments, and views make tables of their lines.

`traces` is the table that Athena has, so a saved query (`infra/queries/*.sql`) runs on both. The other views (`VIEWS`
lists them) count a run once and open up what the lines hold: story, decisions with their rules, writes, emits, errors.
"""

from __future__ import annotations

from footpath_cli.sql._tables import Answer, DamagedSegmentError, QueryError, Tables
from footpath_cli.sql._views import VIEWS, View

__all__ = ["Tables", "Answer", "VIEWS", "View", "QueryError", "DamagedSegmentError"]

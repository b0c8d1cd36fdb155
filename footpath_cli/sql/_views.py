"""The views that SQL sees, derived from the archive's lines."""

# ruff: noqa: S608 - the SQL is put together from this module's own constants, and file names are quoted

from __future__ import annotations

from typing import NamedTuple

# The members of a line that have a column, as the Glue table has them (template.yaml), and three more that need an
# engine which reads JSON reliably. Names are folded to lower case, as Athena does.
_LINE_COLUMNS = {
    "traceId": "VARCHAR",
    "revision": "INTEGER",
    "sha256": "VARCHAR",
    "runId": "VARCHAR",
    "chart": "VARCHAR",
    "chartName": "VARCHAR",
    "chartHash": "VARCHAR",
    "status": "VARCHAR",
    "startedAt": "VARCHAR",
    "durationMs": "DOUBLE",
    "errorType": "VARCHAR",
    "errorMessage": "VARCHAR",
    "errorStage": "VARCHAR",
    "sentAt": "VARCHAR",
    "weight": "DOUBLE",
    "droppedEntries": "INTEGER",
    "views": "VARCHAR",
    "viewsReason": "VARCHAR",
    "narrative": "VARCHAR[]",
}
_JSON_COLUMNS = {"state": "JSON", "audit": "JSON", "document": "JSON"}

MAX_LINE_BYTES = 64 << 20  # a line may hold a document of 24 MiB beside its views


class View(NamedTuple):
    """One view.

    Attributes:
        about: what a row is, in one sentence.
        sql: its SELECT, over views before it.
    """

    name: str
    about: str
    sql: str


def lines_sql(files: list[str]) -> str:
    """A SELECT of every line of these segments, with the partition's `dt` and `hr` and the file's name."""
    columns = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in (_LINE_COLUMNS | _JSON_COLUMNS).items())
    names = ", ".join(
        [f'"{name}" AS {name.lower()}' for name in _LINE_COLUMNS | _JSON_COLUMNS] + ["dt", "hr", "filename AS segment"]
    )
    return (
        f"SELECT {names} FROM read_json([{', '.join(map(_text, files))}], format = 'newline_delimited', "
        f"compression = 'gzip', columns = {{{columns}}}, filename = true, hive_partitioning = true, "
        f"hive_types_autocast = false, maximum_object_size = {MAX_LINE_BYTES})"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


_TABLE = ", ".join(name.lower() for name in _LINE_COLUMNS)
_AUDIT_ROW = (
    '[{"seq":"INTEGER","kind":"VARCHAR","stageId":"VARCHAR","runtimeStageId":"VARCHAR","at":"DOUBLE","key":"VARCHAR",'
    '"operation":"VARCHAR","name":"VARCHAR","names":["VARCHAR"],"number":"INTEGER","value":"JSON","evidence":"JSON",'
    '"message":"VARCHAR","errorType":"VARCHAR","code":"VARCHAR","hash":"VARCHAR"}]'
)
_EVIDENCE = (
    '{"rules":[{"type":"VARCHAR","ruleIndex":"INTEGER","branch":"VARCHAR","matched":"BOOLEAN","label":"VARCHAR",'
    '"matchError":"VARCHAR","conditions":[{"key":"VARCHAR","op":"VARCHAR","threshold":"JSON","actualSummary":"VARCHAR",'
    '"result":"BOOLEAN"}]}],"chosen":"VARCHAR","default":"VARCHAR","defaultLabel":"VARCHAR"}'
)

VIEWS = (
    View(
        "traces",
        "a line of the archive, the same table as on Athena: a trace archived twice has two rows",
        f"SELECT {_TABLE}, dt, hr FROM lines",
    ),
    View(
        "runs",
        "a run: its highest revision, once; `state` is the final state, `weight` how many runs it stands for",
        f"SELECT {_TABLE}, state, dt, hr FROM kept",
    ),
    View(
        "narrative",
        "a line of a run's story",
        "SELECT traceid, chart, place, line, weight FROM (SELECT traceid, chart, weight, unnest(narrative) AS line, "
        "generate_subscripts(narrative, 1) AS place FROM kept)",
    ),
    View(
        "audit",
        "an audit row: what was written, decided, emitted, and what went wrong",
        "SELECT traceid, chart, r.seq AS seq, r.kind AS kind, r.stageId AS stageid, r.runtimeStageId AS runtimestageid, "
        'r."at" AS at_ms, r."key" AS state_key, r.operation AS operation, r."name" AS name, r."names" AS names, '
        'r."number" AS number, r."value" AS value, r.evidence AS evidence, r.message AS message, '
        "r.errorType AS errortype, r.code AS code, r.hash AS hash, weight "
        f"FROM (SELECT traceid, chart, weight, unnest(from_json(audit, {_text(_AUDIT_ROW)})) AS r FROM kept)",
    ),
    View(
        "results",
        "a run's input and result",
        "SELECT traceid, any_value(chart) AS chart, any_value(value) FILTER (kind = 'run-start') AS input, "
        "any_value(value) FILTER (kind = 'run-end') AS result, any_value(weight) AS weight FROM audit GROUP BY traceid",
    ),
    View(
        "decisions",
        "a decision: the branch chosen, and the label of the rule that chose it",
        "SELECT traceid, chart, seq, stageid, runtimestageid, chosen, "
        "CASE WHEN evidence IS NULL THEN '(no rule)' WHEN hit IS NULL THEN coalesce('default: ' || e.defaultLabel, 'default') "
        "ELSE coalesce(hit.label, 'rule ' || hit.ruleIndex) END AS rule, hit.ruleIndex AS rule_index, "
        "len(e.rules) AS rules_tried, evidence, weight "
        "FROM (SELECT *, list_filter(e.rules, lambda tried: tried.matched)[1] AS hit "
        f"FROM (SELECT *, name AS chosen, from_json(evidence, {_text(_EVIDENCE)}) AS e FROM audit WHERE kind = 'decision'))",
    ),
    View(
        "conditions",
        "a comparison that a rule made: key, what it held, operator, threshold, and whether it held true",
        "SELECT traceid, chart, stageid, runtimestageid, chosen, t.ruleIndex AS rule_index, t.label AS rule, "
        't.matched AS matched, c."key" AS state_key, c.actualSummary AS actual, c.op AS op, c.threshold AS threshold, '
        'c."result" AS result, weight '
        "FROM (SELECT *, unnest(t.conditions) AS c FROM (SELECT *, unnest(e.rules) AS t FROM (SELECT *, "
        f"from_json(evidence, {_text(_EVIDENCE)}) AS e FROM decisions)))",
    ),
    View(
        "writes",
        "a write that reached the state",
        "SELECT traceid, chart, seq, stageid, runtimestageid, state_key, operation, value, weight FROM audit WHERE kind = 'write'",
    ),
    View(
        "emits",
        "an event that a stage emitted",
        "SELECT traceid, chart, seq, stageid, runtimestageid, name, value, weight FROM audit WHERE kind = 'emit'",
    ),
    View(
        "errors",
        "an error that a stage raised",
        "SELECT traceid, chart, seq, stageid, runtimestageid, errortype, message, weight FROM audit WHERE kind = 'error'",
    ),
    View(
        "documents",
        "a run's trace document, as it was captured",
        "SELECT traceid, chart, document, weight FROM kept",
    ),
)

# One line per run: the highest revision; among copies always the same one. `weight` is how many runs it stands for, one
# and up.
KEPT_SQL = (
    "SELECT * EXCLUDE (rank_in_trace) REPLACE (coalesce(weight, 1) AS weight) FROM (SELECT *, row_number() OVER (PARTITION BY traceid ORDER BY revision DESC, sha256, "
    "segment) AS rank_in_trace FROM lines) WHERE rank_in_trace = 1"
)

"""The floor that the processor is compared with: one pass by hand over a journal, for one kind of chart only.

It makes the same line of the archive and the same numbers, to the byte, without events, recorders, frames or a table of
handlers; it knows scalars, stages in a line and decisions by rules, trusts its input and could not be kept in step with
the engine. That is what the general way is allowed to cost three times as much as.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from footpath.archive import Line, encode_line
from footpath.recorders import AuditRow

_encode = msgspec.json.Encoder().encode


class _Chart(Struct):
    id: str
    name: str
    hash: str


class _Document(Struct, rename="camel"):
    trace_id: str
    revision: int
    run_id: str
    chart: _Chart
    status: str
    started_at: str
    duration: float
    spec: Raw
    journal: list[Any]


class _Node(Struct):
    id: str
    name: str


class _Nodes(Struct):
    nodes: list[_Node]


class _Spec(Struct):
    charts: list[_Nodes]


@lru_cache(maxsize=16)
def _nodes(spec: bytes) -> list[_Node]:
    return msgspec.json.decode(spec, type=_Spec).charts[0].nodes


_decode = msgspec.json.Decoder(_Document).decode


class Counts:
    """What the metrics recorder counts of such charts."""

    def __init__(self) -> None:
        self.runs = 0
        self.stages: dict[str, list[Any]] = {}
        self.decisions: dict[str, dict[str, int]] = {}


def line_of(data: bytes, counts: Counts, started_ms: float) -> bytes:
    """The archive's line of a document (`data`), its numbers added to `counts`.

    `started_ms` is the document's `startedAt` in milliseconds since the Unix epoch.
    """
    document = _decode(data)
    state: dict[str, Any] = {}
    staged: dict[str, Any] = {}
    steps: list[str] = []
    told: list[str] = []
    audit: list[bytes] = []
    nodes: list[_Node] = []
    previous = "0" * 64
    number = stage = 0
    frame = -1
    began = 0.0
    node = _Node("", "")

    def seal(row: AuditRow) -> None:
        nonlocal previous
        body = _encode(row)
        previous = sha256(previous.encode() + body).hexdigest()
        audit.append(b'%b,"hash":"%b"}' % (body[:-1], previous.encode()))

    def text(value: Any) -> str:
        return f'"{value}"' if type(value) is str else str(value)

    def end(t: int, dropped: Any) -> None:
        nonlocal stage
        rsid = f"{node.id}#{frame}"
        for key, value in staged.items():
            seal(
                AuditRow(
                    seq=len(audit),
                    kind="write",
                    stage_id=node.id,
                    runtime_stage_id=rsid,
                    at=began,
                    key=key,
                    operation="set",
                    raw_value=value,
                )
            )
            if dropped is None or key not in dropped:
                state[key] = value
        known = counts.stages.get(node.id)
        took = max(0.0, started_ms + t / 1000 - began)
        if known is None:
            counts.stages[node.id] = [node.name, 1, took, took, took]
        else:
            known[1] += 1
            known[2] += took
            known[3] = min(known[3], took)
            known[4] = max(known[4], took)
        stage += 1
        told.append(
            f"Stage {stage}: The process began with {node.name}."
            if stage == 1
            else f"Stage {stage}: Next, it moved on to {node.name}."
        )
        told.extend(steps)
        staged.clear()
        steps.clear()

    def begin(t: int, ordinal: int) -> None:
        nonlocal node, frame, began, number
        node = nodes[ordinal]
        frame += 1
        number = 0
        began = started_ms + t / 1000

    for entry in document.journal:
        if type(entry) is str:
            number += 1
            value = staged[entry] if entry in staged else state.get(entry)
            steps.append(f"Step {number}: Read {entry} = {text(value)}")
            continue
        code = entry[0]
        if type(code) is str:
            number += 1
            value = entry[1]
            staged[code] = value
            steps.append(f"Step {number}: Write {code} = {text(value)}")
        elif code == 42:
            end(entry[1], entry[3] if len(entry) > 3 else None)
            begin(entry[1], entry[2])
        elif code == 47:
            nodes = _nodes(bytes(document.spec))
        elif code == 44:
            rsid = f"{node.id}#{frame}"
            end(entry[1], entry[5] if len(entry) > 5 else None)
            chosen = nodes[entry[2]].name
            default, _, *tried = entry[4]
            rules = [
                {
                    "type": "filter",
                    "ruleIndex": index,
                    "branch": branch,
                    "matched": matched,
                    "label": label,
                    "conditions": [
                        {
                            "key": key,
                            "op": op,
                            "threshold": threshold,
                            "actualSummary": text(actual),
                            "result": result,
                            "redacted": False,
                        }
                        for key, op, threshold, actual, result in conditions
                    ],
                }
                for index, (branch, label, matched, *conditions) in enumerate(tried)
            ]
            rule = next(rule for rule in rules if rule["matched"])
            evidence = {"rules": rules, "chosen": rule["branch"], "default": default}
            seal(
                AuditRow(
                    seq=len(audit),
                    kind="decision",
                    stage_id=node.id,
                    runtime_stage_id=rsid,
                    name=chosen,
                    raw_evidence=Raw(_encode(evidence)),
                )
            )
            mix = counts.decisions.setdefault(node.id, {})
            mix[chosen] = mix.get(chosen, 0) + 1
            saw = ", ".join(
                f"{seen['key']} {seen['actualSummary']} {seen['op']} {seen['threshold']} {'✓' if seen['result'] else '✗'}"
                for seen in rule["conditions"]
            )
            told.append(
                f'[Condition]: It evaluated Rule {rule["ruleIndex"]} "{rule["label"]}": {saw}, and chose {chosen}.'
            )
            begin(entry[1], entry[2])
        elif code in {1, 45}:
            begin(entry[1], entry[2])
        elif code == 2:
            end(entry[1], entry[3] if len(entry) > 3 else None)
        elif code == 7:
            pass  # back at the decider, which has nothing more to say here
        elif code == 32:
            seal(AuditRow(seq=len(audit), kind="run-start", run_id=document.run_id, raw_value=UNSET))
        elif code == 33:
            seal(AuditRow(seq=len(audit), kind="run-end", raw_value=UNSET))
    counts.runs += 1
    return encode_line(
        Line(
            trace_id=document.trace_id,
            revision=document.revision,
            sha256=sha256(data).hexdigest(),
            run_id=document.run_id,
            chart=document.chart.id,
            chart_name=document.chart.name,
            chart_hash=document.chart.hash,
            status=document.status,
            started_at=document.started_at,
            duration_ms=document.duration,
            narrative=told,
            state=Raw(_encode(state)),
            audit=Raw(b"[%b]" % b",".join(audit)),
            document=Raw(data),
        )
    )

"""Slices: the causal chain behind one key, with what the answer rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType

from footpath.query._chain import (
    DEFAULT_MAX_DEPTH,
    DEFAULT_MAX_NODES,
    CausalChain,
    format_causal_chain,
    slice_chain,
)
from footpath.query._json import as_json
from footpath.query._log import Bundle, CommitIndex, index_of
from footpath.query._reads import KeysRead, ReadsCoverage, ReadsLookup, reads_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from footpath.query._control import ControlLookup

MISSING_TEXT = {
    "empty-log": "the commit log is empty (nothing has executed).",
    "never-written": (
        "'{key}' was never written in range — the value came from initial state, frozen run input (args), or a closure; "
        "the commit log cannot see those."
    ),
}


READS_NOT_RECORDED = (
    "⚠ reads were not recorded (readTracking may be 'off') — dependencies below are unknowable, NOT absent."
)


class Slice(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The chain behind a key, or why there is none (`missing`: "empty-log" or "never-written")."""

    key: str
    keys_read_kind: str
    before: int | UnsetType = UNSET
    missing: str | UnsetType = UNSET
    reads_coverage: ReadsCoverage | UnsetType = UNSET
    chain: CausalChain | UnsetType = UNSET


def slice_for_key(
    commit_log: Sequence[Bundle] | CommitIndex,
    key: str,
    reads: KeysRead | ReadsLookup,
    *,
    before: int | None = None,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
    control: ControlLookup | None = None,
) -> Slice:
    """All that fed the last write of `key` before position `before` (default: the end).

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> print(format_slice(slice_for_key(snapshot["commitLog"], "risk", reads)))
        SLICE for 'risk' — reads via: execution-tree
        Assess (assess#0) [wrote: risk]
          ⚠ also consumed args — slice may be incomplete here
    """
    index = index_of(commit_log)
    source = reads_source(reads)
    writer = index.last_writer(key, before)
    missing: str | UnsetType = UNSET
    chain: CausalChain | UnsetType = UNSET
    if writer is None:
        missing = "never-written" if len(index) else "empty-log"
    else:
        start: str = index.log[writer].get("runtimeStageId", "")
        chain = slice_chain(index, key, start, source.lookup, max_depth, max_nodes, control)
    return Slice(key, source.kind, UNSET if before is None else before, missing, source.coverage, chain)


def format_slice(answer: Slice) -> str:
    """The slice as text: a heading, then the chain or why there is none."""
    span = "" if answer.before is UNSET else f" (before commit {answer.before})"
    heading = f"SLICE for '{answer.key}'{span} — reads via: {answer.keys_read_kind}"
    if answer.missing:
        return f"{heading}\nno slice: {MISSING_TEXT[answer.missing].format(key=answer.key)}"
    coverage = answer.reads_coverage
    if coverage and coverage.steps > 1 and not coverage.steps_with_reads:
        heading += f"\n{READS_NOT_RECORDED}"
    return f"{heading}\n{format_causal_chain(answer.chain or None)}"


def slice_to_json(answer: Slice) -> dict[str, Any]:
    """The slice as JSON: nodes by runtime stage id, and one flat list of edges.

    Example:
        >>> reads = keys_read_from_execution_tree(snapshot["executionTree"])
        >>> slice_to_json(slice_for_key(snapshot["commitLog"], "risk", reads))["key"]
        'risk'
    """
    body: dict[str, Any] = {"key": answer.key}
    if answer.before is not UNSET:
        body["before"] = answer.before
    if answer.missing:
        body["missing"] = answer.missing
    body["keysReadKind"] = answer.keys_read_kind
    if answer.reads_coverage:
        body["readsCoverage"] = as_json(answer.reads_coverage)
    if not answer.chain:
        return body
    chain = answer.chain
    body["writerId"] = chain.nodes[0].runtime_stage_id
    nodes: dict[str, Any] = {}
    edges: list[dict[str, Any]] = []
    for node in chain.nodes:
        nodes[node.runtime_stage_id] = {
            "stageId": node.stage_id,
            "stageName": node.stage_name,
            "keysWritten": list(node.keys_written),
            "depth": node.depth,
            **({"incompleteSources": list(node.incomplete_sources)} if node.incomplete_sources else {}),
        }
        edges.extend(
            {
                "from": node.runtime_stage_id,
                "to": edge.parent_id,
                "kind": edge.kind,
                **({} if edge.key is UNSET else {"key": edge.key}),
                "weight": edge.weight,
            }
            for edge in node.parents
        )
    body["nodes"] = nodes
    body["edges"] = edges
    if chain.truncated:
        body["truncated"] = as_json(chain.truncated)
    return body

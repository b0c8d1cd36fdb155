"""What a run leaves behind: one flat, ordered, append-only list of entries, the truth that every other view is made from.

`entries` names every kind of entry. What `decide` and `select` saw stands in their entries as it was at hand; `decision_evidence` and
`selection_evidence` give it names and texts, `told_decision` and `told_selection` the recorded form that events carry.
"""

from __future__ import annotations

from footpath.journal import entries
from footpath.journal._evidence import (
    DecisionEvidence,
    SelectionEvidence,
    decision_evidence,
    selection_evidence,
    told_decision,
    told_selection,
)

__all__ = [
    "entries",
    "DecisionEvidence",
    "SelectionEvidence",
    "decision_evidence",
    "selection_evidence",
    "told_decision",
    "told_selection",
]

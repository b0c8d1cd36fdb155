"""What a run leaves behind: one flat, ordered, append-only list of entries, the truth that every other view is made from.

`entries` names every kind of entry. What `decide` and `select` saw stands in their entries as it was at hand;
`decision_evidence` and `selection_evidence` give it names and texts, `told_decision` and `told_selection` the recorded
form that events carry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.journal import entries

if TYPE_CHECKING:
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

__getattr__ = _on_demand(
    __name__,
    {
        "._evidence": (
            "DecisionEvidence",
            "SelectionEvidence",
            "decision_evidence",
            "selection_evidence",
            "told_decision",
            "told_selection",
        ),
    },
)

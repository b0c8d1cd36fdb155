"""What a stage sees: its scope over the shared state, the operations beside it, and rules that leave evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footpath._on_demand import on_demand as _on_demand
from footpath.scope._decide import Decision, Selection, decide, select
from footpath.scope._frame import NO_ANSWER, NO_PAYLOAD, DeltaFrame, Frame
from footpath.scope._scope import Paused, Scope, StageOps, bind_scope, interrupt, make_scope, ops

if TYPE_CHECKING:
    from footpath.scope._redaction import Redaction, RedactionPolicy
    from footpath.scope._rules import Conditions, DefaultBranch, Rule, RuleDict

__all__ = [
    "NO_ANSWER",
    "NO_PAYLOAD",
    "Conditions",
    "Decision",
    "DefaultBranch",
    "Frame",
    "Paused",
    "Redaction",
    "RedactionPolicy",
    "Rule",
    "RuleDict",
    "Scope",
    "Selection",
    "StageOps",
    "decide",
    "interrupt",
    "make_scope",
    "ops",
    "select",
    # for the engine
    "DeltaFrame",
    "bind_scope",
]

__getattr__ = _on_demand(
    __name__,
    {
        "._redaction": ("Redaction", "RedactionPolicy"),
        "._rules": ("Conditions", "DefaultBranch", "Rule", "RuleDict"),
    },
)

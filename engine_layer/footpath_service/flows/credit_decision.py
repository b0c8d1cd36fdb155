"""Decide a credit application: check it from three sides, find a term the applicant can carry, score it, decide.

The rules are a teaching policy over the columns of `data/german_credit.csv`. They were written with that table's bad
rates in view, so figures computed on it describe the policy and predict nothing.

Read it from the bottom: `build` is the chart, and every stage it names is a plain function above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from footpath import RedactionPolicy, decide, flow_chart, ops

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footpath import FlowChart
    from footpath.scope import Decision, Scope

NAME: Final = "credit-decision"

# A lending decision must not read these, and a trace must not show them. They are kept under one key, `protected`,
# because a lender owes a report on them; no rule, check or score below looks there, and a test proves it.
PROTECTED: Final = ("personal_status", "age_years", "foreign_worker_coded")
redaction: Final = RedactionPolicy(keys=("protected", *PROTECTED))

MAX_INCOME_SHARE: Final = 0.30  # of the income that is free for instalments
MAX_TERM_MONTHS: Final = 60
TERM_STEP_MONTHS: Final = 6

# The source gives the instalment's share of income in bands of 20, 25 and 35 percent; each stands for its middle.
INCOME_SHARE_OF_BAND: Final = {1: 0.15, 2: 0.225, 3: 0.30, 4: 0.40}

CHECKING_POINTS: Final = {"none": 24, "above_200": 16, "0_to_200": 6, "below_0": 0}
# "critical" covers credits at other banks; its holders repaid best, so the word misleads and the points follow the
# record.
HISTORY_POINTS: Final = {"critical": 18, "paid_so_far": 10, "past_delay": 10, "all_paid_here": 2, "none_or_all_paid": 0}
OTHER_INSTALLMENTS_POINTS: Final = {"none": 6, "bank": 0, "stores": 0}
EMPLOYMENT_POINTS: Final = {"above_7": 8, "4_to_7": 8, "1_to_4": 4, "below_1": 0, "unemployed": 0}
SAVINGS_POINTS: Final = {"unknown_or_none": 8, "above_1000": 12, "500_to_1000": 12, "100_to_500": 4, "below_100": 0}
PROPERTY_POINTS: Final = {"real_estate": 8, "savings_or_insurance": 4, "car_or_other": 4, "unknown_or_none": 0}
GUARANTOR_POINTS: Final = {"guarantor": 6, "none": 0, "co_applicant": -4}
HOUSING_POINTS: Final = {"own": 4, "rent": 0, "free": 0}


def _one_of(*choices: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(choices)}


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


_PROPERTIES: Final[dict[str, Any]] = {
    "application_id": {"type": "string", "minLength": 1, "maxLength": 64},
    "duration_months": _whole(1, 120),
    "amount_dm": _whole(1, 1_000_000),
    "installment_rate_band": _whole(1, 4),
    "residence_band": _whole(1, 4),
    "age_years": _whole(18, 120),
    "existing_credits": _whole(0, 50),
    "dependants": _whole(0, 50),
    "checking_account": _one_of(*CHECKING_POINTS),
    "credit_history": _one_of(*HISTORY_POINTS),
    "purpose": {"type": "string", "minLength": 1, "maxLength": 64},
    "savings": _one_of(*SAVINGS_POINTS),
    "employment_years": _one_of(*EMPLOYMENT_POINTS),
    "personal_status": {"type": "string", "maxLength": 64},
    "guarantor": _one_of(*GUARANTOR_POINTS),
    "property": _one_of(*PROPERTY_POINTS),
    "other_installments": _one_of(*OTHER_INSTALLMENTS_POINTS),
    "housing": _one_of(*HOUSING_POINTS),
    "job": {"type": "string", "maxLength": 64},
    "telephone_coded": _whole(0, 1),
    "foreign_worker_coded": _whole(0, 1),
}
_OPTIONAL: Final = frozenset((*PROTECTED, "residence_band", "dependants", "job", "telephone_coded"))

INPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": _PROPERTIES,
    "required": [name for name in _PROPERTIES if name not in _OPTIONAL],
    "additionalProperties": False,
}
OUTPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "application_id": {"type": "string"},
        "decision": _one_of("approved", "countered", "referred", "declined"),
        "score": {"type": "integer"},
        "term_months": {"type": "integer"},
        "instalment_dm": {"type": "number"},
    },
}


# Intake


def receive(scope: Scope) -> None:
    """Split the application: what may be decided on, and what may not."""
    application: Mapping[str, Any] = ops(scope).args
    scope.application = {key: value for key, value in application.items() if key not in PROTECTED}
    scope.protected = {key: application[key] for key in PROTECTED if key in application}


def validate(scope: Scope) -> None:
    """Find what no single field shows; the contract has checked each field by itself."""
    application = scope.application
    problems: list[str] = []
    if application["duration_months"] > MAX_TERM_MONTHS:
        problems.append(f"the term exceeds {MAX_TERM_MONTHS} months")
    if application["amount_dm"] / application["duration_months"] < 10:
        problems.append("the instalment is below 10 DM a month")
    if application["credit_history"] == "none_or_all_paid" and application["existing_credits"] > 1:
        problems.append("the history shows no open credit, the file counts several")
    scope.problems = problems
    scope.problem_count = len(problems)


# Three checks, side by side. A parallel stage writes to a place of its own: `collect` brings the results together.


def check_affordability(scope: Scope) -> None:
    """How much of the free income the wanted instalment takes."""
    application = scope.application
    share = INCOME_SHARE_OF_BAND[application["installment_rate_band"]]
    instalment = application["amount_dm"] / application["duration_months"]
    scope.free_income_dm = round(instalment / share, 2)


def check_history(scope: Scope) -> None:
    """How credits were kept so far."""
    application = scope.application
    scope.points = (
        CHECKING_POINTS[application["checking_account"]]
        + HISTORY_POINTS[application["credit_history"]]
        + OTHER_INSTALLMENTS_POINTS[application["other_installments"]]
    )


def check_collateral(scope: Scope) -> None:
    """What stands behind the loan."""
    application = scope.application
    scope.points = (
        SAVINGS_POINTS[application["savings"]]
        + PROPERTY_POINTS[application["property"]]
        + GUARANTOR_POINTS[application["guarantor"]]
        + HOUSING_POINTS[application["housing"]]
    )


def collect(scope: Scope) -> None:
    """Bring the checks' results together."""
    checks = scope.runs
    scope.free_income_dm = checks["affordability"]["free_income_dm"]
    scope.history_points = checks["history"]["points"]
    scope.collateral_points = checks["collateral"]["points"]


# Subflow: the shortest term that the applicant can carry


def propose_term(scope: Scope) -> None:
    """Take the wanted term first, then half a year more each time."""
    term = scope.term_months
    term = scope.wanted_months if term is None else term + TERM_STEP_MONTHS
    scope.term_months = term
    scope.income_share = round(scope.amount_dm / term / scope.income_dm, 4)


def judge_term(scope: Scope) -> Decision:
    """Can the applicant carry it, is there a longer one to try, or is this the end?"""
    return decide(
        scope,
        [
            {
                "when": {"income_share": {"lte": MAX_INCOME_SHARE}},
                "then": "carry",
                "label": "within 30 % of free income",
            },
            {
                "when": {"term_months": {"gt": MAX_TERM_MONTHS - TERM_STEP_MONTHS}},
                "then": "give-up",
                "label": "no longer term",
            },
        ],
        {"branch": "longer", "label": "try half a year more"},
    )


def carry(scope: Scope) -> None:
    """The term is found."""
    scope.affordable = True


def give_up(scope: Scope) -> None:
    """No term is long enough."""
    scope.affordable = False


def longer(scope: Scope) -> None:
    """Count the attempt, and go back."""
    scope.extensions = (scope.extensions or 0) + 1


def build_term_search() -> FlowChart:
    """A loop ends its chart here: what follows a decider with a looping branch would run once a pass."""
    return (
        flow_chart("Propose Term", propose_term, "propose", description="Propose a term")
        .add_decider_function("Judge Term", judge_term, "judge", description="Judge the term")
        .add_function_branch("carry", "Term Found", carry)
        .add_function_branch("give-up", "No Term", give_up)
        .add_function_branch("longer", "Longer Term", longer, loop_to="propose")
        .end()
        .build()
    )


# Subflow: the score


def score_terms(scope: Scope) -> None:
    """Points for the loan itself: short and small is safer."""
    scope.term_points = 10 if scope.months <= 12 else 5 if scope.months <= 24 else 0
    scope.amount_points = 4 if scope.amount <= 4_000 else 0


def score_employment(scope: Scope) -> None:
    """Points for steady work."""
    scope.employment_points = EMPLOYMENT_POINTS[scope.employed]


def add_up(scope: Scope) -> dict[str, int]:
    """The score."""
    score = scope.history + scope.collateral + scope.term_points + scope.amount_points + scope.employment_points
    scope.score = score
    return {"score": score}


def build_scoring() -> FlowChart:
    """The scorecard, a chart of its own that another flow may mount too."""
    return (
        flow_chart("Score Loan", score_terms, "terms", description="Score the loan")
        .add_function("Score Employment", score_employment, "employment", description="Score the employment")
        .add_function("Add Up", add_up, "sum", description="Add up the points")
        .build()
    )


# The decision


def classify(scope: Scope) -> Decision:
    """Apply the policy: the first rule that holds decides."""
    return decide(
        scope,
        [
            {"when": {"problem_count": {"gt": 0}}, "then": "refer", "label": "application is inconsistent"},
            {"when": {"affordable": {"eq": False}}, "then": "decline", "label": "no affordable term"},
            {"when": {"score": {"lt": 40}}, "then": "decline", "label": "weak score"},
            {"when": {"score": {"gte": 60}, "extensions": {"eq": 0}}, "then": "approve", "label": "strong score"},
            {
                "when": {"score": {"gte": 50}, "collateral_points": {"gte": 12}, "extensions": {"eq": 0}},
                "then": "approve",
                "label": "fair score, well secured",
            },
            {
                "when": {"score": {"gte": 55}, "extensions": {"gt": 0}},
                "then": "counter",
                "label": "affordable over a longer term",
            },
        ],
        {"branch": "refer", "label": "needs a person"},
    )


def approve(scope: Scope) -> None:
    """Lend as asked."""
    scope.decision = "approved"
    ops(scope).emit("credit.approved", {"score": scope.score, "amount_dm": scope.application["amount_dm"]})


def counter(scope: Scope) -> None:
    """Offer the same amount over a longer term."""
    scope.decision = "countered"
    ops(scope).emit("credit.countered", {"score": scope.score, "term_months": scope.term_months})


def refer(scope: Scope) -> None:
    """Hand over to a person."""
    scope.decision = "referred"
    ops(scope).emit("credit.referred", {"score": scope.score, "problems": list(scope.problems)})


def decline(scope: Scope) -> None:
    """Do not lend."""
    scope.decision = "declined"
    ops(scope).emit("credit.declined", {"score": scope.score, "affordable": scope.affordable})


def answer(scope: Scope) -> dict[str, Any]:
    """What the caller gets."""
    term = scope.term_months
    return {
        "application_id": scope.application["application_id"],
        "decision": scope.decision,
        "score": scope.score,
        "term_months": term,
        "instalment_dm": round(scope.application["amount_dm"] / term, 2),
    }


def build() -> FlowChart:
    """The chart."""
    return (
        # A chart goes by the name and id of its first stage.
        flow_chart("Credit Decision", receive, NAME, description="Receive the application")
        .contract(input=INPUT_SCHEMA, output=OUTPUT_SCHEMA)
        .add_function("Validate", validate, "validate", description="Validate the application as a whole")
        .add_list_of_function(
            [
                {"id": "affordability", "name": "Check Affordability", "fn": check_affordability},
                {"id": "history", "name": "Check History", "fn": check_history},
                {"id": "collateral", "name": "Check Collateral", "fn": check_collateral},
            ]
        )
        .add_function("Collect Checks", collect, "collect", description="Collect the checks' results")
        .add_sub_flow_chart_next(
            "term-search",
            build_term_search(),
            "Term Search",
            input_mapper=lambda state: {
                "amount_dm": state["application"]["amount_dm"],
                "wanted_months": state["application"]["duration_months"],
                "income_dm": state["free_income_dm"],
            },
            output_mapper=lambda found, _state: {
                "term_months": found["term_months"],
                "affordable": found["affordable"],
                "extensions": found.get("extensions", 0),
            },
        )
        .add_sub_flow_chart_next(
            "scoring",
            build_scoring(),
            "Scoring",
            input_mapper=lambda state: {
                "history": state["history_points"],
                "collateral": state["collateral_points"],
                "employed": state["application"]["employment_years"],
                "amount": state["application"]["amount_dm"],
                "months": state["term_months"],
            },
            output_mapper=lambda scored, _state: {"score": scored["score"]},
        )
        .add_decider_function("Decide", classify, "decide", description="Apply the credit policy")
        .add_function_branch("approve", "Approve", approve)
        .add_function_branch("counter", "Make Counter-Offer", counter)
        .add_function_branch("refer", "Refer to a Person", refer)
        .add_function_branch("decline", "Decline", decline)
        .end()
        .add_function("Answer", answer, "answer", description="Answer the applicant")
        .build()
    )

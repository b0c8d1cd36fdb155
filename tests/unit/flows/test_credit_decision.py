"""The credit-decision flow: every rule, what it must not look at, and what it makes of the thousand applications."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from footpath import FlowChartExecutor
from footpath.errors import InputValidationError
from footpath_cli.demo import applications
from footpath_service.flows import credit_decision

CHART = credit_decision.build()
APPLICATIONS = applications()
GOOD: dict[str, Any] = {
    "application_id": "t-1",
    "duration_months": 12,
    "amount_dm": 1_200,
    "installment_rate_band": 1,
    "existing_credits": 1,
    "checking_account": "none",
    "credit_history": "critical",
    "purpose": "radio_tv",
    "savings": "above_1000",
    "employment_years": "above_7",
    "guarantor": "none",
    "property": "real_estate",
    "other_installments": "none",
    "housing": "own",
}
FAIR = GOOD | {"checking_account": "below_0", "credit_history": "past_delay", "employment_years": "1_to_4"}
WEAK = FAIR | {"savings": "below_100", "employment_years": "unemployed", "property": "unknown_or_none"}


def decided(given: dict[str, Any]) -> tuple[dict[str, Any], list[str], Any]:
    """The result, the labels of the rules that decided, and the trace."""
    executor = FlowChartExecutor(CHART)
    executor.set_redaction_policy(credit_decision.redaction)
    result = executor.run(input=given)
    trace = executor.get_trace()
    labels = [label_of(event.evidence) for hook, event in trace.events() if hook == "on_decision"]
    return result, labels, trace


def label_of(evidence: Any) -> str:
    matched = [rule["label"] for rule in evidence["rules"] if rule["matched"]]
    return matched[0] if matched else evidence["defaultLabel"]


@pytest.mark.parametrize(
    ("given", "decision", "rule"),
    [
        (GOOD, "approved", "strong score"),
        (FAIR, "approved", "fair score, well secured"),
        (FAIR | {"savings": "below_100", "property": "car_or_other"}, "referred", "needs a person"),
        (WEAK, "declined", "weak score"),
        (GOOD | {"installment_rate_band": 4}, "countered", "affordable over a longer term"),
        (GOOD | {"installment_rate_band": 4, "duration_months": 60}, "declined", "no affordable term"),
        (GOOD | {"duration_months": 72}, "referred", "application is inconsistent"),
        (GOOD | {"amount_dm": 50}, "referred", "application is inconsistent"),
        (
            GOOD | {"credit_history": "none_or_all_paid", "existing_credits": 2},
            "referred",
            "application is inconsistent",
        ),
    ],
)
def test_each_rule_decides(given: dict[str, Any], decision: str, rule: str) -> None:
    """Every rule of the policy, and its default, has an application that it decides."""
    result, labels, _ = decided(given)
    assert (result["decision"], labels[-1]) == (decision, rule)


def test_the_term_search_takes_half_a_year_a_pass() -> None:
    """From 12 months at two fifths of the income, 18 months are within three tenths: one extension."""
    result, labels, trace = decided(GOOD | {"installment_rate_band": 4})
    assert (result["term_months"], result["instalment_dm"]) == (18, 66.67)
    assert labels[:2] == ["try half a year more", "within 30 % of free income"]
    assert sum(1 for hook, _ in trace.events() if hook == "on_loop") == 1


def test_the_decision_is_emitted() -> None:
    """One domain event a decision, named after it."""
    for given, name in ((GOOD, "credit.approved"), (WEAK, "credit.declined")):
        _, _, trace = decided(given)
        assert [event.name for hook, event in trace.events() if hook == "on_emit"] == [name]


def test_checks_run_side_by_side() -> None:
    """Three parallel children, and what they found comes together after them."""
    _, _, trace = decided(GOOD)
    forks = [event for hook, event in trace.events() if hook == "on_fork"]
    assert [list(fork.children) for fork in forks] == [["Check Affordability", "Check History", "Check Collateral"]]
    assert trace.snapshot["sharedState"]["runs"]["history"] == {"points": 48}


def test_protected_attributes_decide_nothing() -> None:
    """Whoever applies: with other protected attributes, or none, the decision, the score and the term are the same."""
    strangers = {"personal_status": "female_not_single", "age_years": 99, "foreign_worker_coded": 0}
    for application in APPLICATIONS[::20]:
        bare = {key: value for key, value in application.given.items() if key not in credit_decision.PROTECTED}
        assert decided(application.given)[0] == decided(bare)[0] == decided(bare | strangers)[0]


def test_protected_attributes_show_nowhere() -> None:
    """Neither their values nor anything derived from them is in the trace."""
    for application in APPLICATIONS[::20]:
        _, _, trace = decided(application.given)
        text = trace.encoded.decode()
        assert application.given["personal_status"] not in text
        assert (
            trace.input["personal_status"]
            == trace.input["age_years"]
            == trace.input["foreign_worker_coded"]
            == "[REDACTED]"
        )
        assert trace.snapshot["sharedState"]["protected"] in {"[REDACTED]", "REDACTED"}


def test_what_may_be_shown_is_shown() -> None:
    """Redaction of an age does not hide a term or an amount that happens to be the same number."""
    for application in APPLICATIONS:
        if application.given["age_years"] == application.given["duration_months"]:
            _, _, trace = decided(application.given)
            assert trace.input["duration_months"] == application.given["duration_months"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"observed_risk": "good"}, "observed_risk"),
        ({"amount_dm": "much"}, "amount_dm"),
        ({"amount_dm": 0}, "amount_dm"),
        ({"installment_rate_band": 5}, "installment_rate_band"),
        ({"savings": "plenty"}, "savings"),
        ({"age_years": 17}, "age_years"),
    ],
)
def test_the_contract_names_the_problem(change: dict[str, Any], problem: str) -> None:
    """What happened afterwards is no input; neither is anything of the wrong type or range."""
    with pytest.raises(InputValidationError) as error:
        FlowChartExecutor(CHART).run(input=GOOD | change)
    (issue,) = error.value.issues
    assert problem in f"{issue['path']} {issue['message']}"


def test_the_contract_names_every_problem() -> None:
    """One answer tells all that is wrong."""
    with pytest.raises(InputValidationError) as error:
        FlowChartExecutor(CHART).run(input={"application_id": "t-2", "amount_dm": "much"})
    assert len(error.value.issues) > 5


def test_the_thousand_are_decided_as_the_documents_say() -> None:
    """The figures of the demo: what each rule decided, and how many of those went bad."""
    outcome: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for application in APPLICATIONS:
        _, labels, _ = decided(application.given)
        outcome[labels[-1]][application.observed_risk] += 1
    assert {rule: (counts.total(), counts["bad"]) for rule, counts in outcome.items()} == {
        "strong score": (192, 14),
        "fair score, well secured": (50, 8),
        "affordable over a longer term": (199, 22),
        "needs a person": (265, 79),
        "application is inconsistent": (28, 19),
        "no affordable term": (29, 17),
        "weak score": (237, 141),
    }

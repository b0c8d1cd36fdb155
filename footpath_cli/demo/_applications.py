"""The thousand applications, and what became of the loans."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

from footpath_cli._exits import CommandError

DATA = Path(__file__).resolve().parents[2] / "data" / "german_credit.csv"

_NUMBERS = frozenset(
    (
        "duration_months",
        "amount_dm",
        "installment_rate_band",
        "residence_band",
        "age_years",
        "existing_credits",
        "dependants",
        "telephone_coded",
        "foreign_worker_coded",
    )
)


class Application(NamedTuple):
    """One application.

    Attributes:
        given: the chart's input.
        observed_risk: "good" or "bad": what happened afterwards, and never part of the input.
    """

    given: dict[str, Any]
    observed_risk: str


def applications(path: Path = DATA) -> list[Application]:
    """Read the file, in its order.

    Raises:
        CommandError: the file is not there.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        cure = "the demo runs in a checkout of the repository"
        raise CommandError(f"there is no {path.name} under {path.parent}", cure) from error
    return [
        Application(
            {key: int(value) if key in _NUMBERS else value for key, value in row.items() if key != "observed_risk"},
            row["observed_risk"],
        )
        for row in rows
    ]

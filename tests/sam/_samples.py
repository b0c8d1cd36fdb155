"""What each sample of `events/` must do: one table, asked of the handlers in this process, on the emulator and in containers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.events import samples

EVENTS = samples()


@dataclass(frozen=True)
class Expected:
    """What a function makes of a sample.

    Attributes:
        answer: complains of a wrong one by an AssertionError.
        sent: traces on the queue afterwards.
        archived: lines in the archive afterwards.
        reasons: of the messages in the dead-letter queue afterwards.
    """

    answer: Callable[[Any], None]
    sent: int = 0
    archived: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def _completed(answer: Any) -> None:
    assert answer["status"] == "completed", answer
    assert answer["result"]["application_id"] == "sample-1", answer
    assert "narrative" not in answer


def _explained(answer: Any) -> None:
    assert answer["narrative"], answer
    _completed({name: value for name, value in answer.items() if name != "narrative"})


def _rejected(status: int, *says: str) -> Callable[[Any], None]:
    def check(answer: Any) -> None:
        assert (answer["statusCode"], answer["status"]) == (status, "rejected"), answer
        assert all(part in json.dumps(answer["error"]) for part in says), answer

    return check


def _http(status: int, body_check: Callable[[Any], None]) -> Callable[[Any], None]:
    def check(answer: Any) -> None:
        assert answer["isBase64Encoded"] is False, answer
        assert answer["statusCode"] == status, answer
        body_check(json.loads(answer["body"]))

    return check


def _holds(*says: str) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        assert all(part in json.dumps(body) for part in says), body

    return check


def _nothing_again(answer: Any) -> None:
    assert answer == {"batchItemFailures": []}, answer


def _sealed_nothing(answer: Any) -> None:
    assert len(answer["digests"]) == 1, answer  # the first, which says that there was nothing
    assert (answer["segments"], answer["traces"], answer["clashes"], answer["complete"]) == (0, 0, [], True), answer


def _poison_in(name: str) -> Counter[str]:
    """The reasons that the messages of a sample name themselves: those that are poison carry no trace's id."""
    return Counter(
        record["messageAttributes"]["format"]["stringValue"]
        for record in EVENTS[name]["Records"]
        if "traceId" not in record["messageAttributes"]
    )


EXPECTED: dict[str, Expected] = {
    "direct-run": Expected(_completed, sent=1),
    "direct-run-explained": Expected(_explained, sent=1),
    "direct-unknown-chart": Expected(_rejected(404, "no-such-chart", "credit-decision")),
    "direct-bad-input": Expected(_rejected(400, "amount_dm")),
    "http-api-run": Expected(_http(200, _completed), sent=1),
    "http-api-bad-json": Expected(_http(400, _holds("JSON"))),
    "http-api-list-charts": Expected(_http(200, _holds("credit-decision"))),
    "http-api-describe-chart": Expected(_http(200, _holds("duration_months"))),
    "function-url-run": Expected(_http(200, _completed), sent=1),
    "schedule": Expected(_sealed_nothing),
    "sqs-one": Expected(_nothing_again, archived=1),
    "sqs-one-as-text": Expected(_nothing_again, archived=1),
    "sqs-ten": Expected(_nothing_again, archived=10),
    "sqs-duplicate": Expected(_nothing_again, archived=1),
    "sqs-claim": Expected(_nothing_again, archived=1),
    "sqs-footprintjs": Expected(_nothing_again, archived=1),
    "sqs-redriven": Expected(_nothing_again, archived=1),
    "sqs-poison-among-good": Expected(_nothing_again, archived=2, reasons=_poison_in("sqs-poison-among-good")),
}

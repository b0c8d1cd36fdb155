"""ReportBatchItemFailures: what Lambda reads in a function's answer."""

from __future__ import annotations

from typing import Any

import pytest

from footpath_cli.poller import settle

IDS = ["a", "b", "c"]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}, {"other": 1}])
def test_nothing_reported_is_success(answer: Any) -> None:
    """An empty answer, and an empty, null or absent list, settle the whole batch."""
    assert settle(IDS, answer).failed == frozenset()


def test_named_items_stay_and_the_rest_is_done() -> None:
    """Only the ids named are retried; naming one twice changes nothing."""
    outcome = settle(IDS, {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]})
    assert outcome.failed == {"b"}
    assert outcome.whole_batch is None


@pytest.mark.parametrize(
    "item",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"itemIdentifier": "unknown"},
        {"itemIdentifier": 7},
        {"itemidentifier": "a"},
        {},
        "a",
        None,
    ],
)
def test_an_item_that_names_no_record_fails_the_whole_batch(item: Any) -> None:
    """An empty, null, unknown or misspelt itemIdentifier retries everything, the good ones too."""
    outcome = settle(IDS, {"batchItemFailures": [{"itemIdentifier": "a"}, item]})
    assert outcome.failed == {"a", "b", "c"}
    assert outcome.whole_batch


@pytest.mark.parametrize("answer", [object(), {"batchItemFailures": "a"}, [], "done", 1, {"x": {1, 2}}])
def test_an_answer_of_another_shape_fails_the_whole_batch(answer: Any) -> None:
    """What is not JSON, or not the documented object, is no success."""
    assert settle(IDS, answer).failed == {"a", "b", "c"}


def test_without_the_feature_the_answer_is_ignored() -> None:
    """FunctionResponseTypes not set: a return is success, whatever it says."""
    answer = {"batchItemFailures": [{"itemIdentifier": "a"}]}
    assert settle(IDS, answer, report_batch_item_failures=False).failed == frozenset()

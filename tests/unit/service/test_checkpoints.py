from __future__ import annotations

import json
from typing import Any

import pytest

from footpath.errors import SettingsError
from footpath.ids import IdMaker
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.checkpoints import CheckpointSigner
from footpath_service.direct import answer_direct
from footpath_service.errors import BadRequestError
from footpath_service.request import RequestHandler
from footpath_service.settings import load_settings
from footpath_service.ship import Shipper
from tests.unit.service._charts import charts
from tests.unit.service._fakes import SETTINGS, CountingMetrics, ListLog

KEY, OLD = "k" * 32, "o" * 40


def handler(*keys: str) -> RequestHandler:
    metrics = CountingMetrics()
    shipper = Shipper(
        queue=MemoryQueue(), store=MemoryStore(), settings=SETTINGS, write_log=lambda _: None, metrics=metrics
    )
    return RequestHandler(
        catalog=Catalog(charts()),
        shipper=shipper,
        settings=SETTINGS,
        make_id=IdMaker(),
        metrics=metrics,
        log=ListLog(),
        signer=CheckpointSigner(*keys) if keys else None,
    )


def asked(service: RequestHandler, **event: Any) -> Any:
    return answer_direct(service, {"chart": "approval", **event}, remaining_ms=lambda: 30_000, about={})


def paused(service: RequestHandler) -> dict[str, Any]:
    return json.loads(json.dumps(asked(service)["checkpoint"]))


def test_a_signed_checkpoint_resumes_its_run() -> None:
    """Through JSON and back, members in another order, whole numbers written either way."""
    service = handler(KEY)
    checkpoint = paused(service)
    assert len(checkpoint["signature"]) == 64
    turned = dict(reversed(list(checkpoint.items())))
    turned["executionCount"] = float(turned["executionCount"])
    for sent in (checkpoint, json.loads(json.dumps(turned))):
        assert asked(service, checkpoint=sent, input="yes")["result"] == {"answer": "yes", "asked": "manager"}


def _deeper(checkpoint: dict[str, Any]) -> None:
    checkpoint["sharedState"]["asked"] = "nobody"


def _forged(checkpoint: dict[str, Any]) -> None:
    checkpoint.update(CheckpointSigner("x" * 32).signed("approval", checkpoint))


@pytest.mark.parametrize(
    "tamper",
    [
        _deeper,
        _forged,
        lambda checkpoint: checkpoint.pop("signature"),
        lambda checkpoint: checkpoint.update(signature=None),
        lambda checkpoint: checkpoint.update(signature="\ud800" * 64),
        lambda checkpoint: checkpoint.update(redactedKeys=[]),
        lambda checkpoint: checkpoint.pop("executionTree"),
        lambda checkpoint: checkpoint.update(pausedStageId="tell"),
        lambda checkpoint: checkpoint.update(executionCount=10**9),
        lambda checkpoint: checkpoint.update(more=1),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused(tamper: Any) -> None:
    """Before anything runs, with a sentence that says why."""
    service = handler(KEY)
    checkpoint = paused(service)
    tamper(checkpoint)
    answer = asked(service, checkpoint=checkpoint, input="yes")
    assert (answer["statusCode"], answer["status"]) == (400, "rejected")
    assert "signature" in answer["error"]["problems"][0]


def test_a_key_can_be_changed_while_runs_are_paused() -> None:
    """Any of the keys is honoured; the first one signs; one that is gone is not."""
    checkpoint = paused(handler(OLD))
    assert asked(handler(KEY, OLD), checkpoint=checkpoint, input=1)["status"] == "completed"
    assert asked(handler(KEY), checkpoint=checkpoint, input=1)["status"] == "rejected"
    assert paused(handler(KEY, OLD)).keys() == checkpoint.keys()
    assert asked(handler(KEY), checkpoint=paused(handler(KEY, OLD)), input=1)["status"] == "completed"


def test_a_checkpoint_is_good_for_its_own_chart() -> None:
    """The name is signed, too."""
    signer = CheckpointSigner(KEY)
    signer.check("a", signer.signed("a", {"x": 1}))
    with pytest.raises(BadRequestError):
        signer.check("b", signer.signed("a", {"x": 1}))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda checkpoint: checkpoint.update(pausedStageId="nowhere"),
        lambda checkpoint: checkpoint.update(pausedStageId=["ask"]),
        lambda checkpoint: checkpoint.update(subflowPath=["nowhere"]),
        lambda checkpoint: checkpoint.update(subflowPath=7),
        lambda checkpoint: checkpoint.update(executionCount="many"),
        lambda checkpoint: checkpoint.update(executionCount=None),
        lambda checkpoint: checkpoint.update(visitCounts=[1]),
        lambda checkpoint: checkpoint.update(visitCounts={"ask": "x"}),
        lambda checkpoint: checkpoint.update(sharedState=7),
        lambda checkpoint: checkpoint.pop("sharedState"),
        lambda checkpoint: checkpoint.clear(),
        lambda checkpoint: checkpoint.update(redactedKeys=7),
        lambda checkpoint: checkpoint.update(subflowStates=7),
        lambda checkpoint: checkpoint.update(subflowStates={"": 7}),
        lambda checkpoint: checkpoint.update(executionCount=-1),
        lambda checkpoint: checkpoint.update(executionCount=float("inf")),
        lambda checkpoint: checkpoint.update(executionCount=10**400),
    ],
)
def test_without_a_key_what_does_not_fit_is_refused_all_the_same(tamper: Any) -> None:
    """Members that are missing, of another type, or that lead nowhere: 400, and nothing has run."""
    service = handler()
    checkpoint = paused(service)
    assert "signature" not in checkpoint
    tamper(checkpoint)
    answer = asked(service, checkpoint=checkpoint, input="yes")
    assert answer["status"] == "rejected", answer
    assert answer["error"]["problems"][0].startswith("checkpoint:")


def test_a_key_too_short_is_told_without_being_shown() -> None:
    """A secret never stands in an error."""
    with pytest.raises(SettingsError, match="32 characters") as caught:
        load_settings({"ARCHIVE_BUCKET": "bucket", "CHECKPOINT_KEYS": "hunter2"})
    assert "hunter2" not in str(caught.value)

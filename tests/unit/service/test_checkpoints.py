from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from footpath.errors import SettingsError
from footpath.ids import IdMaker
from footpath_service.adapters.aws import AwsClient, KmsMac
from footpath_service.adapters.memory import MemoryQueue, MemoryStore
from footpath_service.catalog import Catalog
from footpath_service.checkpoints import PURPOSE, CheckpointSigner
from footpath_service.direct import answer_direct
from footpath_service.errors import BadRequestError, SigningError
from footpath_service.request import RequestHandler
from footpath_service.settings import load_settings
from footpath_service.ship import Shipper
from tests.unit.service._charts import charts
from tests.unit.service._fakes import SETTINGS, CountingMetrics, ListLog

KEY, OLD = "k" * 32, "o" * 40


def handler(*keys: str, signer: CheckpointSigner | None = None) -> RequestHandler:
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
        signer=CheckpointSigner(*keys) if keys else signer,
    )


def asked(service: RequestHandler, **event: Any) -> Any:
    return answer_direct(service, {"chart": "approval"} | event, remaining_ms=lambda: 30_000, about={})


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


# ── a key derived from one of KMS ──────────────────────────────────────────────────────────────────────────────────
class Kms:
    """A key service that may be down.

    Attributes:
        asked: how often it was.
    """

    def __init__(self, *keys: bytes, down: bool = False) -> None:
        self.keys, self.down = keys, down
        self.asked = 0

    def __call__(self) -> list[bytes]:
        self.asked += 1
        if self.down:
            raise SigningError("nobody answered")
        return list(self.keys)


def derived(kms: Kms, *keys: str) -> RequestHandler:
    return handler(signer=CheckpointSigner(*keys, derive=kms))


def test_a_derived_key_signs_and_is_asked_for_once() -> None:
    """It comes before secrets, which are honoured all the same; a warm process needs KMS no more."""
    kms = Kms(b"d" * 32)
    service = derived(kms, KEY)
    checkpoint = paused(service)
    assert asked(service, checkpoint=paused(handler(KEY)), input=1)["status"] == "completed"
    kms.down = True
    assert asked(service, checkpoint=checkpoint, input=1)["status"] == "completed"
    assert kms.asked == 1
    assert asked(derived(Kms(b"d" * 32)), checkpoint=checkpoint, input=1)["status"] == "completed"
    assert asked(derived(Kms(b"e" * 32), KEY), checkpoint=checkpoint, input=1)["status"] == "rejected"


def test_a_chart_that_never_pauses_needs_no_key() -> None:
    """Its requests are not slower for it, nor in KMS's hands."""
    kms = Kms(down=True)
    answer = asked(derived(kms), chart="loan", input={"amount": 1, "name": "Ada"})
    assert answer["status"] == "completed"
    assert kms.asked == 0


def test_without_kms_nothing_is_begun_that_could_not_be_gone_on_with() -> None:
    """503, and nothing has run; when KMS is back, the same process answers."""
    kms = Kms(b"d" * 32)
    checkpoint = paused(derived(Kms(b"d" * 32)))
    kms.down = True
    service = derived(kms)
    for event in ({}, {"checkpoint": checkpoint, "input": 1}):
        answer = asked(service, **event)
        assert (answer["statusCode"], answer["status"], answer["error"]["type"]) == (503, "rejected", "NotNow")
        assert "nobody answered" not in json.dumps(answer)
    kms.down = False
    assert asked(service, checkpoint=checkpoint, input=1)["status"] == "completed"


def test_a_key_of_kms_gives_the_same_key_to_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real client; a key for something else, and one that is not there, give none."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        kms = boto3.client("kms")
        key, other = (
            kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
            for spec, usage in (("HMAC_256", "GENERATE_VERIFY_MAC"), ("HMAC_256", "GENERATE_VERIFY_MAC"))
        )
        first, again, another = (
            KmsMac(key_id, AwsClient("kms", connect_s=1, read_s=1)).derive(PURPOSE) for key_id in (key, key, other)
        )
        assert len(first) == 32
        assert first == again != another
        with pytest.raises(SigningError):
            KmsMac("nowhere", AwsClient("kms", connect_s=1, read_s=1)).derive(PURPOSE)


def test_the_settings_name_keys_of_kms() -> None:
    """Several, with spaces; what is none is told."""
    arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    read = load_settings({"ARCHIVE_BUCKET": "bucket", "CHECKPOINT_KEY_IDS": f"{arn} alias/older"})
    assert read.checkpoint_key_ids.split() == [arn, "alias/older"]
    with pytest.raises(SettingsError, match="CHECKPOINT_KEY_IDS"):
        load_settings({"ARCHIVE_BUCKET": "bucket", "CHECKPOINT_KEY_IDS": "a key!"})

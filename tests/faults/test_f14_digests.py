"""F14, across segments: one is gone, written anew, or a digest is; the digests tell, and never cry wolf."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from footpath.archive import DIGESTS, SEGMENTS, decode_digest, digest_key, encode_digest, envelop_digest
from footpath_cli._exits import Exit
from footpath_cli.operate import KeyFileError, PublicKey, verify
from footpath_cli.pipeline import load_handler
from footpath_service.adapters.aws import AwsClient, KmsSigner
from footpath_service.adapters.folder import FolderStore
from footpath_service.adapters.memory import MemoryStore
from footpath_service.errors import SigningError
from footpath_service.seal import Sealer
from tests.unit.archive._traces import document, line_of, put_segment, trace_id
from tests.unit.cli.test_commands import footpath
from tests.unit.service._fakes import CountingMetrics, ListLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from footpath.archive import ObjectStore
    from footpath_service.ports import Signer

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

NOON_MS = 1_764_072_000_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def key() -> Iterator[tuple[Signer, PublicKey, bytes]]:
    """A key of KMS (moto's): who signs with it, and what verifies."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        with mock_aws():
            kms = boto3.client("kms")
            made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
            public = kms.get_public_key(KeyId=made)["PublicKey"]
            yield KmsSigner(made, AwsClient("kms", connect_s=1, read_s=5)), PublicKey(public), public


def seal(store: ObjectStore, at_ms: int, signer: Signer | None = None) -> None:
    sealer = Sealer(store=store, signer=signer, metrics=CountingMetrics(), log=ListLog(), clock_ms=lambda: at_ms)
    assert sealer.seal(lambda: 600_000.0).digests


def archive(count: int = 3, signer: Signer | None = None) -> MemoryStore:
    """Segments of one trace each, an hour apart, each sealed by a digest of its own."""
    now_ms = NOON_MS
    store = MemoryStore(clock_ms=lambda: now_ms)
    for number in range(count):
        put_segment(store, line_of(trace_id(number, now_ms)))
        seal(store, now_ms, signer)
        now_ms += HOUR_MS
    return store


def copy(store: MemoryStore, change: Callable[[str, bytes], bytes | None]) -> MemoryStore:
    """Another archive with the same objects, each as `change` leaves it; None leaves it out."""
    changed = MemoryStore()
    for name in store.list_keys(""):
        body = change(name, store.get(name))
        if body is not None:
            changed.put_new(name, body)
    return changed


def told(store: ObjectStore, key: PublicKey | None = None, first_hour: str = "") -> list[str]:
    return [f"{found.key}: {found.what}" for found in verify(store, key=key, first_hour=first_hour).findings]


def test_a_sealed_archive_has_no_findings(key: tuple[Signer, PublicKey, bytes]) -> None:
    """Signed and checked, and with a segment that is not sealed yet."""
    store = archive(signer=key[0])
    put_segment(store, line_of(trace_id(9, NOON_MS)))
    done = verify(store, key=key[1])
    assert (done.findings, done.digests, done.signed, done.unsealed) == ([], 3, 3, 1)


def test_a_segment_that_is_gone_is_found() -> None:
    """Nothing but a digest knows of it."""
    store = archive()
    gone = list(store.list_keys(SEGMENTS))[1]
    assert told(copy(store, lambda name, body: None if name == gone else body)) == [
        f"{gone}: it was sealed, and is gone"
    ]


def test_an_archive_that_is_gone_whole_is_found(tmp_path: Path) -> None:
    """An empty archive with digests is not an empty archive."""
    store = FolderStore(tmp_path / "archive")
    put_segment(store, line_of(trace_id(1, NOON_MS)))  # type: ignore[arg-type]
    seal(store, NOON_MS)
    shutil.rmtree(tmp_path / "archive" / "segments")
    ended = footpath("traces", "verify", "--archive", str(tmp_path / "archive"))
    assert ended.code == Exit.DAMAGED
    assert "it was sealed, and is gone" in ended.out


def test_a_segment_written_anew_is_found() -> None:
    """Another story under the same key, sound in itself, with an index, hashes and a name that fit."""
    store = archive()
    key = list(store.list_keys(SEGMENTS))[1]
    forged = MemoryStore()
    put_segment(forged, line_of(trace_id(1, NOON_MS + HOUR_MS), narrative=["It never happened"]))
    assert list(forged.list_keys(SEGMENTS)) == [key], "the document is the same, the story beside it is not"
    found = told(copy(store, lambda name, body: forged.get(key) if name == key else body))
    assert found == [f"{key}: it is not the segment that was sealed: somebody wrote it anew"]


def test_segments_may_expire() -> None:
    """Who lets traces go after some days says so; younger ones must still be there."""
    store = archive()
    first, second, _ = store.list_keys(SEGMENTS)
    left = copy(store, lambda name, body: None if name in {first, second} else body)
    assert len(told(left)) == 2
    assert told(left, first_hour="dt=2025-11-25/hr=13") == [f"{second}: it was sealed, and is gone"]
    assert told(left, first_hour="dt=2025-11-25/hr=14") == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_digest_that_is_gone_is_found(number: int) -> None:
    """The first, and one in between. That the last is gone nobody can tell who has not seen it."""
    store = archive()
    gone = digest_key(NOON_MS + (number - 1) * HOUR_MS, number)
    found = told(copy(store, lambda name, body: None if name == gone else body))
    assert found == [f"{digest_key(NOON_MS + number * HOUR_MS, number + 1)}: digest {number} is gone"]


def test_every_flipped_byte_of_a_digest_is_found(key: tuple[Signer, PublicKey, bytes]) -> None:
    """By its own form, by the signature, or by the digest that follows."""
    store = archive(signer=key[0])
    name = digest_key(NOON_MS + HOUR_MS, 2)
    for at in range(len(store.get(name))):
        flipped = bytearray(store.get(name))
        flipped[at] ^= 1
        assert told(copy(store, lambda one, body, flipped=flipped: bytes(flipped) if one == name else body), key[1]), at


def test_a_chain_written_anew_lacks_the_signature(key: tuple[Signer, PublicKey, bytes]) -> None:
    """Whoever can write the bucket can make segments and digests that fit; not the key's signature."""
    signer, public, _ = key
    sound = archive(signer=signer)
    forged = archive(2)
    assert told(forged) == [], "without a key the chain holds"
    assert [one.rpartition(": ")[2] for one in told(forged, public)] == ["it is not signed"] * 2
    first = decode_digest(digest_key(NOON_MS, 1), sound.get(digest_key(NOON_MS, 1)))
    assert first.signature is not None
    stolen = envelop_digest(
        encode_digest(number=1, at_ms=NOON_MS, until_ms=0, swept_until_ms=0, previous=None, segments=[]),
        (first.signature.algorithm, first.signature.key_id, first.signature.raw),
    )
    alone = MemoryStore()
    alone.put_new(digest_key(NOON_MS, 1), stolen)
    assert told(alone, public) == [f"{digest_key(NOON_MS, 1)}: its signature is not that of this key"]


def test_two_sealers_at_once_are_no_finding(key: tuple[Signer, PublicKey, bytes]) -> None:
    """A schedule may call twice: both digests follow the same one, and the next follows one of them."""
    signer, public, _ = key
    store = archive(1, signer=signer)
    put_segment(store, line_of(trace_id(1, NOON_MS)))
    twin = copy(store, lambda _, body: body)
    seal(store, NOON_MS + HOUR_MS, signer)
    seal(twin, NOON_MS + HOUR_MS + 1_000, signer)
    name = digest_key(NOON_MS + HOUR_MS + 1_000, 2)
    store.put_new(name, twin.get(name))
    put_segment(store, line_of(trace_id(2, NOON_MS)))
    seal(store, NOON_MS + 2 * HOUR_MS, signer)
    assert told(store, public) == []


def test_a_digest_put_between_is_found() -> None:
    """One that follows something else, or lies under another name than its own."""
    store = archive()
    second = digest_key(NOON_MS + HOUR_MS, 2)
    copied = digest_key(NOON_MS + HOUR_MS + 1_000, 2)
    store.put_new(copied, store.get(second))
    assert [one for one in told(store) if "under the name of another" in one]
    other = archive(1)
    forged = encode_digest(number=2, at_ms=NOON_MS, until_ms=0, swept_until_ms=0, previous=None, segments=[])
    other.put_new(digest_key(NOON_MS, 2), envelop_digest(forged, None))
    assert [one for one in told(other) if "does not say which digest it follows" in one]


def test_a_key_that_does_not_sign_is_told(key: tuple[Signer, PublicKey, bytes]) -> None:
    """By a class of its own, with the key's name."""
    with pytest.raises(SigningError, match="alias/none"):
        KmsSigner("alias/none", AwsClient("kms", connect_s=1, read_s=5)).sign(bytes(32))


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"\x30\x00"])
def test_a_file_that_is_no_key_is_told(data: bytes, tmp_path: Path) -> None:
    """With what to give instead."""
    with pytest.raises(KeyFileError):
        PublicKey(data)
    file = tmp_path / "key.pem"
    file.write_bytes(data)
    put_segment(FolderStore(tmp_path / "a"), line_of(trace_id(1)))  # type: ignore[arg-type]
    ended = footpath("traces", "verify", "--archive", str(tmp_path / "a"), "--public-key", str(file))
    assert ended.code == Exit.USAGE
    assert "get-public-key" in ended.err


def test_the_command_seals_and_verifies(tmp_path: Path, key: tuple[Signer, PublicKey, bytes]) -> None:
    """On a folder, unsigned: sealed once, then nothing new; what is gone is found."""
    place = ("--archive", str(tmp_path / "a"))
    store = FolderStore(tmp_path / "a")
    segment = put_segment(store, line_of(trace_id(1), body=document(trace_id(1))))  # type: ignore[arg-type]
    assert "No digest covers them" in footpath("traces", "verify", *place).out
    assert "1 traces in 1 segments sealed: digests/" in footpath("traces", "seal", *place).out
    assert "Nothing was added" in footpath("traces", "seal", *place).out
    ended = footpath("traces", "verify", *place)
    assert (ended.code, "1 digests miss none of their segments; they are not signed." in ended.out) == (0, True)
    public = tmp_path / "key.der"
    public.write_bytes(key[2])
    ended = footpath("traces", "verify", *place, "--public-key", str(public))
    assert (ended.code, "it is not signed" in ended.out) == (Exit.DAMAGED, True)
    (tmp_path / "a" / segment).unlink()
    put_segment(store, line_of(trace_id(2)))  # type: ignore[arg-type]
    assert footpath("traces", "verify", *place).code == Exit.DAMAGED


def test_the_function_seals_a_bucket_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real handler, S3 and KMS: called by the schedule twice, it signs one digest; and the archive verifies."""
    settings = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "ARCHIVE_BUCKET": "sealed-archive",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        from footpath_service.adapters.aws import S3Store

        kms, s3 = boto3.client("kms"), boto3.client("s3")
        s3.create_bucket(Bucket="sealed-archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("SIGNING_KEY_ID", made)
        store = S3Store("sealed-archive", AwsClient("s3", connect_s=1, read_s=5))
        put_segment(store, line_of(trace_id(1)))  # type: ignore[arg-type]
        handler = load_handler("trace_sealer")
        answer = handler({"source": "aws.scheduler"}, None)
        assert (answer["segments"], answer["traces"], answer["complete"]) == (1, 1, True)
        assert handler({"source": "aws.scheduler"}, None)["digests"] == []
        public = PublicKey(kms.get_public_key(KeyId=made)["PublicKey"])
        done = verify(store, key=public)
        assert (done.findings, done.signed, done.unsealed) == ([], 1, 0)
        assert list(store.list_keys(DIGESTS)) == answer["digests"]

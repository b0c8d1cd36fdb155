"""Digests: what the archive held, said from time to time, each statement linked to the one before and signed.

A segment proves itself: index, hashes and name fit together. That a segment is *gone*, or was written anew with a name
that fits, only somebody can tell who wrote down what was there. A digest is that: the keys, sizes and SHA-256 of the
segments put since the last one. It names its predecessor by key and hash, so none can be left out, changed or put
between without breaking the chain; the signature says who wrote it.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from footpath.archive._errors import CorruptArchiveError, UnknownDigestVersionError

if TYPE_CHECKING:
    from collections.abc import Sequence

DIGESTS = "digests/"

MAX_SEALED = 2_000
"""Most segments of a digest, so that one is read in a moment: 300 bytes each."""

MAX_DIGEST_BYTES = 4 << 20
"""Nothing larger is taken for a digest."""

_FORMAT, _VERSION = "footpath.digest", 1
_KEY = re.compile(r"digests/(?P<time>\d{8}T\d{6}Z)-(?P<number>\d{8,18})\.json")


class SealedSegment(msgspec.Struct, frozen=True, rename="camel"):
    """A segment as it lay there when it was sealed.

    Attributes:
        key: the object.
        bytes: its length.
        sha256: over the whole object, lower-case hex.
        traces: lines in it by its index; -1 when that could not be read, so that it is sealed as it was found.
    """

    key: str
    bytes: int
    sha256: str
    traces: int


class Link(msgspec.Struct, frozen=True, rename="camel"):
    """Names a digest by what it is: `sha256` is over the whole object, its signature included."""

    key: str
    sha256: str


class Digest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What was put into the archive since the digest before.

    Attributes:
        format, version: "footpath.digest" and 1, put in when the digest is encoded.
        number: 1 for the first, and one more for each that follows.
        made_at: ISO 8601 in UTC.
        until_ms: objects that the store dates before this (milliseconds since the Unix epoch) are sealed, by this
            digest or one before, if they lie in one of the hours that are looked at every time.
        swept_until_ms: the same for every hour of the archive.
        previous: the digest before; None in the first.
        segments: in the order of their keys.
    """

    format: str = ""
    version: int = 0
    number: int
    made_at: str
    until_ms: int
    swept_until_ms: int
    previous: Link | None = None
    segments: tuple[SealedSegment, ...]


class Signature(msgspec.Struct, frozen=True, rename="camel"):
    """Who says so.

    Attributes:
        algorithm: "ECDSA_SHA_256": ECDSA over SHA-256 on the key's curve, DER-encoded, as KMS names and makes it.
        key_id: names the key to whoever holds it.
        value: the signature over the SHA-256 (32 bytes) of the bytes of the member `digest`, in base64.
    """

    algorithm: str
    key_id: str
    value: str

    @property
    def raw(self) -> bytes:
        """The signature's bytes.

        Raises:
            ValueError: not base64.
        """
        return b64decode(self.value, validate=True)


class SignedDigest(msgspec.Struct, frozen=True):
    """A digest as it lies in the archive.

    Attributes:
        key: where.
        link: how its successor names it.
        digest: what it says.
        signed: the bytes of the member `digest`; `message_of` them is signed.
        signature: None where the archive's owner signs nothing; the chain still holds.
    """

    key: str
    link: Link
    digest: Digest
    signed: bytes
    signature: Signature | None


class _Envelope(msgspec.Struct, omit_defaults=True):
    digest: msgspec.Raw
    signature: Signature | None = None


class _Head(msgspec.Struct):
    format: str = ""
    version: int = 0


_encode = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_digest = msgspec.json.Decoder(Digest).decode


def digest_key(at_ms: int, number: int) -> str:
    """Where a digest lies: by the time at which it was made, and its number."""
    return f"{DIGESTS}{datetime.fromtimestamp(at_ms // 1000, UTC):%Y%m%dT%H%M%SZ}-{number:08d}.json"


def number_of_digest_key(key: str) -> int | None:
    """The number in a digest's key; None for a key of another shape."""
    found = _KEY.fullmatch(key)
    return int(found["number"]) if found else None


def encode_digest(
    *,
    number: int,
    at_ms: int,
    until_ms: int,
    swept_until_ms: int,
    previous: Link | None,
    segments: Sequence[SealedSegment],
) -> bytes:
    """The bytes of the member `digest`.

    Raises:
        ValueError: more than `MAX_SEALED` segments.
    """
    if len(segments) > MAX_SEALED:
        raise ValueError(f"{len(segments)} segments in a digest: at most {MAX_SEALED}")
    made_at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _encode(
        Digest(
            format=_FORMAT,
            version=_VERSION,
            number=number,
            made_at=made_at,
            until_ms=until_ms,
            swept_until_ms=swept_until_ms,
            previous=previous,
            segments=tuple(sorted(segments, key=lambda segment: segment.key)),
        )
    )


def _compact(made_at: str) -> str:
    """A time as keys have it: to the second, without punctuation."""
    return re.sub(r"[-:]|\.\d+", "", made_at)


def message_of(signed: bytes) -> bytes:
    """What a signature is over: the SHA-256 of a digest's bytes, because KMS signs no more than 4,096 bytes."""
    return hashlib.sha256(signed).digest()


def envelop_digest(signed: bytes, signature: tuple[str, str, bytes] | None) -> bytes:
    """The object to put.

    Args:
        signed: of `encode_digest`.
        signature: algorithm, key id, and the signature's bytes.
    """
    if signature is None:
        return _encode(_Envelope(msgspec.Raw(signed)))
    algorithm, key_id, value = signature
    return _encode(_Envelope(msgspec.Raw(signed), Signature(algorithm, key_id, b64encode(value).decode())))


def decode_digest(key: str, body: bytes) -> SignedDigest:
    """A digest, from the bytes of its object.

    Raises:
        CorruptArchiveError: it is none, or contradicts its key.
        UnknownDigestVersionError: a newer Footpath wrote it.
    """
    try:
        envelope = _decode_envelope(body)
        head = _decode_head(envelope.digest)
        if head.format != _FORMAT:
            raise CorruptArchiveError(f"no digest: its format is {head.format[:40]!r}", key=key)
        if head.version != _VERSION:
            raise UnknownDigestVersionError(head.version)
        digest = _decode_digest(envelope.digest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptArchiveError(f"no digest: {error}", key=key) from error
    if key != f"{DIGESTS}{_compact(digest.made_at)}-{digest.number:08d}.json":
        raise CorruptArchiveError(f"digest {digest.number} lies under the name of another", key=key)
    link = Link(key, hashlib.sha256(body).hexdigest())
    return SignedDigest(key, link, digest, bytes(envelope.digest), envelope.signature)

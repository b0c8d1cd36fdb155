"""Checking the chain of digests: is each there, linked to the one before, signed, and does the archive still hold what it lists?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from footpath.archive import (
    DIGESTS,
    MAX_DIGEST_BYTES,
    CorruptArchiveError,
    ObjectMissingError,
    ObjectTooLargeError,
    UnknownDigestVersionError,
    decode_digest,
    message_of,
    number_of_digest_key,
    parse_segment_key,
)
from footpath_cli.operate._finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from footpath.archive import Link, ObjectStore, SignedDigest


class KeyFileError(Exception):
    """A file that was to hold a public key does not."""


class PublicKey:
    """Checks signatures, without whoever made them.

    Args:
        data: the public key, as PEM or DER (SubjectPublicKeyInfo): what `aws kms get-public-key` gives.

    Raises:
        KeyFileError: it is neither, or a key of another kind.
    """

    def __init__(self, data: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

        load = load_pem_public_key if data.lstrip().startswith(b"-----") else load_der_public_key
        try:
            key = load(data)
        except ValueError as error:
            raise KeyFileError(f"no public key in PEM or DER: {error}") from error
        if not isinstance(key, EllipticCurvePublicKey):
            raise KeyFileError(f"a key for ECDSA was expected, this is a {type(key).__name__}")
        self._key = key

    def fault(self, digest: SignedDigest) -> str:
        """What is wrong with a digest's signature; empty when nothing is."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        if digest.signature is None:
            return "it is not signed"
        if digest.signature.algorithm != "ECDSA_SHA_256":
            return f"its signature is of an unknown algorithm, {digest.signature.algorithm[:40]!r}"
        try:
            self._key.verify(digest.signature.raw, message_of(digest.signed), ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return "its signature is not that of this key"
        return ""


@dataclass(slots=True)
class Sealing:
    """What the digests say.

    Attributes:
        digests: how many there are.
        signed: how many of them carry a signature.
        segments: hash of each sealed segment, by key.
        findings: what is wrong with the chain itself.
    """

    digests: int = 0
    signed: int = 0
    segments: dict[str, str] = field(default_factory=dict[str, str])
    findings: list[Finding] = field(default_factory=list[Finding])


def read_digests(store: ObjectStore, key: PublicKey | None) -> Sealing:
    """Walk the chain from its beginning.

    Args:
        store: where the archive lies.
        key: checks signatures; None leaves them unchecked.

    Raises:
        ArchiveUnavailableError: the store did not answer.
    """
    sealing = Sealing()
    chain = _Chain()
    for name in sorted(store.list_keys(DIGESTS), key=lambda name: (number_of_digest_key(name) or 0, name)):
        number = number_of_digest_key(name)
        if number is None:
            sealing.findings.append(Finding(name, "", "its name is not that of a digest"))
            continue
        sealing.digests += 1
        try:
            digest = decode_digest(name, store.get(name, max_bytes=MAX_DIGEST_BYTES))
        except (CorruptArchiveError, UnknownDigestVersionError, ObjectMissingError, ObjectTooLargeError) as error:
            sealing.findings.append(Finding(name, "", f"it can't be read: {error}"))
            chain.pass_over(number)
            continue
        sealing.findings += [Finding(name, "", what) for what in chain.take(digest)]
        if key is not None and (fault := key.fault(digest)):
            sealing.findings.append(Finding(name, "", fault))
        sealing.signed += digest.signature is not None
        sealing.segments.update((segment.key, segment.sha256) for segment in digest.digest.segments)
    return sealing


class _Chain:
    """Follows the links, digest by digest, in the order of their numbers.

    Two of one number are no fault as long as both follow the same one: a schedule may call twice, and sealers that run
    at once know nothing of each other. Between them they list everything.
    """

    def __init__(self) -> None:
        self._number = 0
        self._links: list[Link] = []  # of the digests of that number
        self._before: list[Link] = []  # of those of the number before it
        self._unread = self._unread_before = False

    def take(self, digest: SignedDigest) -> Iterator[str]:
        """The next digest; says what is wrong with its place."""
        number, link = digest.digest.number, digest.digest.previous
        skipped = self._step(number)
        if skipped:
            first = number - skipped
            yield f"digest {first} is gone" if skipped == 1 else f"digests {first} to {number - 1} are gone"
        elif number == 1 and link is not None:
            yield f"it is the first, and follows {link.key!r}"
        elif number > 1 and link is None:
            yield f"it does not say which digest it follows, and there is a number {number - 1}"
        elif number > 1 and not self._unread_before and link not in self._before:
            names = ", ".join(one.key for one in self._before)
            yield f"it follows another digest than {names}: that one, or this, was written anew"
        self._links.append(digest.link)

    def pass_over(self, number: int) -> None:
        """A digest that can't be read: whatever follows it can't be held against it."""
        self._step(number)
        self._unread = True

    def _step(self, number: int) -> int:
        """Go to a number; how many are missing on the way."""
        if number == self._number:
            return 0
        skipped = number - self._number - 1
        self._before, self._unread_before = self._links, self._unread or skipped > 0
        self._number, self._links, self._unread = number, [], False
        return skipped


def check_sealed(sealing: Sealing, found: Mapping[str, str], *, first_hour: str) -> Iterator[Finding]:
    """Compare what was sealed with what lies there.

    Args:
        sealing: what the digests say.
        found: SHA-256 of every segment that was read, by key.
        first_hour: segments of earlier hours (`dt=YYYY-MM-DD/hr=HH`) may have expired; empty when none may.
    """
    for key, sha256 in sorted(sealing.segments.items()):
        if key in found:
            if found[key] != sha256:
                yield Finding(key, "", "it is not the segment that was sealed: somebody wrote it anew")
            continue
        name = parse_segment_key(key)
        if name is None or name.hour >= first_hour:
            yield Finding(key, "", "it was sealed, and is gone")


def sha256_of(body: bytes) -> str:
    """The hash that a digest has of an object."""
    return hashlib.sha256(body).hexdigest()

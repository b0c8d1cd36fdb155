"""How a trace travels: the body and attributes of a queue message, as `docs/trace-format.md` has them.

A body that begins with `{` is JSON text: a trace document, a claim, or a trace of footprintjs. A body that begins with
`z1:` is base64 of zlib of such a text. A document too large for the queue travels as a claim: the message names an
object of the archive bucket, whose key is the hash of its content; the content is a body again, but never a claim.

Reading trusts nothing: sizes are capped before memory is spent, base64 is strict, and a claim is honoured only under
its own hash in our own bucket.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from footpath.archive import ObjectMissingError, ObjectTooLargeError, claim_key, is_sha256, on_one_line
from footpath_service.errors import PoisonMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from footpath.archive import ObjectStore

MAX_MESSAGE_BYTES = 1_048_576
"""SQS: most bytes of one message, its attributes' names, types and values included."""

PACKED = "z1:"

_CLAIM_BEGINS = re.compile(r'\{\s*"claim"\s*:')
_MAX_CLAIM_CHARACTERS = 4_096
_PIECE = 1 << 20
# SQS admits: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF
_INADMISSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = [1 if byte in b"[{" else -1 for byte in range(256)]


class WireLimits(NamedTuple):
    """What a message may be.

    Attributes:
        text_bytes: up to this an ASCII document travels as text, readable in the console.
        message_bytes: the queue's limit; over it a document travels as a claim.
        document_bytes: most bytes a document may have, or unfold to.
        ratio: most bytes that one compressed byte may unfold to, in documents over 1 MiB.
        depth: most levels of nesting in a document.
    """

    text_bytes: int = 4_096
    message_bytes: int = MAX_MESSAGE_BYTES
    document_bytes: int = 64 << 20
    ratio: int = 400
    depth: int = 800


DEFAULT_LIMITS = WireLimits()


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stands for a body kept in the archive bucket.

    Attributes:
        bucket: which must be ours.
        key: `claims/` and the hash.
        sha256: over the object, lower-case hex.
        bytes: the object's length.
    """

    bucket: str
    key: str
    sha256: str
    bytes: int


class _ClaimBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    claim: Claim


_decode_claim = msgspec.json.Decoder(_ClaimBody).decode
_check_json = msgspec.json.Decoder(msgspec.Raw).decode


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def encode_body(document: bytes, limits: WireLimits = DEFAULT_LIMITS, within: Callable[[], None] | None = None) -> str:
    """The document as text for a message or for an object: small ASCII as it is, anything else packed.

    Args:
        document: JSON in UTF-8.
        limits: see `WireLimits`.
        within: called before each megabyte of compression; may raise to stop it.

    Returns:
        A body of ASCII characters; longer than a message may be when the document is large.
    """
    if len(document) <= limits.text_bytes and _is_plain(document):
        return document.decode("ascii")
    deflate = zlib.compressobj(1)
    parts: list[bytes] = []
    for start in range(0, len(document), _PIECE):
        if within is not None:
            within()
        parts.append(deflate.compress(document[start : start + _PIECE]))
    parts.append(deflate.flush())
    packed = b"".join(parts)
    if _is_bomb(len(document), len(packed), limits) and document.isascii():
        # What a reader would take for a bomb travels as it is; it is far over a message, so it goes by claim.
        return document.decode("ascii")
    return PACKED + b2a_base64(packed, newline=False).decode("ascii")


def encode_claim(bucket: str, body: bytes) -> tuple[str, str]:
    """The message for a body that is too large, and the key under which that body must be put first."""
    sha256 = hashlib.sha256(body).hexdigest()
    claim = Claim(bucket, claim_key(sha256), sha256, len(body))
    return msgspec.json.encode(_ClaimBody(claim)).decode(), claim.key


def encode_attributes(*, format: str, trace_id: str, chart: str, status: str) -> dict[str, str]:
    """The advisory attributes of a message: what a console and a filter by eye can show. Nothing is decided by them."""
    named = {"format": format, "traceId": trace_id, "chart": chart, "status": status}
    return {name: text for name, value in named.items() if (text := admissible(value)[:256].strip())}


def message_size_bytes(body: str, attributes: Mapping[str, str]) -> int:
    """What SQS counts against its limit: the body, and each attribute's name, type and value, in UTF-8."""
    sizes = (len(name.encode()) + len("String") + len(value.encode()) for name, value in attributes.items())
    return len(body.encode("utf-8", "surrogatepass")) + sum(sizes)


def inadmissible_character(text: str) -> str | None:
    """The first character that SQS does not admit, as `U+FFFE`; None when all are fine."""
    found = _INADMISSIBLE.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"


def admissible(text: str) -> str:
    """The text with U+FFFD for each character that SQS does not admit."""
    return _INADMISSIBLE.sub("\ufffd", text)


def _is_plain(document: bytes) -> bool:
    return document.startswith(b"{") and document.isascii() and inadmissible_character(document.decode("ascii")) is None


def _is_bomb(unfolded_bytes: int, packed_bytes: int, limits: WireLimits) -> bool:
    return unfolded_bytes > _PIECE and unfolded_bytes > packed_bytes * limits.ratio


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────
def decode_body(body: str, *, store: ObjectStore, bucket: str, limits: WireLimits = DEFAULT_LIMITS) -> bytes:
    """The document of a message, on one line, its claim redeemed; JSON of allowed size and depth, nothing else known.

    Args:
        body: the message's.
        store: where claims lie.
        bucket: the store's name, which a claim must give.
        limits: see `WireLimits`.

    Raises:
        PoisonMessageError: no later delivery can help; its `reason` is one of: empty, not-a-trace, bad-characters,
            bad-base64, bad-zlib, too-large, bomb, bad-json, too-deep, bad-claim, foreign-claim, claim-missing,
            claim-tampered.
        ArchiveUnavailableError: the claim could not be read now.
    """
    if len(body) <= _MAX_CLAIM_CHARACTERS and _CLAIM_BEGINS.match(body):
        body = _redeem(_parse_claim(body), store, bucket, limits)
    return _document(body, limits)


def _parse_claim(body: str) -> Claim:
    try:
        return _decode_claim(body.encode()).claim
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise PoisonMessageError("bad-claim", f"the claim is not {{bucket, key, sha256, bytes}}: {error}") from error


def _redeem(claim: Claim, store: ObjectStore, bucket: str, limits: WireLimits) -> str:
    if claim.bucket != bucket:
        raise PoisonMessageError("foreign-claim", f"the claim names bucket {claim.bucket[:80]!r}, which is not ours")
    if not is_sha256(claim.sha256) or claim.key != claim_key(claim.sha256):
        raise PoisonMessageError("bad-claim", f"the claim's key {claim.key[:120]!r} is not claims/ and its sha256")
    # Base64 of a document that hardly shrinks is a third longer than it.
    most = limits.document_bytes * 4 // 3 + 1024
    if not 0 < claim.bytes <= most:
        raise PoisonMessageError("too-large", f"the claim is for {claim.bytes} bytes; from 1 to {most} are allowed")
    try:
        content = store.get(claim.key, max_bytes=claim.bytes)
    except ObjectMissingError as error:
        raise PoisonMessageError("claim-missing", f"there is no object {claim.key} to claim") from error
    except ObjectTooLargeError as error:
        raise PoisonMessageError("claim-tampered", f"the claimed object is not of its size: {error}") from error
    if len(content) != claim.bytes or hashlib.sha256(content).hexdigest() != claim.sha256:
        raise PoisonMessageError("claim-tampered", f"the object {claim.key} does not have the claim's size and hash")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise PoisonMessageError("bad-characters", f"the claimed object is not UTF-8: {error}") from error
    if len(text) <= _MAX_CLAIM_CHARACTERS and _CLAIM_BEGINS.match(text):
        raise PoisonMessageError("bad-claim", "the claimed object is a claim itself")
    return text


def _document(body: str, limits: WireLimits) -> bytes:
    if body.startswith("{"):
        # Four bytes a character at most: only a body near the limit is encoded before it is known to fit.
        if len(body) > limits.document_bytes:
            raise PoisonMessageError("too-large", f"a document of {len(body)} characters, over {limits.document_bytes}")
        try:
            document = body.encode()
        except UnicodeEncodeError as error:
            raise PoisonMessageError("bad-characters", f"the body is not Unicode text: {error}") from error
        if len(document) > limits.document_bytes:
            raise PoisonMessageError("too-large", f"a document of {len(document)} bytes, over {limits.document_bytes}")
    elif body.startswith(PACKED):
        document = _unpack(body, limits)
    elif body:
        raise PoisonMessageError("not-a-trace", f"the body begins with {body[:12]!r}: neither {{ nor z1:")
    else:
        raise PoisonMessageError("empty", "the body of the message is empty")
    check_json(document, limits.depth)
    return on_one_line(document)


def _unpack(body: str, limits: WireLimits) -> bytes:
    try:
        text = body[len(PACKED) :].encode("ascii")
        packed = a2b_base64(text, strict_mode=True)
        if b2a_base64(packed, newline=False) != text:
            raise Base64Error("not in canonical form")  # noqa: TRY301  # strict mode lets padding too long pass
    except (Base64Error, UnicodeEncodeError) as error:
        raise PoisonMessageError("bad-base64", f"what follows z1: is not base64: {error}") from error
    inflate = zlib.decompressobj()
    try:
        document = inflate.decompress(packed, limits.document_bytes + 1)
    except zlib.error as error:
        raise PoisonMessageError("bad-zlib", f"what follows z1: is not zlib: {error}") from error
    if len(document) > limits.document_bytes:
        raise PoisonMessageError("bomb", f"the body unfolds to more than {limits.document_bytes} bytes")
    if not inflate.eof or inflate.unused_data:
        raise PoisonMessageError("bad-zlib", "what follows z1: is cut, or goes on after its end")
    if _is_bomb(len(document), len(packed), limits):
        raise PoisonMessageError("bomb", f"{len(packed)} bytes unfold to {len(document)}, over 1:{limits.ratio}")
    if not document.startswith(b"{"):
        raise PoisonMessageError("not-a-trace", f"the packed text begins with {document[:12]!r}, not with {{")
    return document


def check_json(document: bytes, max_depth: int) -> None:
    """See that bytes are one JSON text in UTF-8, no deeper than allowed. Nothing is built.

    Raises:
        PoisonMessageError: bad-json, bad-characters or too-deep.
    """
    try:
        if not document.isascii():
            document.decode()
        try:
            _check_json(document)
        except msgspec.DecodeError:
            # Half a surrogate pair, as JavaScript writes it, is JSON all the same; judge the document without it.
            if _SURROGATE.search(document) is None:
                raise
            _check_json(_ESCAPE.sub(_whole, document))
    except UnicodeDecodeError as error:
        raise PoisonMessageError("bad-characters", f"the document is not UTF-8: {error}") from error
    except RecursionError as error:
        raise PoisonMessageError("too-deep", f"the document nests deeper than {max_depth} levels") from error
    except msgspec.MsgspecError as error:
        raise PoisonMessageError("bad-json", f"the document is not JSON: {error}") from error
    if is_deeper(document, max_depth):
        raise PoisonMessageError("too-deep", f"the document nests deeper than {max_depth} levels")


def _whole(escape: re.Match[bytes]) -> bytes:
    """An escape as it is, but for half of a surrogate pair."""
    found = escape[0]
    return b"\\ufffd" if len(found) == 6 else found


def is_deeper(document: bytes, limit: int) -> bool:
    """Whether (sound) JSON nests deeper than a limit; without recursion, and on most documents without a scan."""
    if document.count(b"[") + document.count(b"{") <= limit:
        return False
    brackets = _STRING.sub(b"", document).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > limit

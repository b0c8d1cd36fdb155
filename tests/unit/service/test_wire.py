from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import random
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footpath.errors import ArchiveUnavailableError
from footpath_service.adapters.memory import MemoryStore
from footpath_service.errors import PoisonMessageError
from footpath_service.wire import (
    MAX_MESSAGE_BYTES,
    WireLimits,
    admissible,
    check_json,
    decode_body,
    encode_attributes,
    encode_body,
    encode_claim,
    inadmissible_character,
    is_deeper,
    message_size_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "archive"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


def read(body: str, store: MemoryStore | None = None, limits: WireLimits = WireLimits()) -> bytes:  # noqa: B008
    return decode_body(body, store=store or MemoryStore(), bucket=BUCKET, limits=limits)


def packed(data: bytes) -> str:
    return "z1:" + base64.b64encode(zlib.compress(data)).decode()


def refused(body: str, store: MemoryStore | None = None, limits: WireLimits = WireLimits()) -> PoisonMessageError:  # noqa: B008
    with pytest.raises(PoisonMessageError) as caught:
        read(body, store, limits)
    return caught.value


def claimed(content: bytes, store: MemoryStore) -> str:
    message, key = encode_claim(BUCKET, content)
    store.put_new(key, content)
    return message


def noise(size: int) -> bytes:
    return json.dumps({"noise": random.Random(1).randbytes(size // 2).hex()}).encode()


# ── what is written ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_small_ascii_document_travels_as_text() -> None:
    """It reads in the console, and costs nothing to unpack."""
    document = b'{"format":"footpath.trace"}'
    assert encode_body(document) == document.decode()
    assert read(encode_body(document)) == document


@pytest.mark.parametrize("size", [4_095, 4_096, 4_097])
def test_the_limit_of_text_is_exact(size: int) -> None:
    """Up to the limit as it is, over it packed."""
    document = b'{"a":"' + b"x" * (size - 8) + b'"}'
    assert len(document) == size
    assert encode_body(document).startswith("{" if size <= 4_096 else "z1:")
    assert read(encode_body(document)) == document


@pytest.mark.parametrize("text", ["\ufffe", "\uffff", "é", "\U0001f600", "\x7f"])
def test_what_sqs_would_refuse_or_mangle_travels_packed(text: str) -> None:
    """A body admits only some Unicode; anything that is not ASCII is packed. DEL is ASCII, and admitted."""
    document = json.dumps({"a": text}, ensure_ascii=False).encode()
    body = encode_body(document)
    assert body.startswith("{") == text.isascii()
    assert inadmissible_character(body) is None
    assert read(body) == document


@given(json_values)
def test_every_document_comes_back_to_the_byte_and_is_admissible(value: object) -> None:
    """Whatever a trace holds, what is read is what was captured, and SQS takes it."""
    document = json.dumps({"value": value}, ensure_ascii=False).encode()
    body = encode_body(document)
    assert inadmissible_character(body) is None
    assert body.isascii()
    assert read(body) == document


def test_the_attributes_are_few_short_and_admissible() -> None:
    """Advisory only; a chart's odd name must not make the message refusable."""
    made = encode_attributes(format="footpath.trace", trace_id="t", chart="a\x00b\ud800\ufffe" + "c" * 999, status="")
    assert made.keys() == {"format", "traceId", "chart"}
    assert len(made["chart"]) == 256
    assert all(inadmissible_character(value) is None for value in made.values())
    assert admissible("ok\x0b") == "ok\ufffd"


def test_the_size_of_a_message_counts_its_attributes() -> None:
    """SQS counts names, types and values; a body that just fits alone must become a claim."""
    assert message_size_bytes("é", {"ab": "cde"}) == 2 + 2 + 6 + 3


def test_compression_can_be_stopped() -> None:
    """A budget holds while a large document is packed, too."""
    calls: list[int] = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        encode_body(b'{"a":"' + bytes(5 << 20) + b'"}', within=stop)


def test_a_document_that_would_look_like_a_bomb_travels_as_it_is() -> None:
    """Honest repetition must not be refused by our own reader."""
    document = b'{"a":"' + b"x" * (3 << 20) + b'"}'
    limits = WireLimits(ratio=100)
    body = encode_body(document, limits)
    assert body.startswith("{")
    store = MemoryStore()
    assert read(claimed(body.encode(), store), store, limits) == document
    # At its level zlib does not reach the ratio of the default limits, whatever the document.
    assert read(encode_body(document)) == document


# ── what is read ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        ("hello", "not-a-trace"),
        ("[1]", "not-a-trace"),
        (" {}", "not-a-trace"),
        ("\ufeff{}", "not-a-trace"),
        ("Z1:AAAA", "not-a-trace"),
        ("z1:", "bad-zlib"),
        ("z1:!!!!", "bad-base64"),
        ("z1:AAA", "bad-base64"),
        ("z1:AAAA\n", "bad-base64"),
        ("z1:AAAA====", "bad-base64"),
        ("z1:\u00e9", "bad-base64"),
        ("z1:" + base64.b64encode(b"not zlib").decode(), "bad-zlib"),
        ("z1:" + base64.b64encode(zlib.compress(b'{"a":1}')[:-3]).decode(), "bad-zlib"),
        ("z1:" + base64.b64encode(zlib.compress(b'{"a":1}') + b"more").decode(), "bad-zlib"),
        (packed(b"[1]"), "not-a-trace"),
        (packed(b"z1:AAAA"), "not-a-trace"),
        (packed(b""), "not-a-trace"),
        ("{", "bad-json"),
        ("{}{}", "bad-json"),
        ('{"a":}', "bad-json"),
        ('{"a":NaN}', "bad-json"),
        ('{"a":Infinity}', "bad-json"),
        ("{'a':1}", "bad-json"),
        ('{"a":"\x01"}', "bad-json"),
        ('{"a":01}', "bad-json"),
        ('{"a":"\\ud800}', "bad-json"),
        ('{"a":\\ud800}', "bad-json"),
        ('{"a":"\ud800"}', "bad-characters"),
        (packed(b'{"a":"\xff"}'), "bad-characters"),
        (packed(b'{"a":"\xed\xa0\x80"}'), "bad-characters"),
        ('{"a":' + "[" * 801 + "]" * 801 + "}", "too-deep"),
        ('{"a":' * 900 + "1" + "}" * 900, "too-deep"),
        ('{"a":' * 200_000 + "1" + "}" * 200_000, "too-deep"),
        ('{"a":' + "[" * 5_000_000, "too-deep"),
        (packed(b'{"a":' + b"[" * 900_000), "too-deep"),
        ("z1:AAB=", "bad-base64"),
        ('{"claim":1}', "bad-claim"),
        ('{"claim":{}}', "bad-claim"),
        ('{"claim":{"bucket":"archive"}', "bad-claim"),
        ('{"claim":{"bucket":"archive","key":"k","sha256":"s","bytes":1,"more":1}}', "bad-claim"),
        ('{"claim":{"bucket":"archive","key":"k","sha256":"s","bytes":1},"more":1}', "bad-claim"),
        ('{"claim":{"bucket":"archive","key":"k","sha256":"s","bytes":1.5}}', "bad-claim"),
        ('{"claim":{"bucket":"\ud800","key":"k","sha256":"s","bytes":1}}', "bad-claim"),
    ],
)
def test_poison_has_its_reason(body: str, reason: str) -> None:
    """Each way a body can be wrong is permanent, and told by a short word and a sentence."""
    error = refused(body)
    assert error.reason == reason
    assert len(str(error)) > 20


def test_a_bomb_is_refused_without_its_bytes() -> None:
    """200 MB in a message: memory stays near the cap."""
    squeeze = zlib.compressobj(9)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(200)) + squeeze.flush()
    body = "z1:" + base64.b64encode(bomb).decode()
    tracemalloc.start()
    assert refused(body, limits=WireLimits(document_bytes=8 << 20)).reason == "bomb"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20


def test_a_document_over_the_cap_is_refused_in_every_form() -> None:
    """The cap is on the document, however it travels."""
    limits = WireLimits(document_bytes=50_000)
    document = noise(60_000)
    store = MemoryStore()
    assert refused(document.decode(), limits=limits).reason == "too-large"
    assert refused(packed(document), limits=limits).reason == "bomb"
    assert refused(claimed(packed(document).encode(), store), store, limits).reason == "bomb"
    assert refused('{"a":"' + "é" * 30_000 + '"}', limits=limits).reason == "too-large"


def test_a_ratio_over_the_cap_is_a_bomb_and_a_small_one_is_not() -> None:
    """Ratio counts in documents over 1 MiB only: small ones hurt nobody."""
    assert refused(packed(b'{"a":"' + b"x" * (4 << 20) + b'"}')).reason == "bomb"
    small = b'{"a":"' + b"x" * (1 << 19) + b'"}'
    assert read(packed(small)) == small


def test_depth_is_counted_without_strings_and_without_recursion() -> None:
    """Brackets inside strings are text; a hostile document costs time in proportion to its length only."""
    assert not is_deeper(json.dumps({"a": '\\"[' * 2000 + "{" * 2000}).encode(), 5)
    assert is_deeper(b"[" * 6 + b"]" * 6, 5)
    assert not is_deeper(b"[" * 5 + b"]" * 5, 5)
    for hostile in (b"[" * 2_000_000 + b"]" * 2_000_000, b'{"a":"' + b'\\"' * 2_000_000 + b'"}', b'["' * 1_000_000):
        started = time.perf_counter()
        is_deeper(hostile, 800)
        assert time.perf_counter() - started < 10


def test_the_deepest_document_allowed_is_read() -> None:
    """The cap is what is promised, not what the stack happens to bear."""
    check_json(b"[" * 800 + b"]" * 800, 800)


@pytest.mark.parametrize("text", ["\\ud800", "x\\udc00y", "\\ud800\\ud83d\\ude00", "\\\\\\ud800", "\\ud83d\\ude00"])
def test_half_a_surrogate_pair_is_json(text: str) -> None:
    """JavaScript writes it where it cuts a text; whether it is a trace, others judge."""
    assert read(f'{{"a":"{text}"}}') == f'{{"a":"{text}"}}'.encode()


def test_line_breaks_between_tokens_become_spaces() -> None:
    """The archive keeps one line a trace."""
    assert read('{\r\n"a":\n1}') == b'{  "a": 1}'


# ── claims ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("size", [900_000, 1_000_000, 1_100_000, 5_000_000])
def test_a_claim_gives_back_its_document(size: int) -> None:
    """Sizes around and over the queue's limit come through the bucket, hash verified."""
    store = MemoryStore()
    document = noise(size)
    message = claimed(encode_body(document).encode(), store)
    assert len(message) < 500
    assert inadmissible_character(message) is None
    assert read(message, store) == document


def test_hostile_claims_are_refused_before_anything_is_read() -> None:
    """Only our bucket, only under claims/, only by its own hash, only of its own size."""
    store = MemoryStore()
    content = b'{"a":1}'
    good = json.loads(claimed(content, store))["claim"]
    store.put_new("segments/secret", content)

    def claim(**changed: object) -> str:
        return json.dumps({"claim": good | changed})

    def reason(**changed: object) -> str:
        return refused(claim(**changed), store).reason

    assert read(claim(), store) == content
    assert reason(bucket="other-bucket") == "foreign-claim"
    assert reason(key="segments/secret") == "bad-claim"
    assert reason(key=good["key"] + "/../x") == "bad-claim"
    assert reason(sha256="0" * 64) == "bad-claim"
    assert reason(sha256="X", key="claims/X") == "bad-claim"
    assert reason(bytes=0) == "too-large"
    assert reason(bytes=-1) == "too-large"
    assert reason(bytes=1 << 40) == "too-large"
    assert reason(bytes=6) == "claim-tampered"
    assert reason(bytes=8) == "claim-tampered"
    other = hashlib.sha256(b"other").hexdigest()
    assert reason(sha256=other, key=f"claims/{other}") == "claim-missing"


def test_a_tampered_object_is_refused() -> None:
    """The hash is verified on read."""
    store = MemoryStore()
    message = claimed(b'{"a":1}', store)
    key = json.loads(message)["claim"]["key"]
    store._objects[key] = b'{"a":2}'
    assert refused(message, store).reason == "claim-tampered"


def test_a_size_bomb_behind_a_claim_is_refused_by_its_size() -> None:
    """An object grown since is not read at all."""
    store = MemoryStore()
    message = claimed(b'{"a":1}', store)
    store._objects[json.loads(message)["claim"]["key"]] = bytes(50 << 20)
    tracemalloc.start()
    assert refused(message, store).reason == "claim-tampered"
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe", "bad-characters"), (b"hello", "not-a-trace"), (b"z1:", "bad-zlib"), (b'{"claim":{}}', "bad-claim")],
)
def test_what_a_claim_names_is_judged_like_any_body(content: bytes, reason: str) -> None:
    """And it can't be a claim again."""
    store = MemoryStore()
    assert refused(claimed(content, store), store).reason == reason


def test_a_store_that_is_down_is_no_poison() -> None:
    """The claim may be read at the next delivery."""

    class Down(MemoryStore):
        def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
            raise ArchiveUnavailableError(key)

        def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
            raise ArchiveUnavailableError(prefix)

    with pytest.raises(ArchiveUnavailableError):
        read(encode_claim(BUCKET, b"{}")[0], Down())


@given(st.binary(max_size=300), st.sampled_from(["", "{", "z1:", '{"claim":']))
def test_no_body_brings_down_the_reader(data: bytes, beginning: str) -> None:
    """Anything at all is a document, poison, or a store that is down."""
    with contextlib.suppress(PoisonMessageError):
        assert read(beginning + data.decode("utf-8", "surrogateescape")).startswith(b"{")


def test_a_flipped_bit_hardly_ever_passes_for_the_document() -> None:
    """The checksum of zlib misses one flip in thousands; what guards a message on its way is the queue's own MD5."""
    document = json.dumps({"a": list(range(300))}).encode()
    body = packed(document).encode()
    passed = 0
    for at in range(len(body)):
        for bit in range(8):
            damaged = bytearray(body)
            damaged[at] ^= 1 << bit
            with contextlib.suppress(PoisonMessageError):
                passed += read(damaged.decode("latin-1")) != document
    assert passed <= len(body) * 8 // 2000


def test_the_limit_is_that_of_sqs() -> None:
    """1 MiB, since August 2025."""
    assert MAX_MESSAGE_BYTES == 1 << 20

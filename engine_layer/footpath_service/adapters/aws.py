"""SQS, S3 and KMS behind the ports: the only module that knows boto3, and the place where clients are made, once.

boto3 is imported when the first client is made, never with this module: it costs a cold start 200 ms or more. Timeouts
are explicit and the SDK's own retries are off, because a retry here spends a budget that a caller counts in
milliseconds; who may retry does so himself, with another way or by another delivery.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import zlib
from typing import TYPE_CHECKING, Any, Literal, cast

from footpath.archive import Listed, ObjectMissingError, ObjectTooLargeError, Suffix
from footpath.errors import ArchiveUnavailableError
from footpath_service.errors import QueueRefusedError, QueueUnavailableError, SigningError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

_MISSING = {"NoSuchKey", "InvalidRange"}
"""S3's own words. A bare 404, or 416, is something on the way: what S3 did not say is worth another try."""
_REFUSED = {
    "InvalidMessageContents",
    "InvalidParameterValue",
    "InvalidAttributeValue",
    "BatchRequestTooLong",
    "AWS.SimpleQueueService.BatchRequestTooLong",
}


class AwsClient:
    """A boto3 client that is made when it is first used, then kept. Safe across threads.

    Args:
        service: "sqs", "s3" or "kms".
        connect_s, read_s: timeouts in seconds; `read_s` is for each wait on the socket, not for the whole answer.
    """

    def __init__(self, service: Literal["sqs", "s3", "kms"], *, connect_s: float, read_s: float) -> None:
        self._service = service
        self._connect_s = connect_s
        self._read_s = read_s
        self._lock = threading.Lock()
        self._client: Any = None

    def __call__(self) -> Any:
        """The client."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._made()
        return self._client

    def _made(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=self._connect_s,
            read_timeout=self._read_s,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
            # The hash of every object is in its key, its index or its claim already.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        make = cast("Any", boto3).client  # a variable service fits none of the stubs' overloads
        return make(self._service, config=config)


class SqsQueue:
    """An SQS queue; see `footpath_service.ports.MessageQueue`."""

    def __init__(self, url: str, client: AwsClient) -> None:
        self._url = url
        self._client = client

    def prepare(self) -> None:
        """Make the client."""
        with contextlib.suppress(Exception):  # the first send meets the same fault, and tells of it
            self._client()

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Send one message."""
        from botocore.exceptions import ClientError, ParamValidationError

        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        try:
            answer = self._client().send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=typed)
        except ClientError as error:
            if _code(error) in _REFUSED:
                raise QueueRefusedError(f"the queue refuses the message: {error}") from error
            raise QueueUnavailableError(f"the queue did not take the message: {error}") from error
        except ParamValidationError as error:
            raise QueueRefusedError(f"the message is malformed: {error}") from error
        except Exception as error:  # no answer, no credentials, no region, no such host: all are "not now"
            raise QueueUnavailableError(f"the queue did not answer: {error!r}") from error
        told = answer.get("MD5OfMessageBody")
        if told != _md5(body.encode()) and (told is not None or not answer.get("MessageId")):
            raise QueueUnavailableError("what answered for the queue did not take this message: its digest is another")


class S3Store:
    """An S3 bucket; see `footpath.archive.ObjectStore`."""

    def __init__(self, bucket: str, client: AwsClient) -> None:
        self._bucket = bucket
        self._client = client

    def prepare(self) -> None:
        """Make the client."""
        with contextlib.suppress(Exception):  # the first call meets the same fault, and tells of it
            self._client()

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole object."""
        with _translating(key):
            answer = self._client().get_object(Bucket=self._bucket, Key=key)
            if max_bytes is not None and answer["ContentLength"] > max_bytes:
                answer["Body"].close()
                raise ObjectTooLargeError(key, answer["ContentLength"], max_bytes)
            return answer["Body"].read()

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Part of an object."""
        with _translating(key):
            wanted = f"bytes={offset}-{offset + length - 1}"
            return self._client().get_object(Bucket=self._bucket, Key=key, Range=wanted)["Body"].read()

    def get_suffix(self, key: str, length: int) -> Suffix:
        """The end of an object."""
        with _translating(key):
            answer = self._client().get_object(Bucket=self._bucket, Key=key, Range=f"bytes=-{length}")
            data = answer["Body"].read()
            # "bytes 100-199/200"; S3 leaves it out when the whole object is the answer.
            size = int(answer["ContentRange"].rpartition("/")[2]) if answer.get("ContentRange") else len(data)
            if not data:
                raise ObjectMissingError(key)
            return Suffix(data, size)

    def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        """Keys with a prefix, ascending."""
        return (found.key for found in self.list_objects(prefix, start_after=start_after))

    def list_objects(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """Keys with a prefix, ascending, with sizes and times."""
        more = {"StartAfter": start_after} if start_after else {}
        pages = self._pages(prefix, **more)
        while (page := _next_page(pages, prefix)) is not None:
            for found in page.get("Contents", ()):
                yield Listed(found["Key"], found["Size"], int(found["LastModified"].timestamp() * 1000))

    def list_folders(self, prefix: str) -> list[str]:
        """The folders right under a prefix."""
        folders: list[str] = []
        pages = self._pages(prefix, Delimiter="/")
        while (page := _next_page(pages, prefix)) is not None:
            folders += [found["Prefix"][len(prefix) :] for found in page.get("CommonPrefixes", ())]
        return sorted(folders)

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless its key is taken."""
        from botocore.exceptions import ClientError

        with _translating(key):
            try:
                # A bucket that locks what is put refuses whatever comes without a checksum.
                checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
                answer = self._client().put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="CRC32",
                    ChecksumCRC32=checksum,
                )
            except ClientError as error:
                if _code(error) in {"PreconditionFailed", "412"}:
                    return False
                raise
            if not _is_of(answer, body, checksum):
                raise ArchiveUnavailableError(f"what answered for S3 did not take {key!r}: its digest is another")
            return True

    def _pages(self, prefix: str, **more: str) -> Iterator[Any]:
        with _translating(prefix):
            paginator = self._client().get_paginator("list_objects_v2")
            return iter(paginator.paginate(Bucket=self._bucket, Prefix=prefix, **more))


class KmsSigner:
    """A key of KMS for ECDSA on NIST's P-256; see `footpath_service.ports.Signer`."""

    algorithm = "ECDSA_SHA_256"

    def __init__(self, key_id: str, client: AwsClient) -> None:
        self.key_id = key_id
        self._client = client

    def sign(self, message: bytes) -> bytes:
        """Sign a short message."""
        try:
            answer = self._client().sign(
                KeyId=self.key_id, Message=message, MessageType="RAW", SigningAlgorithm=self.algorithm
            )
            return answer["Signature"]
        except Exception as error:  # refused, disabled, no such key, no answer: none of it makes a signature
            raise SigningError(f"the key {self.key_id} did not sign: {error}") from error


class KmsMac:
    """A key of KMS for HMAC-SHA-256, of which other keys are derived."""

    def __init__(self, key_id: str, client: AwsClient) -> None:
        self.key_id = key_id
        self._client = client

    def derive(self, purpose: bytes) -> bytes:
        """The same 32 bytes at each call for the same purpose.

        Raises:
            SigningError: the key is gone, not ours to use, not for this, or nobody answered.
        """
        try:
            answer = self._client().generate_mac(KeyId=self.key_id, Message=purpose, MacAlgorithm="HMAC_SHA_256")
            return answer["Mac"]
        except Exception as error:
            raise SigningError(f"the key {self.key_id} gave no key: {error}") from error


def _is_of(answer: Mapping[str, Any], body: bytes, checksum: str) -> bool:
    """Whether S3's yes is a yes to this object: what answers 200 may be something on the way."""
    if "ChecksumCRC32" in answer:
        return answer["ChecksumCRC32"] == checksum
    tag = str(answer.get("ETag", "")).strip('"')
    # Encrypted with a key of KMS, an object has a tag that says nothing of what it holds.
    return bool(tag) if answer.get("ServerSideEncryption", "AES256") != "AES256" else tag == _md5(body)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _next_page(pages: Iterator[Any], prefix: str) -> Any:
    with _translating(prefix):
        return next(pages, None)


@contextlib.contextmanager
def _translating(key: str) -> Generator[None]:
    from botocore.exceptions import ClientError

    try:
        yield
    except (ObjectMissingError, ObjectTooLargeError, ArchiveUnavailableError):
        raise
    except ClientError as error:
        if _code(error) in _MISSING:
            raise ObjectMissingError(key) from error
        raise ArchiveUnavailableError(f"S3 refused {key!r}: {error}") from error
    except Exception as error:  # no answer, a cut answer, no credentials, no region: all are "not now"
        raise ArchiveUnavailableError(f"S3 did not answer for {key!r}: {error!r}") from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))

"""Where the archive lies: a folder on this machine, or the bucket of a stack."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from footpath.archive import SEGMENTS, ArchiveReader
from footpath_cli._exits import CommandError, Exit
from footpath_service.adapters.folder import FolderStore

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from footpath.archive import ObjectStore
    from footpath_cli.sql import Tables

DEFAULT_FOLDER = Path(".footpath") / "archive"
FOLDER_VARIABLE = "FOOTPATH_ARCHIVE"
_UNMADE = ("CREATE_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_", "DELETE_", "REVIEW_IN_PROGRESS")
"""States of a stack whose outputs can't be relied on; one that is updated, or was rolled back to what it was, serves on."""


@dataclass(frozen=True, slots=True)
class Place:
    """An archive.

    Attributes:
        name: for messages.
        folder: on this machine; None for a bucket.
        cure: what to do when there is nothing in it.
    """

    name: str
    store: ObjectStore
    folder: Path | None
    cure: str

    @property
    def reader(self) -> ArchiveReader:
        """Reads it."""
        return ArchiveReader(self.store)

    def check_not_empty(self) -> None:
        """Tell an empty archive from an unknown trace.

        Raises:
            CommandError: there is nothing at all.
        """
        if self.reader.is_empty():
            raise CommandError(f"the archive {self.name} is empty", self.cure, exit_code=Exit.NOT_FOUND)

    @contextmanager
    def tables(self, days: int | None) -> Generator[Tables]:
        """SQL over it. Segments in a bucket are fetched into a folder that lives as long as the block.

        Args:
            days: only the last so many days; None for all.

        Raises:
            CommandError: there is nothing to ask.
        """
        from footpath_cli.sql import Tables  # DuckDB takes its time to import; most commands do without

        self.check_not_empty()
        hours = [hour for hour in self.reader.hours() if days is None or hour >= first_hour_of(days)]
        if not hours:
            raise CommandError(
                f"the archive {self.name} has no trace of the last {days} days",
                "ask for more with --days, or for all with --days 0",
                exit_code=Exit.NOT_FOUND,
            )
        with tempfile.TemporaryDirectory(prefix="footpath-") as fetched:
            folder = self.folder or Path(fetched)
            keys = [
                key for hour in hours for key in self.store.list_keys(f"{SEGMENTS}{hour}/") if key.endswith(".jsonl.gz")
            ]
            if not keys:
                raise CommandError(f"the archive {self.name} holds no segment", self.cure, exit_code=Exit.NOT_FOUND)
            if self.folder is None:
                for key in keys:
                    path = folder / key
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(self.store.get(key))
            tables = Tables(folder, [folder / key for key in keys])
            try:
                yield tables
            finally:
                tables.close()


def first_hour_of(days: int) -> str:
    """The hour that was so many days ago, as the archive names it: `dt=YYYY-MM-DD/hr=HH`; "" where no calendar has it."""
    try:
        first = datetime.now(UTC) - timedelta(days=days)
    except OverflowError:
        return ""
    return first.strftime("dt=%Y-%m-%d/hr=%H")


def find_place(archive: Path | None, stack: str | None, region: str | None = None) -> Place:
    """The archive that the options name, or the environment, or the default folder.

    Raises:
        CommandError: both options were given, the folder is none, or the stack cannot be asked.
    """
    if archive is not None and stack is not None:
        raise CommandError("--archive and --stack name two archives", "give one of them", exit_code=Exit.USAGE)
    if stack is not None:
        return bucket_of(stack_outputs(stack, region), stack)
    folder = archive or Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    if folder.exists() and not folder.is_dir():
        cure = f"name a folder by --archive or {FOLDER_VARIABLE}; it is made if it is not there"
        raise CommandError(f"the archive {folder} is no folder", cure, exit_code=Exit.USAGE)
    cure = f"fill it with `footpath demo` or `footpath run`, or name another by --archive, {FOLDER_VARIABLE} or --stack"
    return Place(str(folder), FolderStore(folder), folder, cure)


def bucket_of(outputs: Mapping[str, str], stack: str) -> Place:
    """The archive bucket of a stack.

    Raises:
        CommandError: the stack has none among its outputs.
    """
    from footpath_service.adapters.aws import AwsClient, S3Store

    bucket = outputs.get("ArchiveBucketName")
    if bucket is None:
        raise CommandError(
            f"the stack {stack} has no output ArchiveBucketName",
            "is it a stack of this repository's template.yaml?",
            exit_code=Exit.NOT_FOUND,
        )
    store = S3Store(bucket, AwsClient("s3", connect_s=5, read_s=60))
    return Place(
        f"s3://{bucket}", store, None, "run a chart on the stack: footpath run CHART --stack NAME --input FILE"
    )


def stack_outputs(stack: str, region: str | None = None) -> dict[str, str]:
    """A stack's outputs by name.

    Raises:
        CommandError: there is no such stack, it is half made, or AWS cannot be asked.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session: Any = cast("Any", boto3)
    if region is not None:
        session.setup_default_session(region_name=region)
    try:
        found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            cure = "check its name, and the region (--region or AWS_REGION)"
            raise CommandError(
                f"there is no stack {stack} in {_region(session)}", cure, exit_code=Exit.NOT_FOUND
            ) from error
        cure = "check the credentials and their right to cloudformation:DescribeStacks"
        raise CommandError(f"AWS refused: {error}", cure, exit_code=Exit.UNREACHABLE) from error
    except BotoCoreError as error:
        cure = "set AWS credentials and a region (AWS_PROFILE, AWS_REGION), or use a local folder with --archive"
        raise CommandError(f"AWS could not be asked: {error}", cure, exit_code=Exit.UNREACHABLE) from error
    status = str(found["StackStatus"])
    if status.startswith(_UNMADE):
        cure = "see `aws cloudformation describe-stack-events`; what failed at its creation has to be deleted, then deployed again"
        if status.endswith("_IN_PROGRESS"):
            cure = "try again when that is over"
        raise CommandError(f"the stack {stack} is not there as a whole: {status}", cure, exit_code=Exit.NOT_FOUND)
    return {str(output["OutputKey"]): str(output["OutputValue"]) for output in found.get("Outputs", [])}


def _region(session: Any) -> str:
    return str(session.client("cloudformation").meta.region_name)

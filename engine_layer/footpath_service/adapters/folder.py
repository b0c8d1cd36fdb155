"""A local folder as an object store: what `make demo` leaves behind, and what the CLI reads without AWS."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from footpath.archive import Listed, ObjectMissingError, ObjectTooLargeError, Suffix
from footpath.errors import ArchiveUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNFINISHED = ".unfinished-"


class FolderStore:
    """An object store in a folder, one file an object; see `footpath.archive.ObjectStore`.

    Several processes may use one folder at once: a file appears whole or not at all.

    Args:
        folder: made when the first object is put.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._root = Path(folder)

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole object."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if max_bytes is not None and size > max_bytes:
                    raise ObjectTooLargeError(key, size, max_bytes)
                return file.read()
        except OSError as error:
            raise _translated(error, key) from error

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Part of an object."""
        try:
            with self._path(key).open("rb") as file:
                file.seek(offset)
                data = file.read(length)
        except OSError as error:
            raise _translated(error, key) from error
        if not data:
            raise ObjectMissingError(key)
        return data

    def get_suffix(self, key: str, length: int) -> Suffix:
        """The end of an object."""
        try:
            with self._path(key).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(size - length, 0))
                data = file.read(length)
        except OSError as error:
            raise _translated(error, key) from error
        if not data:
            raise ObjectMissingError(key)
        return Suffix(data, size)

    def list_keys(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        """Keys with a prefix, ascending."""
        # S3 lists by the whole key; a walk folder by folder would put "a-b" and "a/b" in another order.
        start = self._root / prefix.rpartition("/")[0]
        keys: list[str] = []
        for folder, _, names in os.walk(start):
            inside = Path(folder).relative_to(self._root).as_posix()
            lead = "" if inside == "." else inside + "/"
            keys += [lead + name for name in names if not name.startswith(_UNFINISHED)]
        yield from sorted(key for key in keys if key.startswith(prefix) and key > start_after)

    def list_objects(self, prefix: str, *, start_after: str = "") -> Iterator[Listed]:
        """Keys with a prefix, ascending, with sizes and times."""
        for key in self.list_keys(prefix, start_after=start_after):
            try:
                found = self._path(key).stat()
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError as error:
                raise _translated(error, key) from error
            yield Listed(key, found.st_size, found.st_mtime_ns // 1_000_000)

    def list_folders(self, prefix: str) -> list[str]:
        """The folders right under a prefix."""
        lead, _, beginning = prefix.rpartition("/")
        try:
            with os.scandir(self._root / lead) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _translated(error, prefix) from error
        return [name[len(beginning) :] + "/" for name in names if name.startswith(beginning)]

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless its key is taken."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                # A link, unlike a rename, fails when the name is taken.
                path.hardlink_to(unfinished)
            finally:
                Path(unfinished).unlink()
        except FileExistsError:
            return False
        except OSError as error:
            raise _unavailable(error, key) from error
        return True

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
            raise ObjectMissingError(key)  # no key of ours looks like that, so none can lead out of the folder
        return self._root.joinpath(*parts)


def _translated(error: OSError, key: str) -> Exception:
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return ObjectMissingError(key)
    return _unavailable(error, key)


def _unavailable(error: OSError, key: str) -> ArchiveUnavailableError:
    return ArchiveUnavailableError(f"{key!r} in the archive folder: {error.strerror or error}")

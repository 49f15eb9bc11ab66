"""A ZIP file made piece by piece, in bounded memory; the same contents are always the same bytes."""

import hashlib
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from signoff.audit.bundle.layout import FileEntry

_TIME: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_READABLE: Final = 0o100644 << 16


class _Pieces:
    """What a ZIP file is written to: it is taken away as it comes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, content: bytes, /) -> int:
        self._pieces.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class Archive:
    """Files, one after the other.

    Attributes:
        files: those that are complete.
    """

    def __init__(self) -> None:
        self.files: list[FileEntry] = []
        self._out = _Pieces()
        self._zip = ZipFile(self._out, "w", ZIP_DEFLATED)
        self._file: IO[bytes] | None = None
        self._path = ""
        self._size = 0
        self._digest = hashlib.sha256()

    def add(self, path: str, content: bytes) -> bytes:
        """A whole file; gives what of the ZIP file is ready."""
        self.begin(path)
        return self.write(content) + self.end()

    def begin(self, path: str) -> None:
        """Begin a file."""
        info = ZipInfo(path, _TIME)
        info.create_system, info.external_attr, info.compress_type = _UNIX, _READABLE, ZIP_DEFLATED
        self._file = self._zip.open(info, "w", force_zip64=True)  # its size is not known yet
        self._path, self._size, self._digest = path, 0, hashlib.sha256()

    def write(self, content: bytes) -> bytes:
        """Go on with the file; gives what of the ZIP file is ready."""
        assert self._file is not None  # noqa: S101 - begin() comes before
        self._file.write(content)
        self._digest.update(content)
        self._size += len(content)
        return self._out.take()

    def end(self) -> bytes:
        """End the file; gives what of the ZIP file is ready."""
        assert self._file is not None  # noqa: S101 - begin() comes before
        self._file.close()
        self.files.append(FileEntry(self._path, self._size, self._digest.hexdigest()))
        return self._out.take()

    def close(self) -> bytes:
        """End the ZIP file; gives the rest of it."""
        self._zip.close()
        return self._out.take()

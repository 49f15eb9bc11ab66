"""A bundle opened with suspicion: whatever its bytes are, memory and disk stay as they are.

Nothing is ever unpacked to files, so that no path in it leads anywhere. What it says of its sizes is not
believed.
"""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from signoff.audit.bundle.layout import MOST_BYTES, MOST_FILES, MOST_IN_MEMORY, is_known
from signoff.events.errors import SignoffError

_PIECE: Final = 256 * 1024
_AGAIN: Final = 4 * MOST_BYTES
"""Bytes of files that are read once more: events after their digest, and the parts of each definition."""

_ENTRY: Final = 512
"""Bytes that the directory of a ZIP file may have for each file; ours has some 150."""

_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LOCATOR: Final = b"PK\x06\x07"
_LOCATOR_BYTES: Final = 20
_END_64_BYTES: Final = 56
_ENCRYPTED: Final = 1
_BROKEN: Final = (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What ``zipfile`` raises for bytes that somebody made up."""


class BundleError(SignoffError):
    """The file is no bundle, or one that is made to do harm."""


class OpenBundle(AbstractContextManager["OpenBundle"]):
    """The files of a bundle.

    Args:
        path: of the ZIP file.

    Attributes:
        paths: of its files, in order.

    Raises:
        BundleError: it is none, or larger than any.
    """

    def __init__(self, path: Path) -> None:
        self._left = MOST_BYTES
        self._left_again = _AGAIN
        self._known: set[str] = set()
        try:
            _check_directory(path)
            self._zip = ZipFile(path)
        except _BROKEN as error:
            raise BundleError(f"it is no bundle: {error}") from error
        try:
            self._infos = _checked(self._zip.infolist())
        except BundleError:
            self._zip.close()
            raise
        self.paths = list(self._infos)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def pieces(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, piece by piece.

        Raises:
            BundleError: they cannot be read, or all that was read so far is more than a bundle may hold, or
                may have somebody read again.
        """
        is_new = path not in self._known
        self._known.add(path)
        try:
            with self._zip.open(self._infos[path]) as file:
                while piece := file.read(_PIECE):
                    self._count(len(piece), is_new=is_new)
                    yield piece
        except _BROKEN as error:
            raise BundleError(f"{path} cannot be read: {error}") from error

    def _count(self, size: int, *, is_new: bool) -> None:
        if is_new:
            self._left -= size
        else:
            self._left_again -= size
        if self._left < 0:
            raise BundleError(f"the bundle holds more than {MOST_BYTES} bytes")
        if self._left_again < 0:
            raise BundleError(f"the bundle has more than {_AGAIN} bytes read again")

    def read(self, path: str) -> bytes:
        """A whole file.

        Raises:
            BundleError: it is not there, cannot be read, or is too large for that.
        """
        if path not in self._infos:
            raise BundleError(f"{path} is not there")
        found = bytearray()
        for piece in self.pieces(path):
            found += piece
            if len(found) > MOST_IN_MEMORY:
                raise BundleError(f"{path} is larger than {MOST_IN_MEMORY} bytes")
        return bytes(found)

    def lines(self, path: str, *, most: int) -> Iterator[bytes]:
        """The lines of a file, without their ends.

        Args:
            path: of the file.
            most: bytes of a line.

        Raises:
            BundleError: the file cannot be read, a line is longer, or the last one has no end.
        """
        rest = b""
        for piece in self.pieces(path):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > most:
                raise BundleError(f"{path} has a line of more than {most} bytes")
        if rest:
            raise BundleError(f"{path} is cut off in a line")


def _check_directory(path: Path) -> None:
    """Refuse a directory that `zipfile`, which reads it whole, would fill the memory with.

    Raises:
        BadZipFile: it has no end, or is too large.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < _END_BYTES:
            raise BadZipFile("it is too short for a ZIP file")
        file.seek(max(0, size - _END_64_BYTES - _LOCATOR_BYTES - _END_BYTES))
        tail = file.read()
        end = tail[-_END_BYTES:]
        locator = tail[-_END_BYTES - _LOCATOR_BYTES : -_END_BYTES]
        if not end.startswith(_END):
            raise BadZipFile("it does not end as a ZIP file without a comment does")
        sizes = [int.from_bytes(end[12:16], "little")]
        if locator.startswith(_LOCATOR):  # what it leads to counts: where it says, or right before it
            file.seek(min(int.from_bytes(locator[8:16], "little"), size))
            sizes = [int.from_bytes(large[40:48], "little") for large in (file.read(_END_64_BYTES), tail)]
    if max(sizes) > MOST_FILES * _ENTRY:
        raise BadZipFile(f"it has more than {MOST_FILES} files")


def _checked(infos: list[ZipInfo]) -> dict[str, ZipInfo]:
    """The files by their names.

    Raises:
        BundleError: one has no place in a bundle.
    """
    if len(infos) > MOST_FILES:
        raise BundleError(f"it has more than {MOST_FILES} files")
    found: dict[str, ZipInfo] = {}
    for info in infos:
        name = info.orig_filename
        if not is_known(name):
            raise BundleError(f"it has a file {name[:200]!r}, which no bundle has")
        if name in found:
            raise BundleError(f"it has {name} twice")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BundleError(f"{name} is encrypted, or compressed in a way that no bundle is")
        found[name] = info
    return found

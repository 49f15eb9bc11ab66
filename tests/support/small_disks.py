"""Disks of a few mebibytes, to be filled.

    with small_disk(folder / "disk", mebibytes=48) as disk:
        server = Postgres(folder, port=…, data=disk.folder / "data")    # or Kafka(…, data=…), SIGNOFF_DATA
        with disk.full():                               # nothing can be written
            …
        …                                               # there is space again

A disk is a tmpfs. Mounting one takes the right to, as root has it or CAP_SYS_ADMIN gives it; without,
`SmallDiskError` says so. Logs and pid files of servers stay on the big disk.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LIMIT: Final = 20.0
_PIECE: Final = bytes(256 * 1024)
_SMALLEST: Final = bytes(512)


class SmallDiskError(Exception):
    """This machine does not let us make a small disk; the message says what is missing."""


class SmallDisk:
    """A mounted disk.

    Args:
        folder: where it is mounted; anybody may make files there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @property
    def free(self) -> int:
        """How many bytes may be written yet."""
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    @contextmanager
    def full(self, *, leaving: int = 0) -> Iterator[None]:
        """Fill it with a file of ours, which goes away on leaving; others may free and take space meanwhile.

        Args:
            leaving: bytes that stay free.
        """
        try:
            self.fill(leaving=leaving)
            yield
        finally:
            self.make_room()

    def fill(self, *, leaving: int = 0) -> None:
        """Take what is free, but for `leaving` bytes, once more."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for piece in (_PIECE, _SMALLEST):
                try:
                    while self.free >= leaving + len(piece):
                        ballast.write(piece)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self) -> None:
        """Take our file away."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a disk, and unmount it on leaving; whoever uses it must have ended by then.

    Args:
        folder: where; it is made, and must not exist.
        mebibytes: its size.

    Raises:
        SmallDiskError: we may not mount, or not here.
    """
    folder.mkdir(parents=True)
    _run(
        *("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=1777", "signoff-test", folder),
        otherwise="run the tests as root, or with CAP_SYS_ADMIN in a container",
    )
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", folder, otherwise="end what still uses it")
        folder.rmdir()


def _run(*command: str | Path, otherwise: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_LIMIT)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise SmallDiskError(f"{command[0]} {command[-1]}: {said.strip()}: {otherwise}") from error

"""One process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .waiting import wait_until


@contextmanager
def locked(path: Path, *, limit: float, otherwise: str) -> Iterator[None]:
    """Hold a file as a lock between processes; the kernel releases it with the process.

    Args:
        path: The file; made if absent.
        limit: Seconds to wait for another holder.
        otherwise: What to tell the user after that.

    Raises:
        LocalServicesError: Another process held it all the time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:

        def taken() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        wait_until(taken, limit=limit, otherwise=otherwise)
        yield

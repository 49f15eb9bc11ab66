"""What the kernel denies a worker: the second line, should a program ever break out of QuickJS."""

import contextlib
import os
import resource
import select
import sys
import threading
from pathlib import Path

from signoff.executor.sandbox.programs import MEBIBYTE
from signoff.executor.sandbox.wire import Job

_NICE = 5
_SPARE_BYTES = 256 * MEBIBYTE
_SPARE_SECONDS = 3


class Confinement:
    """Locks this process in: no new files, processes or core dumps, and per program no more than it needs.

    A worker also gives way to the processes that serve callers (it is niced), and ends with its parent.

    Args:
        parent: file descriptor of the pipe from the parent.
    """

    def __init__(self, parent: int) -> None:
        _end_with(parent)
        os.nice(_NICE)
        self._own_bytes = _address_space()
        # Descriptors 0 to 2 are all that is open; importing is over.
        _deny(resource.RLIMIT_NOFILE, 3)
        _deny(resource.RLIMIT_FSIZE, 0)
        _deny(resource.RLIMIT_CORE, 0)
        _deny(resource.RLIMIT_NPROC, 0)

    def fit(self, job: Job) -> None:
        """Set the limits of processor time and address space for the next program."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = used.ru_utime + used.ru_stime + job.timeout + _SPARE_SECONDS
        _limit(resource.RLIMIT_CPU, int(seconds) + 1)
        if self._own_bytes:
            # Beside the heap there are results on their way out, in several encodings.
            needed = job.memory_limit + 32 * job.output_limit + _SPARE_BYTES
            _limit(resource.RLIMIT_AS, self._own_bytes + needed)


def _deny(kind: int, most: int) -> None:
    resource.setrlimit(kind, (most, most))


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, hard))


def _address_space() -> int:
    """Bytes of address space in use, 0 where the system (not Linux) does not say."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _end_with(parent: int) -> None:
    """End this process when the other end of the pipe is closed, even in the midst of a program.

    QuickJS runs without the GIL, so a thread can watch. (PR_SET_PDEATHSIG would need ctypes, and it
    fires when the *thread* that started us ends.)
    """

    def watch() -> None:
        poll = select.poll()
        poll.register(parent, 0)  # hang-up and error are reported without being asked for
        with contextlib.suppress(OSError):
            poll.poll()
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()

"""What the kernel denies a worker: the second line, should a program ever break out of its engine."""

import contextlib
import os
import resource
import select
import signal
import sys
import threading
from pathlib import Path

from signoff.sandbox.programs import MEBIBYTE
from signoff.sandbox.wire import Request

_NICE = 5
_SPARE_BYTES = 256 * MEBIBYTE
_SPARE_SECONDS = 3
_DENIED = (
    # Numbers 0 to 2 are all that can be opened anew; what is open stays so. Importing is over.
    (resource.RLIMIT_NOFILE, 3),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NPROC, 0),
)


class Confinement:
    """Locks this process in, and the processes it has started: no new files, processes or core dumps.

    Per program there is no more memory and processor time than it needs. And the worker ends with its parent.

    Args:
        parent: file descriptor of the pipe from the parent.
    """

    def __init__(self, parent: int) -> None:
        _end_with(parent)
        self._own_bytes: dict[int, int] = {}
        for pid in (*_children(), os.getpid()):  # ourselves last: after that nothing can be opened
            if sys.platform == "linux":
                self._own_bytes[pid] = _address_space(pid)
            for kind, most in _DENIED:
                _limit(pid, kind, most, hard=True)

    def fit(self, request: Request) -> None:
        """Set the limits of processor time and address space for the next program."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = used.ru_utime + used.ru_stime + request.timeout + _SPARE_SECONDS
        _limit(os.getpid(), resource.RLIMIT_CPU, int(seconds) + 1)
        # Beside the heap there are results on their way out, in several encodings.
        needed = request.memory_limit + 32 * request.output_limit + _SPARE_BYTES
        for pid, own in self._own_bytes.items():
            _limit(pid, resource.RLIMIT_AS, own + needed)


def give_way() -> None:
    """Let the processes that serve callers go first; what is started from here on does so, too."""
    os.nice(_NICE)


def _limit(pid: int, kind: int, most: int, *, hard: bool = False) -> None:
    """Set a soft limit, or, with `hard`, one that cannot be raised again."""
    _, highest = resource.getrlimit(kind) if pid == os.getpid() else resource.prlimit(pid, kind)
    if highest != resource.RLIM_INFINITY:
        most = min(most, highest)
    limits = (most, most if hard else highest)
    if pid == os.getpid():
        resource.setrlimit(kind, limits)
    else:
        resource.prlimit(pid, kind, limits)


def _children() -> list[int]:
    """Processes that this one has started; none where the system (not Linux) does not say."""
    if sys.platform != "linux":
        return []
    own = str(os.getpid())
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                # pid (name) state parent …, and the name may hold anything
                if status.rpartition(")")[2].split()[1] == own:
                    found.append(int(folder.name))
    return found


def _address_space(pid: int) -> int:
    """Bytes of address space in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _end_with(parent: int) -> None:
    """End this process and what it started when the other end of the pipe is closed, whatever they do.

    The engines run without the GIL, so a thread can watch. (PR_SET_PDEATHSIG would need ctypes, and it
    fires when the *thread* that started us ends.)
    """

    def watch() -> None:
        poll = select.poll()
        poll.register(parent, 0)  # hang-up and error are reported without being asked for
        with contextlib.suppress(OSError):
            poll.poll()
        os.killpg(0, signal.SIGKILL)  # a worker leads a session, and so a group, of its own

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()

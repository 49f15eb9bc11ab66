"""Names of lease owners that tell whether their process still lives, as far as this host can know.

A lease runs out by itself; that takes seconds. An owner whose process is gone from this very host, and
from this very space of process ids, is dead for certain: what it held may be taken at once.
"""

import os
from pathlib import Path
from typing import Final
from uuid import uuid4

_PROC: Final = Path("/proc")
_START_TIME: Final = 19
"""Where ``/proc/<pid>/stat`` has a process's start, counted after the command's closing bracket."""


def new_owner() -> str:
    """A name for this process: unique, and on Linux it says where and which process it is.

    Reads ``/proc``: call it before the event loop runs, or from a thread.
    """
    pid = os.getpid()
    return f"{_place() or 'elsewhere'}/{pid}/{_started(pid) or '-'}/{uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Whether an owner's process has certainly ended; ``False`` when this host cannot know."""
    place, _, rest = owner.partition("/")
    pid, _, rest = rest.partition("/")
    started, _, _ = rest.partition("/")
    if place != _place() or not pid.isdigit() or not started.isdigit():
        return False
    now = _started(int(pid))
    return now != started and not (now is None and _is_hidden(int(pid)))


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process, but another user's: ``/proc`` may not show it (proc(5), hidepid)."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _place() -> str | None:
    """This boot of this host, and the namespace of process ids; containers have their own."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return None
    return f"{boot}:{namespace}"


def _started(pid: int) -> str | None:
    """When a process started, in the kernel's ticks; ``None`` when there is none, or only its corpse."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[_START_TIME]

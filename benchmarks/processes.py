"""CPU time and memory of processes, from /proc (proc(5))."""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(Struct, frozen=True):
    """What a process and its children have used.

    Attributes:
        cpu: seconds, those of children that have ended included.
        memory: bytes that are resident now.
    """

    cpu: float
    memory: int


def usage(pid: int) -> Usage:
    """What a process and all that it started use.

    Raises:
        FileNotFoundError: there is no such process.
    """
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
    cpu = sum(map(int, fields[11:15])) * _TICK  # utime, stime, and the same of ended children
    memory = int(fields[21]) * _PAGE
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads and children come and go
            for child in (thread / "children").read_text().split():
                below = usage(int(child))
                cpu += below.cpu
                memory += below.memory
    return Usage(cpu, memory)


def machine_busy() -> float:
    """Seconds of CPU time that this machine has given to anybody since it started."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) * _TICK

"""How busy the processes are while something is measured, and whether others disturb it."""

import time

from benchmarks.machine import fdatasync_ms
from benchmarks.processes import machine_busy
from benchmarks.systems import System
from msgspec import Struct


class Watch:
    """Looks at a system's processes and its disk from now on.

    Args:
        system: what is measured.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._fdatasync = fdatasync_ms(system.folder)
        self._before = system.usages(system.services)
        self._busy = machine_busy()
        self._start = time.perf_counter()

    def stop(self, load: float) -> "Busy":
        """How busy everything was until now.

        Args:
            load: seconds of CPU time of the load generator.
        """
        seconds = time.perf_counter() - self._start
        busy = machine_busy() - self._busy
        after = self._system.usages(self._system.services)
        spent = {name: after[name].cpu - self._before[name].cpu for name in after}
        return Busy(
            seconds=seconds,
            ours=sum(spent[service.name] for service in self._system.ours),
            processes=spent | {"load generator": load},
            others=max(0.0, busy - sum(spent.values()) - load),
            fdatasync=self._fdatasync,
        )


class Busy(Struct, frozen=True, kw_only=True):
    """What was used from a watch's begin to its end.

    Attributes:
        seconds: between the two.
        ours: seconds of CPU time of Signoff's own processes together.
        processes: the same for each process, by name.
        others: the same for programs that have nothing to do with it: above 0.1 cores they disturb.
        fdatasync: milliseconds that one took at the beginning.
    """

    seconds: float
    ours: float
    processes: dict[str, float]
    others: float
    fdatasync: float

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {cpu / self.seconds:.0%}" for name, cpu in self.processes.items())
        return (
            f"  CPU: {shown}; together {sum(self.processes.values()) / self.seconds:.0%} of one core, "
            f"other programs {self.others / self.seconds:.0%}; fdatasync {self.fdatasync:.2f} ms before"
        )

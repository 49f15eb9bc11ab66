"""How busy the processes are while something is measured, and whether others disturb it."""

import time

from benchmarks.machine import fdatasync_ms
from benchmarks.processes import machine_busy
from benchmarks.systems import System


class Watch:
    """Looks at a system's processes and its disk from now on.

    Args:
        system: what is measured.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._fdatasync = fdatasync_ms(system.folder)
        self._before = system.usages()
        self._busy = machine_busy()
        self._start = time.perf_counter()

    def line(self, load: float) -> str:
        """How busy each process was until now, in percent of one core.

        Args:
            load: seconds of CPU time of the load generator.
        """
        seconds = time.perf_counter() - self._start
        busy = machine_busy() - self._busy
        after = self._system.usages()
        spent = {name: after[name].cpu - self._before[name].cpu for name in after} | {"load generator": load}
        shown = ", ".join(f"{name} {cpu / seconds:.0%}" for name, cpu in spent.items())
        together = sum(spent.values())
        return (
            f"  CPU: {shown}; together {together / seconds:.0%} of one core, "
            f"other programs {max(0.0, busy - together) / seconds:.0%}; "
            f"fdatasync {self._fdatasync:.2f} ms before"
        )

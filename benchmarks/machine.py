"""On what something was measured."""

import os
import platform
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from local_services.kafka import fetch_kafka
from local_services.postgres import binaries

_SYNCS = 50
_RECORD = bytes(4096)


def describe(folder: Path) -> str:
    """Versions and hardware in one line.

    Args:
        folder: where the data will lie, whose disk is timed.
    """
    parts = (
        f"Signoff {version('signoff')}",
        f"Python {platform.python_version()}",
        _postgres_version(),
        f"Kafka {fetch_kafka().name}",
        f"Linux {platform.release()}",
        f"{os.cpu_count()} cores",
        f"fdatasync {fdatasync_ms(folder):.2f} ms",
    )
    return ", ".join(parts)


def fdatasync_ms(folder: Path) -> float:
    """How long the disk takes to make 4 KiB at the end of a file durable: the median, in milliseconds."""
    path = folder / "fdatasync"
    taken = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            start = time.perf_counter()
            file.write(_RECORD)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    path.unlink()
    return statistics.median(taken) * 1e3


def _postgres_version() -> str:
    command = (binaries() / "postgres", "--version")
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    return f"PostgreSQL {said.split()[2]}"

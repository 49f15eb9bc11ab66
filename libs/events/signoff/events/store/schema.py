"""What a database must be for this version to work on it: the same for every dialect."""

import os
from collections.abc import Collection
from typing import Final

from signoff.events.errors import SchemaError
from signoff.events.store.sql import Migration

SCHEMA: Final = 9
"""The number of the last step of the schema that this version knows."""


def process_name() -> str:
    """What this process's connections are called: the schema that it knows, host and process id.

    A step that takes something away waits until no process of an older schema is connected, and this tells.
    """
    return f"signoff/{SCHEMA} {os.uname().nodename}:{os.getpid()}"


def check_partitions(recorded: int | None, partitions: int) -> None:
    """Make sure that a database is one of this cluster.

    Raises:
        SchemaError: it records another number of partitions, or none.
    """
    if recorded != partitions:
        raise SchemaError(
            f"the database belongs to a cluster with {recorded} partitions, not {partitions}: "
            "connect to its own, or set this number of partitions"
        )


def check_steps(applied: Collection[str], steps: Collection[Migration]) -> None:
    """Make sure that the schema is one that this version can work on.

    A ``pre`` step of a newer version is safe for this one; its ``post`` step is not.

    Raises:
        SchemaError: a step is missing, or one is there that this version does not know.
    """
    missing = [step.name for step in steps if step.phase == "pre" and step.name not in applied]
    if missing:
        raise SchemaError(f"the database lacks {', '.join(missing)}: run `signoff migrate`")
    check_newer(applied, steps)


def check_newer(applied: Collection[str], steps: Collection[Migration]) -> None:
    """Make sure that no newer version has taken away what this one works with.

    Raises:
        SchemaError: a ``post`` step is there that this version does not know.
    """
    known = {step.name for step in steps}
    newer = sorted(name for name in applied if name.endswith("_post") and name not in known)
    if newer:
        raise SchemaError(f"the database has {', '.join(newer)} of a newer version: run that version")

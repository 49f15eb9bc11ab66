"""``signoff serve`` that writes down whatever goes over its topics: a program of its own, for one test."""

import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path

from signoff.cli.main import call
from signoff.cli.serving import embedded
from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus


class _Recording(MemoryBus):
    """A bus that keeps a copy of each record in a file."""

    into: Path

    async def send(self, topic: str, partition: int, record: Record) -> None:
        self._keep([record])
        await super().send(topic, partition, record)

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Awaitable[None]:
        self._keep(records)
        return await super().publish(topic, partition, records)

    def _keep(self, records: Sequence[Record]) -> None:
        with self.into.open("ab") as file:
            file.writelines(f"{each.key!r} {each.value!r} {each.headers!r}\n".encode() for each in records)


def main(into: str, port: str) -> None:
    """Serve.

    Args:
        into: the file of the records.
        port: to listen on.
    """
    _Recording.into = Path(into)
    setattr(embedded, "MemoryBus", _Recording)  # noqa: B010 - the module exports it to nobody else
    sys.exit(call(["serve", "--port", port]))


if __name__ == "__main__":
    main(*sys.argv[1:])

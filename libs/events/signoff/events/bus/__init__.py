"""The bus: one port, an adapter for Kafka and one for a single process."""

from signoff.events.bus.base import Bus


async def open_bus(url: str) -> Bus:
    """The bus that a setting names. Nothing is connected yet: a broker may come later.

    Args:
        url: ``memory:``, ``kafka://host:port,host:port`` or plain ``host:port,host:port``.

    Raises:
        ValueError: the text is none of these.
    """
    # Imported here, so that an embedded server does without aiokafka, and a cluster without the other.
    if url == "memory:":
        from signoff.events.bus.memory import MemoryBus  # noqa: PLC0415

        return MemoryBus()
    from signoff.events.bus.kafka import KafkaBus  # noqa: PLC0415

    return KafkaBus(url.removeprefix("kafka://").rstrip("/"))

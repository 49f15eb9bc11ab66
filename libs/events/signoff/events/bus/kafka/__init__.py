"""The Kafka adapter of the bus; nothing else imports aiokafka."""

from signoff.events.bus.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]

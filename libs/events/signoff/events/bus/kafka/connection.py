"""What every connection to Kafka shares: where, how long to wait, and how errors are told."""

from typing import Final, TypedDict

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidReplicationFactorError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from msgspec import Struct

from signoff.events.errors import BusError, BusUnavailableError, RecordTooLargeError

RETRY_AFTER = 0.1
"""Seconds between two tries of the same question."""

_METADATA_MAX_AGE_MS = 60_000

_NOT_ALLOWED: Final = (
    "the brokers do not let Signoff do this: see docs/topics.md for the rights that it needs"
)
WHAT_TO_DO: Final = {
    InvalidReplicationFactorError.errno: "there are fewer brokers than copies: start more of them, or ask "
    "for a lower --replication",
    TopicAuthorizationFailedError.errno: _NOT_ALLOWED,
    ClusterAuthorizationFailedError.errno: _NOT_ALLOWED,
    GroupAuthorizationFailedError.errno: _NOT_ALLOWED,
}
"""By Kafka's error code, for those that an operator has to do something about."""


class ClientSettings(TypedDict):
    """The arguments that all of aiokafka's clients take."""

    bootstrap_servers: str
    client_id: str
    request_timeout_ms: int
    retry_backoff_ms: int
    metadata_max_age_ms: int


class Settings(Struct, frozen=True):
    """Where the brokers are, and for how many seconds anything waits for them."""

    bootstrap: str
    timeout: float
    client_id: str = "signoff"

    def client(self) -> ClientSettings:
        """For aiokafka. One request takes at most half of the time, so that a second can follow."""
        return ClientSettings(
            bootstrap_servers=self.bootstrap,
            client_id=self.client_id,
            request_timeout_ms=int(self.timeout * 500),
            retry_backoff_ms=int(RETRY_AFTER * 1000),
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        )


def bus_error(doing: str, error: BaseException) -> BusError:
    """The port's error for one of the driver's.

    Args:
        doing: what was tried, such as ``send to signoff.commands/3``.
        error: what the driver raised.
    """
    if isinstance(error, BusError):
        return error
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        return RecordTooLargeError(f"{doing}: the topic's max.message.bytes is smaller than the record")
    if isinstance(error, TimeoutError):
        return BusUnavailableError(f"{doing}: Kafka did not answer in time")
    advice = WHAT_TO_DO.get(getattr(error, "errno", None))
    return BusUnavailableError(f"{doing}: {error!r}" if advice is None else f"{doing}: {advice}")

"""What the partitions of one executor have in common."""

import time
from collections.abc import Callable
from uuid import UUID

from msgspec import Struct

from signoff.access.directory.live import LiveDirectory
from signoff.events.blobs import BlobStore
from signoff.events.store.base import EventStore
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans
from signoff.executor.notices import Notices
from signoff.executor.partition.outcomes import Outcomes
from signoff.executor.partition.timing import Timing
from signoff.executor.publishing.relay import Relay
from signoff.executor.running.runner import Runner


class Shared(Struct, frozen=True, kw_only=True):
    """What the partitions of one executor have in common."""

    store: EventStore
    blobs: BlobStore
    plans: Plans
    loader: Loader
    runner: Runner
    relay: Relay
    outcomes: Outcomes
    notices: Notices
    directory: LiveDirectory
    timing: Timing
    snapshot: Callable[[UUID], None]
    held: Callable[[int], bool]
    partitions: int
    clock: Callable[[], float] = time.time
    addresses: bool = False

"""What goes wrong on a cluster, and is put right again. Each fault is over when its function returns.

What a fault leaves behind is the system's own matter: whoever inflicts it waits until clients get through.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psycopg
from local_services.process import Identity

from chaos.cluster import ChaosCluster, await_that, frozen, frozen_process, launch
from support.clock_faults import FakeClock

Fault = Callable[[ChaosCluster], None]

_MOMENT: Final = 1.5
"""Seconds that a fault lasts which has no natural end."""

_LONGER_THAN_A_LEASE: Final = 4.0
"""Seconds. Nobody renews meanwhile, and nobody is there to take over."""

_HOLDER: Final = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
"""Who has the lock that every writer needs."""

_ALL_HELD: Final = """
SELECT count(*) = count(*) FILTER (WHERE lease_until > clock_timestamp()) AND count(DISTINCT owner) = {owners}
FROM partitions
"""


def gateway_is_killed(cluster: ChaosCluster) -> None:
    """Callers go to the other one."""
    _kill(cluster, "gateway-1")


def executor_is_killed(cluster: ChaosCluster) -> None:
    """The other one takes over before it is back."""
    cluster.services["executor-1"].kill()
    _held_by(cluster, 1)
    launch(cluster.services["executor-1"])


def both_executors_are_killed(cluster: ChaosCluster) -> None:
    """Whatever is at work is lost with them."""
    _kill(cluster, "executor-1", "executor-2")


def stream_is_killed(cluster: ChaosCluster) -> None:
    """Its readers come back to the other one."""
    _kill(cluster, "stream-1")


def kafka_is_killed(cluster: ChaosCluster) -> None:
    """It comes back with its data."""
    cluster.kafka.kill()
    launch(cluster.kafka)


def database_is_killed(cluster: ChaosCluster) -> None:
    """It comes back at once, and recovers from its WAL."""
    cluster.pair.primary.kill()
    launch(cluster.pair.primary)


def database_is_restarted(cluster: ChaosCluster) -> None:
    """In the middle of all transactions."""
    cluster.pair.primary.stop("immediate")
    launch(cluster.pair.primary)


def everything_of_ours_is_killed(cluster: ChaosCluster) -> None:
    """As by a power failure of all hosts but those of the stores."""
    _kill(cluster, *cluster.services)


def gateway_is_frozen(cluster: ChaosCluster) -> None:
    """Its callers wait."""
    _freeze(cluster, "gateway-1")


def executor_is_frozen(cluster: ChaosCluster) -> None:
    """Longer than its lease: when it wakes, another one has what it thinks is its own."""
    with frozen(cluster.services["executor-1"]):
        _held_by(cluster, 1)


def both_executors_are_frozen(cluster: ChaosCluster) -> None:
    """Longer than their leases, and nobody takes over."""
    with frozen(cluster.services["executor-1"], cluster.services["executor-2"]):
        await_that("no lease holds", lambda: not cluster.owners())


def stream_is_frozen(cluster: ChaosCluster) -> None:
    """Its readers hear nothing."""
    _freeze(cluster, "stream-2")


def kafka_is_frozen(cluster: ChaosCluster) -> None:
    """It answers nobody, and then everybody at once."""
    with frozen(cluster.kafka):
        time.sleep(_MOMENT)


def database_is_frozen(cluster: ChaosCluster) -> None:
    """All of it, as a host that hangs, longer than any lease."""
    with ExitStack() as processes:
        for process in _processes(cluster):
            processes.enter_context(frozen_process(process))
        time.sleep(_LONGER_THAN_A_LEASE)


def writer_is_frozen_in_the_database(cluster: ChaosCluster) -> None:
    """The backend of one executor's writer, while it has the lock that every writer needs."""
    with psycopg.connect(cluster.database_url, autocommit=True) as asking:

        def holder() -> Identity | None:
            row = asking.execute(_HOLDER).fetchone()
            return None if row is None else Identity.of(row[0])

        with ExitStack() as frozen_one:
            await_that("a frozen backend has the writers' lock", lambda: _caught(holder, frozen_one))
            time.sleep(_LONGER_THAN_A_LEASE)


def executor_dies_with_the_writers_lock(cluster: ChaosCluster) -> None:
    """In a transaction that has written nothing."""
    dies_at(cluster, "executor-1", "store.begun", 5)


def clock_of_an_executor_jumps(cluster: ChaosCluster) -> None:
    """An hour ahead, and then an hour behind. What it writes has the database's time."""
    clock = FakeClock(cluster.folder / "clock")
    cluster.replace("executor-1", **clock.environment).await_ready()
    for hours in (1, -1, 0):
        time.sleep(_MOMENT)
        clock.set(ahead=hours * 3600.0)


def connections_to_the_database_are_cut(cluster: ChaosCluster) -> None:
    """All at once, some during a commit, and then once more while they come back."""
    for _ in range(2):
        for proxy in cluster.to_databases:
            proxy.cut()
        time.sleep(_MOMENT / 5)


def connections_to_the_database_stall(cluster: ChaosCluster) -> None:
    """What is asked arrives, and no answer does, longer than a lease: nobody knows what was committed."""
    with ExitStack() as proxies:
        for proxy in cluster.to_databases:
            proxies.enter_context(proxy.stalled(up=False))
        time.sleep(_LONGER_THAN_A_LEASE)


def connections_to_the_database_are_slow(cluster: ChaosCluster) -> None:
    """As to another continent."""
    with ExitStack() as proxies:
        for proxy in cluster.to_databases:
            proxies.enter_context(proxy.slowed(latency=0.1))
        time.sleep(_MOMENT)


def connections_to_kafka_are_cut(cluster: ChaosCluster) -> None:
    """All at once, and then once more while they come back."""
    for _ in range(2):
        cluster.to_kafka.cut()
        time.sleep(_MOMENT / 5)


def connections_to_kafka_stall(cluster: ChaosCluster) -> None:
    """Records arrive, and no acknowledgement does."""
    with cluster.to_kafka.stalled(up=False):
        time.sleep(_MOMENT)


def connections_to_kafka_are_slow(cluster: ChaosCluster) -> None:
    """As to another continent."""
    with cluster.to_kafka.slowed(latency=0.1):
        time.sleep(_MOMENT)


def disk_of_the_database_is_full(cluster: ChaosCluster) -> None:
    """Whatever needs a new page fails, until there is room; PostgreSQL may have to be started again then."""
    with cluster.database_disk.full():
        time.sleep(_MOMENT)
    if not cluster.pair.primary.running:
        launch(cluster.pair.primary)


def disk_of_kafka_is_full(cluster: ChaosCluster) -> None:
    """A broker that cannot write ends itself; it is started again when there is room."""
    with cluster.kafka_disk.full():
        await_that("the broker gives up", lambda: not cluster.kafka.running)
    launch(cluster.kafka)


def database_fails_over(cluster: ChaosCluster) -> None:
    """The primary is lost for good, and its synchronous standby takes its place."""
    cluster.pair.rejoin()
    cluster.pair.fail_over()


def dies_at(cluster: ChaosCluster, name: str, point: str, visit: int) -> None:
    """Let one of our processes end itself at a named point of its code.

    Args:
        cluster: whose process it is.
        name: of the process.
        point: of ``signoff.events.faults``.
        visit: how often it comes there, if it ever does so within half a minute.
    """
    doomed = cluster.replace(name, SIGNOFF_FAULTS=f"{point}=kill@{visit}")
    await_that(f"{name} comes to {point}", lambda: not doomed.running)
    cluster.replace(name).await_ready()


FAULTS: Final[Mapping[str, Fault]] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        gateway_is_killed,
        executor_is_killed,
        both_executors_are_killed,
        stream_is_killed,
        gateway_is_frozen,
        executor_is_frozen,
        both_executors_are_frozen,
        stream_is_frozen,
        kafka_is_frozen,
        database_is_frozen,
        writer_is_frozen_in_the_database,
        executor_dies_with_the_writers_lock,
        clock_of_an_executor_jumps,
        connections_to_the_database_are_cut,
        connections_to_the_database_stall,
        connections_to_the_database_are_slow,
        connections_to_kafka_are_cut,
        connections_to_kafka_stall,
        connections_to_kafka_are_slow,
        kafka_is_killed,
        disk_of_kafka_is_full,
        disk_of_the_database_is_full,
        database_is_killed,
        database_fails_over,
    )
}
"""By name, those first that need the least; each is tried in `make test`."""

MORE_FAULTS: Final[Sequence[Fault]] = (everything_of_ours_is_killed, database_is_restarted)
"""What is tried only for hours: it is made of what the others are made of."""


def _kill(cluster: ChaosCluster, *names: str) -> None:
    services = [cluster.services[name] for name in names]
    for service in services:
        service.kill()
    launch(*services)


def _freeze(cluster: ChaosCluster, name: str) -> None:
    with frozen(cluster.services[name]):
        time.sleep(_MOMENT)


def _held_by(cluster: ChaosCluster, owners: int) -> None:
    await_that(
        f"all partitions are held by {owners} executors",
        lambda: cluster.query(_ALL_HELD.format(owners=owners)) == "t",
    )


def _caught(holder: Callable[[], Identity | None], frozen_one: ExitStack) -> bool:
    """Freeze who has the lock now; tells whether it still had it then."""
    process = holder()
    if process is None:
        return False
    frozen_one.enter_context(frozen_process(process))
    if holder() == process:
        return True
    frozen_one.pop_all().close()
    return False


def _processes(cluster: ChaosCluster) -> list[Identity]:
    """The server's postmaster and its children."""
    postmaster = cluster.pair.primary.process.identity
    assert postmaster is not None, "the database does not run"
    pids = Path(f"/proc/{postmaster.pid}/task/{postmaster.pid}/children").read_text().split()
    children = [child for child in map(Identity.of, map(int, pids)) if child is not None]
    return [postmaster, *children]

"""The cluster size: Kafka, PostgreSQL, and two of each service behind HAProxy, as by `make cluster`."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.systems import PROGRAM, Disk, System, size_below
from local_services.cluster import Cluster
from local_services.postgres import Postgres
from local_services.service import LocalService
from local_services.signoff import SignoffService
from msgspec import Struct

_DATABASE = "signoff"
_IN_FLIGHT = "SELECT count(*) FROM executions WHERE NOT parked"
_GOING_ON = "SELECT count(*) FROM executions WHERE log_id = ANY ('{{{}}}'::uuid[]) AND ended_at IS NULL"
_LAST_END = "SELECT extract(epoch FROM max(ended_at)) FROM executions"
_LOG_BYTES = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_WAL_BYTES = "SELECT pg_current_wal_lsn() - '0/0'"

_STEPS_BY_TRANSACTION = """
WITH steps AS (
    SELECT originator_id, xmin::text AS transaction, topic,
           convert_from(state, 'UTF8')::json #>> '{data,blockId}' AS block
    FROM stored_events
    WHERE topic IN ('signoff:BlockStarted', 'signoff:BlockCompleted')
      AND convert_from(state, 'UTF8')::json #>> '{data,blockType}' = 'noop'
), of_one_execution AS (
    SELECT count(*) FILTER (WHERE topic = 'signoff:BlockStarted') AS started,
           count(*) FILTER (WHERE topic = 'signoff:BlockCompleted') AS completed,
           count(DISTINCT block) AS blocks, count(*) AS events
    FROM steps GROUP BY originator_id, transaction
)
SELECT (SELECT count(*) FROM steps WHERE topic = 'signoff:BlockCompleted'),
       (SELECT count(DISTINCT transaction) FROM steps),
       (SELECT count(*) FROM of_one_execution WHERE started > 1 OR completed > 1 OR events > blocks)
"""
"""Two steps share a transaction where an execution has two starts or two ends with the same ``xmin``, or a
step's start and end: it would have run before its start was durable."""


class Shared(Struct, frozen=True, kw_only=True):
    """What PostgreSQL's ``xmin`` says about steps and transactions.

    Attributes:
        steps: that are completed.
        transactions: that they and their starts were written in.
        violations: how often steps of one execution, or start and end of one step, share a transaction.
    """

    steps: int
    transactions: int
    violations: int


class Clustered(System):
    """A cluster of its own.

    Args:
        folder: for its data and logs; made.
    """

    name = "cluster"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._cluster = Cluster(folder, PROGRAM)

    @property
    def services(self) -> Sequence[LocalService]:
        """All processes."""
        return list(self._cluster.services.values())

    @property
    def ours(self) -> Sequence[LocalService]:
        """Gateways, executors and streams."""
        return [service for service in self.services if isinstance(service, SignoffService)]

    @property
    def kafka(self) -> str:
        """``host:port`` of the broker."""
        return f"127.0.0.1:{self._cluster.settings.ports['kafka']}"

    def start(self) -> None:
        """Start everything and wait until it is ready."""
        self._cluster.up()
        self.port = self._cluster.settings.ports["haproxy"]
        self.api_key = self._cluster.settings.api_key

    def stop(self) -> None:
        """Stop everything."""
        self._cluster.down(wipe=False)

    def in_flight(self) -> int:
        """How many executions are neither ended nor parked."""
        return int(self._query(_IN_FLIGHT))

    def going_on(self, execution_ids: Sequence[str]) -> int:
        """How many of some executions, named by UUIDs, have not ended."""
        return int(self._query(_GOING_ON.format(",".join(execution_ids))))

    def last_end(self) -> float:
        """When the last execution ended, seconds since the epoch."""
        return float(self._query(_LAST_END))

    def disk(self) -> Disk:
        """Tables, indexes and object store; WAL and topics apart."""
        self._query("CHECKPOINT")
        return Disk(
            log=int(self._query(_LOG_BYTES)) + size_below(self.folder / "data"),
            wal=int(self._query(_WAL_BYTES)),
            topics=size_below(self.folder / "kafka"),
        )

    def shared(self) -> Shared:
        """Ask the log whether each step was durable before the next one started."""
        steps, transactions, violations = self._query(_STEPS_BY_TRANSACTION).strip().split("|")
        return Shared(steps=int(steps), transactions=int(transactions), violations=int(violations))

    def _query(self, sql: str) -> str:
        (postgres,) = (service for service in self.services if isinstance(service, Postgres))
        return postgres.query(sql, _DATABASE)

"""What is known after a run, and what only a simulation can see of it."""

from collections.abc import Iterator
from uuid import UUID

from signoff.engine.state import State
from signoff.events.blobs import BlobStore
from signoff.events.codec import decode_event
from signoff.events.store.base import PointRow
from signoff.events.types import Event
from signoff.executor.logs.inbox_rows import point_rows
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans
from signoff.executor.logs.projections import execution_row
from simulation.workload.client import Client
from simulation.world.world import PARTITIONS, World
from support.proof import Answered, Facts, Logged, Published
from support.proof.chains import logs_of


def facts_of(world: World, client: Client) -> Facts:
    """Everything that the proof needs."""
    return Facts(
        log=[
            Logged(str(each.log_id), each.version, each.topic, each.state, each.position)
            for each in world.log._log
        ],
        topic=[
            Published(each.partition, each.offset, each.key, each.value, dict(each.headers))
            for each in world.topic()
        ],
        answers=client.answers,
        streams=client.streams,
        runs=world.outside.ran,
    )


def closed(world: World) -> Iterator[str]:
    """What processes of a healed world say of themselves: an operator would have to come."""
    for place in world.places.values():
        for name, reason in place.ports.health._closed.items():
            yield f"{place.process.name} is not ready: {name}: {reason}"


def buried(world: World) -> Iterator[str]:
    """Commands that nobody could decide, and executions that nobody could fold."""
    for dead in world.log._dead.values():
        yield f"command {dead.command_id} is dead: {dead.reason}"
    for row in world.executions():
        if row.broken is not None:
            yield f"execution {row.log_id} is broken: {row.broken}"


def untold_winners(facts: Facts) -> Iterator[str]:
    """Points that a client decided, and every client that asked was told that it was somebody else."""
    asked: dict[tuple[str | None, str | None], list[Answered]] = {}
    for answer in facts.answers:
        if answer.kind == "resume":
            asked.setdefault((answer.execution_id, answer.context_id), []).append(answer)
    for log_id, log in logs_of(facts.log).items():
        for entry in log.entries:
            if entry.type not in ("execution:resumed", "resume:queued") or "actor" not in entry.data:
                continue
            answers = asked.get((log_id, entry.data["contextId"]), [])
            known = all(each.status not in (0, 503) for each in answers)
            if (
                entry.data["actor"]["type"] == "apiKey"
                and known
                and not any(each.status < 300 for each in answers)
            ):
                yield log.says(entry, f"no client was told so ({[each.status for each in answers]})")


async def wrong_rows(world: World) -> list[str]:
    """Rows that are not what a fold of the log gives."""
    place = world.places["gateway-1"]
    loader = Loader(
        world.log,
        Plans(world.log, BlobStore(place.ports.objects), world.outside.registry(), place.ports.llm()),
    )
    wrong: list[str] = []
    points: list[PointRow] = []
    for row in world.executions():
        loaded = (await loader.load([row.log_id]))[row.log_id]
        if not isinstance(loaded, Loaded) or not isinstance(loaded.state, State):
            wrong.append(f"{row.log_id} cannot be folded: {loaded}")
            continue
        graph = None if loaded.plan is None else loaded.plan.graph
        definition = None if graph is None else graph.definition
        fresh = execution_row(row.log_id, loaded.state, definition, PARTITIONS)
        wrong += [
            f"the row of {row.log_id} has {name} {getattr(row, name)!r}, its log {getattr(fresh, name)!r}"
            for name in ("status", "pause_status", "parked", "due_at", "ended_at")
            if getattr(row, name) != getattr(fresh, name)
        ]
        found = point_rows(row.log_id, loaded.state, graph, _events(world, row.log_id))
        points += [each for each in found if isinstance(each, PointRow)]
    kept = sorted(world.open_points(), key=_place)
    if kept != sorted(points, key=_place):
        wrong.append(f"the inbox has {kept}, the logs {points}")
    return wrong


def _events(world: World, log_id: UUID) -> list[Event]:
    return [decode_event(each.state) for each in world.log._logs[log_id]]


def _place(row: PointRow) -> tuple[UUID, str]:
    return row.log_id, row.context_id

"""The routes of the stream service, and what they share."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiohttp import web
from prometheus_client import Gauge

from signoff.access.gate import Gate
from signoff.access.keys.tokens import StreamTokens
from signoff.access.secrets.sealing import Sealer
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.events.store.base import EventStore
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings
from signoff.stream import executions, feeds
from signoff.stream.accesses import Operation, StreamWitness
from signoff.stream.answers import answering_errors
from signoff.stream.callers import Callers
from signoff.stream.executions import ExecutionStreams
from signoff.stream.feeds import FeedStreams
from signoff.stream.permits import Permits
from signoff.stream.rooms import Rooms
from signoff.tail import Cursors, Feeds, Hub
from signoff.tail.cursors import LABEL


def add_stream_routes(
    app: web.Application,
    settings: Settings,
    *,
    store: EventStore,
    hub: Hub,
    gate: Gate,
    secrets: Sequence[bytes],
    health: Health,
    accesses: AccessRecorder,
) -> None:
    """Serve streams from an application, be it the stream service's or that of an embedded server.

    Open streams end when the application begins to shut down. Closing the hub is the caller's.

    Args:
        app: what serves them.
        settings: how many streams a workspace may have.
        store: the log; its primary.
        hub: follows the logs of executions.
        gate: tells who calls; whoever gives it keeps its directory live.
        secrets: the secret key of all services, and after it earlier ones (see `secret_keys`).
        health: of the process.
        accesses: records who reads streams; running it is the caller's.
    """
    sealer = Sealer(secrets)
    following = Feeds(store, Cursors(sealer.keys_for(LABEL)), watch=health.watch)
    callers = Callers(gate, StreamTokens(sealer))
    permits, rooms = Permits(gate.directory), Rooms(settings.workspace_streams)
    witness = StreamWitness(accesses, gate.directory, settings)
    streams = ExecutionStreams(store, hub, callers, permits, rooms, witness=witness)
    feed_streams = FeedStreams(following, callers, permits, rooms, witness=witness)
    open_feeds = Gauge("signoff_stream_feeds", "Feeds that are open", registry=health.registry)
    open_feeds.set_function(lambda: following.count)

    async def end_streams(_: web.Application) -> None:
        hub.end()
        following.end()

    async def asking_again(_: web.Application) -> AsyncIterator[None]:
        watching = asyncio.create_task(permits.watch(), name="stream permits")
        health.watch(watching, watching.get_name())
        yield
        watching.cancel()
        await asyncio.wait([watching])
        await following.close()

    app.on_shutdown.append(end_streams)
    app.cleanup_ctx.append(asking_again)
    _add(app, executions.PATH, streams, witness, "streamExecution")
    _add(app, feeds.PATH, feed_streams, witness, "streamFeed")


def _add(
    app: web.Application,
    path: str,
    streams: ExecutionStreams | FeedStreams,
    witness: StreamWitness,
    operation: Operation,
) -> None:
    get, head = (witness.refusals(operation, each) for each in (streams.get, streams.head))
    app.router.add_get(path, answering_errors(get), allow_head=False)
    app.router.add_head(path, answering_errors(head))
    app.router.add_options(path, _options)


async def _options(_: web.Request) -> web.StreamResponse:
    return web.Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})

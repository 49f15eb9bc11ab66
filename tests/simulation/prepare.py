"""What a simulation has other than production, for its whole process: few partitions, and a quiet log.

And its own network, also where the product opens connections by itself.
"""

import logging
from collections.abc import Sequence

import aiohttp
import structlog

import signoff.executor.hooks.deliverer
import signoff.gateway.commands
import signoff.runtime.server
import signoff.stream.app
from simulation.world.network import Connector, current
from simulation.world.world import PARTITIONS


def prepare() -> None:
    """Set that up, once; the product is imported by now."""
    for module in (signoff.gateway.commands, signoff.stream.app):
        vars(module)["PARTITIONS"] = PARTITIONS
    vars(signoff.runtime.server)["_ACCEPTORS"] = 1
    vars(signoff.executor.hooks.deliverer)["guarded_session"] = _session
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    logging.disable()


def _session(
    _networks: object, *, connections: int, middlewares: Sequence[aiohttp.ClientMiddlewareType]
) -> aiohttp.ClientSession:
    """In place of what guards real networks; ``connections`` are as many as anybody wants."""
    return aiohttp.ClientSession(connector=Connector(current()), middlewares=middlewares)

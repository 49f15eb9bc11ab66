"""Connections between simulated processes: bytes in order, a moment later, until somebody cuts them."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial
from random import Random
from typing import Any, Final

import aiohttp
from aiohttp.client_reqrep import ConnectionKey

from simulation.kernel.processes import CURRENT, Process

_FASTEST: Final = 0.0001
_SPREAD: Final = 0.003
"""Seconds that bytes are under way."""

Factory = Callable[[], asyncio.BaseProtocol]


class Transport(asyncio.Transport):
    """One end of a connection. What is written arrives at the other end's protocol, in its process."""

    def __init__(self, network: "Network", process: Process | None, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._network = network
        self._arrives = 0.0
        self._open_at = 0.0
        self._closing = False
        self._lost = False
        self.process = process
        self.protocol = protocol
        self.peer: Transport | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if not self._closing and not self._lost and data:
            self._towards_peer(partial(Transport.take, data=bytes(data)))

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closing or self._lost

    def close(self) -> None:
        """Close once what was written has arrived."""
        if not self._closing:
            self._closing = True
            self._towards_peer(lambda peer: peer.lose(None))
            self._network.soon(self, lambda: self.lose(None))

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._network.cut(self)

    def can_write_eof(self) -> bool:
        """No: a connection is closed as a whole."""
        return False

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who reads here."""
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another one read here."""
        self.protocol = protocol

    def get_write_buffer_size(self) -> int:
        """Everything is under way at once."""
        return 0

    def pause_reading(self) -> None:
        """Reading is never slow here."""

    def resume_reading(self) -> None:
        """Reading is never slow here."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The address of the other end."""
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def take(self, data: bytes) -> None:
        """Bytes arrive."""
        if not self._lost:
            self.protocol.data_received(data)  # type: ignore[attr-defined]

    def lose(self, error: Exception | None) -> None:
        """The connection is no more; its protocol hears of it in the next turn of the loop, as in asyncio."""
        if not self._lost:
            self._lost = True
            self._network.forget(self)
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, error)

    def _towards_peer(self, act: Callable[["Transport"], None]) -> None:
        peer = self.peer
        if peer is not None:
            self._arrives = max(self._arrives, self._network.arrival())
            self._network.at(self._arrives, peer.process, lambda: act(peer))


class Network:
    """Who listens, and which connections there are.

    Args:
        loop: runs everything.
        random: decides how long bytes are under way.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self._random = random
        self._loop = loop
        self._listening: dict[str, tuple[Process, Factory]] = {}
        self._open: dict[Transport, None] = {}
        _current[:] = [self]

    def listen(self, factory: Factory, host: str) -> "Listener":
        """Let the running process take connections until it ends, or closes what is given.

        Raises:
            OSError: it is no simulated process.
        """
        process = CURRENT.get()
        if process is None:
            raise OSError("only simulated processes listen on a simulated network")
        self._listening[host] = (process, factory)
        process.on_death.append(lambda: self._end(host, process))
        return Listener(lambda: self._unlisten(host, process))

    def listens(self, host: str) -> bool:
        """Whether somebody takes connections there."""
        return host in self._listening

    async def connect(self, host: str, protocol: asyncio.BaseProtocol) -> Transport:
        """Connect the running process to a host.

        Raises:
            ConnectionRefusedError: nobody listens there.
        """
        await asyncio.sleep(self._random.random() * _SPREAD)
        if host not in self._listening:
            raise ConnectionRefusedError(111, "nobody listens")
        server, factory = self._listening[host]
        near = Transport(self, CURRENT.get(), protocol)
        far = Transport(self, server, server.context.copy().run(factory))
        near.peer, far.peer = far, near
        self._open |= {near: None, far: None}
        # What the client sends first arrives after this: it is the first on its way.
        near._arrives = far._open_at = self.arrival()
        self.at(near._arrives, server, lambda: far.protocol.connection_made(far))
        protocol.connection_made(near)
        return near

    def cut(self, end: Transport) -> None:
        """Cut a connection: both ends lose it, each when it hears of it."""
        for each in (end, end.peer):
            if each is not None:
                self.soon(each, partial(each.lose, ConnectionResetError("cut")))

    def cut_any(self, random: Random) -> bool:
        """Cut one of the connections that there are."""
        if not self._open:
            return False
        self.cut(random.choice(list(self._open)))
        return True

    def forget(self, end: Transport) -> None:
        """An end is no more."""
        self._open.pop(end, None)

    def arrival(self) -> float:
        """When something that leaves now arrives."""
        return self._loop.time() + _FASTEST + self._random.random() * _SPREAD

    def at(self, when: float, process: Process | None, act: Callable[[], object]) -> None:
        """Let something happen in a process."""
        context = process.context.copy() if process else Context()
        self._loop.call_at(when, act, context=context)

    def soon(self, end: Transport, act: Callable[[], object]) -> None:
        """Let something happen at an end of a connection, a moment later, and not before it is open."""
        self.at(max(self.arrival(), end._open_at), end.process, act)

    def _unlisten(self, host: str, process: Process) -> None:
        if host in self._listening and self._listening[host][0] is process:
            del self._listening[host]

    def _end(self, host: str, process: Process) -> None:
        """A process died: its kernel resets its connections, those that nobody accepted yet, too."""
        self._unlisten(host, process)
        for end in [each for each in self._open if each.process is process]:
            self.forget(end)
            if end.peer is not None:
                self.soon(end.peer, partial(end.peer.lose, ConnectionResetError("reset")))


_current: list[Network] = []


def current() -> Network:
    """The network of the world that this process simulates: of the one that was made last."""
    return _current[-1]


class Listener:
    """What a server has that listens.

    Args:
        close: ends that.

    Attributes:
        sockets: the one that it has in place of sockets.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close
        self.sockets = (self,)

    def getsockname(self) -> tuple[str, int]:
        """Where it listens: by its name, at no address."""
        return "0.0.0.0", 0


class Connector(aiohttp.BaseConnector):
    """Lets aiohttp's client connect over a simulated network; the host of a URL is the name of a service."""

    def __init__(self, network: Network) -> None:
        super().__init__(force_close=True, limit=0)
        self._network = network

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109  (aiohttp's)
        protocol = self._factory()
        try:
            await self._network.connect(req.url.host, protocol)
        except OSError as error:
            key: ConnectionKey = req.connection_key
            raise aiohttp.ClientConnectorError(key, error) from error
        return protocol

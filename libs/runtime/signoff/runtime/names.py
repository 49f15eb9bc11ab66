"""Names are looked up in threads of their own: name servers that hang hold up nothing else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS: Final = 16
_WAITING: Final = 500
_LIMIT: Final = 10.0


class Names(AbstractResolver):
    """Looks up names as the machine does. The loop's own threads, which others wait for, have no part in it.

    Args:
        threads: look-ups at once.
        waiting: look-ups that may wait for a thread; one more fails at once.
        limit: seconds that one may take, with the wait for a thread.
    """

    def __init__(self, *, threads: int = _THREADS, waiting: int = _WAITING, limit: float = _LIMIT) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="names")
        self._most = threads + waiting
        self._limit = limit
        self._asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            OSError: it has none, or there was no answer in time.
        """
        if self._asked >= self._most:
            raise OSError(f"{host} was not looked up: name servers leave too many look-ups unanswered")
        self._asked += 1
        try:
            async with asyncio.timeout(self._limit):
                found = await asyncio.get_running_loop().run_in_executor(
                    self._pool, _look_up, host, port, family
                )
        except TimeoutError as error:
            raise OSError(f"no name server answered for {host} within {self._limit:g} s") from error
        finally:
            self._asked -= 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, protocol, address in found
        ]

    async def close(self) -> None:
        """Look up nothing more. A look-up that hangs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[tuple[int, int, str]]:
    """The family, protocol and numeric text of each address."""
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(kind, protocol, str(address[0])) for kind, _, protocol, _, address in found]

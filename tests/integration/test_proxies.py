"""The proxy that tests put before servers."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from support.ports import unused_port
from support.proxies import Proxy

LIMIT = 30.0
BRIEF = 0.1  # seconds in which an answer would long have been here


class Echo:
    """A server that answers with a name and what it was told."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.port = self._server.getsockname()[1]

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(LIMIT)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._answer, args=[connection]))
            self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while told := connection.recv(65_536):
                    connection.sendall(self._name + told)
            except ConnectionResetError:
                pass


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo(b"")
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port) as proxy:
        yield proxy


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT)


def told(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(65_536)


def is_quiet(connection: socket.socket) -> bool:
    connection.settimeout(BRIEF)
    try:
        return not connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(LIMIT)


def test_what_is_said_and_answered_passes(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert told(connection, b"hello") == b"hello"
        assert proxy.connections == 1


def test_the_end_of_one_direction_passes_and_the_other_goes_on(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)

        assert connection.makefile("rb").read() == b"last words"


def test_a_cut_resets_and_new_connections_are_served(proxy: Proxy) -> None:
    with connected(proxy) as connection, connected(proxy) as later:
        assert told(connection, b"hello") == b"hello"
        proxy.cut()

        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        later.close()
    with connected(proxy) as connection:
        assert told(connection, b"again") == b"again"


def test_while_refusing_nobody_gets_in(proxy: Proxy) -> None:
    with proxy.refusing(), pytest.raises(ConnectionRefusedError):
        connected(proxy)
    with connected(proxy) as connection:
        assert told(connection, b"again") == b"again"


@pytest.mark.parametrize(
    "ways", [{"up": True, "down": True}, {"up": True, "down": False}, {"up": False, "down": True}]
)
def test_what_is_stalled_arrives_when_that_ends(proxy: Proxy, ways: dict[str, bool]) -> None:
    with connected(proxy) as old:
        with proxy.stalled(**ways):
            new = connected(proxy)
            for connection in (old, new):
                connection.sendall(b"late")
                assert is_quiet(connection)
        with new:
            assert [connection.recv(65_536) for connection in (old, new)] == [b"late", b"late"]


def test_a_slow_line_takes_its_time(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        started = time.monotonic()
        with proxy.slowed(rate=10_000, down=False):
            assert told(connection, b"x" * 1000) == b"x" * 1000
        assert time.monotonic() - started >= 0.1
        started = time.monotonic()
        with proxy.slowed(latency=0.1):
            assert told(connection, b"hello") == b"hello"
        assert time.monotonic() - started >= 0.2


def test_a_switch_leads_new_connections_elsewhere(proxy: Proxy) -> None:
    other = Echo(b"the other one: ")
    with connected(proxy) as old:
        assert told(old, b"hello") == b"hello"
        proxy.switch(other.port)

        with connected(proxy) as new:
            assert told(new, b"hello") == b"the other one: hello"
            assert told(old, b"hello") == b"hello"
    other.close()


def test_a_target_that_is_not_there_resets() -> None:
    with (
        Proxy(unused_port()) as proxy,
        pytest.raises(ConnectionResetError),  # while connecting, where the proxy is the faster
        connected(proxy) as connection,
    ):
        connection.recv(1)


def test_a_url_leads_through_it(proxy: Proxy) -> None:
    assert proxy.url("postgresql://me:secret@127.0.0.1:5432/signoff?sslmode=disable") == (
        f"postgresql://me:secret@127.0.0.1:{proxy.port}/signoff?sslmode=disable"
    )

"""Servers, and the two SDKs of Sim, as published, that call them."""

from collections.abc import Iterator

import pytest
from simstudio import SimStudioClient

from support.sdk_server import SimServer
from support.sdk_typescript import Node, TypeScriptClient, install


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimServer]:
    """A server as it is without any setting."""
    server = SimServer(tmp_path_factory.mktemp("sdk"))
    try:
        server.serve()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimServer]:
    """A server that gives a run whose caller waits one second."""
    server = SimServer(tmp_path_factory.mktemp("impatient"))
    try:
        server.serve(SIGNOFF_SYNC_TIMEOUT="1")
        yield server
    finally:
        server.kill()


@pytest.fixture
def python(server: SimServer) -> Iterator[SimStudioClient]:
    """A client of the Python SDK."""
    with SimStudioClient(server.key, server.url) as client:
        yield client


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The process in which the TypeScript SDK is."""
    node = Node(install())
    yield node
    node.close()


@pytest.fixture
def typescript(node: Node, server: SimServer) -> TypeScriptClient:
    """A client of the TypeScript SDK."""
    return node.client(server.key, server.url)

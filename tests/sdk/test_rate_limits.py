"""What both SDKs make of a server that limits rates: they say how long to wait, and wait."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from simstudio import AsyncExecutionResult, SimStudioClient, SimStudioError

from support.sdk_server import SimServer
from support.sdk_typescript import Node, TypeScriptClient, TypeScriptError

LIMITED = "RATE_LIMIT_EXCEEDED"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimServer]:
    """A server that allows one synchronous call a minute, and one asynchronous call in two seconds."""
    server = SimServer(tmp_path_factory.mktemp("limited"))
    try:
        server.serve(SIGNOFF_RATE_SYNC="1/60", SIGNOFF_RATE_ASYNC="1/2")
        yield server
    finally:
        server.kill()


@pytest.fixture
def python(limited: SimServer) -> Iterator[SimStudioClient]:
    """A client of the Python SDK."""
    with SimStudioClient(limited.key, limited.url) as client:
        yield client


@pytest.fixture
def typescript(node: Node, limited: SimServer) -> TypeScriptClient:
    """A client of the TypeScript SDK."""
    return node.client(limited.key, limited.url)


@pytest.fixture(scope="module")
def spent(limited: SimServer) -> None:
    """The one synchronous call of this minute has been made."""
    with SimStudioClient(limited.key, limited.url) as client:
        assert client.execute_workflow("greet").success


@pytest.mark.usefixtures("spent")
def test_the_python_sdk_says_how_long_to_wait(python: SimStudioClient) -> None:
    with pytest.raises(SimStudioError) as refused:
        python.execute_with_retry("greet", max_retries=0)

    info = python.get_rate_limit_info()
    assert info is not None
    assert info.retry_after is not None
    assert (refused.value.code, refused.value.status) == (LIMITED, 429)
    assert str(refused.value) == f"Rate limit exceeded. Retry after {info.retry_after}ms"
    assert (info.limit, info.remaining) == (1, 0)
    assert 0 < info.retry_after <= 60_000
    assert 0 < info.reset / 1000 - time.time() <= 61  # v2 gives a date, which the SDK reads as milliseconds


@pytest.mark.usefixtures("spent")
def test_the_typescript_sdk_says_how_long_to_wait(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWithRetry", "greet", {}, {}, {"maxRetries": 0})

    info = typescript.call("getRateLimitInfo")
    assert (refused.value.code, refused.value.status) == (LIMITED, 429)
    assert str(refused.value) == f"Rate limit exceeded. Retry after {info['retryAfter']}ms"
    assert (info["limit"], info["remaining"]) == (1, 0)
    assert 0 < info["retryAfter"] <= 60_000
    assert 0 < info["reset"] - time.time() <= 61  # v1 gives seconds


def test_the_python_sdk_waits_and_gets_through(python: SimStudioClient) -> None:
    python.execute_with_retry("greet", async_execution=True)
    with pytest.raises(SimStudioError) as refused:
        python.execute_workflow("greet", async_execution=True)

    queued = python.execute_with_retry("greet", async_execution=True)

    info = python.get_rate_limit_info()
    assert refused.value.code == LIMITED
    assert isinstance(queued, AsyncExecutionResult)
    assert info is not None
    assert (info.limit, info.remaining, info.retry_after) == (1, 0, None)


def test_the_typescript_sdk_waits_and_gets_through(typescript: TypeScriptClient) -> None:
    waiting = {"async": True}
    typescript.call("executeWithRetry", "greet", {}, waiting)
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWorkflow", "greet", {}, waiting)

    queued = typescript.call("executeWithRetry", "greet", {}, waiting)

    assert refused.value.code == LIMITED
    assert queued["success"] is True


@pytest.mark.usefixtures("spent")
def test_both_sdks_see_what_is_left(python: SimStudioClient, typescript: TypeScriptClient) -> None:
    of_python = python.get_usage_limits().rate_limit["sync"]
    of_typescript = typescript.call("getUsageLimits")["rateLimit"]["sync"]

    for bucket in (of_python, of_typescript):
        assert (bucket["isLimited"], bucket["limit"], bucket["remaining"]) == (True, 1, 0)
        assert 0 < datetime.fromisoformat(bucket["resetAt"]).timestamp() - time.time() <= 61

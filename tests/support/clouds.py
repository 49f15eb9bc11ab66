"""A cloud's object store on this machine, that real HTTP clients talk to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from moto.server import ThreadedMotoServer


@asynccontextmanager
async def cloud(monkeypatch: pytest.MonkeyPatch, *buckets: str) -> AsyncIterator[None]:
    """Serve S3 with some buckets, which the environment names, for this process and those that it starts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "auditor", "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    async with ClientSession() as session:
        async with session.post(f"http://{host}:{port}/moto-api/reset") as emptied:
            assert emptied.status == 200  # what it holds is the process's, whichever server wrote it
        for bucket in buckets:
            async with session.put(f"http://{host}:{port}/{bucket}") as made:
                assert made.status == 200
    yield
    server.stop()

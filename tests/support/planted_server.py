"""An embedded server in which every secret of its configuration is a canary, as a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from support import recording_server
from support.canaries import Canaries, Remembering
from support.hooks import Receiver
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from support.openai_server import MODEL, OpenAiServer
from support.ports import unused_port

LIMIT: Final = 30.0
EXECUTE: Final = "/api/workflows/{}/execute"
_TESTS: Final = Path(recording_server.__file__).parents[1]


class Planted:
    """A running server with canaries in it.

    Attributes:
        canaries: all of them.
        http: calls it.
        folder: holds everything that it writes: its data, its output, its topics.
    """

    def __init__(self, canaries: Canaries, http: Remembering, folder: Path) -> None:
        self.canaries = canaries
        self.http = http
        self.folder = folder
        self.key = ""

    async def do(self, method: str, path: str, **given: Any) -> Any:
        """A call as the administrator that must succeed; gives its JSON."""
        answered = await self.http.send(method, path, headers=self._headers(given), **given)
        assert answered.status < 400, (answered.request, answered.status, answered.body)
        return json.loads(answered.body) if answered.body else None

    async def attempt(self, method: str, path: str, **given: Any) -> int:
        """A call as the administrator, however it ends."""
        return (await self.http.send(method, path, headers=self._headers(given), **given)).status

    def _headers(self, given: dict[str, Any]) -> dict[str, str]:
        return {"X-API-Key": self.key, **given.pop("headers", {})}

    async def run(self, blocks: dict[str, Any]) -> int:
        """Deploy blocks, and run them."""
        await self.do("PUT", "/api/workflows/told", json={"blocks": blocks})
        return await self.attempt("POST", EXECUTE.format("told"), json={"input": {"amount": 1}})


@asynccontextmanager
async def served(folder: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    """A process of the embedded server; gives its URL. Everything it prints is kept beside its data."""
    port = unused_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    with (folder / "output.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            recording_server.__file__,
            str(folder / "topics"),
            str(port),
            env={**clean, "PYTHONPATH": str(_TESTS), "SIGNOFF_DATA": str(folder / "data"), **environment},
            cwd=folder,
            stdout=output,
            stderr=output,
        )
        try:
            await _ready(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(LIMIT):
                await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process) -> None:
    probe = Remembering(url)
    async with asyncio.timeout(LIMIT):
        while process.returncode is None:
            try:
                if (await probe.send("GET", "/readyz")).status == 200:
                    return
            except OSError:
                await asyncio.sleep(0.05)
    raise AssertionError("the server ended at its start")


@asynccontextmanager
async def planted(folder: Path) -> AsyncIterator[tuple[Planted, Receiver, OpenAiServer, OidcProvider]]:
    """A server whose every setting that is secret is a canary."""
    canaries = Canaries()
    async with OpenAiServer() as model, OidcProvider() as provider, Receiver().serving() as receiver:
        environment = {
            "SIGNOFF_BOOTSTRAP_API_KEY": canaries.new("bootstrap key"),
            "SIGNOFF_SECRET_KEY": canaries.new("secret key"),
            "SIGNOFF_SECRET_KEY_PREVIOUS": canaries.new("previous secret key"),
            "SIGNOFF_ENV_OPERATORS": canaries.new("operator's value"),
            "SIGNOFF_LLM_URL": model.url,
            "SIGNOFF_LLM_MODEL": MODEL,
            "SIGNOFF_LLM_API_KEY": canaries.new("model's key"),
            "SIGNOFF_OIDC_ISSUER": provider.issuer,
            "SIGNOFF_OIDC_CLIENT_ID": CLIENT_ID,
            "SIGNOFF_OIDC_CLIENT_SECRET": canaries.learn("OIDC client secret", CLIENT_SECRET),
            "SIGNOFF_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
            "SIGNOFF_BLOCKS": "support.canary_blocks",
            "SIGNOFF_LOG_LEVEL": "debug",
            "SIGNOFF_LOG_FORMAT": "json",
        }
        async with served(folder, environment) as url:
            server = Planted(canaries, Remembering(url), folder)
            server.key = environment["SIGNOFF_BOOTSTRAP_API_KEY"]
            yield server, receiver, model, provider

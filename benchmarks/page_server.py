"""The server that is asked for pages: a process of its own, as people run it."""

import asyncio
from pathlib import Path

from benchmarks.embedded import ServerProcess

from support.browser_server import KEY, BrowserServer


class PageServer(BrowserServer):
    """`signoff serve` with the means to deploy, to run and to sign people in.

    Args:
        folder: for its data and log; made.
        database_url: of its log; None is SQLite in the folder.
    """

    def __init__(self, folder: Path, *, database_url: str | None = None) -> None:
        folder.mkdir()
        super().__init__(folder / "data")
        more = {} if database_url is None else {"SIGNOFF_DATABASE_URL": database_url}
        self._process = ServerProcess(
            folder,
            port=self.port,
            api_key=KEY,
            SIGNOFF_PUBLIC_URL=self.url,
            SIGNOFF_LOG_LEVEL="error",
            **more,
        )

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        await asyncio.to_thread(self._process.start)

    async def stop(self) -> None:
        """Stop it; browsers find nobody."""
        await asyncio.to_thread(self._process.stop)

"""The cluster that `deploy/local/cluster` starts, as its users meet it."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from e2e.shell import REPOSITORY, Shell

_LIMIT = 120.0


class LocalCluster(Shell):
    """What `make cluster` starts, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()
        self.cluster("up")
        lines = (folder / "env").read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in lines)
        super().__init__(**self.settings)

    @property
    def url(self) -> str:
        """The one base URL."""
        return self.settings["SIGNOFF_URL"]

    def cluster(self, *arguments: str) -> str:
        """Run `deploy/local/cluster`; gives what it prints."""
        done = subprocess.run(
            [REPOSITORY / "deploy/local/cluster", "--folder", self.folder, *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def request(self, path: str, body: object = None, *, url: str | None = None) -> tuple[int, Any, Any]:
        """Send a request; gives status, headers and body."""
        request = urllib.request.Request(
            (url or self.url) + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": self.settings["SIGNOFF_API_KEY"], "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def gateway(self, number: int) -> str:
        """The address of one gateway, without the load balancer before it."""
        ports = json.loads((self.folder / "settings.json").read_text())["ports"]
        return f"http://127.0.0.1:{ports[f'gateway-{number}']}"

    def works(self) -> bool:
        """Whether a whole execution goes through."""
        return self.signoff("run", "refund-approval", "--input", '{"amount": 1}').code == 0

"""A server that is killed again and again under load: run for a while, `SIGNOFF_SOAK_MINUTES` (10)."""

import json
import os
import random
import sqlite3
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from e2e.shell import Embedded, eventually
from signoff.events.codec import broken_link

_MINUTES = float(os.environ.get("SIGNOFF_SOAK_MINUTES", "10"))
_CLIENTS = 8


class Load:
    """Starts executions until told to stop; keeps those that were answered."""

    def __init__(self, server: Embedded) -> None:
        self.server = server
        self.accepted: list[str] = []
        self.going = True

    def run(self, client: int) -> None:
        number = 0
        while self.going:
            number += 1
            name = f"soak-{client}-{number}"
            if self._start(name):
                self.accepted.append(name)

    def _start(self, name: str) -> bool:
        """Start one; the same request again until it is answered, as a careful client does."""
        while self.going:
            request = Request(
                f"{self.server.url}/api/workflows/refund-approval/execute",
                data=json.dumps({"input": {"amount": 5, "customer": "Ada"}}).encode(),
                headers={
                    "X-API-Key": self.server.key,
                    "X-Execution-Mode": "async",
                    "Idempotency-Key": name,
                    "Content-Type": "application/json",
                },
            )
            try:
                with urlopen(request, timeout=20) as response:
                    return response.status == 202
            except HTTPError as error:
                error.close()
                if error.code != 503:
                    raise
            except (URLError, ConnectionError, TimeoutError):
                pass  # it was just killed
            time.sleep(0.1)
        return False


def logs(server: Embedded) -> dict[str, list[bytes]]:
    """Every execution's events, read from the file beside the server."""
    with sqlite3.connect(f"file:{server.data}/signoff.db?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT originator_id, state FROM stored_events ORDER BY rowid").fetchall()
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for log_id, state in rows:
        found[log_id].append(state if isinstance(state, bytes) else state.encode())
    return found


def has_ended(log: list[bytes]) -> bool:
    return json.loads(log[-1])["type"] in ("execution:completed", "workflow:deployed")


@pytest.mark.soak
@pytest.mark.timeout(_MINUTES * 60 + 300)
def test_nothing_is_lost_or_doubled_however_often_the_server_is_killed(embedded: Embedded) -> None:
    embedded.serve("--examples")
    load = Load(embedded)
    end = time.monotonic() + _MINUTES * 60
    with ThreadPoolExecutor(_CLIENTS) as clients:
        running = [clients.submit(load.run, client) for client in range(_CLIENTS)]
        while time.monotonic() < end:
            time.sleep(random.uniform(0.2, 3.0))
            embedded.kill()
            embedded.serve("--examples")
        load.going = False
        for client in running:
            client.result()
    eventually(lambda: all(has_ended(log) for log in logs(embedded).values()), limit=60)

    found = logs(embedded)
    started = [log for log in found.values() if json.loads(log[0])["type"] == "execution:started"]
    assert len(started) >= len(load.accepted) > 0
    for log in started:
        assert broken_link(log) is None
        ended = [
            event["data"]["blockId"] for event in map(json.loads, log) if event["type"] == "block:completed"
        ]
        assert len(ended) == len(set(ended))

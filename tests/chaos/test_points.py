"""A server that is killed between any two steps of which one may happen without the other."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from chaos.embedded import EmbeddedServer
from chaos.load import Load
from signoff.events.faults import POINTS
from support.proof import find_violations

pytestmark = pytest.mark.timeout(120)

_SERVERS: Final = 3

_ON_THE_CLUSTER: Final = frozenset({"store.begun"})
"""What an embedded server does not come to: tried by `test_faults.py`."""

_FIRST_VISIT: Final = {"lease.taken": 1, "lease.releasing": 1, "lease.renewing": 2, "relay.reporting": 2}
_VISIT: Final = 7
"""Late enough that something of everything is under way."""

_SETTLING: Final = 20.0
"""Seconds that what was begun may take to end."""

Lives = Sequence[str]
"""The points at which one server dies, one after the other, on the same data."""


def _lives() -> Sequence[Lives]:
    points = sorted(POINTS.keys() - _ON_THE_CLUSTER)
    return [points[number::_SERVERS] for number in range(_SERVERS)]


@pytest.fixture(scope="module")
def violations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[list[str]]]]:
    """What was found after each point, as soon as it is known; the servers die at the same time."""
    found: dict[str, Future[list[str]]] = {point: Future() for lives in _lives() for point in lives}
    with ThreadPoolExecutor(_SERVERS) as servers:
        for lives in _lives():
            servers.submit(_live, tmp_path_factory.mktemp("server"), {point: found[point] for point in lives})
        yield found


@pytest.mark.parametrize("point", [point for lives in _lives() for point in lives])
def test_nothing_is_lost_or_doubled_by_a_death_where(
    point: str, violations: Mapping[str, Future[list[str]]]
) -> None:
    assert violations[point].result() == []


def _live(folder: Path, deaths: Mapping[str, Future[list[str]]]) -> None:
    """Let a server die at each point in turn, and prove each time that it was not harmed."""
    try:
        _die(EmbeddedServer(folder), deaths)
    except BaseException as error:  # noqa: BLE001 - told to each test that waits for a result
        for found in deaths.values():
            if not found.done():
                found.set_exception(error)


def _die(server: EmbeddedServer, deaths: Mapping[str, Future[list[str]]]) -> None:
    *_, last = deaths
    server.start()
    try:
        with Load(server.url, server.key) as load:
            load.await_progress()
            server.kill()
            for point, found in deaths.items():
                server.dies_at(point, _FIRST_VISIT.get(point, _VISIT))
                if point != last:
                    found.set_result(find_violations(server.proof(load), settled=False))
            server.start()
            load.stop()
            deaths[last].set_result(_settled(server, load))
    finally:
        server.kill()


def _settled(server: EmbeddedServer, load: Load) -> list[str]:
    """What is wrong at the end of all lives, once nothing moves any more."""
    end = time.monotonic() + _SETTLING
    while (violations := find_violations(server.proof(load))) and time.monotonic() < end:
        time.sleep(_SETTLING / 100)
    return violations

"""A real Kafka broker for the tests."""

import shlex
from collections.abc import Iterator
from typing import Final

import pytest
from local_services.kafka import JVM_OPTIONS, Kafka

from support.ports import unused_port
from support.processes import LocalRun
from support.proxies import Proxy

SHORT_LIVED: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For Java programs that end before a thorough compiler pays: they start with half the processor time."""


@pytest.fixture(scope="session", autouse=True)
def _brokers_start_quickly() -> Iterator[None]:
    """Every broker of the run, whoever starts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(JVM_OPTIONS, shlex.join(SHORT_LIVED))
        yield


@pytest.fixture(scope="session")
def kafka(local_run: LocalRun) -> Iterator[Kafka]:
    """A Kafka broker of this test run. A test that stops or kills it starts it again."""
    ports: list[int] = []
    while len(ports) < 4:
        ports.append(unused_port(taken=ports))
    port, controller_port, detour, proxied = ports
    broker = Kafka(local_run.folder, port=port, controller_port=controller_port, detours={detour: proxied})
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def kafka_proxy(kafka: Kafka) -> Iterator[Proxy]:
    """A proxy before that broker; `kafka.bootstrap` is the way around it."""
    ((detour, proxied),) = kafka.detours.items()
    with Proxy(detour, port=proxied) as proxy:
        yield proxy

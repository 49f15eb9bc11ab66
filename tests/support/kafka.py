"""A real Kafka broker for the tests."""

from collections.abc import Iterator

import pytest
from local_services.kafka import Kafka

from support.ports import unused_port
from support.processes import LocalRun


@pytest.fixture(scope="session")
def kafka(local_run: LocalRun) -> Iterator[Kafka]:
    """A Kafka broker of this test run. A test that stops or kills it starts it again."""
    port = unused_port()
    broker = Kafka(local_run.folder, port=port, controller_port=unused_port(taken={port}))
    broker.start()
    yield broker
    broker.stop()

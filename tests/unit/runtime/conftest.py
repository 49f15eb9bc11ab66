"""Log as a service does: structlog's default tracebacks read files, which blocks the event loop."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings


@pytest.fixture(autouse=True)
def _logs_of_a_service() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(Settings())
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)

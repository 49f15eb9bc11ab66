"""Logging in tests as a service does it: structlog's default tracebacks read files, which blocks the loop."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings


@pytest.fixture(autouse=True)
def logs_of_a_service() -> Iterator[None]:
    """Log like a service, to the stream that pytest captures, for the length of a test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(Settings())
    structlog.configure(cache_logger_on_first_use=False)  # else it keeps the processors of this very test
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)

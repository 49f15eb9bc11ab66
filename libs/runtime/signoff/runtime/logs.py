"""How a service logs: one line an event, to standard error; set up once, by the command line."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

import structlog

from signoff.runtime.settings import Settings

_CHATTY: Final = ("aiokafka", "aiohttp.access")
"""Loggers of libraries whose INFO says nothing that ours does not."""

_SELDOM: Final = 10.0
"""Seconds between two lines of one kind of aiokafka: while a broker is away it writes ten a second."""


def configure_logs(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send our logs and those of libraries through structlog to one stream.

    Tracebacks are plain: they show no values of local variables, which may be secrets.

    Args:
        settings: ``log_format`` and ``log_level`` count.
        stream: where lines go, standard error by default; standard output belongs to a command's answer.
    """
    stream = stream or sys.stderr
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    handler.addFilter(_Seldom())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Seldom:
    """Leaves out what aiokafka repeats; lines from the same place in its code are of one kind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written."""
        if not record.name.startswith("aiokafka"):
            return True
        kind, now = (record.pathname, record.lineno), self._clock()
        if now - self._told.get(kind, -_SELDOM) < _SELDOM:
            return False
        self._told[kind] = now
        return True

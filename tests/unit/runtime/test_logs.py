"""What a log line looks like."""

import io
import json
import logging

import structlog

from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings


def _raised() -> ZeroDivisionError | None:
    password = "hid" + "den"
    try:
        len(password) // 0
    except ZeroDivisionError as error:
        return error
    return None


def test_lines_are_json_where_nobody_looks_with_the_error_in_them() -> None:
    stream = io.StringIO()
    configure_logs(Settings(), stream=stream)

    structlog.get_logger("signoff.relay").error("relay failed", partition=3, exc_info=_raised())
    logging.getLogger("aiohttp").warning("from a library")

    ours, theirs = map(json.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["logger"], ours["level"]) == ("relay failed", "signoff.relay", "error")
    assert ours["partition"] == 3
    assert ours["exception"].endswith("ZeroDivisionError: integer division or modulo by zero")
    assert "hidden" not in ours["exception"]
    assert (theirs["event"], theirs["logger"]) == ("from a library", "aiohttp")


def test_lines_are_for_people_when_asked() -> None:
    stream = io.StringIO()
    configure_logs(Settings(log_format="console"), stream=stream)

    structlog.get_logger("signoff.relay").info("relay started", partition=3)

    assert "relay started" in stream.getvalue()
    assert "partition=3" in stream.getvalue()


def test_what_is_below_the_level_is_left_out() -> None:
    stream = io.StringIO()
    configure_logs(Settings(log_level="warning"), stream=stream)

    structlog.get_logger("signoff.relay").info("relay started")

    assert stream.getvalue() == ""


def test_what_the_driver_repeats_while_a_broker_is_away_is_said_once_in_a_while() -> None:
    stream = io.StringIO()
    configure_logs(Settings(), stream=stream)
    fetcher, ours = logging.getLogger("aiokafka.consumer.fetcher"), logging.getLogger("signoff.relay")

    for number in range(100):
        fetcher.error("Failed fetch messages from %s", number)
        ours.error("relay failed")
    fetcher.error("something else")

    said = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert said.count("relay failed") == 100
    assert [line for line in said if line != "relay failed"] == [
        "Failed fetch messages from 0",
        "something else",
    ]

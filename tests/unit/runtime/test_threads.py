"""Threads that no process waits for."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from signoff.runtime.threads import DaemonThreads

LIMIT = 10.0


class Gate:
    """A call that is held until the test lets it go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.open.wait(LIMIT)
        return "through"


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    with DaemonThreads(1, name="call") as threads:
        yield threads


def test_calls_wait_in_line_when_all_threads_work(threads: DaemonThreads) -> None:
    gate = Gate()
    held, waits = threads.submit(gate), threads.submit(lambda: "next")
    assert gate.entered.wait(LIMIT)
    assert not waits.running()

    gate.open.set()

    assert (held.result(LIMIT), waits.result(LIMIT)) == ("through", "next")


def test_a_call_that_was_given_up_makes_room_for_another(threads: DaemonThreads) -> None:
    gate = Gate()
    hangs, waits = threads.submit(gate), threads.submit(lambda: "next")
    assert gate.entered.wait(LIMIT)

    assert not hangs.cancel()

    assert waits.result(LIMIT) == "next"
    gate.open.set()


def test_no_more_calls_than_there_are_threads_make_room(threads: DaemonThreads) -> None:
    gates = [Gate(), Gate()]
    calls = [threads.submit(gate) for gate in gates]
    for gate, call in zip(gates, calls, strict=True):
        assert gate.entered.wait(LIMIT)
        call.cancel()
    waits = threads.submit(lambda: "next")
    assert not waits.running()

    gates[1].open.set()

    assert waits.result(LIMIT) == "next"
    gates[0].open.set()


def test_a_call_that_has_not_begun_can_be_cancelled(threads: DaemonThreads) -> None:
    gate = Gate()
    threads.submit(gate)
    assert gate.entered.wait(LIMIT)

    assert threads.submit(lambda: "never").cancel()
    gate.open.set()


def test_the_error_of_a_call_is_its_result(threads: DaemonThreads) -> None:
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result(LIMIT)


def test_closing_waits_no_longer_than_its_limit_and_drops_what_waits() -> None:
    threads, gate = DaemonThreads(1, name="call"), Gate()
    threads.submit(gate)
    waits = threads.submit(lambda: "never")
    assert gate.entered.wait(LIMIT)

    left = threads.close(0.01)

    assert left == 1
    assert waits.cancelled()
    with pytest.raises(RuntimeError, match="no call starts any more"):
        threads.submit(lambda: None)
    gate.open.set()
    assert threads.close(LIMIT) == 0


def test_a_process_ends_although_a_call_never_does() -> None:
    program = (
        "import time\n"
        "from signoff.runtime.threads import DaemonThreads\n"
        "threads = DaemonThreads(1, name='call')\n"
        "threads.submit(time.sleep, 3600)\n"
        "print(threads.close(0.01))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    assert ended.stdout == "1\n"

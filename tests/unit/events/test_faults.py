"""Named fault points: free when off, and only what was asked for when on."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signoff.events import faults
from signoff.events.errors import FaultSpecError

_SOURCES = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    faults.install(None)


def test_nothing_is_armed_unless_somebody_asks() -> None:
    faults.install_from("")

    assert not faults.armed


async def test_a_fault_strikes_at_the_visit_that_was_asked_for_and_at_no_other() -> None:
    faults.install_from("store.begun=raise@2")

    await faults.reach("store.begun")
    await faults.reach("store.committed")
    with pytest.raises(faults.FaultInjectedError, match=r"store\.begun"):
        await faults.reach("store.begun")
    await faults.reach("store.begun")


async def test_waiting_holds_up_every_visit() -> None:
    faults.install_from("relay.publishing=wait:60")

    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await faults.reach("relay.publishing")


@pytest.mark.parametrize("action", ["kill", "stop"])
def test_a_process_is_ended_or_stopped(action: str) -> None:
    code = (
        f"import asyncio; from signoff.events import faults; faults.install_from('runner.ended={action}')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code + "asyncio.run(faults.reach('runner.ended'))"])
    try:
        if action == "kill":
            assert process.wait(20) == -9
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.0)
    finally:
        process.kill()
        process.wait(20)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("relay.acknowleged=kill", "there is no point 'relay.acknowleged'; there are gateway.sending"),
        ("store.begun", "say <point>=kill"),
        ("store.begun=explode", "say <point>=kill"),
        ("store.begun=wait", "wait:<seconds>"),
        ("store.begun=kill:3", "say <point>=kill"),
        ("store.begun=kill@soon", "a visit is a whole number"),
        ("store.begun=wait:long", "seconds are a number"),
    ],
)
def test_what_cannot_be_read_says_what_can(text: str, says: str) -> None:
    with pytest.raises(FaultSpecError, match=re.escape(says)):
        faults.install_from(text)

    assert not faults.armed


def test_every_point_stands_in_the_code_and_no_other() -> None:
    found = {
        name
        for folder in ("libs", "services")
        for path in (_SOURCES / folder).rglob("*.py")
        for name in re.findall(r'faults\.reach\("([^"]+)"\)', path.read_text())
        if path.name != "faults.py"
    }

    assert found == set(faults.POINTS)

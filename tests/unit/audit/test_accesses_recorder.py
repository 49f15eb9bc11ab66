"""Accesses are sent in order until they are acknowledged, and nothing is lost without a word."""

from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from signoff.audit.accesses.gathering import Refused, Sight
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.events.bus.base import Record
from signoff.events.codec import decode_command
from signoff.events.errors import BusUnavailableError
from signoff.events.topics import COMMANDS, access_log_id, log_of_key, partition_of
from signoff.events.types import RecordAccesses
from support.growing_logs import until
from support.logs import logs_of_a_service

__all__ = ["logs_of_a_service"]

NOON = 1_785_067_200.0
REFUSED = Refused(status=403, reason="Access denied")


class Line:
    """A bus that takes what it is given, or fails although it took it."""

    def __init__(self) -> None:
        self.away = False
        self.taken: list[tuple[int, list[Record]]] = []

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Awaitable[None]:
        assert topic == COMMANDS
        self.taken.append((partition, list(records)))

        async def acknowledged() -> None:
            if self.away:
                raise BusUnavailableError("nobody can say whether it was written")

        return acknowledged()

    def batches(self) -> list[RecordAccesses]:
        data: list[Any] = [decode_command(each.value).data for _, some in self.taken for each in some]
        return data


def sight(number: int = 0, *, workspace: str = "w", refused: Refused | None = REFUSED) -> Sight:
    return Sight(
        kind="read", workspace_id=workspace, operation="getExecution", about="execution",
        names=(("executionId", str(number)),), refused=refused,
    )  # fmt: skip


@pytest.fixture
def line() -> Line:
    return Line()


def recorder(line: Line, **given: Any) -> AccessRecorder:
    return AccessRecorder(line, lambda: NOON, **given)  # type: ignore[arg-type]


async def test_what_was_noted_is_sent_when_the_process_ends(line: Line) -> None:
    subject = recorder(line)
    async with subject.running():
        subject.note(sight(refused=None))

    (batch,) = line.batches()
    assert [each.about.names for each in batch.read] == [{"executionId": "0"}]
    assert batch.day == "2026-07-26"
    assert len(subject) == 0


async def test_each_batch_goes_to_the_log_and_the_partition_that_it_names(line: Line) -> None:
    subject = recorder(line)
    async with subject.running():
        for number in range(120):
            subject.note(sight(number, workspace="v" if number % 2 else "w"))

    ((partition, records),) = line.taken
    for record, batch in zip(records, line.batches(), strict=True):
        log_id = access_log_id(batch.workspace_id, batch.partition, batch.day)
        assert log_of_key(record.key) == log_id
        assert partition_of(log_id) == partition == batch.partition
    assert [each.batch for each in line.batches()] == [1, 2, 3, 4]
    assert [len(each.refused) for each in line.batches()] == [50, 10, 50, 10]


async def test_what_is_not_acknowledged_is_sent_again_as_it_was_before_anything_else(line: Line) -> None:
    subject, line.away = recorder(line), True
    async with subject.running():
        subject.note(sight(1))
        await until(lambda: len(line.taken) == 1)
        subject.note(sight(2))
        line.away = False
        await until(lambda: len(line.taken) == 3)

    first, again, later = line.taken
    assert first == again
    assert [each.batch for each in line.batches()] == [1, 1, 2]
    assert decode_command(later[1][0].value).data.refused[0].about.names == {"executionId": "2"}  # type: ignore[attr-defined]


async def test_while_the_broker_is_away_what_waits_is_bounded_and_what_is_dropped_is_told(line: Line) -> None:
    subject, line.away = recorder(line, most=10), True
    async with subject.running():
        subject.note(sight(0))
        await until(lambda: len(line.taken) == 1)
        for number in range(1, 31):
            subject.note(sight(number))
            subject.note(sight(number, refused=None))
        assert len(subject) == 11
        line.away = False

    batches = line.batches()
    assert sum(len(each.refused) for each in batches[1:]) == 11
    assert [(each.reads, each.refusals) for batch in batches for each in batch.dropped] == [(30, 20)]


async def test_what_is_left_when_the_process_ends_without_a_broker_is_said(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    subject, line.away = recorder(line), True
    async with subject.running():
        subject.note(sight())

    assert len(subject) == 1
    assert "accesses are not recorded: the broker is away, and this process ends" in caplog.text


async def test_reads_are_not_recorded_where_that_is_switched_off_and_refusals_are(line: Line) -> None:
    subject = recorder(line, reads=False)
    async with subject.running():
        subject.note(sight(1, refused=None))
        subject.note(sight(2))

    (batch,) = line.batches()
    assert (len(batch.read), len(batch.refused)) == (0, 1)

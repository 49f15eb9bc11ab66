"""The comparison of topic and log falls apart into parts that leave nothing out."""

from uuid import UUID

import pytest

from signoff.cli.auditing.topic_parts import AT_ONCE, parts_of
from signoff.cli.auditing.units import Selection
from signoff.events.topics import PARTITIONS


@pytest.mark.parametrize("partitions", [(), (3,), tuple(range(AT_ONCE + 1))], ids=["all", "one", "some"])
def test_every_partition_is_in_one_part(partitions: tuple[int, ...]) -> None:
    parts = [part.partitions for part in parts_of(Selection(partitions=partitions))]

    assert [number for part in parts for number in part] == list(partitions or range(PARTITIONS))
    assert max(map(len, parts)) <= AT_ONCE


def test_every_log_is_in_one_part() -> None:
    logs = tuple(UUID(int=number) for number in range(2 * AT_ONCE + 1))

    parts = [part.logs for part in parts_of(Selection(logs=logs))]

    assert (sum(parts, ()), list(map(len, parts))) == (logs, [AT_ONCE, AT_ONCE, 1])

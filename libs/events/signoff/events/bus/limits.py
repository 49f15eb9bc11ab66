"""How large one record may be, the same on every bus."""

from typing import Final

from signoff.events.bus.base import Record
from signoff.events.errors import RecordTooLargeError

MAX_RECORD_BYTES: Final = 1024 * 1024 + 64 * 1024
"""The largest record that a topic takes: 1 MiB of value, and room for its key and headers.

Topics are made with it as ``max.message.bytes``, which Kafka compares with whole batches.
"""

_BATCH_OVERHEAD = 61 + 36
_HEADER_OVERHEAD = 10
_SURELY_SMALL = MAX_RECORD_BYTES // 2


def record_bytes(record: Record) -> int:
    """An upper bound of the bytes that a record takes in a batch of its own.

    Source: the record batch format, https://kafka.apache.org/documentation/#recordbatch.
    """
    headers = sum(len(name.encode()) + len(value) + _HEADER_OVERHEAD for name, value in record.headers)
    return _BATCH_OVERHEAD + len(record.key) + len(record.value) + headers


def check_record(topic: str, record: Record) -> None:
    """Refuse a record that the topic would not take.

    Raises:
        RecordTooLargeError: the record is over :data:`MAX_RECORD_BYTES`.
    """
    # Adding up the headers of every small record would cost as much as sending it.
    if len(record.value) < _SURELY_SMALL:
        return
    size = record_bytes(record)
    if size > MAX_RECORD_BYTES:
        raise RecordTooLargeError(
            f"{topic}: a record of {size} bytes is over the limit of {MAX_RECORD_BYTES}; "
            "move its largest values to the blob store"
        )

"""Parquet: the envelope as columns, the data as JSON text, the event's very bytes. Needs pyarrow."""

import io
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Final

from signoff.audit.export.errors import ExportError
from signoff.audit.export.parts import MakePart
from signoff.audit.export.selection import Row
from signoff.events.codec import chain_hash

ROWS: Final = 16_384
"""Events of a row group …"""

ROW_BYTES: Final = 16 * 1024 * 1024
"""… or those that have so many bytes."""

_INT: Final = "int64"
_TEXT: Final = "string"
_TIME: Final = "timestamp"
_BYTES: Final = "binary"

COLUMNS: Final[dict[str, tuple[str, Callable[[Row], object]]]] = {
    "position": (_INT, lambda row: row.event.position),
    "log_id": (_TEXT, lambda row: str(row.event.log_id)),
    "event_id": (_INT, lambda row: row.event.version),
    "type": (_TEXT, lambda row: row.header.type),
    "topic": (_TEXT, lambda row: row.event.topic),
    "execution_id": (_TEXT, lambda row: row.header.execution_id),
    "run_id": (_TEXT, lambda row: row.header.run_id),
    "workflow_id": (_TEXT, lambda row: row.header.workflow_id),
    "timestamp": (_TIME, lambda row: row.header.timestamp),
    "causation_id": (_TEXT, lambda row: row.header.causation_id),
    "correlation_id": (_TEXT, lambda row: row.header.correlation_id),
    "attempt": (_INT, lambda row: row.header.attempt),
    "copy_of_event_id": (_INT, lambda row: row.header.copy_of and row.header.copy_of.event_id),
    "copy_of_timestamp": (_TIME, lambda row: row.header.copy_of and row.header.copy_of.timestamp),
    "prev": (_TEXT, lambda row: row.header.prev),
    "hash": (_TEXT, lambda row: chain_hash(row.event.state)),
    "data": (_TEXT, lambda row: bytes(row.header.data)),
    "state": (_BYTES, lambda row: row.event.state),
}
"""Column → its type, and its value of an event. ``hash`` is what the next event of the log carries."""

_REPEATED: Final = ["log_id", "type", "topic", "execution_id", "run_id", "workflow_id"]
"""Columns whose values come often, and are written once in a row group."""


def parquet_parts() -> MakePart:
    """Makes the files of days.

    Raises:
        ExportError: pyarrow is not installed.
    """
    try:
        arrow, files = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ExportError("Parquet needs pyarrow: pip install 'signoff[export]'") from error
    return partial(Parquet, arrow, files)


class Parquet:
    """A day's events as a table, written group by group.

    Args:
        arrow: the module.
        files: its module of Parquet.
    """

    def __init__(self, arrow: Any, files: Any) -> None:
        kinds = {
            _INT: arrow.int64(), _TEXT: arrow.string(), _BYTES: arrow.binary(),
            _TIME: arrow.timestamp("us", tz="UTC"),
        }  # fmt: skip
        self._arrow = arrow
        self._schema = arrow.schema([(name, kinds[kind]) for name, (kind, _) in COLUMNS.items()])
        self._out = io.BytesIO()
        self._writer = files.ParquetWriter(
            self._out, self._schema, compression="zstd", use_dictionary=_REPEATED
        )
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take more events."""
        for row in rows:
            self._rows.append(row)
            self._bytes += len(row.event.state)
            if len(self._rows) == ROWS or self._bytes >= ROW_BYTES:
                self._write()

    def finish(self) -> dict[str, bytes]:
        """The file by the end of its name."""
        self._write()
        self._writer.close()
        return {".parquet": self._out.getvalue()}

    def _write(self) -> None:
        if not self._rows:
            return
        columns = [self._column(kind, [value(row) for row in self._rows]) for kind, value in COLUMNS.values()]
        self._writer.write_table(self._arrow.table(columns, schema=self._schema))
        self._rows, self._bytes = [], 0

    def _column(self, kind: str, values: list[object]) -> Any:
        if kind == _TIME:
            texts = self._arrow.array(values, self._arrow.string())
            return texts.cast(self._arrow.timestamp("us", tz="UTC"))
        return self._arrow.array(values, getattr(self._arrow, kind)())

"""What can go wrong between Signoff and the places that keep its facts.

::

    SignoffError
    ├── CodecError                  bytes that are not an event or a command
    ├── ValueNotStorableError       a value that JSON or the log cannot hold
    ├── StoreError
    │   ├── StoreUnavailableError   the database is away; nothing was written
    │   ├── AppendUnknownError      the connection broke during a commit: read the log to know
    │   ├── LeaseLostError          another owner has a higher epoch; nothing was written
    │   ├── VersionConflictError    the log holds that version already; nothing was written
    │   ├── RecordConflictError     a record beside the log has another version; nothing was written
    │   ├── MisshapenRowError       a row holds what its columns cannot: somebody wrote to its table
    │   └── SchemaError             the database is not migrated, or belongs to another cluster
    ├── BusError
    │   ├── BusUnavailableError     the broker is away, or did not answer in time
    │   ├── BusFullError            a bounded buffer is full: try again later
    │   ├── RecordTooLargeError     a record is over the topic's limit
    │   └── OffsetOutOfRangeError   a position that the topic no longer, or not yet, holds
    ├── BlobError
    │   ├── BlobNotFoundError       a large value that a reference names, or a file, is not there
    │   ├── BlobDamagedError        a large value is not what was stored
    │   └── FileTooLargeError       a file is over its limit; nothing of it was kept
    └── FaultSpecError              SIGNOFF_FAULTS cannot be read
"""


class SignoffError(Exception):
    """Base of every error that Signoff raises on purpose."""


class CodecError(SignoffError):
    """The bytes are not what they should be: not JSON, or not of the expected shape."""


class ValueNotStorableError(SignoffError):
    """A value cannot be kept: NaN, Infinity, a lone surrogate, too deep, or no JSON at all.

    Attributes:
        path: where the value stands, such as ``$.items[3].price``.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class StoreError(SignoffError):
    """Base of what a store raises; no driver's error passes it."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached or refuses work. Nothing was written; try again later."""


class AppendUnknownError(StoreError):
    """The connection broke while a commit was under way. Only reading the log tells the outcome."""


class LeaseLostError(StoreError):
    """The lease of a partition belongs to somebody else by now. Nothing was written.

    Attributes:
        partitions: the partitions whose epoch was not the caller's.
    """

    def __init__(self, partitions: frozenset[int]) -> None:
        super().__init__(f"lease lost for partitions {sorted(partitions)}: stop writing to them")
        self.partitions = partitions


class VersionConflictError(StoreError):
    """A version of a log exists already: two writers, or a state that is not the log's."""


class RecordConflictError(StoreError):
    """A record has another version than its writer expected, or is gone. Nothing was written.

    Attributes:
        kind: the kind of the record; its key may be a secret, and is not told.
        expected: the version that was expected, 0 for none.
    """

    def __init__(self, kind: str, expected: int) -> None:
        super().__init__(f"a {kind} record is not at version {expected}: read it again, then write")
        self.kind = kind
        self.expected = expected


class MisshapenRowError(StoreError):
    """A row holds something else than its columns may: somebody wrote to its table.

    Attributes:
        table: whose row it is; empty where that is not known.
        reason: what it holds.
    """

    def __init__(self, table: str, reason: str) -> None:
        place = f"a row of {table}" if table else "a row"
        super().__init__(f"{place} is none ({reason}): `signoff audit verify` names what was changed")
        self.table = table
        self.reason = reason


class SchemaError(StoreError):
    """The database has no schema, an older or newer one, or another number of partitions."""


class BusError(SignoffError):
    """Base of what a bus raises; no driver's error passes it."""


class BusUnavailableError(BusError):
    """The broker cannot be reached, or did not acknowledge in time."""


class BusFullError(BusError):
    """A bounded buffer is full. Nothing was sent; try again later."""


class RecordTooLargeError(BusError):
    """A record is larger than the topic takes."""


class OffsetOutOfRangeError(BusError):
    """The asked position lies outside of what the topic holds.

    Attributes:
        partitions: the partitions concerned.
    """

    def __init__(self, topic: str, partitions: frozenset[int]) -> None:
        super().__init__(f"{topic}: position out of range in partitions {sorted(partitions)}")
        self.partitions = partitions


class BlobError(SignoffError):
    """Base of what the store of large values raises."""


class BlobNotFoundError(BlobError):
    """A large value that a reference names, or a file, is not in the object store."""


class BlobDamagedError(BlobError):
    """A large value in the object store is not what was stored: its digest is another."""


class FileTooLargeError(BlobError):
    """A file is larger than it may be. Nothing of it was kept."""


class FaultSpecError(SignoffError):
    """``SIGNOFF_FAULTS`` asks for what there is not; says what there is."""

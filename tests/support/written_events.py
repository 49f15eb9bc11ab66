"""Whatever event a test writes to a log in this process fits the published schema."""

import functools
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import jsonschema_rs
import pytest

from signoff.events.codec import decode_event
from signoff.events.errors import CodecError
from signoff.events.schemas.documents import events
from signoff.events.store.base import Append
from signoff.events.store.memory import MemoryStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from signoff.events.types import Unknown

_EACH: Final = 200
"""Events of one type that are looked at in a test run: enough of those that are all alike."""

_STORES: Final[tuple[Any, ...]] = (MemoryStore, PostgresStore, SqliteStore)


class Checker:
    """Compares events with the schema.

    Attributes:
        faults: what did not fit, by type.
    """

    def __init__(self) -> None:
        self._schema = jsonschema_rs.Draft202012Validator(events())
        self._seen: Counter[str] = Counter()
        self.faults: dict[str, str] = {}

    def check(self, raw: bytes) -> None:
        """Look at what is written. Bytes that a test has made to be no event are none of ours."""
        try:
            event = decode_event(raw)
        except CodecError:
            return
        self._seen[event.type] += 1
        if isinstance(event.data, Unknown) or self._seen[event.type] > _EACH:
            return
        for error in self._schema.iter_errors(json.loads(raw)):
            self.faults.setdefault(event.type, f"{error.message} in {raw.decode()[:500]}")


@pytest.fixture(scope="session", autouse=True)
def _what_is_written_fits_its_schema() -> Iterator[None]:
    """Fail the run at its end when some test has written an event that does not fit."""
    checker = Checker()
    with pytest.MonkeyPatch.context() as patch:
        for store in _STORES:
            patch.setattr(store, "append", _checking(store.append, checker))
        yield
    assert checker.faults == {}


def _checking(append: Callable[..., Awaitable[int]], checker: Checker) -> Callable[..., Awaitable[int]]:
    @functools.wraps(append)
    async def checked(self: object, batch: Append) -> int:
        for event in batch.events:
            checker.check(event.state)
        return await append(self, batch)

    return checked

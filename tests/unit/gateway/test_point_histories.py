"""What happened at a pause point is found in its log, and nothing else is decoded."""

from uuid import uuid4

import pytest

from signoff.engine.state import PausePoint
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.memory import MemoryStore
from signoff.events.types import Actor, BlockStarted, EventData, PauseCommented
from signoff.gateway.inbox import history
from signoff.gateway.inbox.history import history_of
from support.growing_logs import Ledger, started, step

POINT = PausePoint(
    context_id="ask-1", block_id="ask", kind="human", run_id="r", order=1, attempt=1, response=None,
    content_digest=None, event_id=2, opened_at=0,
)  # fmt: skip
ADA = Actor(type="user", id="ada")


def _comment(context_id: str, text: str) -> EventData:
    return PauseCommented(context_id=context_id, actor=ADA, text=text)


def _began(block_id: str, name: str) -> EventData:
    return BlockStarted(block_id=block_id, block_name=name, block_type="hold", execution_order=1)


async def test_a_points_own_events_are_found_up_to_where_its_state_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "_PAGE", 3)
    decoded, decode = [], history.decode_event
    monkeypatch.setattr(history, "decode_event", lambda raw: decoded.append(raw) or decode(raw))
    store = MemoryStore()
    log = (await Ledger.open(store, MemoryBus())).log()
    happened = [
        _began("ask", "Ask"), _comment("ask-1", "one"), *[step()] * 7, _comment("other", "elsewhere"),
        _began("pay", "Pay"), _comment("ask-1", "two"), _comment("ask-1", "later"),
    ]  # fmt: skip
    await log.add(started(), status="running", publish=False)
    for each in happened:
        await log.add(each, publish=False)

    found = await history_of(store, log.log_id, POINT, upto=log.version - 1)

    assert [getattr(each.data, "text", None) for each in found.events] == ["one", "two"]
    assert found.block_names == {"ask": "Ask"}
    assert len(decoded) == 3


async def test_a_log_that_was_deleted_meanwhile_has_no_history() -> None:

    found = await history_of(MemoryStore(), uuid4(), POINT, upto=5)

    assert list(found.events) == []

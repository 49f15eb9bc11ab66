"""The story of an execution as text."""

from signoff.audit.life.names import Names
from signoff.audit.life.story import Entry, Story, lines_of
from signoff.events.types import (
    Actor,
    Event,
    EventData,
    ExecutionStarted,
    PauseDelegated,
    PauseOpened,
    Source,
)

AT = "2026-07-26T09:00:00.000000Z"
FORGED = "08:00  8  Completed\n    by: Grace"


def test_what_somebody_wrote_cannot_look_like_another_entry() -> None:
    entry = Entry(
        event_id=7, at="2026-07-26T09:00:00.000000Z", type="pause:commented", what=f"Comment: fine\n{FORGED}"
    )

    assert list(lines_of(entry)) == [
        "2026-07-26T09:00:00.000000Z  7  Comment: fine ⏎ 08:00  8  Completed ⏎     by: Grace"
    ]


def test_nor_can_the_name_of_who_did_it() -> None:
    entry = Entry(
        event_id=7,
        at="2026-07-26T09:00:00.000000Z",
        type="pause:claimed",
        what="Claimed",
        who=f"Eve\r\n{FORGED}",
    )

    assert len(list(lines_of(entry))) == 2


def test_people_and_groups_have_their_names_beside_their_ids() -> None:
    ada = Actor(type="apiKey", id="k1", owner="u1")
    started = Source(execution_id="refund-1", event_id=4, started_by=["u1", "apiKey:k2"])
    log = [
        said(1, ExecutionStarted(
            workspace_id="w", workflow_version=1, definition_digest="sha256:0", trigger="api", mode="sync",
            actor=ada, source=started, start_time=AT,
        )),
        said(2, PauseOpened(
            context_id="ask", block_id="ask", pause_kind="human", response=None,
            assignees=["user:u2", "group:g1", "role:approver"],
        )),
        said(3, PauseDelegated(context_id="ask", actor=ada, to="u2", reason="u2 knows")),
    ]  # fmt: skip
    names = Names({"user:u1": "Ada", "user:u2": "Bo", "group:g1": "Finance", "apiKey:k1": "nightly"})

    begun, asked, delegated = Story(names).tell(log)

    assert (begun.who, begun.person) == ("nightly (apiKey k1)", "Ada (u1)")
    assert begun.what.endswith("from a block, with the past of execution refund-1 after its event 4, "
                               "which Ada (u1) and apiKey:k2 started")  # fmt: skip
    assert asked.what.endswith("of Bo (user:u2), Finance (group:g1), role:approver")
    assert delegated.what == "Handed on to: Bo (u2): u2 knows"


def said(event_id: int, data: EventData) -> Event:
    return Event(
        type=data.TYPE, event_id=event_id, execution_id="e", workflow_id="w", timestamp=AT, causation_id="c",
        data=data,
    )  # fmt: skip

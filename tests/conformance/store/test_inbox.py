"""Open pause points are found, counted and put in order the same way by every store."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from signoff.events.store.base import EventStore, PointGone, PointRow
from signoff.events.store.inbox import InboxCounts, InboxOrder, InboxSearch
from signoff.events.store.ordering import inbox_place
from support.stores import STARTED, WORKSPACE, Writer, point

STRANGE = "nul \x00 one \x01 \"'\\%_{}, é 漢 😀"
ORDERS: tuple[InboxOrder, ...] = ("opened", "due", "priority")


def search(**asked: Any) -> InboxSearch:
    return InboxSearch(**{"workspace_ids": (WORKSPACE,), **asked})


async def given(store: EventStore, **rows: PointRow) -> dict[UUID, str]:
    """Write rows, beside one of another workspace for each; gives their names."""
    writer = await Writer.of(store)
    elsewhere = [replace(row, log_id=uuid4(), workspace_id=UUID(int=9)) for row in rows.values()]
    await writer.append(rows=[*rows.values(), *elsewhere])
    return {row.log_id: name for name, row in rows.items()}


async def found(store: EventStore, names: dict[UUID, str], **asked: Any) -> str:
    """The names of what a search finds, in its order."""
    return "".join(names[row.log_id] for row in await store.inbox(search(**asked)))


async def all_pages(store: EventStore, asked: InboxSearch, *, limit: int) -> list[PointRow]:
    """What a search finds, page by page."""
    rows: list[PointRow] = []
    while page := await store.inbox(
        asked, after=inbox_place(rows[-1], asked.order) if rows else None, limit=limit
    ):
        rows += page
    return rows


async def test_a_point_is_found_with_every_field(store: EventStore) -> None:
    writer = await Writer.of(store)
    full = point(
        context_id=STRANGE,
        workflow_id=STRANGE,
        execution_id="order-7",
        title=STRANGE,
        text=STRANGE,
        due_at=STARTED + 5,
        candidates=[f"user:{STRANGE}", "group:7", "role:approver"],
        claimed_by=STRANGE,
        excluded=["ann", STRANGE],
        returned=True,
        approvals=2,
        required=3,
        content_digest="sha256:1",
    )
    await writer.append(rows=[full])

    assert await store.point(full.log_id, STRANGE) == full
    assert await store.point(full.log_id, "other") is None
    assert await store.inbox(search(candidates=(f"user:{STRANGE}",), workflow_ids=(STRANGE,))) == [full]
    assert await store.inbox(search(claimed_by=STRANGE)) == [full]
    assert await store.inbox(search(not_excluded=STRANGE)) == []


async def test_points_are_found_by_who_may_decide_each_once(store: EventStore) -> None:
    names = await given(
        store,
        a=point(candidates=["user:ann", "group:7"]),
        b=point(candidates=["group:7"], opened_at=STARTED + 1),
        c=point(candidates=["role:approver", "role:approver"], opened_at=STARTED + 2),
        d=point(opened_at=STARTED + 3),
    )

    assert await found(store, names) == "abcd"
    assert await found(store, names, candidates=("user:ann",)) == "a"
    assert await found(store, names, candidates=("user:ann", "group:7", "anybody")) == "abd"
    assert await found(store, names, candidates=("role:approver", "role:approver")) == "c"
    assert await found(store, names, candidates=("user:ben",)) == ""


async def test_points_are_found_by_claims_exclusion_and_return(store: EventStore) -> None:
    names = await given(
        store,
        a=point(),
        b=point(claimed_by="ann", opened_at=STARTED + 1),
        c=point(claimed_by="ben", excluded=["ann"], opened_at=STARTED + 2),
        d=point(returned=True, excluded=["ben", "ann"], opened_at=STARTED + 3),
    )

    assert await found(store, names, free_for="ann") == "abd"
    assert await found(store, names, not_excluded="ann") == "ab"
    assert await found(store, names, claimed_by="ben") == "c"
    assert await found(store, names, claimed_by="ben", candidates=("user:ben",)) == ""
    assert await found(store, names, returned=True) == "d"
    assert await found(store, names, returned=False) == "abc"


async def test_points_are_found_by_workflow_priority_time_and_execution(store: EventStore) -> None:
    names = await given(
        store,
        a=point(due_at=STARTED + 9),
        b=point(workflow_id="deploy", priority=3, opened_at=STARTED + 1),
        c=point(priority=0, opened_at=STARTED + 2, due_at=STARTED + 3),
    )
    log_ids = {name: log_id for log_id, name in names.items()}

    for order in ORDERS:
        assert sorted(await found(store, names, order=order, workflow_ids=("refund", "x"))) == ["a", "c"]
        assert sorted(await found(store, names, order=order, priorities=(0, 3))) == ["b", "c"]
        assert await found(store, names, order=order, priorities=(2,)) == ""
        assert await found(store, names, order=order, opened_before=STARTED + 1) == "a"
        assert sorted(await found(store, names, order=order, opened_after=STARTED + 1)) == ["b", "c"]
        assert await found(store, names, order=order, due_before=STARTED + 9) == "c"
        assert await found(store, names, order=order, due_after=STARTED + 9) == "a"
        assert await found(store, names, order=order, log_ids=(log_ids["b"], uuid4())) == "b"


async def test_points_are_found_by_the_beginnings_of_their_words(store: EventStore) -> None:
    names = await given(
        store,
        a=point(text="Refund order-4711 for Jürgen STRASSE"),
        b=point(text="Straße 12: ΣΊΣΥΦΟΣ, 漢字です", opened_at=STARTED + 1),
        c=point(text="a_b don't " + "x" * 200, opened_at=STARTED + 2),
    )

    assert await found(store, names, text="ref") == "a"
    assert await found(store, names, text="fund") == ""
    assert await found(store, names, text="4711 JÜR ref") == "a"
    assert await found(store, names, text="strasse") == "ab"
    assert await found(store, names, text="σίσυφος") == "b"
    assert await found(store, names, text="漢") == "b"
    assert await found(store, names, text="b don t") == "c"
    assert await found(store, names, text="x" * 300) == "c"
    assert await found(store, names, text="ju\u0308r") == "a"  # u and a diaeresis apart
    assert await found(store, names, text=" ':*&|!()\\ ") == "abc"


async def test_points_of_several_workspaces_are_one_list(store: EventStore) -> None:
    writer, other = await Writer.of(store), UUID(int=5)
    one = point()
    two = point(workspace_id=other, opened_at=STARTED + 1)
    three = point(opened_at=STARTED + 2)
    await writer.append(rows=[three, one, two, point(workspace_id=UUID(int=6))])

    assert await store.inbox(search(workspace_ids=(WORKSPACE, other))) == [one, two, three]
    assert await store.inbox(search(workspace_ids=(other, other), candidates=("anybody",))) == [two]


def mixed(count: int) -> Iterator[PointRow]:
    """Points that differ in all that is asked for, many of them equal in what they are sorted by."""
    chance = random.Random(7)
    for number in range(count):
        yield point(
            log_id=UUID(int=chance.choice([1, 2, 3]) << 64),
            context_id=f"{chance.choice('aé漢')}{number}",
            workspace_id=UUID(int=chance.choice([0, 0, 5])),
            workflow_id=chance.choice(["refund", "deploy"]),
            text=chance.choice(["red green", "green blue", "blue"]),
            priority=chance.randrange(4),
            opened_at=STARTED + chance.randrange(5),
            due_at=chance.choice([None, STARTED + chance.randrange(9)]),
            candidates=chance.sample(["user:ann", "group:7", "role:approver", "anybody"], 2),
            claimed_by=chance.choice([None, None, "ann", "ben"]),
            excluded=chance.choice([[], ["ann"], ["ben"]]),
            returned=chance.random() < 0.2,
        )


FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"candidates": ("user:ann", "group:7")},
    {"candidates": ("group:7", "anybody"), "workflow_ids": ("deploy",), "not_excluded": "ann"},
    {"free_for": "ann", "priorities": (0, 2)},
    {"claimed_by": "ben", "returned": False},
    {"returned": True, "candidates": ("role:approver",), "workspace_ids": (WORKSPACE, UUID(int=5))},
    {"due_before": STARTED + 6, "due_after": STARTED + 1, "text": "gre"},
    {"opened_after": STARTED + 1, "opened_before": STARTED + 4, "due_after": STARTED},
    {"log_ids": (UUID(int=1 << 64), UUID(int=2 << 64)), "text": "blue gr"},
)


def fits(row: PointRow, asked: InboxSearch) -> bool:
    """What a search means, said again."""
    end = float("inf")
    due_at = end if row.due_at is None else row.due_at
    return all((
        row.workspace_id in asked.workspace_ids,
        not asked.candidates or set(asked.candidates) & set(row.candidates),
        not asked.workflow_ids or row.workflow_id in asked.workflow_ids,
        not asked.priorities or row.priority in asked.priorities,
        not asked.log_ids or row.log_id in asked.log_ids,
        asked.not_excluded not in row.excluded,
        asked.free_for is None or row.claimed_by in {None, asked.free_for},
        asked.claimed_by is None or row.claimed_by == asked.claimed_by,
        asked.returned is None or row.returned is asked.returned,
        asked.opened_after is None or row.opened_at >= asked.opened_after,
        asked.opened_before is None or row.opened_at < asked.opened_before,
        asked.due_after is None or asked.due_after <= due_at < end,
        asked.due_before is None or due_at < asked.due_before,
        all(any(have.startswith(word) for have in row.text.split()) for word in (asked.text or "").split()),
    ))  # fmt: skip


def place(row: PointRow, order: InboxOrder) -> tuple[object, ...]:
    key = {
        "opened": row.opened_at,
        "due": float("inf") if row.due_at is None else row.due_at,
        "priority": -row.priority,
    }[order]
    return (key, row.opened_at, row.log_id, row.context_id)


async def test_every_search_in_every_order_goes_on_where_its_page_ended(store: EventStore) -> None:
    rows = list(mixed(60))
    await (await Writer.of(store)).append(rows=rows)

    for asked, order, descending in product(FILTERS, ORDERS, (False, True)):
        wanted = search(**asked, order=order, descending=descending)
        expected = [row for row in rows if fits(row, wanted)]
        expected.sort(key=lambda row: place(row, order), reverse=descending)
        assert expected, asked
        assert await all_pages(store, wanted, limit=4) == expected, (asked, order, descending)


async def test_where_many_have_what_is_looked_for_the_answer_is_the_same(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sqlite_inbox.FEW", "postgres_inbox.FEW", "inbox.FEW", "inbox.FEW_BETWEEN"):
        monkeypatch.setattr(f"signoff.events.store.{name}", 1)
    await test_every_search_in_every_order_goes_on_where_its_page_ended(store)


async def test_points_are_counted_by_priority_and_how_many_are_overdue(store: EventStore) -> None:
    rows = list(mixed(60))
    await (await Writer.of(store)).append(rows=rows)

    for asked in FILTERS:
        wanted = search(**asked, now=STARTED + 4)
        expected = [row for row in rows if fits(row, wanted)]
        counts = await store.count_inbox(wanted)
        assert counts == InboxCounts(
            by_priority={
                priority: number
                for priority in range(4)
                if (number := sum(row.priority == priority for row in expected))
            },
            overdue=sum(row.due_at is not None and row.due_at < STARTED + 4 for row in expected),
            exact=True,
        ), asked
        assert counts.total == len(expected)


async def test_a_count_ends_at_its_bound_and_says_so(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("inbox", "memory_inbox", "sqlite_inbox", "postgres_inbox"):
        monkeypatch.setattr(f"signoff.events.store.{module}.COUNTED", 2)
    await given(store, a=point(), b=point(), c=point(), d=point(workflow_id="few"))

    many = await store.count_inbox(search())
    few = await store.count_inbox(search(workflow_ids=("few",)))

    assert (many.exact, many.total >= 2) == (False, True)
    assert few == InboxCounts(by_priority={1: 1}, overdue=0, exact=True)


async def test_a_row_follows_its_point_from_list_to_list(store: EventStore) -> None:
    writer, row = await Writer.of(store), point(candidates=["user:ann", "group:7"])
    await writer.append(rows=[row])

    claimed = replace(row, claimed_by="ann", approvals=1, version=4)
    await writer.append(rows=[claimed])
    assert await store.inbox(search(claimed_by="ann")) == [claimed]
    assert await store.inbox(search(candidates=("group:7",))) == [claimed]

    moved = replace(row, candidates=["user:ben"], due_at=STARTED + 1, priority=3, text="other", version=5)
    await writer.append(rows=[moved])
    assert await store.inbox(search(candidates=("user:ann", "group:7"))) == []
    assert await store.inbox(search(claimed_by="ann")) == []
    assert await store.inbox(search(text="refund")) == []
    for order in ORDERS:
        assert await store.inbox(search(candidates=("user:ben", "anybody"), order=order)) == [moved]
    assert await store.inbox(search(due_before=STARTED + 2)) == [moved]
    assert (await store.count_inbox(search())).by_priority == {3: 1}


async def test_a_point_that_is_gone_leaves_nothing(store: EventStore) -> None:
    writer, row = await Writer.of(store), point(claimed_by="ann")
    stays = replace(row, context_id="other", claimed_by=None)
    await writer.append(rows=[row, stays])

    gone = PointGone(log_id=row.log_id, context_id=row.context_id)
    await writer.append(rows=[gone, PointGone(log_id=uuid4(), context_id="never")])
    await writer.append(rows=[gone])

    assert await store.point(row.log_id, row.context_id) is None
    assert await store.inbox(search(claimed_by="ann")) == []
    assert await store.inbox(search(text="refund")) == [stays]
    assert await store.inbox(search(candidates=("anybody",))) == [stays]
    assert (await store.count_inbox(search())).total == 1


async def test_of_a_point_that_opens_and_goes_in_one_append_the_last_counts(store: EventStore) -> None:
    writer, row = await Writer.of(store), point()
    gone = PointGone(log_id=row.log_id, context_id=row.context_id)
    again = replace(row, version=9)

    await writer.append(rows=[row, gone])
    assert await store.inbox(search()) == []

    await writer.append(rows=[row, gone, again])
    assert await store.inbox(search()) == [again]

    await writer.append(rows=[gone, row, gone])
    assert await store.inbox(search()) == []

"""Executions are found, counted and put in order the same way by every store."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.store.ordering import order_key, place_of
from signoff.events.store.search import Attribute, Counts, Order, Range, Search
from signoff.events.store.words import execution_words
from support.stores import PARTITIONS, STARTED, WORKSPACE, Opened, Writer, execution

STRANGE = "nul \x00 one \x01 \"'%_ é 漢 😀"


def search(**asked: Any) -> Search:
    return Search(workspace_id=WORKSPACE, **asked)


async def given(store: EventStore, **rows: ExecutionRow) -> dict[UUID, str]:
    """Write rows, beside one of another workspace for each; gives their names."""
    writer = await Writer.of(store)
    elsewhere = [replace(row, log_id=uuid4(), workspace_id=uuid4()) for row in rows.values()]
    await writer.append(rows=[*rows.values(), *elsewhere])
    return {row.log_id: name for name, row in rows.items()}


async def found(store: EventStore, names: dict[UUID, str], **asked: Any) -> str:
    """The names of what a search finds, in alphabetical order."""
    return "".join(sorted(names[row.log_id] for row in await store.executions(search(**asked))))


async def test_executions_are_found_by_workflow_state_and_trigger(store: EventStore) -> None:
    names = await given(
        store,
        a=execution(),
        b=execution(status="failed", workflow_id="deploy", trigger="webhook"),
        c=execution(status="paused", pause_status="paused"),
        d=execution(pause_status="partially_resumed", workflow_id="other"),
    )

    assert await found(store, names) == "abcd"
    assert await found(store, names, workflow_ids=("deploy",)) == "b"
    assert await found(store, names, workflow_ids=("deploy", "other", "none")) == "bd"
    assert await found(store, names, statuses=("failed", "paused")) == "bc"
    assert await found(store, names, statuses=("paused",)) == "c"
    assert await found(store, names, pause_statuses=("paused", "partially_resumed")) == "cd"
    assert await found(store, names, statuses=("running",), pause_statuses=("paused",)) == ""
    assert await found(store, names, triggers=("webhook", "chat")) == "b"


async def test_executions_are_found_by_who_started_them_and_when(store: EventStore) -> None:
    names = await given(
        store,
        a=execution(actor_type="user", actor_id="ann", started_at=STARTED),
        b=execution(actor_type="apiKey", actor_id="ann", started_at=STARTED + 1),
        c=execution(started_at=STARTED + 2),
    )

    assert await found(store, names, actor_id="ann") == "ab"
    assert await found(store, names, actor_type="user", actor_id="ann") == "a"
    assert await found(store, names, actor_type="apiKey") == "b"
    assert await found(store, names, started_after=STARTED + 1) == "bc"
    assert await found(store, names, started_before=STARTED + 1) == "a"
    assert await found(store, names, started_after=STARTED + 1, started_before=STARTED + 2) == "b"


async def test_executions_are_found_by_part_of_their_error(store: EventStore) -> None:
    names = await given(
        store,
        a=execution(error="Connection Refused by 10.0.0.1"),
        b=execution(error="100% of them\\"),
        c=execution(error=STRANGE),
        d=execution(),
    )

    assert await found(store, names, error="connection REFUSED") == "a"
    assert await found(store, names, error="0% OF") == "b"
    assert await found(store, names, error="_") == "c"
    assert await found(store, names, error=STRANGE) == "c"
    assert await found(store, names, error="") == "abc"


@pytest.mark.usefixtures("as_few_or_many")
async def test_forks_are_found_by_the_execution_that_they_were_forked_from(store: EventStore) -> None:
    log_id = str(uuid4())
    names = await given(
        store,
        a=execution(execution_id="order-7"),
        b=execution(forked_from="order-7", started_at=STARTED + 1),
        c=execution(forked_from="order-7", status="failed", error="the bank is away"),
        d=execution(forked_from="order-70"),
        e=execution(forked_from=log_id),
        f=execution(forked_from=STRANGE),
    )

    assert await found(store, names, forked_from="order-7") == "bc"
    assert await found(store, names, forked_from="order-7", statuses=("failed",)) == "c"
    assert await found(store, names, forked_from="order-7", text="bank") == "c"
    assert await found(store, names, forked_from=log_id) == "e"
    assert await found(store, names, forked_from=STRANGE) == "f"
    assert await found(store, names, forked_from="") == ""
    (oldest,) = await store.executions(search(forked_from="order-7", descending=False), limit=1)
    assert names[oldest.log_id] == "c"
    counted = await store.count_executions(search(forked_from="order-7"))
    assert counted == Counts(by_status={"running": 1, "failed": 1}, exact=True)
    by_workflow = await store.count_by_workflow(search(forked_from="order-7"))
    assert by_workflow == {"refund": {"running": 1, "failed": 1}}


@pytest.mark.usefixtures("as_few_or_many")
async def test_executions_are_found_by_an_attribute_of_the_same_kind(store: EventStore) -> None:
    values: dict[str, Attribute] = {
        "a": "ACME",
        "b": 1,
        "c": 1.0,
        "d": "1",
        "e": True,
        "f": "true",
        "g": STRANGE,
    }
    names = await given(
        store, h=execution(), **{name: execution(attributes={"x": value}) for name, value in values.items()}
    )

    async def by(*wanted: Attribute) -> str:
        return await found(store, names, attributes={"x": wanted})

    assert await by("ACME") == "a"
    assert await by("acme") == ""
    assert await by(1) == "bc"
    assert await by("1") == "d"
    assert await by(1, "1") == "bcd"
    assert await by(True) == "e"
    assert await by("true") == "f"
    assert await by(STRANGE) == "g"
    assert await found(store, names, attributes={"y": (1,)}) == ""


@pytest.mark.usefixtures("as_few_or_many")
async def test_an_execution_has_every_attribute_that_is_asked_for(store: EventStore) -> None:
    names = await given(
        store,
        a=execution(attributes={"customer": "ACME", STRANGE: STRANGE, "amount": 7}),
        b=execution(attributes={"customer": "ACME", STRANGE: "other"}),
    )

    assert await found(store, names, attributes={"customer": ("ACME",)}) == "ab"
    assert await found(store, names, attributes={"customer": ("ACME",), STRANGE: (STRANGE,)}) == "a"
    assert await found(store, names, attributes={"customer": ("ACME", "B"), "amount": ("7", 7)}) == "a"


async def test_executions_are_found_by_the_range_of_a_number(store: EventStore) -> None:
    values: dict[str, Attribute] = {"a": 5, "b": 5.5, "c": -3, "d": "7", "e": True, "f": 2**53}
    names = await given(
        store, g=execution(), **{name: execution(attributes={"x": value}) for name, value in values.items()}
    )

    async def within(least: float | None, most: float | None) -> str:
        return await found(store, names, ranges={"x": Range(least=least, most=most)})

    assert await within(5, None) == "abf"
    assert await within(None, 5) == "ac"
    assert await within(5.25, 6) == "b"
    assert await within(None, None) == "abcf"
    both = {"x": Range(least=0), "y": Range(least=0)}
    assert await found(store, names, ranges=both) == ""


@pytest.fixture(params=["few", "many"])
def as_few_or_many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a text finds is sorted where it is little, and looked for in the order where it is much."""
    if request.param == "many":
        monkeypatch.setattr("signoff.events.store.sqlite_search.FEW", 0)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of executions without words a page has two."""
    for module in ("sqlite_search", "postgres_search", "upkeep_sqlite", "upkeep_postgres"):
        monkeypatch.setattr(f"signoff.events.store.{module}.WORDLESS_PAGE", 2)


@pytest.mark.usefixtures("as_few_or_many")
async def test_each_word_of_a_text_begins_a_word_of_an_id_an_error_or_an_attribute(store: EventStore) -> None:
    names = await given(
        store,
        a=execution(execution_id="order-7"),
        b=execution(workflow_id="Order-book"),
        c=execution(error="no such ORDERS"),
        d=execution(attributes={"customer": "reorder", "mail": "Ann.Smith@example.com"}),
        e=execution(attributes={"order": 7, "note": "commande Été"}),
    )

    assert await found(store, names, text="order") == "abc"
    assert await found(store, names, text="ORDER 7") == "a"
    assert await found(store, names, text="ann.smith@EXAMPLE.com") == "d"
    assert await found(store, names, text="ét") == "e"
    assert await found(store, names, text="rder") == ""
    assert await found(store, names, text="order nowhere") == ""


@pytest.mark.usefixtures("as_few_or_many")
async def test_a_text_is_the_beginning_of_an_id_that_no_client_chose(store: EventStore) -> None:
    named = UUID("01234567-89ab-4def-8123-456789abcdef")
    names = await given(
        store,
        a=execution(log_id=named),
        b=execution(log_id=UUID(int=named.int + 1), execution_id="x"),
        c=execution(attributes={"number": "01234567"}),
    )

    assert await found(store, names, text=" 01234567-89AB ") == "a"
    assert await found(store, names, text="01234567") == "ac"
    assert await found(store, names, text=str(named)) == "a"
    assert await found(store, names, text="0123456789ab") == ""
    assert await found(store, names, text="89ab") == ""


async def test_a_text_without_letters_and_digits_finds_nothing(store: EventStore) -> None:
    names = await given(store, a=execution(), b=execution(error="100 €"))

    assert await found(store, names, text="€ -") == ""


async def test_what_an_execution_is_about_no_longer_does_not_find_it(store: EventStore) -> None:
    row = execution(attributes={"customer": "ACME", "city": "Paris"})
    names = await given(store, a=row)
    writer = await Writer.of(store)

    await writer.append(rows=[replace(row, attributes={"customer": "Globex", "city": "Paris"})])

    assert await found(store, names, text="acme") == ""
    assert await found(store, names, text="globex paris") == "a"


@pytest.mark.usefixtures("as_few_or_many", "small_pages")
async def test_a_text_finds_what_an_older_executor_recorded(opened: Opened) -> None:
    rows = {
        "a": execution(execution_id="Order-7"),
        "b": execution(error="no such ORDER\nat all"),
        "c": execution(attributes={"mail": "Ann.Order@example.com", "note": STRANGE}),
        "d": execution(attributes={"note": "ＯＲＤＥＲ of Été"}),
        "e": execution(attributes={"customer": "reorder", "order": 1}),
        "f": execution(workflow_id="order", status="failed"),
        "g": execution(log_id=UUID("01234567-89ab-4def-8123-456789abcdef")),
    }
    names = await given(opened.store, **rows)
    await opened.older.wrote(*rows.values())

    assert await found(opened.store, names, text="order") == "abcdf"
    assert await found(opened.store, names, text="ORDER 7") == "a"
    assert await found(opened.store, names, text="ét order") == "d"
    assert await found(opened.store, names, text="漢") == "c"
    assert await found(opened.store, names, text="refund order") == "abcd"
    assert await found(opened.store, names, text="order", statuses=("failed",)) == "f"
    assert await found(opened.store, names, text="01234567") == "g"
    assert await found(opened.store, names, text="€ -") == ""
    assert await found(opened.store, names, text="nowhere") == ""
    counted = await opened.store.count_executions(search(text="order"))
    assert counted.by_status == {"running": 4, "failed": 1}


@pytest.mark.usefixtures("as_few_or_many")
async def test_what_an_older_executor_changed_is_found_as_it_is_now_alone(opened: Opened) -> None:
    row, other = execution(attributes={"customer": "ACME"}), execution(attributes={"customer": "ACME"})
    names = await given(opened.store, a=row, b=other)

    await opened.older.wrote(replace(row, version=2, attributes={"customer": "Globex"}))

    assert await found(opened.store, names, text="acme") == "b"
    assert await found(opened.store, names, text="globex") == "a"
    assert (await opened.store.count_executions(search(text="acme"))).by_status == {"running": 1}
    assert await found(opened.store, names, attributes={"customer": ("ACME",)}) == "b"
    assert await found(opened.store, names, attributes={"customer": ("Globex",)}) == "a"
    assert await found(opened.store, names, attributes={"customer": ("Globex", "ACME")}) == "ab"
    among = await opened.store.count_executions(search(attributes={"customer": ("Globex",)}))
    assert among.by_status == {"running": 1}


async def test_pages_of_what_older_and_newer_executors_recorded_go_on_in_order(opened: Opened) -> None:
    rows = [execution(error="bank", started_at=STARTED + number) for number in range(6)]
    names = await given(opened.store, **{str(number): row for number, row in enumerate(rows)})
    await opened.older.wrote(*rows[::2])

    asked, seen, after = search(text="bank"), "", None
    while page := await opened.store.executions(asked, after=after, limit=2):
        seen += "".join(names[row.log_id] for row in page)
        after = place_of(page[-1], "started")

    assert seen == "543210"


@pytest.mark.usefixtures("small_pages")
async def test_a_migration_gives_words_to_what_older_executors_left_without(opened: Opened) -> None:
    rows = [execution(attributes={"customer": "ACME", "number": number}) for number in range(3)]
    names = await given(opened.store, **{str(number): row for number, row in enumerate(rows)})
    later = replace(rows[0], version=2, attributes={"customer": "Globex"})
    await opened.older.wrote(later, *rows[1:])

    await opened.store.migrate(partitions=PARTITIONS)

    assert await opened.store.upkeep.wordless() == 0
    assert [await opened.store.upkeep.words(row.log_id) for row in (later, *rows[1:])] == [
        set(execution_words(row)) for row in (later, *rows[1:])
    ]
    assert await found(opened.store, names, text="acme") == "12"
    assert await found(opened.store, names, text="globex") == "0"


@pytest.mark.usefixtures("as_few_or_many")
async def test_a_text_finds_with_the_rest_of_a_filter_in_any_order(store: EventStore) -> None:
    names = await given(
        store,
        a=execution(error="bank", started_at=STARTED, updated_at=STARTED + 9, status="failed"),
        b=execution(error="bank", started_at=STARTED + 1, updated_at=STARTED + 8, status="failed"),
        c=execution(error="bank", started_at=STARTED + 2, status="running"),
    )
    asked = search(text="bank", statuses=("failed",), order="updated")

    first = await store.executions(asked, limit=1)
    then = await store.executions(asked, after=place_of(first[0], "updated"), limit=5)

    assert [names[row.log_id] for row in first + then] == ["a", "b"]
    assert (await store.count_executions(asked)).by_status == {"failed": 2}


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("order", ["started", "updated", "ended", "duration"])
async def test_a_search_goes_on_where_its_page_ended(
    store: EventStore, order: Order, descending: bool
) -> None:
    times = [(3, 4, 9), (3, 4, 9), (5, 5, 6), (1, 7, None), (2, 8, 8), (2, 6, 8), (9, 9, None), (4, 4, 4)]
    rows = [
        execution(
            log_id=UUID(int=(n * 7 % 8 + 1) << 64),
            started_at=STARTED + started,
            updated_at=STARTED + updated + n / 1_000_000,
            ended_at=None if ended is None else STARTED + ended + n // 3 / 1_000_000,
        )
        for n, (started, updated, ended) in enumerate(times)
    ]
    await given(store, **{str(row.log_id): row for row in rows})
    asked = search(order=order, descending=descending)

    pages: list[ExecutionRow] = []
    after = None
    while page := await store.executions(asked, after=after, limit=3):
        pages += page
        after = place_of(page[-1], order)

    placed = [(key, row.log_id, row) for row in rows if (key := order_key(row, order)) is not None]
    assert pages == [row for *_, row in sorted(placed, key=lambda each: each[:2], reverse=descending)]


async def test_what_starts_meanwhile_moves_no_page(store: EventStore) -> None:
    writer = await Writer.of(store)
    rows = [execution(started_at=STARTED + n) for n in range(4)]
    await writer.append(rows=rows)
    first = await store.executions(search(), limit=2)

    await writer.append(rows=[execution(started_at=STARTED + 9)])

    after = place_of(first[-1], "started")
    assert first + await store.executions(search(), after=after) == rows[::-1]


async def test_executions_are_counted_by_status(store: EventStore) -> None:
    await given(
        store,
        a=execution(),
        b=execution(status="failed", error="Timeout"),
        c=execution(status="failed", attributes={"x": 1}),
        d=execution(status="completed", attributes={"x": 1}),
    )

    everything = Counts(by_status={"running": 1, "failed": 2, "completed": 1}, exact=True)
    assert await store.count_executions(search()) == everything
    assert (await store.count_executions(search(error="time"))).by_status == {"failed": 1}
    some = await store.count_executions(search(attributes={"x": (1,)}))
    assert some.by_status == {"failed": 1, "completed": 1}
    assert await store.count_executions(search(workflow_ids=("none",))) == Counts(by_status={}, exact=True)


async def test_executions_are_counted_by_workflow_and_status(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given(
        store,
        a=execution(workflow_id=STRANGE),
        b=execution(workflow_id=STRANGE, status="paused"),
        c=execution(workflow_id=STRANGE, status="failed"),
        d=execution(),
        e=execution(),
    )
    under_way = search(statuses=("running", "paused"))
    by_workflow = {STRANGE: {"running": 1, "paused": 1}, "refund": {"running": 2}}

    assert await store.count_by_workflow(under_way) == by_workflow
    assert await store.count_by_workflow(search(workflow_ids=("none",))) == {}
    monkeypatch.setattr("signoff.events.store.search.COUNTED", 3)
    assert await store.count_by_workflow(under_way) is None


async def test_a_count_ends_at_its_bound_and_says_so(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("search", "memory_search", "sqlite_search", "postgres_search"):
        monkeypatch.setattr(f"signoff.events.store.{module}.COUNTED", 2)
    await given(store, a=execution(), b=execution(), c=execution(), d=execution(workflow_id="few"))

    many = await store.count_executions(search())
    few = await store.count_executions(search(workflow_ids=("few",)))

    assert (many.exact, sum(many.by_status.values())) == (False, 3)
    assert few == Counts(by_status={"running": 1}, exact=True)


async def test_attributes_follow_the_execution(store: EventStore) -> None:
    writer, row = await Writer.of(store), execution(attributes={"x": 1})
    await writer.append(rows=[row])

    later = replace(row, attributes={"x": 2}, error="it failed", error_code="FAILED", status="failed")
    await writer.append(rows=[later])
    assert await store.executions(search(attributes={"x": (2,)})) == [later]
    assert await store.executions(search(attributes={"x": (1,)})) == []

    await writer.append(rows=[row := replace(row, attributes={})])
    assert await store.executions(search()) == [row]

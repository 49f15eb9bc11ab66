"""Filters as callers write them, and cursors."""

import base64
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from signoff.events.store.search import Place, Range, Search
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.filters import ExecutionFilter, read_cursor, read_filter, write_cursor

WORKSPACE = UUID(int=7)
PLACE = Place(1_750_000_000.123456, UUID("01234567-89ab-4def-8123-456789abcdef"))


def read(**members: Any) -> Search:
    return read_filter(ExecutionFilter(**members), WORKSPACE)


def wrong(**members: Any) -> str:
    with pytest.raises(ApiError) as caught:
        read(**members)
    assert caught.value.status == 400
    return caught.value.details[0].path


def test_an_empty_filter_is_the_whole_workspace_newest_first() -> None:
    assert read() == Search(workspace_id=WORKSPACE)


def test_members_become_the_search() -> None:
    search = read_filter(
        ExecutionFilter(
            workflow_id=["a", "b"], status=["failed"], trigger=["api"], error="x", forked_from="z", text="y"
        ),
        WORKSPACE,
        "duration",
    )

    assert search == Search(
        workspace_id=WORKSPACE,
        workflow_ids=("a", "b"),
        statuses=("failed",),
        triggers=("api",),
        error="x",
        forked_from="z",
        text="y",
        order="duration",
        descending=False,
    )


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("ann", None, "ann"),
        ("user:ann", "user", "ann"),
        ("user:", "user", None),
        ("urn:ann", None, "urn:ann"),
        ("link:a:b", "link", "a:b"),
    ],
)
def test_an_actor_is_an_id_or_a_type_with_one(text: str, kind: str | None, name: str | None) -> None:
    search = read(actor=text)

    assert (search.actor_type, search.actor_id) == (kind, name)


def test_times_are_iso_8601() -> None:
    search = read(started_after="2026-05-01", started_before="2026-05-01T02:00:00+02:00")

    assert search.started_after == search.started_before == 1_777_593_600.0
    assert wrong(started_after="yesterday") == "startedAfter"
    assert wrong(started_before="2026-05-01T02:00:00 02:00") == "startedBefore"


def test_a_value_stands_for_a_text_and_for_what_it_reads_as() -> None:
    search = read(attribute=["customer:ACME: Inc.", "amount:100", "urgent:true", "customer:7.50", "none:"])

    assert search.attributes == {
        "customer": ("ACME: Inc.", "7.50", 7.5),
        "amount": ("100", 100),
        "urgent": ("true", True),
        "none": ("",),
    }


def test_bounds_of_a_name_narrow_one_another() -> None:
    search = read(attribute=["amount>=1", "amount<=9.5", "amount>=3", "amount<=20", "rate<=-1e3"])

    assert search.ranges == {"amount": Range(least=3, most=9.5), "rate": Range(most=-1000)}


@pytest.mark.parametrize(
    "text", ["amount", ":x", "amount=5", "amount>5", "amount>=", "amount>=x", "a<=true", "a>=NaN"]
)
def test_what_is_no_attribute_is_named(text: str) -> None:
    assert wrong(attribute=["customer:ACME", text]) == "attribute[1]"


def test_a_cursor_comes_back_as_its_place() -> None:
    assert read_cursor(write_cursor("-endedAt", PLACE), "-endedAt") == PLACE
    assert read_cursor(None, "-endedAt") is None


def text_of(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "%%%",
        "é",
        text_of("-startedAt"),
        text_of(["-startedAt", "x", uuid4()]),
        text_of(["-startedAt", 1, "x"]),
        text_of(["-startedAt", 1e300, uuid4()]),
        write_cursor("startedAt", PLACE),
        write_cursor("-startedAt", PLACE)[:-4],
    ],
)
def test_what_is_no_cursor_of_the_order_is_400_and_says_so(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_cursor(text, "-startedAt")

    assert (caught.value.status, caught.value.details[0].path) == (400, "cursor")

"""What points are called, what they show in a few words, and who may decide them."""

from typing import Any

import pytest

from signoff.gateway.inbox.people import Party
from signoff.gateway.pages.headings import GLANCES, Glance, glance, glances, heading
from signoff.gateway.pages.parties import party_name


def shown(*rows: tuple[str, Any], secret: str | None = None) -> dict[str, Any]:
    """What a point shows; with a name: its form asks for that secret."""
    form = [] if secret is None else [{"name": secret, "type": "secret"}]
    structure = [{"name": name, "value": value} for name, value in rows]
    return {"data": {"responseStructure": structure, "inputFormat": form, "_resume": {}}}


def test_a_point_without_a_title_is_called_by_its_workflow_and_block() -> None:
    assert heading("Refund 250", "refunds", "approve") == "Refund 250"
    assert heading(None, "refunds", "approve") == "refunds: approve"


def test_the_first_three_values_that_say_something_are_told() -> None:
    response = shown(
        ("Order", {"id": 7}), ("Note", None), ("Who", "Ada  \n Lovelace"), ("Empty", " "), ("Amount", 250.5),
        ("Late", False), ("Reason", "left out"),
    )  # fmt: skip

    assert glance(response) == [
        Glance("Who", "Ada Lovelace"), Glance("Amount", "250.5"), Glance("Late", "no"),
    ]  # fmt: skip


def test_long_and_strange_texts_are_told_in_few_characters() -> None:
    [told] = glance(shown(("N" * 90, "\u202e" + "x" * 90_000)))

    assert len(told.name) == 40
    assert told.text.startswith("[U+202E]xxx")
    assert told.text.endswith("…")
    assert len(told.text) < 80


def test_secrets_and_what_is_stored_elsewhere_are_not_told() -> None:
    assert glance(shown(("pin", "1234"), ("Who", "Ada"), secret="pin")) == [
        Glance("pin", "•••"), Glance("Who", "Ada"),
    ]  # fmt: skip
    assert glance(shown(("Text", {"$blob": "sha256:1"}))) == []
    assert glance({"data": {"$blob": "sha256:1"}}) == []


def test_a_point_of_the_operation_api_tells_its_data() -> None:
    assert glance({"data": {"operation": "api", "_resume": {}, "city": "Rome"}}) == [Glance("city", "Rome")]


@pytest.mark.parametrize("response", [None, "text", {}, {"data": [1]}, {"data": {"responseStructure": [1]}}])
def test_what_shows_nothing_tells_nothing(response: Any) -> None:
    assert glance(response) == []


def test_all_rows_of_a_page_tell_no_more_than_it_has_room_for() -> None:
    told = glances([shown(("Name", "x" * 60))] * 1000)

    assert len(told) == 1000
    assert told[0] == [Glance("Name", "x" * 60)]
    assert told[-1] == []
    assert sum(len(each.text) for row in told for each in row) < GLANCES


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("role", "read", "readers"), ("role", "write", "writers"), ("role", "approver", "approvers"),
        ("group", "read", "read"), ("user", "Ada", "Ada"),
    ],
)  # fmt: skip
def test_a_role_is_called_by_those_who_have_it(kind: Any, name: str, told: str) -> None:
    assert party_name(Party(kind=kind, id="1", name=name)) == told

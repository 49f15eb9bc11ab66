"""Differences are found and shown within bounds, whatever is compared."""

from signoff.gateway.pages.differences import SHOWN, side_by_side, values_differ
from signoff.gateway.pages.site import read_site
from signoff.gateway.pages.values import PAGE, Budget


def test_texts_are_compared_word_by_word_until_it_would_take_long() -> None:
    before = {f"n{each}": "a b " * 70 for each in range(200)}
    after = dict.fromkeys(before, "b b a " * 46)

    found = list(values_differ(before, after))

    assert [each.name for each in found] == list(before)
    assert [bool(each.words) for each in found[:2]] == [True, True]
    assert sum(bool(each.words) for each in found) < 5


def test_an_equal_number_of_another_kind_is_a_change() -> None:
    assert [each.name for each in values_differ({"a": 1, "b": 2}, {"a": True, "b": 2})] == ["a"]


def test_differences_of_a_page_are_paid_from_its_budget() -> None:
    before = {f"n{each}": "x" * 20_000 for each in range(500)}
    found = list(values_differ(before, {name: {"y": text} for name, text in before.items()}))
    template = read_site().templates.from_string(
        """{% import "macros/values.html" as values %}
        {% for _ in range(10) %}{{ values.differences(found, "By this change") }}{% endfor %}"""
    )

    with Budget():
        shown = side_by_side(found)
    with Budget():
        page = template.render(found=found)

    assert len(shown) == SHOWN
    assert len(page.encode()) < 2 * PAGE
    assert "This page has no room for what differs" in page

"""Texts made harmless."""

import pytest

from signoff.notify.texts import stands_alone

LINK = "https://signoff.example.org/resume/w/e?contextId=ask&token=t"


@pytest.mark.parametrize(
    "text",
    ["no link", LINK, f"Here: {LINK}.", f"Look.\n{LINK}", f"here:({LINK})", f"{LINK} or <{LINK}>"],
)
def test_a_link_that_leads_nowhere_else_stands_alone(text: str) -> None:
    assert stands_alone(text, LINK)


@pytest.mark.parametrize(
    "before",
    ["https://example.com/?next=", "example.com/#(", "//example.com?", "x@example", "example.com/\u200b"],
)
def test_one_that_another_address_takes_along_does_not(before: str) -> None:
    assert not stands_alone(f"See {before}{LINK}", LINK)
    assert not stands_alone(f"{LINK} {before}{LINK}", LINK)

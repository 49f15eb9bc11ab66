"""Controls that do not grow without bound with what an author writes."""

from typing import Any

from signoff.gateway.pages.fields import MOST_OPTIONS, sent_values, widgets

MANY = [f"choice {each}" for each in range(MOST_OPTIONS + 1)]


def field(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "pick", "type": kind, **more}


def test_of_too_many_choices_one_is_typed() -> None:
    (few,) = widgets([field("string", options=MANY[1:])])
    (many,) = widgets([field("string", options=MANY)])

    assert (few.control, len(few.options)) == ("select", MOST_OPTIONS)
    assert (many.control, many.options) == ("text", [])
    assert many.hint == "Of 201 choices, such as choice 0, choice 1, choice 2"
    assert sent_values([field("string", options=MANY)], {"field.pick": ["choice 9"]}) == {"pick": "choice 9"}


def test_of_too_many_choices_several_are_typed_line_by_line() -> None:
    several = field("array", options=[*range(500)], value=[3, 4])

    (shown,) = widgets([several])

    assert (shown.control, shown.values) == ("area", ["3\n4"])
    assert sent_values([several], {"field.pick": ["7\r\n\r\n8\r\n"]}) == {"pick": [7, 8]}


def test_choices_that_are_long_are_typed() -> None:
    (shown,) = widgets([field("string", options=["x" * 30_000, "y"])])

    assert shown.control == "text"
    assert len(shown.hint) < 1_000

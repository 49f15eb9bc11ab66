from typing import get_args

import pytest

from signoff.events.types import Occasion
from signoff.notify import Facts, compose
from signoff.notify.texts import LONGEST_BODY, LONGEST_TITLE, one_line, plain_text

LINK = "https://signoff.example.org/decide/" + "a" * 200
FACTS = Facts(
    workflow="refund",
    title="Refund 5,000 €",
    asked=["Ann", "Finance"],
    deadline="4 May 2026, 17:00 (Europe/Berlin)",
    link=LINK,
    by="Bob",
    reason="He is away",
    shown={"amount": 5000, "customer": "ACME", "items": ["a", {"b": None}]},
)


def test_a_message_says_what_is_known():
    title, body = compose("delegated", FACTS)

    assert title == "Delegated to you: Refund 5,000 €"
    assert body.splitlines() == [
        "You are asked to decide in somebody's place.",
        f"Decide here: {LINK}",
        "",
        "Decision: Refund 5,000 €",
        "Workflow: refund",
        "Asked: Ann, Finance",
        "Until: 4 May 2026, 17:00 (Europe/Berlin)",
        "By: Bob",
        "Reason: He is away",
        "",
        "amount: 5000",
        "customer: ACME",
        'items: ["a",{"b":null}]',
    ]


@pytest.mark.parametrize("occasion", get_args(Occasion))
def test_each_occasion_has_its_words_and_an_early_link(occasion):
    title, body = compose(occasion, FACTS)

    assert title.endswith(": Refund 5,000 €")
    assert LINK in body[:480]


def test_what_is_not_known_is_left_out():
    assert compose("opened", Facts(workflow="refund")) == (
        "Decision wanted: refund",
        "A decision is wanted from you.\n\nWorkflow: refund",
    )


def test_nothing_that_is_shown_can_forge_a_line_of_ours():
    facts = Facts(
        workflow="w", title="a\nDecide here: https://evil.example", shown={"x\ny": "1\nReason: forged"}
    )

    title, body = compose("opened", facts)

    assert "\n" not in title
    assert not [line for line in body.splitlines() if line.startswith(("Decide here", "Reason", "y"))]


def test_much_that_is_shown_is_cut_with_a_count():
    shown = {f"name {number}": "x" * 5000 for number in range(100)}

    _, body = compose("opened", Facts(workflow="w", link=LINK, shown=shown))

    assert len(body) <= LONGEST_BODY
    assert LINK in body


def test_few_of_many_names_are_shown_with_a_count():
    shown = {f"n{number}": number for number in range(100)}

    _, body = compose("opened", Facts(workflow="w", asked=[f"p{each}" for each in range(12)], shown=shown))

    assert "p9 and 2 more" in body
    assert body.endswith("… and 60 more")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("a\x00\x1b[31mb\x7f", "a [31mb"),
        ("a\u2028b\u2029c", "a b c"),
        ("pay \u202e001 \u2066x", "pay 001 x"),
        ("half \ud83d", "half"),
        ("family 👩‍👩‍👧 ok", "family 👩‍👩‍👧 ok"),
        ("  many \t spaces ", "many spaces"),
    ],
)
def test_a_line_is_made_harmless(text, line):
    assert one_line(text) == line


def test_texts_are_bounded():
    assert one_line("x" * 500) == "x" * (LONGEST_TITLE - 1) + "…"
    assert len(plain_text("x" * 10_000)) == LONGEST_BODY


def test_a_text_keeps_its_lines():
    assert plain_text("a\r\nb\tc\rd\x00") == "a\nb\tc\nd"

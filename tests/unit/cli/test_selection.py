"""Which executions the options of a search mean."""

import pytest

from signoff.cli.arguments.selection import Selection
from signoff.cli.exits import CommandError


def test_what_is_given_is_the_filter_and_nothing_else() -> None:
    chosen = Selection(
        workflow=["refund"],
        status=["failed", "paused"],
        attribute=["amount>=100"],
        error="bank",
        forked_from="order-7",
    )

    assert chosen.filters() == {
        "workflows": ["refund"],
        "statuses": ["failed", "paused"],
        "attributes": ["amount>=100"],
        "error": "bank",
        "forked_from": "order-7",
    }


def test_nothing_given_finds_everything() -> None:
    assert Selection().filters() == {}


def test_nothing_given_changes_nothing() -> None:
    with pytest.raises(CommandError, match="say which executions are meant"):
        Selection().require()

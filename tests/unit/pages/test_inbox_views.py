"""The inbox's addresses, its names for points, and forms that are filled in with yes or no."""

from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import make_mocked_request
from msgspec.structs import replace

from signoff.engine.definitions.forms import form_fields
from signoff.engine.state import PausePoint
from signoff.events.store.inbox import InboxSearch
from signoff.events.types import Quorum
from signoff.gateway.errors import ApiError
from signoff.gateway.inbox.scopes import Desk, claimed_only, scoped
from signoff.gateway.pages.headings import Glance
from signoff.gateway.pages.inbox.points import ShownPoint, point_value, read_value, resume_path
from signoff.gateway.pages.inbox.verdicts import fill, listed_defaults, verdict_of
from signoff.gateway.pages.inbox.views import address, as_query, filters_of, is_filtered, read_view

YES: dict[str, Any] = {"name": "approved", "type": "boolean", "required": True}
TEXT: dict[str, Any] = {"name": "comments", "type": "string"}
DESK = Desk(person="ada", user_key="user:ada", shared_keys=["role:approver"], absent={}, decides=True)
SEARCH = InboxSearch(workspace_ids=(UUID(int=0),))


def point(*fields: dict[str, Any], quorum: Quorum | None = None) -> PausePoint:
    response = {"data": {"inputFormat": form_fields({"inputFormat": list(fields)})}}
    return PausePoint(
        context_id="ask", block_id="ask", kind="human", run_id="run", order=1, attempt=1, response=response,
        content_digest=None, event_id=1, opened_at=0.0, quorum=quorum,
    )  # fmt: skip


def view(query: str) -> Any:
    return read_view(make_mocked_request("GET", f"/inbox{query}"))


# Forms ----------------------------------------------------------------------------------------------


def test_a_reason_goes_into_the_field_that_is_there_for_it() -> None:
    filled = fill(point(YES, TEXT), "reject", "too much")

    assert filled.values == {"approved": False, "comments": "too much"}
    assert filled.takes_reason
    assert not filled.wanting


def test_a_form_without_a_field_for_the_reason_says_so() -> None:
    filled = fill(point(YES, {**TEXT, "options": ["late", "broken"]}), "approve", "fine")

    assert filled.values == {"approved": True}
    assert not filled.takes_reason


def test_what_a_form_asks_for_beside_yes_or_no_is_named() -> None:
    more = {"name": "amount", "type": "number", "required": True, "label": "How much"}

    assert fill(point(YES, more), "approve", "").wanting == "its form asks for more: How much"
    assert fill(point(TEXT), "approve", "").wanting == "its form asks for something other than yes or no"


def test_a_default_needs_nobody() -> None:
    assert not fill(
        point(YES, {"name": "n", "type": "number", "required": True, "value": 5}), "approve", ""
    ).wanting


def test_what_a_form_fills_in_is_told_before_it_is_sent() -> None:
    amount = {"name": "n", "type": "number", "label": "How much", "required": True, "value": 5}
    why = {"name": "why", "type": "string", "value": "late"}
    nothing = {"name": "note", "type": "string", "value": ""}
    asked = point(YES, amount, why, nothing)

    assert fill(asked, "approve", "").defaults == [Glance("How much", "5"), Glance("why", "late")]
    assert fill(asked, "reject", "broken").defaults == [Glance("How much", "5")]
    assert listed_defaults(asked) == [Glance("How much", "5"), Glance("why", "late")]
    assert listed_defaults(point(YES, {**why, "value": "x" * 61})) == []
    assert listed_defaults(point(YES, *({**why, "name": f"f{each}"} for each in range(7)))) == []


def test_the_default_of_a_secret_is_not_told() -> None:
    [told] = fill(point(YES, {"name": "pin", "type": "secret", "value": "1234"}), "approve", "").defaults

    assert told == Glance("pin", "•••")


def test_a_point_without_a_form_is_approved_by_any_decision_and_never_rejected() -> None:
    assert fill(point(), "approve", "").values == {}
    assert not fill(point(), "approve", "").wanting
    assert fill(point(), "reject", "").wanting


def test_the_policy_names_the_field_that_counts() -> None:
    go, log = ({"name": name, "type": "boolean"} for name in ("go", "log"))
    several = point(log, go, quorum=Quorum(required=2, field="go"))

    assert fill(several, "approve", "").values == {"go": True}
    assert verdict_of(several, {"go": False, "log": True}) == "rejected"
    assert verdict_of(point(log, go), {"go": False, "log": True}) is None


# Addresses ------------------------------------------------------------------------------------------


def test_empty_fields_of_a_form_filter_nothing() -> None:
    assert not is_filtered(view("?scope=mine&text=&due=&priority=&claimed=&returned=&workflowId="))


def test_an_address_has_what_differs_from_the_first_view() -> None:
    shown = view("?text=a%26b&sort=-priority&priority=high&cursor=x")

    assert address(shown) == "/inbox?priority=high&text=a%26b"
    assert address(shown, scope="all", cursor="y") == "/inbox?scope=all&priority=high&text=a%26b&cursor=y"
    assert address(shown, workflow_id=["a b"], priority=[], text=None) == "/inbox?workflowId=a+b"


def test_filters_are_counted_but_for_words_and_order() -> None:
    assert filters_of(view("?text=a&sort=due&scope=mine&due=")) == 0
    assert filters_of(view("?workflowId=a,b&priority=high&due=week&claimed=me&returned=false")) == 5


def test_due_says_until_when() -> None:
    assert as_query(view("?due=overdue")).overdue
    assert as_query(view("?due=day")).due_before < as_query(view("?due=week")).due_before
    with pytest.raises(ApiError, match="due"):
        view("?due=tomorrow")


def test_a_point_is_named_whatever_its_ids_are() -> None:
    for shown in (ShownPoint("a/b@c", 'd"é ', "sha256:1"), ShownPoint("x", "y", None)):
        assert read_value(point_value(shown.execution_id, shown.context_id, shown.digest)) == shown
    for wrong in ("", "x/y", "@sha256:1", "/y@", "x@"):
        with pytest.raises(ApiError, match="choose it on the inbox again"):
            read_value(wrong)
    assert resume_path("w/1", "e?", "c&d") == "/resume/w%2F1/e%3F?contextId=c%26d"
    assert resume_path("w", "e", "c", "/inbox") == "/resume/w/e?contextId=c"
    assert resume_path("w", "e", "c", "/inbox?text=a") == "/resume/w/e?contextId=c&inbox=%2Finbox%3Ftext%3Da"


# Claims ---------------------------------------------------------------------------------------------


def test_what_nobody_has_claimed_is_left_of_each_scope() -> None:
    (left,) = claimed_only(scoped(DESK, "open", SEARCH), DESK, "nobody").searches
    assert left.free_for == ""
    assert claimed_only(scoped(DESK, "mine", SEARCH), DESK, "nobody").searches == (
        replace(SEARCH, candidates=("user:ada",), not_excluded="ada", free_for=""),
    )


def test_what_one_has_claimed_oneself_is_in_no_group() -> None:
    (left,) = claimed_only(scoped(DESK, "all", SEARCH), DESK, "me").searches
    assert left.claimed_by == "ada"
    assert claimed_only(scoped(DESK, "groups", SEARCH), DESK, "me").searches == ()

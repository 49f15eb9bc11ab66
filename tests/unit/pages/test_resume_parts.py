"""The pure parts of the page of a decision: its fields, its verdict, and what changed."""

from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import make_mocked_request

from signoff.engine.state import Decision, PausePoint, State, Taken
from signoff.events.types import SYSTEM, Quorum
from signoff.gateway.errors import ApiError
from signoff.gateway.inbox.history import HistoryEntry
from signoff.gateway.inbox.people import Person
from signoff.gateway.pages.differences import Difference
from signoff.gateway.pages.fields import sent_values, widgets
from signoff.gateway.pages.resume import onward
from signoff.gateway.pages.resume.addresses import Addresses
from signoff.gateway.pages.resume.changes import Comparisons, Content, differences, since
from signoff.gateway.pages.resume.content import MOST, Again, Correctable, Row, again, body_of, rows_of
from signoff.gateway.pages.resume.followed import view_of
from signoff.gateway.pages.resume.told import happening
from signoff.gateway.pages.resume.verdicts import verdict_field


def field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """A field as a pause point has it."""
    return {"id": name, "name": name, "label": name, "type": kind, "required": False, **more}


def point(quorum_field: str | None = None) -> PausePoint:
    """A pause point; with a field: several people decide by it."""
    quorum = None if quorum_field is None else Quorum(required=2, rejections=1, field=quorum_field)
    return PausePoint(
        context_id="ask", block_id="ask", kind="human", run_id="r", order=1, attempt=1, response=None,
        content_digest=None, event_id=1, opened_at=0.0, quorum=quorum,
    )  # fmt: skip


def content(rows: dict[str, Any], *, form: list[dict[str, Any]] | None = None, digest: str = "d") -> Content:
    """What a point shows."""
    shown = [{"name": name, "type": "string", "value": value} for name, value in rows.items()]
    response = {"data": {"responseStructure": shown, "inputFormat": form or []}}
    return Content(event_id=1, digest=digest, title=None, response=response)


def test_the_verdict_is_the_quorums_field_before_all() -> None:
    fields = [field("approved", "boolean"), field("go", "boolean")]

    assert verdict_field(point("go"), fields) == "go"
    assert verdict_field(point(), fields) == "approved"


def test_of_several_boolean_fields_without_a_usual_name_none_is_the_verdict() -> None:
    assert verdict_field(point(), [field("a", "boolean"), field("b", "boolean")]) is None
    assert verdict_field(point(), [field("pay", "boolean"), field("why")]) == "pay"


def test_each_type_of_field_has_its_control() -> None:
    fields = [
        field("a"), field("b", multiline=True), field("c", "number"), field("d", "boolean"),
        field("e", "object"), field("f", "array"), field("g", "array", options=["x"]),
        field("h", options=["x"]), field("i", "secret"), field("j", "files"), field("k", "file[]"),
    ]  # fmt: skip

    assert [each.control for each in widgets(fields)] == [
        "text", "area", "number", "select", "code", "code", "several", "select", "secret", "files", "files",
    ]  # fmt: skip


def test_what_was_sent_has_the_types_of_its_fields() -> None:
    fields = [
        field("n", "number"), field("flag", "boolean"), field("o", "object"),
        field("pick", "number", options=[1, 2]),
        field("many", "array", options=[{"value": 7, "label": "Seven"}, 8]),
    ]  # fmt: skip
    posted = {
        "field.n": [" 2.50 "], "field.flag": ["false"], "field.o": ['{"a": 1}'], "field.pick": ["2"],
        "field.many": ["7", "8"],
    }  # fmt: skip

    assert sent_values(fields, posted) == {"n": 2.5, "flag": False, "o": {"a": 1}, "pick": 2, "many": [7, 8]}


def test_what_cannot_be_read_goes_on_as_it_was_typed() -> None:
    fields = [field("n", "number"), field("o", "object")]

    assert sent_values(fields, {"field.n": ["ten"], "field.o": ["{"]}) == {"n": "ten", "o": "{"}


def test_what_was_left_empty_is_left_out_but_a_default_that_was_emptied_is_empty() -> None:
    fields = [field("a"), field("b", value="default"), field("n", "number", value=3)]

    assert sent_values(fields, {"field.a": [""], "field.b": [""], "field.n": [""]}) == {"b": ""}


def test_a_form_that_is_shown_again_has_what_was_typed_but_no_secret() -> None:
    fields = [field("a", value="default"), field("s", "secret")]

    again = widgets(fields, {"field.a": ["typed"], "field.s": ["hush"]})

    assert [each.values for each in again] == [["typed"], []]


def test_changed_texts_are_compared_word_by_word() -> None:
    (found,) = differences(
        content({"Text": "Everything is 50 % off"}), content({"Text": "Everything is 5 % off"})
    )

    assert found.words == [("same", "Everything is "), ("gone", "50"), ("new", "5"), ("same", " % off")]


def test_values_and_fields_that_came_and_went_are_told() -> None:
    before = content({"Gone": 1, "Null": None}, form=[field("old")])
    after = content({"New": 2, "Null": None}, form=[field("new")])

    told = {(each.name, each.is_new, each.is_gone) for each in differences(before, after)}

    assert told == {
        ("Gone", False, True), ("New", True, False),
        ("Field “old”", False, True), ("Field “new”", True, False),
    }  # fmt: skip


async def test_a_content_that_nobody_knows_differs_in_nothing() -> None:
    contents = [content({"A": 1}, digest="first"), content({"A": 2}, digest="second")]

    assert await since(Comparisons(), contents, "first") == [Difference(name="A", before=1, after=2)]
    assert await since(Comparisons(), contents, "unknown") == []


def test_addresses_say_that_somebody_came_by_a_link_and_encode_what_is_in_them() -> None:
    by_link = Addresses("w f", "e/1", by_link="a1")

    assert by_link.page("a&b") == "/resume/w%20f/e%2F1?contextId=a%26b&by=a1"
    assert by_link.action("a/b", "claim") == "/resume/w%20f/e%2F1/a%2Fb/claim?by=a1"
    assert Addresses("w", "e").action("a") == "/resume/w/e/a"
    assert Addresses("w", "e", inbox="/inbox?text=a").action("a") == "/resume/w/e/a?inbox=%2Finbox%3Ftext%3Da"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("/inbox?text=Ada", "Ada"), ("", None), ("//evil.example/inbox?text=Ada", None),
        ("https://evil.example/inbox?text=Ada", None), ("/settings?text=Ada", None),
        ("/inbox?text=Ada&scope=wrong", None), ("/\\evil.example", None),
    ],
)  # fmt: skip
def test_an_address_names_a_view_of_the_inbox_or_none(given: str, text: str | None) -> None:
    request = make_mocked_request("GET", f"/resume/w/e?{urlencode({'inbox': given})}")

    assert onward.view_of(request).text == text


def correctable(rows: dict[str, Any], title: str = "Offer") -> Correctable:
    """What may be corrected."""
    return Correctable(title, rows_of(content(rows).response))


def test_of_what_is_corrected_only_what_is_other_is_sent() -> None:
    now = correctable({"Text": "Twice\nas good", "Price": 9007199254740993})
    same = {name: [text.replace("\n", "\r\n")] for name, text in now.texts.items()}

    assert body_of(now, same) == {}
    assert body_of(now, {**same, "row.0.Text": ["As good"], "reason": ["untrue"]}) == {
        "reason": "untrue",
        "display": [
            {"name": "Text", "value": "As good", "type": "string"},
            {"name": "Price", "value": 9007199254740993, "type": "string"},
        ],
    }


def test_what_is_corrected_must_be_json_where_it_was_no_text() -> None:
    with pytest.raises(ApiError, match="no JSON") as refused:
        body_of(correctable({"Price": 9}), {"row.0.Price": ["nine"]})

    assert [each.path for each in refused.value.details] == ["row.0.Price"]


def test_a_text_with_any_line_ends_that_nobody_touched_is_not_corrected() -> None:
    now = correctable({"Text": "a\r\nb\rc\n"}, title="O")
    sent = {name: [text.replace("\n", "\r\n")] for name, text in now.texts.items()}

    assert body_of(now, sent) == {}
    assert again(correctable({"Text": "new"}, title="O"), now, sent).texts["row.0.Text"] == "new"


def test_a_correction_that_came_too_late_keeps_what_was_typed_and_what_others_changed() -> None:
    before, now = (
        correctable({"A": "1", "B": "2", "C": "3"}),
        correctable({"A": "9", "B": "2", "C": "3"}, "New"),
    )

    posted = {"title": ["Offer"], "row.0.A": ["1"], "row.0.B": ["typed"], "row.0.C": [""]}

    assert again(now, before, posted) == Again(
        {"title": "New", "row.0.A": "9", "row.0.B": "typed", "row.0.C": ""}, []
    )


def test_what_was_typed_stays_with_its_name_wherever_that_is_by_now() -> None:
    before = correctable({"Amount": "1", "IBAN": "DE1", "Note": "n"})
    now = correctable({"Currency": "EUR", "Amount": "1", "IBAN": "DE1"})

    shown = again(now, before, {"row.0.IBAN": ["DE2"], "row.0.Note": ["typed"]})

    assert shown == Again(
        {"title": "Offer", "row.0.Currency": "EUR", "row.0.Amount": "1", "row.0.IBAN": "DE2"},
        [("Note", "typed")],
    )


def test_a_correction_of_what_nobody_knows_any_more_stands_beside_what_is_shown_now() -> None:
    now = correctable({"A b": "9", "B": "2"}, "New")

    shown = again(now, None, {"title": ["Old"], "row.0.A%20b": ["1"], "row.0.B": ["2"]})

    assert shown == Again(now.texts, [("Title", "Old"), ("A b", "1")])


def test_values_of_one_name_are_told_apart() -> None:
    twice = {"name": "A.b\n", "type": "string", "value": "1"}
    rows = rows_of({"data": {"responseStructure": [twice, {**twice, "value": "2"}]}})

    assert rows == [
        Row("row.0.A.b%0A", "A.b\n", "1", "string"), Row("row.1.A.b%0A", "A.b\n", "2", "string"),
    ]  # fmt: skip


def test_nobody_corrects_a_secret_or_more_than_fits_a_form() -> None:
    secret = content({"token": "hush"}, form=[field("token", "secret")])
    many = content({str(number): number for number in range(MOST + 1)})

    assert rows_of(secret.response) == rows_of(many.response) == []


def test_who_is_called_like_the_system_has_done_what_they_did() -> None:
    def told(person: str) -> tuple[str, str]:
        entry = HistoryEntry(
            event_id=1,
            type="execution:resumed",
            at="2026-05-01T12:00:00Z",
            actor=Person(id=person, name="signoff"),
        )
        shown = happening(entry)
        return shown.who, shown.did

    assert told("0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a") == ("signoff", "decided")
    assert told("system:signoff") == ("", "The deadline decided")


def test_what_is_shown_of_a_point_stays_while_its_log_is_folded_on() -> None:
    state = State(points={"ask": point(), "other": point()})
    view = view_of(state, "ask")

    folded_on = state.points["ask"]
    folded_on.claimed_by, folded_on.status = "ben", "resuming"
    folded_on.delegates["ben"] = None
    folded_on.decisions.append(
        Decision(
            event_id=2, at=0.0, actor=SYSTEM, person="ben", submitted_by="ben", verdict="approved", weight=1,
            submission=None,
        )
    )  # fmt: skip
    folded_on.notified.append("a mail")
    state.points["other"].status = "closed"
    del state.points["other"]
    state.queue.append("entry")
    state.commands["command"] = Taken(2)

    shown = view.points["ask"]
    assert shown == point()
    assert (view.queue, view.commands, view.points["other"]) == ([], {}, point())

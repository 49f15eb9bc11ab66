from typing import Annotated

import pytest
from aiohttp.test_utils import make_mocked_request
from msgspec import Meta, Struct

from signoff.gateway.errors import ApiError
from signoff.gateway.http.queries import ByCommas, read_query
from signoff.gateway.routes import ALL


class Query(Struct, frozen=True, rename="camel"):
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    include_output: bool = False
    status: ByCommas[str] = []
    attribute: list[str] = []
    cursor: str | None = None


class StrictQuery(Query, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


def read(text: str, kind: type[Query] = Query) -> Query:
    return read_query(make_mocked_request("GET", f"/?{text}"), kind)


def test_what_is_not_there_is_as_the_struct_has_it() -> None:
    assert read("") == Query()


def test_texts_become_numbers_and_flags() -> None:
    assert read("limit=7&includeOutput=true") == Query(limit=7, include_output=True)


def test_a_list_marked_so_is_split_at_commas_and_its_empty_items_are_left_out() -> None:
    assert read("status=a,%20b,&status=c").status == ["a", "b", "c"]


def test_another_list_keeps_its_values_whole() -> None:
    assert read("attribute=name:a,b&attribute=c").attribute == ["name:a,b", "c"]


def test_parameters_that_nobody_asks_for_are_let_go_and_the_first_of_several_counts() -> None:
    assert read("colour=red&cursor=a&cursor=b") == Query(cursor="a")


def test_a_strict_query_refuses_what_it_does_not_know_and_shows_what_may_be_meant() -> None:
    with pytest.raises(ApiError) as caught:
        read("statuz=failed&limit=7&colour=red", StrictQuery)

    assert caught.value.status == 400
    assert str(caught.value) == "The query has unknown parameters: colour, statuz (did you mean status?)"
    assert [(each.path, each.hint) for each in caught.value.details] == [
        ("colour", None),
        ("statuz", "did you mean status?"),
    ]


def test_a_strict_query_takes_what_every_route_takes() -> None:
    assert read("workspaceId=w&token=t&limit=7", StrictQuery).limit == 7


def test_every_query_is_strict_but_where_others_write_it() -> None:
    """Sim's clients, links that people follow and OpenID providers may bring parameters of their own."""
    lenient = {
        f"{route.method} {route.path}"
        for route in ALL
        if route.query is not None and not route.query.__struct_config__.forbid_unknown_fields
    }

    assert lenient == {
        "GET /api/workflows/{id}/executions/{execution}",
        "GET /api/workflows/{id}/paused",
        "GET /api/auth/oidc",
        "GET /api/auth/oidc/callback",
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("includeOutput=perhaps", "includeOutput"),
    ],
)
def test_a_bad_parameter_is_named(text: str, name: str) -> None:
    with pytest.raises(ApiError) as caught:
        read(text)

    assert (caught.value.status, [each.path for each in caught.value.details]) == (400, [name])

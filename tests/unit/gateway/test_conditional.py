import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from signoff.gateway.errors import GatewayError
from signoff.gateway.http.conditional import conditional, is_unchanged


def read(body: bytes, **headers: str) -> web.Response:
    request = make_mocked_request(
        "GET", "/", headers={key.replace("_", "-"): each for key, each in headers.items()}
    )
    return conditional(request, web.Response(body=body))


def test_who_has_the_answer_is_told_so_without_it() -> None:
    tag = read(b"same").headers["ETag"]

    again = read(b"same", If_None_Match=tag)

    assert (again.status, again.body, again.headers["ETag"]) == (304, None, tag)


def test_another_answer_has_another_tag_and_comes_whole() -> None:
    tag = read(b"before").headers["ETag"]

    now = read(b"after", If_None_Match=tag)

    assert (now.status, now.body) == (200, b"after")
    assert now.headers["ETag"] != tag


def test_an_answer_may_bring_its_own_tag() -> None:
    request = make_mocked_request("GET", "/", headers={"If-None-Match": '"mine"'})

    assert conditional(request, web.Response(body=b"x", headers={"ETag": '"mine"'})).status == 304


def test_an_answer_without_bytes_or_a_tag_is_refused() -> None:
    with pytest.raises(GatewayError):
        conditional(make_mocked_request("GET", "/"), web.Response())


@pytest.mark.parametrize(
    ("shown", "unchanged"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_tags_are_compared_as_http_says(shown: str, unchanged: bool) -> None:
    assert is_unchanged({"If-None-Match": shown}, '"a"') is unchanged

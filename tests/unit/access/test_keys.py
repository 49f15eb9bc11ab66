"""Who a caller is."""

import pytest
from multidict import CIMultiDict

from signoff.access.errors import InvalidKeyError
from signoff.access.keys import Principal, authenticate
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor
from signoff.runtime.settings import Settings

_KEY = "the-bootstrap-key"
_SETTINGS = Settings(bootstrap_api_key=_KEY)


def _who(*headers: tuple[str, str], settings: Settings = _SETTINGS) -> Principal | None:
    return authenticate(CIMultiDict(headers), settings)


@pytest.mark.parametrize(
    "header",
    [
        ("X-API-Key", _KEY),
        ("x-api-key", f" {_KEY} "),
        ("Authorization", f"Bearer {_KEY}"),
        ("authorization", f"bearer  {_KEY}"),
    ],
)
def test_the_bootstrap_key_administers_the_default_workspace(header: tuple[str, str]) -> None:
    assert _who(header) == Principal(Actor(type="apiKey", id="bootstrap"), DEFAULT_WORKSPACE, "admin")


@pytest.mark.parametrize(
    "headers", [[], [("X-API-Key", " ")], [("Authorization", "Bearer ")], [("Authorization", "Basic abc")]]
)
def test_a_request_without_a_key_is_nobodys(headers: list[tuple[str, str]]) -> None:
    assert _who(*headers) is None


@pytest.mark.parametrize("key", ["wrong", _KEY + "x", "ключ", "\udcff"])
def test_an_unknown_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidKeyError, match="Invalid API key"):
        _who(("X-API-Key", key))


def test_a_bearer_token_comes_before_the_key_header() -> None:
    with pytest.raises(InvalidKeyError):
        _who(("X-API-Key", _KEY), ("Authorization", "Bearer wrong"))


def test_without_a_configured_key_every_key_is_refused() -> None:
    with pytest.raises(InvalidKeyError):
        _who(("X-API-Key", _KEY), settings=Settings())


def test_a_permission_covers_the_lower_ones() -> None:
    writer = Principal(Actor(type="user", id="u"), DEFAULT_WORKSPACE, "write")

    assert [writer.may("read"), writer.may("write"), writer.may("admin")] == [True, True, False]

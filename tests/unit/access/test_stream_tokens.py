"""Stream tokens: what they hold, and for how long."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.access.errors import InvalidKeyError
from signoff.access.keys.tokens import LIFETIME, StreamTokens
from signoff.access.secrets.sealing import Sealer
from signoff.events.types import Actor

ADA = Actor(type="user", id="ada")
NOW = 1_750_000_000.0
SEALER = Sealer([b"s" * 32])
TOKENS = StreamTokens(SEALER, clock=lambda: NOW)


def test_a_token_holds_one_execution_and_whose_it_is() -> None:
    workspace_id, log_id = uuid4(), uuid4()

    token, expires_at = TOKENS.for_execution(ADA, workspace_id=workspace_id, log_id=log_id)
    grant = TOKENS.read(token)

    assert (grant.actor_type, grant.actor_id) == ("user", "ada")
    assert (grant.workspace_id, grant.log_id, grant.feed) == (workspace_id, log_id, {})
    assert grant.expires_at == expires_at == NOW + LIFETIME


def test_a_token_holds_the_filters_of_one_feed() -> None:
    token, _ = TOKENS.for_feed(Actor(type="apiKey", id="k1"), {"types": ["pause:*"], "status": []})
    grant = TOKENS.read(token)

    assert (grant.actor_type, grant.log_id, grant.feed) == ("apiKey", None, {"types": ["pause:*"]})


def test_a_token_of_the_most_filters_fits_a_request_line() -> None:
    names = {"workflowId": [f"{number:0128}" for number in range(32)], "types": ["workflow:undeployed"] * 32}

    token, _ = TOKENS.for_feed(ADA, names)

    assert TOKENS.read(token).feed == names
    assert len(token) < 8000


def test_a_token_is_good_for_its_time_and_no_longer() -> None:
    token, expires_at = TOKENS.for_feed(ADA, {})

    assert StreamTokens(SEALER, clock=lambda: expires_at - 0.001).read(token).actor_id == "ada"
    with pytest.raises(InvalidKeyError, match="ask for a new one"):
        StreamTokens(SEALER, clock=lambda: expires_at).read(token)


def test_a_token_of_another_server_is_none_and_one_of_an_earlier_secret_key_is_good() -> None:
    token, _ = TOKENS.for_feed(ADA, {})

    assert StreamTokens(Sealer([b"n" * 32, b"s" * 32]), clock=lambda: NOW).read(token).actor_id == "ada"
    with pytest.raises(InvalidKeyError, match="Invalid stream token"):
        StreamTokens(Sealer([b"n" * 32]), clock=lambda: NOW).read(token)


def test_what_was_sealed_for_something_else_is_no_token() -> None:
    sealed = SEALER.seal(b'{"actorType":"user","actorId":"ada","expiresAt":9e9}', context="environment")

    with pytest.raises(InvalidKeyError):
        TOKENS.read(sealed.hex())


@given(st.text())
def test_anything_else_is_no_token_and_the_error_does_not_repeat_it(text: str) -> None:
    with pytest.raises(InvalidKeyError) as refused:
        TOKENS.read(text)

    assert str(refused.value) == "Invalid stream token"
    assert refused.value.__cause__ is None


def test_only_those_who_can_be_looked_up_again_get_tokens() -> None:
    with pytest.raises(ValueError, match="opens no streams"):
        TOKENS.for_feed(Actor(type="system", id="signoff"), {})

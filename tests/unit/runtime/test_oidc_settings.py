"""The OpenID provider, as the environment names it."""

import pytest

from signoff.runtime.errors import SettingsError
from signoff.runtime.settings import Settings

PROVIDER = {"SIGNOFF_OIDC_ISSUER": "https://login.example.org", "SIGNOFF_OIDC_CLIENT_ID": "signoff"}


def test_a_provider_needs_an_issuer_and_a_client_and_lets_no_strangers_in() -> None:
    settings = Settings.from_environment(PROVIDER)

    assert (settings.oidc_issuer, settings.oidc_client_id) == ("https://login.example.org", "signoff")
    assert (settings.oidc_client_secret, settings.oidc_sign_up) == (None, False)
    assert settings.oidc_scopes == ("email", "profile")


def test_all_of_a_provider_is_read_from_its_variables() -> None:
    settings = Settings.from_environment(
        {
            **PROVIDER,
            "SIGNOFF_OIDC_CLIENT_SECRET": "secret",
            "SIGNOFF_OIDC_SCOPES": "email groups",
            "SIGNOFF_OIDC_SIGN_UP": "true",
            "SIGNOFF_OIDC_NAME": "Company account",
        }
    )

    assert (settings.oidc_client_secret, settings.oidc_scopes) == ("secret", ("email", "groups"))
    assert (settings.oidc_sign_up, settings.oidc_name) == (True, "Company account")


@pytest.mark.parametrize(
    ("name", "value"),
    [("OIDC_ISSUER", "login.example.org"), ("OIDC_CLIENT_ID", ""), ("OIDC_SIGN_UP", "yes")],
)
def test_a_provider_that_cannot_be_used_is_refused_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"SIGNOFF_{name}"):
        Settings.from_environment({**PROVIDER, f"SIGNOFF_{name}": value})

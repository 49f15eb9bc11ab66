"""Which key goes to which server, and what people are told when it does not work."""

from pathlib import Path

import pytest

from signoff.cli.connection import explain, find_key
from signoff.cli.exits import Exit
from signoff.client import (
    ClientError,
    ConfigurationError,
    Detail,
    PermissionDeniedError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
    UnreachableError,
)

HERE = "http://127.0.0.1:8080"


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    """The environment of a command beside an embedded server's data folder."""
    (tmp_path / "api-key").write_text("sk-of-the-server\n")
    return {"SIGNOFF_DATA": str(tmp_path)}


@pytest.mark.parametrize("url", [HERE, "http://localhost:9000", "http://[::1]:8080/"])
def test_a_server_on_this_machine_is_met_with_the_key_in_its_data_folder(
    url: str, data: dict[str, str]
) -> None:
    assert find_key(url, data) == "sk-of-the-server"


@pytest.mark.parametrize("url", ["https://signoff.example.org", "http://127.0.0.1.example.org", "nonsense"])
def test_no_other_server_is_shown_that_key(url: str, data: dict[str, str]) -> None:
    assert find_key(url, data) is None


def test_a_key_that_is_set_wins(data: dict[str, str]) -> None:
    assert find_key(HERE, data | {"SIGNOFF_BOOTSTRAP_API_KEY": "sk-boot"}) == "sk-boot"
    assert (
        find_key(HERE, data | {"SIGNOFF_BOOTSTRAP_API_KEY": "b", "SIGNOFF_API_KEY": "sk-mine"}) == "sk-mine"
    )


def test_without_any_key_there_is_none(tmp_path: Path) -> None:
    assert find_key(HERE, {"SIGNOFF_DATA": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("error", "key", "says"),
    [
        (UnreachableError(f"no server answers at {HERE}"), None, "start a server with `signoff serve`"),
        (RefusedError(401, "Unauthorized"), None, "set SIGNOFF_API_KEY, or SIGNOFF_DATA"),
        (RefusedError(401, "Invalid API key"), "sk", "does not know this key"),
        (RefusedError(404, "Workflow not found"), "sk", "the server refused: Workflow not found"),
        (RefusedError(404, "Workflow not found"), "sk", "look with `signoff workflows list`"),
        (PermissionDeniedError(403, "Access denied"), "sk", "`signoff whoami` shows what this key may do"),
        (RateLimitedError(429, "Too often.", retry_after=7), "sk", "Too often: try again in 7 s"),
        (UnavailableError(503, "The database is away", retry_after=2.0), "sk", "try again in 2 s"),
        (UnavailableError(503, "?", retry_after=1, unknown=True, execution_id="e1"), "sk", "recorded as e1"),
    ],
)
def test_every_error_says_what_to_do(error: ClientError, key: str | None, says: str) -> None:
    told = explain(error, key=key)

    assert says in str(told)
    assert told.code == Exit.REFUSED


def test_what_cannot_be_sent_is_the_command_line_that_is_wrong() -> None:
    told = explain(ConfigurationError("'nonsense' is not a URL"), key="sk")

    assert (str(told), told.code) == ("'nonsense' is not a URL", Exit.USAGE)


def test_the_faults_in_a_refusal_are_told_one_by_one_with_their_places() -> None:
    faults = [Detail("approved", '"approved" is required'), Detail("", "too late", "be faster")]

    told = explain(RefusedError(422, "The input does not fit the form", details=faults), key="sk")

    assert told.details == ('approved: "approved" is required', "too late (be faster)")


def test_a_single_fault_is_told_once() -> None:
    fault = Detail("name", "must be letters, digits and _")

    assert explain(RefusedError(400, f"name {fault.message}", details=[fault]), key="sk").details == ()

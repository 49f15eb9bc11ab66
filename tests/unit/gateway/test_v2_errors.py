"""Errors as v2 spells them."""

import msgspec
import pytest

from signoff.gateway.errors import REFUSAL_STATUS, ApiError, Detail, outcome_unknown, unavailable
from signoff.gateway.http.v2_errors import CODES, error_body, is_v2


def told(error: ApiError) -> object:
    return msgspec.json.decode(msgspec.json.encode(error_body(error)))


def test_an_error_has_a_code_and_a_message() -> None:
    assert told(unavailable("Come back")) == {
        "error": {"code": "SERVICE_UNAVAILABLE", "message": "Come back"}
    }


def test_what_is_wrong_with_fields_stands_in_the_details() -> None:
    error = ApiError(400, "limit is too large", details=(Detail("limit", "is too large"),))

    assert told(error) == {
        "error": {
            "code": "BAD_REQUEST",
            "message": "limit is too large",
            "details": [{"path": "limit", "message": "is too large"}],
        }
    }


def test_what_else_there_is_to_know_stands_in_the_details_too() -> None:
    assert error_body(outcome_unknown("e1")).error.details == {"outcome": "unknown", "executionId": "e1"}


def test_an_id_that_was_used_before_has_a_code_of_its_own() -> None:
    used = ApiError(
        409, "Execution ID has already been used",
        fields={"code": "EXECUTION_ID_CONFLICT", "executionId": "mine"},
    )  # fmt: skip

    body = error_body(used).error

    assert (body.code, body.message) == ("RUN_ID_CONFLICT", "Run ID has already been used")
    assert body.details == {"code": "RUN_ID_CONFLICT", "runId": "mine"}


@pytest.mark.parametrize(("status", "code"), [(418, "BAD_REQUEST"), (507, "INTERNAL_ERROR")])
def test_a_status_without_a_code_has_that_of_its_class(status: int, code: str) -> None:
    assert error_body(ApiError(status, "so it is")).error.code == code


def test_every_refusal_of_a_command_has_a_code() -> None:
    assert set(REFUSAL_STATUS.values()) <= set(CODES)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api/v2", True), ("/api/v2/logs", True), ("/api/v20/logs", False), ("/api/workflows/v2", False)],
)
def test_the_path_tells_which_spelling_its_errors_have(path: str, expected: bool) -> None:
    assert is_v2(path) is expected

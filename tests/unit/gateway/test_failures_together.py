"""What tasks that ran side by side have failed with is told as if one had."""

import pytest
from aiohttp.test_utils import make_mocked_request

from signoff.events.errors import BusFullError, StoreUnavailableError
from signoff.gateway.errors import ApiError
from signoff.gateway.http.responses import as_refusal

AWAY = StoreUnavailableError("the database is away")


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ([AWAY, AWAY], 503),
        ([ExceptionGroup("within", [AWAY]), BusFullError("full")], 503),
        ([ApiError(404, "There is none"), AWAY], 404),
        ([AWAY, ValueError("nobody expected this")], 500),
    ],
)
def test_a_group_is_the_first_of_its_errors_unless_one_was_not_expected(
    errors: list[Exception], status: int
) -> None:
    refusal = as_refusal(make_mocked_request("GET", "/inbox"), ExceptionGroup("tasks", errors))

    assert refusal.status == status

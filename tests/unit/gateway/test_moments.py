"""Moments in a request."""

import pytest

from signoff.gateway.errors import ApiError
from signoff.gateway.http.moments import read_moment


@pytest.mark.parametrize(
    "text", ["2026-05-01T14:00:00+02:00", "2026-05-01T12:00:00Z", "2026-05-01T12:00:00", "20260501T12"]
)
def test_a_moment_is_utc_unless_it_has_an_offset(text: str) -> None:
    assert read_moment("until", text) == 1_777_636_800.0


def test_what_is_left_out_is_no_moment() -> None:
    assert read_moment("until", None) is None


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_what_is_no_moment_of_the_calendar_in_utc_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ApiError, match="until must be a time such as") as refused:
        read_moment("until", text)

    assert refused.value.status == 400

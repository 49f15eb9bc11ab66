import pytest
from aiohttp.test_utils import make_mocked_request

from signoff.gateway.errors import ApiError
from signoff.gateway.http.headers import FORM_KEY, execute_headers, idempotency_key, seen_digest, traceparent


@pytest.mark.parametrize(
    ("headers", "mode"),
    [
        ({}, "sync"),
        ({"X-Execution-Mode": "async"}, "async"),
        ({"X-Stream-Response": "true"}, "stream"),
        ({"X-Stream-Response": "true", "X-Execution-Mode": "async"}, "async"),
    ],
)
def test_the_mode_is_read_from_the_headers(headers: dict[str, str], mode: str) -> None:
    assert execute_headers(headers).mode == mode


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Execution-Mode": "later"},
        {"X-Stream-Response": "perhaps"},
        {"X-Execution-Id": "has a space"},
        {"X-Execution-Id": "x" * 129},
        {"X-Execution-Id": ""},
        {"X-Sim-Via": "a,has a space"},
        {"X-Sim-Via": "w" * 129},
        {"X-Execution-Timeout-Seconds": "0"},
        {"X-Execution-Timeout-Seconds": "604801"},
        {"X-Execution-Timeout-Seconds": "1.5"},
        {"X-Execution-Timeout-Seconds": "٣"},
    ],
)
def test_a_bad_header_is_refused_by_its_name(headers: dict[str, str]) -> None:
    with pytest.raises(ApiError) as caught:
        execute_headers(headers)

    assert caught.value.status == 400
    assert [each.path for each in caught.value.details] == list(headers)


def test_a_call_chain_of_24_workflows_is_allowed() -> None:
    assert execute_headers({"X-Sim-Via": " , ".join(["w"] * 24)}).call_chain == ["w"] * 24


def test_a_call_chain_of_25_workflows_is_refused() -> None:
    with pytest.raises(ApiError, match=r"^Maximum workflow call chain depth \(25\) exceeded\.$") as caught:
        execute_headers({"X-Sim-Via": ",".join(["w"] * 25)})

    assert caught.value.status == 409


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "\udcff", "clé"])
def test_a_bad_idempotency_key_is_refused(key: str) -> None:
    request = make_mocked_request("POST", "/")
    request[FORM_KEY] = key

    with pytest.raises(ApiError):
        idempotency_key(request)


def test_the_key_of_a_header_goes_before_that_of_a_form() -> None:
    request = make_mocked_request("POST", "/", headers={"Idempotency-Key": "one"})
    request[FORM_KEY] = "two"

    assert idempotency_key(request) == "one"


@pytest.mark.parametrize(
    ("tag", "digest"),
    [('"sha256:ab"', "sha256:ab"), ('W/"sha256:ab"', "sha256:ab"), ("sha256:ab", "sha256:ab"), ("*", None)],
)
def test_the_seen_digest_is_what_if_match_holds(tag: str, digest: str | None) -> None:
    assert seen_digest({"If-Match": tag}) == digest


def test_a_trace_context_that_is_none_is_left_out() -> None:
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    assert [traceparent({"traceparent": each}) for each in (good, "00-nonsense")] == [good, None]

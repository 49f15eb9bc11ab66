import msgspec

from signoff.gateway.executions.answers import block_answer, execute_answer
from signoff.gateway.executions.endings import Ending
from signoff.gateway.schemas import Metadata

METADATA = Metadata(duration=5, start_time="a", end_time="b")


def test_a_response_block_answers_with_its_own_data_status_and_headers() -> None:
    response = block_answer({"data": {"a": 1}, "status": 418, "headers": {"X-Kind": "teapot"}}, "e1")

    assert (response.body, response.status, response.headers["X-Kind"]) == (b'{"a":1}', 418, "teapot")
    assert response.headers["Content-Type"] == "application/json"


def test_headers_of_the_connection_or_that_break_it_are_left_out() -> None:
    given = {
        "Transfer-Encoding": "chunked",
        "Content-Length": "1",
        "Connection": "close",
        "Set-Cookie": "a=b",
        "X-Split": "a\r\nEvil: 1",
        "Bad Name": "x",
        "": "x",
        "X-Number": 5,
        "X-Unicode": "☃",
        "X-Good": "yes",
        "x-response-block": "false",
    }

    response = block_answer({"data": None, "status": 200, "headers": given}, "e1")

    ours = {"X-Execution-Id", "X-Response-Block", "X-Content-Type-Options", "Content-Type", "Content-Length"}
    assert set(response.headers) - ours == {"X-Good"}


def test_what_a_block_does_not_call_json_cannot_run_as_a_page() -> None:
    response = block_answer(
        {"data": "<script>", "status": 200, "headers": {"content-type": "text/html"}}, "e1"
    )

    assert response.headers["Content-Type"] == "text/html"
    assert response.headers["Content-Security-Policy"].startswith("sandbox")


def test_an_informational_status_becomes_200() -> None:
    assert block_answer({"data": None, "status": 101, "headers": None}, "e1").status == 200


def test_a_time_out_is_408() -> None:
    ending = Ending(
        status="failed", error="Execution timed out after 5 minutes", code="TIMEOUT", metadata=METADATA
    )

    response = execute_answer(ending, "e1")

    assert response.status == 408
    assert msgspec.json.decode(response.body) == {  # type: ignore[arg-type]
        "success": False,
        "executionId": "e1",
        "error": "Execution timed out after 5 minutes",
        "metadata": {"duration": 5, "startTime": "a", "endTime": "b"},
    }

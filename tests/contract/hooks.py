"""What schemathesis, run as a program, must know of this API. Each rule says why the document cannot."""

import json
import re
from typing import Any

import schemathesis

_UNKNOWN_HEADER = "x-schemathesis-unknown-property"

_MORE_THAN_SCHEMA = re.compile(
    r"cursor"  # what a page before gave
    r"|selectedOutputs|stopAfterBlockId|runFromBlock"  # blocks of the very workflow
    r"|url"  # an address that the guard lets through
    r"|from$"  # a moment before another one
    r"|email"  # an address that a person can have
)
"""Fields that are checked further than a schema can."""

_LEAST, _MOST = -(2**63), 2**64 - 1


@schemathesis.hook
def map_body(_: Any, body: Any) -> Any:
    """Numbers as the log holds them: JSON Schema knows neither 64 bits nor 3.0 as another thing than 3."""
    return _as_written(body)


@schemathesis.hook
def filter_failure(_: Any, failure: Any, case: Any, response: Any) -> bool:
    """What is no fault though it looks like one.

    A workflow whose block fails is answered with 500 and ``success: false``: Sim's contract. A refusal may
    rest on what no schema tells. HTTP lets every client send headers that the server does not know. And an
    empty parameter counts as left out, as Sim has it.
    """
    match failure.code:
        case "ST101":  # a server error
            return b'"success":false' not in response.content
        case "ST202":  # a valid request was rejected
            return b'"success":false' not in response.content and not _rests_on_more(response.content)
        case "ST201":  # an invalid request was accepted
            return _UNKNOWN_HEADER not in case.headers and not _has_empty(case.query)
        case _:
            return True


def _has_empty(query: Any) -> bool:
    """Whether a parameter, or an item of one, is empty."""
    return any(value == "" or (isinstance(value, list) and "" in value) for value in (query or {}).values())


def _rests_on_more(body: bytes) -> bool:
    """Whether a refusal is about what only other requests, or the very workflow, tell."""
    refusal = json.loads(body or b"{}")
    error = refusal.get("error")
    details = error.get("details", []) if isinstance(error, dict) else refusal.get("details", [])
    return bool(details) and all(_MORE_THAN_SCHEMA.match(each["path"]) for each in details)


def _as_written(value: Any) -> Any:
    match value:
        case bool():
            return value
        case float() if value.is_integer() and _LEAST <= value <= _MOST:
            return int(value)
        case int():
            return max(_LEAST, min(value, _MOST))
        case dict():
            return {name: _as_written(each) for name, each in value.items()}
        case list():
            return [_as_written(each) for each in value]
        case _:
            return value

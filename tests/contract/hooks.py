"""What schemathesis, run as a program, must know of this API. Each rule says why the document cannot."""

from typing import Any

import schemathesis

_LEAST, _MOST = -(2**63), 2**64 - 1


@schemathesis.hook
def map_query(_: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """A cursor is what a page before gave; one that is made up is refused, and no schema tells them apart."""
    return None if query is None else {name: value for name, value in query.items() if name != "cursor"}


@schemathesis.hook
def map_body(_: Any, body: Any) -> Any:
    """Numbers as the log holds them: JSON Schema knows neither 64 bits nor 3.0 as another thing than 3."""
    return _as_written(body)


@schemathesis.hook
def filter_failure(_: Any, failure: Any, __: Any, response: Any) -> bool:
    """A workflow whose block fails is answered with 500 and ``success: false``: Sim's contract, no fault."""
    return not (response.status_code == 500 and b'"success":false' in response.content)


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

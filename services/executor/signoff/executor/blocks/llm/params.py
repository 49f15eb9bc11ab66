"""Reading the parameters of agent, router and evaluator blocks: Sim writes many of them as text."""

from collections.abc import Mapping
from typing import Any

import msgspec

from signoff.engine.definitions.values import parse_json, parse_number
from signoff.executor.blocks.base import BlockFailureError


def number_of(params: Mapping[str, Any], name: str) -> int | float | None:
    """A number that may be written as text; None where it is absent or blank.

    Args:
        params: the block's parameters.
        name: of the parameter, for the error too.

    Raises:
        BlockFailureError: it is no number.
    """
    value = params.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise invalid(f"{name} must be a number, not {msgspec.json.encode(value).decode()[:80]}")
    return number


def whole_of(params: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number above 0; the default where it is absent or something else, as in Sim."""
    value = params.get(name)
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or number < 1:
        return default
    return int(number)


def list_of(value: Any, name: str) -> list[Any]:
    """A list that may be written as JSON text; empty where it is absent.

    Raises:
        BlockFailureError: it is something else.
    """
    if isinstance(value, str):
        value = parse_json(value, value) if value.strip() else None
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(f"{name} must be a list")
    return value


def invalid(message: str) -> BlockFailureError:
    """The failure of a block whose parameters are wrong: another try would not help."""
    return BlockFailureError(message, code="INVALID_VALUE", retryable=False)

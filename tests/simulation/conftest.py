"""``pytest tests/simulation --seed 1234`` replays one seed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="of the simulation: run this one and no other")

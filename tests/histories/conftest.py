"""The recorded versions, one after the other."""

from pathlib import Path

import pytest

from histories.past import Past, recorded

RECORDED = recorded()


@pytest.fixture(scope="session", params=RECORDED, ids=str)
def past(request: pytest.FixtureRequest) -> Past:
    """Each recorded version in turn."""
    found: Past = request.param
    return found


@pytest.fixture(scope="session")
def log_file(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of its embedded server, as it left it. Nobody writes to it."""
    return past.unpack(tmp_path_factory.mktemp("recorded"))

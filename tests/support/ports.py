"""A free port for a server that a test starts."""

import pytest
from local_services.ports import unused_port

__all__ = ["free_port", "unused_port"]


@pytest.fixture
def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on; `unused_port()` gives more of them."""
    return unused_port()

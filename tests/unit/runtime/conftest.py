"""What holds for the tests of this folder."""

from support.logs import logs_of_a_service

__all__ = ["logs_of_a_service"]

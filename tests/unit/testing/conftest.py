"""Logging as a service does it: the blocks of these tests run in a real executor."""

from support.logs import logs_of_a_service

__all__ = ["logs_of_a_service"]

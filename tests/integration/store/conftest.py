"""The fixtures of these tests."""

from support.stores import log_url

__all__ = ["log_url"]

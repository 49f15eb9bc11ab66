"""The stores that the suite runs on."""

from support.stores import opened, store

__all__ = ["opened", "store"]

"""Logs in memory, and the rows that are derived from them."""

"""Decisions on a terminal: lists, one of them, and which are meant."""

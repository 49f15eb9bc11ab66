"""Workflow definitions: one internal form, how it is read, checked and compiled."""

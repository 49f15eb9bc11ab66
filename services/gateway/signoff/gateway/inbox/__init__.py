"""Inboxes: the decisions that people are asked for, and what they do with them beside deciding."""

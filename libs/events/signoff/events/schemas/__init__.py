"""The published contracts, made from the types: JSON Schema of all that is written, AsyncAPI of the topics.

What they promise is in docs/topics.md; tests/unit/events/test_evolution.py keeps later versions to it.
"""

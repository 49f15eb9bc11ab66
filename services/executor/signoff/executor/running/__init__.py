"""Blocks at work: how many, what they may read, what they say."""

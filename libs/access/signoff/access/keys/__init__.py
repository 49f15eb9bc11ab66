"""API keys, stream tokens, and how often their callers may."""

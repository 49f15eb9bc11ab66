"""What is refused so that what was admitted is served as usual (docs/limits.md, Overload)."""

"""Pages: graph."""

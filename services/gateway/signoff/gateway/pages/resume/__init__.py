"""Pages: resume."""

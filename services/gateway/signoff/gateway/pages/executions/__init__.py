"""Pages: executions."""

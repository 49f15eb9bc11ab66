"""Executions that begin with the past of another, live or as a dry run."""

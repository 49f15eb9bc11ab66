"""Executions: started, followed, shown, found, changed in bulk."""

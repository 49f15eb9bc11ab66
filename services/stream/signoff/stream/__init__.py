"""Server-sent events: each execution's log, from any event on, as it grows."""

"""What leaves the log: events and messages to the bus, heads to the checkpoints."""

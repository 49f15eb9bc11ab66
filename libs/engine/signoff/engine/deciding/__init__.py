"""What follows from a command, a result, or the time."""

"""The loop around the engine: what comes in, how it is decided, what is told."""

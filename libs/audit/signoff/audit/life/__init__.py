"""The life of an execution: its state as of any event, what changed between two, its story, what would be."""

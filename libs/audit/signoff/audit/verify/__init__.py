"""Whether logs, rows, topic and checkpoints still say what they said: what does not is named."""

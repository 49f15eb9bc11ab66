"""What is kept sealed beside the log."""

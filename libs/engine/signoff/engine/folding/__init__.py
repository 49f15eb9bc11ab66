"""What each event means for the state."""

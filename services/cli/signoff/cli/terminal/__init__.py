"""What people and programs see: tables, lines, progress."""

"""What a command is given: files, people, secrets, selections."""

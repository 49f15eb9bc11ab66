"""One execution as a signed file that proves itself: made by a server, checked anywhere."""

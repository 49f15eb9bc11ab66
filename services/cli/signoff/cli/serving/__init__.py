"""Servers that the command line starts: what they bring along."""

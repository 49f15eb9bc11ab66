"""Version 2 of Sim's API: its shapes, over the same functions as version 1."""

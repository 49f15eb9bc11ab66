"""The directory: who there is and what they are where, folded from its log."""

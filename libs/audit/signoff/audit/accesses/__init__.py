"""Access logs: who read what, and who was refused what (docs/access-log.md, ADR 0038).

What a process saw is gathered (`gathering`) and sent (`recorder`); the owner of a partition decides and folds
it (`log`); auditors read it (`reading`).
"""

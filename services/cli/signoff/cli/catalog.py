"""How commands are described: what they are called, where they are, and what they say of themselves."""

from typing import TypeAlias

from msgspec import Struct


class Command(Struct, frozen=True):
    """A command.

    Attributes:
        name: as it is typed.
        place: module and function, in `signoff.cli.commands`; imported only when it is called.
        summary: what it does, in a sentence.
        examples: shown below its help.
    """

    name: str
    place: str
    summary: str
    examples: tuple[str, ...] = ()


class Family(Struct, frozen=True):
    """Commands that share the word before theirs, such as ``signoff keys``."""

    name: str
    summary: str
    commands: tuple[Command, ...]


Chapter: TypeAlias = tuple[Command | Family, ...]
"""What stands under one heading of the help."""

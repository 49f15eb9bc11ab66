"""What the engine raises, and only on purpose.

::

    EngineError
    ├── UnknownFieldError    a reference names a field that its block does not have
    └── InvalidValueError    a parameter, resolved just before its block runs, cannot be used
"""

from collections.abc import Collection


class EngineError(Exception):
    """Base of every error that the engine raises. Its text is the failing block's error text."""


class UnknownFieldError(EngineError):
    """A reference names a field that a block of this type does not have, and the block ran.

    Attributes:
        field: the path as it was written, without the block's name.
        block: the block's name as it was written.
    """

    def __init__(self, field: str, block: str, available: Collection[str]) -> None:
        super().__init__(
            f'"{field}" doesn\'t exist on block "{block}". Available fields: {", ".join(available)}'
        )
        self.field = field
        self.block = block


class InvalidValueError(EngineError):
    """A value does not fit where it stands: its text says which one and what was expected."""

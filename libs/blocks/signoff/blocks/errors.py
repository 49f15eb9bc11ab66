"""What can be wrong with a block.

::

    BlockError
    ├── BlockDefinitionError    the function cannot be a block; raised when its module is imported
    ├── BlockInputError         a workflow calls the block with values that do not fit its parameters
    └── BlockResultError        the function returned something that is not JSON
"""


class BlockError(Exception):
    """Base of everything that this package raises."""


class BlockDefinitionError(BlockError):
    """A function cannot be a block, or two blocks have one name. The message says what to change."""


class BlockInputError(BlockError):
    """A value does not fit the block's parameters.

    Attributes:
        field: the parameter, with the path inside it, such as `items[3].price`; empty if it is about all.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class BlockResultError(BlockError):
    """The function returned something that cannot be written as JSON."""

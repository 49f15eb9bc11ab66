"""What can be wrong with a block.

::

    BlockError
    ├── BlockDefinitionError    the function cannot be a block; raised when its module is imported
    ├── BlockInputError         a workflow calls the block with values that do not fit its parameters
    ├── BlockResultError        the function returned something that is not JSON
    ├── BlockExitError          the function tried to end the process
    ├── HeartbeatError          the function gave no sign of life for too long
    ├── BlockCancelledError     raised in a block that is not async, when its try was given up
    ├── SecretNotFoundError     the function asked for a secret that is not set
    └── PermanentError          raised by the function: it failed, and another try would fail as well
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


class BlockExitError(BlockError):
    """The function called `sys.exit`; a block ends by returning or raising."""


class HeartbeatError(BlockError):
    """No heartbeat came in time. The block was cancelled; it may be tried again."""


class BlockCancelledError(BlockError):
    """The try was given up. A block that is not async gets it from `ctx.heartbeat` and `ctx.emit`."""


class SecretNotFoundError(BlockError):
    """The environment has no such name."""


class PermanentError(BlockError):
    """Raise it in a block whose failure no other try can help: a card that was declined, a missing page."""
